//! Against a registry that does what a test tells it. The real one is asked in the suite.

use std::time::Duration;

use bytes::Bytes;

use super::site::{Ask, Site};
use super::*;
use fake::{Door, Fake, Fault};

mod fake;
mod texts;

/// As usual, in a hurry.
const PATIENCE: Patience = Patience {
    tries: 4,
    first: Duration::from_millis(1),
    longest: Duration::from_secs(5),
};

struct Client {
    registries: Registries,
    _folder: tempfile::TempDir,
}

fn client() -> Client {
    let folder = tempfile::tempdir().expect("a folder");
    Client {
        registries: Registries::patient(&[], folder.path(), PATIENCE),
        _folder: folder,
    }
}

fn name(fake: &Fake, rest: &str) -> Reference {
    Reference::parse(&format!("{}/{rest}", fake.host)).expect("a name")
}

fn layer(content: &str) -> Layer {
    let bytes = Bytes::from(content.to_owned());
    Layer {
        descriptor: Descriptor {
            digest: manifest::digest_of(&bytes),
            size: bytes.len() as u64,
            media_type: "application/vnd.oci.image.layer.v1.tar".to_owned(),
        },
        content: Some(Content::Bytes(bytes)),
    }
}

fn image() -> Packed {
    Packed::new(
        Bytes::from_static(b"{\"config\":1}"),
        vec![layer("one"), layer("two"), layer("one")],
    )
}

impl Client {
    async fn push(&self, fake: &Fake, rest: &str) -> Result<Pushed, RegistryError> {
        self.push_as(fake, rest, &RegistryAuth::default()).await
    }

    async fn push_as(&self, fake: &Fake, rest: &str, auth: &RegistryAuth) -> Result<Pushed, RegistryError> {
        let name = name(fake, rest);
        self.registries.push(&image(), &Destination::new(&name, auth)).await
    }
}

fn user(name: &str, password: &str) -> RegistryAuth {
    RegistryAuth {
        username: name.to_owned(),
        password: password.to_owned(),
        ..RegistryAuth::default()
    }
}

fn status(code: u16) -> Fault {
    Fault::Status(code, &[], "")
}

#[tokio::test]
async fn a_push_sends_each_blob_once_and_the_manifest_last() {
    let (fake, client) = (Fake::start(Door::Open).await, client());
    let pushed = client.push(&fake, "a:v1").await.expect("pushed");
    assert_eq!(pushed.sent.len(), 3);
    assert_eq!(pushed.config, manifest::digest_of(b"{\"config\":1}"));
    let asked = fake.asked();
    assert_eq!(asked.last().map(String::as_str), Some("PUT /v2/a/manifests/v1"));
    assert_eq!(
        asked.iter().filter(|line| line.starts_with("PUT /v2/a/blobs")).count(),
        3
    );
    for (tag, expected) in [("a:v1", Some(pushed.digest)), ("a:v2", None)] {
        let (name, auth) = (name(&fake, tag), RegistryAuth::default());
        let digest = client.registries.digest(&name, &auth).await;
        assert_eq!(digest.expect("asked"), expected);
    }
}

#[tokio::test]
async fn blobs_that_are_there_are_not_sent_again() {
    let (fake, one) = (Fake::start(Door::Open).await, client());
    one.push(&fake, "a:v1").await.expect("pushed");
    fake.asked();
    let pushed = one.push(&fake, "a:v2").await.expect("pushed");
    assert_eq!(
        (pushed.sent.len(), fake.asked()),
        (0, vec!["PUT /v2/a/manifests/v2".to_owned()])
    );
    // Somebody who has not seen them looks.
    let pushed = client().push(&fake, "a:v3").await.expect("pushed");
    assert_eq!((pushed.sent.len(), fake.count("HEAD"), fake.count("POST")), (0, 3, 0));
}

#[tokio::test]
async fn blobs_of_another_repository_are_taken_over() {
    let (fake, client) = (Fake::start(Door::Open).await, client());
    client.push(&fake, "a:v1").await.expect("pushed");
    fake.asked();
    let pushed = client.push(&fake, "b:v1").await.expect("pushed");
    assert_eq!((pushed.sent.len(), fake.count("POST"), fake.count("PUT")), (0, 3, 1));
    // A registry that will not begins an upload instead, which is taken back.
    fake.state.lock().expect("whole").mounts = false;
    fake.asked();
    let pushed = client.push(&fake, "c:v1").await.expect("pushed");
    assert_eq!(
        (pushed.sent.len(), fake.count("DELETE"), fake.count("PUT /v2/c/blobs")),
        (3, 3, 3)
    );
}

#[tokio::test]
async fn a_registry_that_lost_its_blobs_gets_them_again() {
    let (fake, client) = (Fake::start(Door::Open).await, client());
    client.push(&fake, "a:v1").await.expect("pushed");
    fake.state.lock().expect("whole").blobs.clear();
    let pushed = client.push(&fake, "a:v2").await.expect("pushed");
    assert_eq!(pushed.sent.len(), 3);
}

#[tokio::test]
async fn who_may_not_is_told_who_they_were() {
    let denied = |door: Door, auth: RegistryAuth| async move {
        let fake = Fake::start(door).await;
        let error = client().push_as(&fake, "a:v1", &auth).await.expect_err("denied");
        let text = error.to_string().replace(&fake.host, "HOST");
        let hint = error.hint().unwrap_or_default().replace(&fake.host, "HOST");
        assert_eq!(hint, "run `docker login HOST`");
        text
    };
    let helped = RegistryAuth {
        helper: "docker-credential-x".to_owned(),
        ..user("me", "wrong")
    };
    let table = [
        (
            Door::Basic("me:pw"),
            RegistryAuth::default(),
            "no credentials",
            "unauthorized",
        ),
        (Door::Basic("me:pw"), user("me", "wrong"), "user `me`", "unauthorized"),
        (
            Door::Bearer("me:pw"),
            helped,
            "user `me` of `docker-credential-x`",
            "wrong password",
        ),
        (
            Door::Bearer("me:pw"),
            RegistryAuth::default(),
            "no credentials",
            "wrong password",
        ),
    ];
    for (door, auth, who, message) in table {
        let expected = format!("registry HOST denies access to `a` ({who}): {message}");
        assert_eq!(denied(door, auth).await, expected);
    }
}

#[tokio::test]
async fn password_or_token_open_the_door() {
    let identity = RegistryAuth {
        identity_token: "identity".to_owned(),
        ..RegistryAuth::default()
    };
    let table = [
        (Door::Basic("me:pw"), user("me", "pw"), 0),
        (Door::Bearer("me:pw"), user("me", "pw"), 1),
        (Door::Bearer("me:pw"), identity, 1),
    ];
    for (door, auth, tokens) in table {
        let fake = Fake::start(door).await;
        let pushed = client().push_as(&fake, "a:v1", &auth).await.expect("pushed");
        assert_eq!(pushed.sent.len(), 3);
        let state = fake.state.lock().expect("whole");
        // Uploads begin side by side, and may each ask before the first one has its token.
        assert!(
            state.forms.len() >= tokens && state.forms.len() <= tokens * 3,
            "{:?}",
            state.forms
        );
        let scope = "scope=repository%3Aa%3Apull%2Cpush";
        assert!(state.forms.iter().all(|form| form.contains(scope)), "{:?}", state.forms);
    }
}

#[tokio::test]
async fn a_registry_with_too_much_to_do_is_asked_again_when_it_says() {
    let fake = Fake::start(Door::Open).await;
    let busy = Fault::Status(429, &[("retry-after", "0")], "");
    fake.fail("HEAD", [busy.clone(), busy.clone()]);
    fake.fail("PUT /v2/a/blobs", [busy.clone()]);
    fake.fail("PUT /v2/a/manifests", [busy]);
    client().push(&fake, "a:v1").await.expect("pushed");

    let message = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"you have reached your limit"}]}"#;
    fake.fail("POST", [Fault::Status(429, &[("retry-after", "3600")], message)]);
    let error = client().push(&fake, "b:v1").await.expect_err("too long to wait");
    let expected = format!(
        "registry {} takes no more requests for now (try again in 3600 s): you have reached your limit",
        fake.host
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_registry_that_is_not_well_gets_some_more_chances() {
    let fake = Fake::start(Door::Open).await;
    fake.fail("HEAD", [status(500), status(502)]);
    fake.fail("PUT /v2/a/blobs", [status(503)]);
    client().push(&fake, "a:v1").await.expect("pushed");

    fake.fail("PUT /v2/b/manifests", std::iter::repeat_n(status(500), 4));
    let error = client().push(&fake, "b:v1").await.expect_err("never well");
    let expected = format!("registry {} is not well (status 500): internal server error", fake.host);
    assert_eq!(error.to_string(), expected);
    assert_eq!(fake.count("PUT /v2/b/manifests"), 4);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_is_begun_again() {
    let big = "x".repeat(3 << 20);
    let image = Packed::new(Bytes::from_static(b"{}"), vec![layer(&big)]);
    let (fake, auth) = (Fake::start(Door::Open).await, RegistryAuth::default());
    let destination = name(&fake, "a:v1");
    fake.fail("PUT /v2/a/blobs", [Fault::CutAfter(1 << 20), Fault::CutAfter(1)]);
    let client = client();
    let pushed = client
        .registries
        .push(&image, &Destination::new(&destination, &auth))
        .await;
    assert_eq!(pushed.expect("pushed").sent.len(), 2);
    let digest = layer(&big).descriptor.digest;
    let kept = fake.state.lock().expect("whole").blobs[&("a".to_owned(), digest)].len();
    assert_eq!(kept, 3 << 20);

    let destination = name(&fake, "b:v1");
    fake.fail("PUT /v2/b/blobs", std::iter::repeat_n(Fault::CutAfter(1), 8));
    let client = self::client();
    let pushed = client
        .registries
        .push(&image, &Destination::new(&destination, &auth))
        .await;
    let error = pushed.expect_err("always cut");
    assert!(matches!(error, RegistryError::CutOff { .. }), "{error}");
    assert!(
        fake.state
            .lock()
            .expect("whole")
            .manifests
            .keys()
            .all(|(repository, _)| repository == "a")
    );
}

#[tokio::test]
async fn a_blob_that_arrives_damaged_is_named() {
    let fake = Fake::start(Door::Open).await;
    let mut image = image();
    image.layers[0].content = Some(Content::Bytes(Bytes::from_static(b"two")));
    image.layers.truncate(1);
    let (destination, auth) = (name(&fake, "a:v1"), RegistryAuth::default());
    let pushed = client()
        .registries
        .push(&image, &Destination::new(&destination, &auth))
        .await;
    let error = pushed.expect_err("damaged").to_string();
    let digest = &image.layers[0].descriptor.digest;
    assert_eq!(
        error,
        format!(
            "registry {}: {digest} arrived damaged: provided digest did not match uploaded content",
            fake.host
        )
    );
}

#[tokio::test]
async fn progress_ends_with_all_that_there_is() {
    let fake = Fake::start(Door::Open).await;
    let seen = Mutex::new(Vec::new());
    let (destination, auth) = (name(&fake, "a:v1"), RegistryAuth::default());
    let on_news = |news: News<'_>| {
        let mut seen = seen.lock().expect("whole");
        match news {
            News::Sent { size, .. } => seen.push(format!("sent {size}")),
            News::Sending { sent, size, .. } => assert!(sent <= size, "{sent} of {size}"),
            other => seen.push(format!("{other:?}")),
        }
    };
    let to = Destination {
        on_news: &on_news,
        ..Destination::new(&destination, &auth)
    };
    client().registries.push(&image(), &to).await.expect("pushed");
    let mut seen = seen.into_inner().expect("whole");
    seen.sort();
    assert_eq!(seen, ["sent 12", "sent 3", "sent 3"]);
}

#[tokio::test]
async fn nobody_at_home_and_the_wrong_language_are_told_apart() {
    let fake = Fake::start(Door::Open).await;
    let (host, auth) = (fake.host.clone(), RegistryAuth::default());
    let ask = |site: Site, auth: RegistryAuth| async move {
        let access = Access {
            site: &site,
            repository: "a",
            auth: &auth,
            actions: "pull",
            sources: Vec::new(),
        };
        let asked = access.send(&Ask::new(hyper::Method::GET, "/v2/a/manifests/v1")).await;
        asked.map(|answer| answer.status.as_u16())
    };
    let strict = Site::new(&host, false, PATIENCE).expect("a site");
    let error = ask(strict, auth.clone()).await.expect_err("plain");
    assert!(matches!(error, RegistryError::Plain { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("insecure-registries")));
    let lax = Site::new(&host, true, PATIENCE).expect("a site");
    assert_eq!(ask(lax, auth.clone()).await.expect("plain is fine"), 404);

    let host = "127.0.0.1:1";
    let error = ask(Site::new(host, true, PATIENCE).expect("a site"), auth)
        .await
        .expect_err("gone");
    assert_eq!(
        error.to_string(),
        format!("cannot reach registry {host}: tcp connect error: connection refused")
    );
}

#[tokio::test]
async fn only_an_image_that_says_what_it_was_made_from_is_shared() {
    let (fake, client) = (Fake::start(Door::Open).await, client());
    let (repository, auth) = (name(&fake, "team:ignored"), RegistryAuth::default());
    let look = |key: &'static str| client.registries.look(&repository, key, &auth);
    assert_eq!(look("k1").await.expect("asked"), Look::Absent);

    let tagged = name(&fake, "team:in-k1");
    let annotations = BTreeMap::from([("dev.tilt.input-key".to_owned(), "k1".to_owned())]);
    let to = Destination {
        annotations,
        ..Destination::new(&tagged, &auth)
    };
    let pushed = client.registries.push(&image(), &to).await.expect("pushed");
    let Look::Found(shared) = look("k1").await.expect("asked") else {
        panic!("it is there");
    };
    assert_eq!((&shared.digest, &shared.config), (&pushed.digest, &pushed.config));
    assert_eq!(shared.reference.to_string(), format!("{tagged}@{}", pushed.digest));

    // The same image under another tag by hand; and one that nobody published.
    let wrong = name(&fake, "team:in-k2");
    let to = Destination { name: &wrong, ..to };
    client.registries.push(&image(), &to).await.expect("pushed");
    client.push(&fake, "team:in-k3").await.expect("pushed");
    let index = Bytes::from_static(br#"{"schemaVersion":2,"manifests":[]}"#);
    let key = ("team".to_owned(), "in-k4".to_owned());
    fake.state.lock().expect("whole").manifests.insert(key, index);
    let said = |key, what: &str| Look::Distrusted(format!("`{}/team:in-{key}` {what}", fake.host));
    assert_eq!(look("k4").await.expect("asked"), said("k4", "is not one image"));
    assert_eq!(
        look("k2").await.expect("asked"),
        said("k2", "was made from other inputs (k1)")
    );
    assert_eq!(
        look("k3").await.expect("asked"),
        said("k3", "does not say what it was made from")
    );
}

#[test]
fn this_machine_and_the_named_ones_may_speak_plain_http() {
    let listed = ["reg.test:5000", "lan.test", "10.1.0.0/16", "fd00::/8"].map(str::to_owned);
    let table = [
        ("localhost:5000", true),
        ("localhost", true),
        ("127.0.0.9:5000", true),
        ("[::1]:5000", true),
        ("reg.test:5000", true),
        ("reg.test", false),
        ("lan.test:1", true),
        ("10.1.2.3:5000", true),
        ("10.2.2.3:5000", false),
        ("[fd00::5]:5000", true),
        ("docker.io", false),
    ];
    for (host, expected) in table {
        assert_eq!(is_insecure(host, &listed), expected, "{host}");
    }
}
