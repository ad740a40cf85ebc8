//! Settings as `docker login` and others write them; helpers are real programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

struct Machine {
    folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

fn machine(config: &str) -> Machine {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("config.json"), config).expect("written");
    let here = folder.path().display().to_string();
    let env = [
        ("DOCKER_CONFIG", here.clone()),
        ("PATH", format!("{here}:/usr/bin:/bin")),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    Machine { folder, env }
}

impl Machine {
    /// A helper that writes down what it is asked.
    fn helper(&self, name: &str, script: &str) {
        let path = self.folder.path().join(format!("docker-credential-{name}"));
        let log = self.folder.path().join("asked");
        let script = format!(
            "#!/bin/sh\nread server\necho \"{name} $1 $server\" >> {}\n{script}\n",
            log.display()
        );
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.folder.path().join("asked")).unwrap_or_default()
    }

    async fn of(&self, host: &str) -> Result<RegistryAuth, CredentialsError> {
        for_host(&self.env, host).await
    }

    /// User, password and token.
    async fn who(&self, host: &str) -> [String; 3] {
        let auth = self.of(host).await.unwrap_or_else(|error| panic!("{host}: {error}"));
        [auth.username, auth.password, auth.identity_token]
    }
}

#[tokio::test]
async fn what_docker_login_wrote_is_found_by_host() {
    // `bWU6czpjcmV0` is `me:s:cret`, `dG86a2Vu` is `to:ken`.
    let machine = machine(
        r#"{"auths": {
            "reg.example": {"auth": "bWU6czpjcmV0"},
            "reg.example:5000": {"username": "other", "password": "pw"},
            "https://old.example/v1/": {"auth": "dG86a2Vu"},
            "token.example": {"auth": "dG86a2Vu", "identitytoken": "idt"},
            "https://index.docker.io/v1/": {"auth": "aHViOmh1Yg"}
        }}"#,
    );
    let table = [
        ("reg.example", ["me", "s:cret", ""]),
        ("reg.example:5000", ["other", "pw", ""]),
        ("old.example", ["to", "ken", ""]),
        ("token.example", ["to", "ken", "idt"]),
        ("docker.io", ["hub", "hub", ""]),
        ("index.docker.io", ["hub", "hub", ""]),
        ("elsewhere.example", ["", "", ""]),
    ];
    for (host, expected) in table {
        assert_eq!(machine.who(host).await, expected, "{host}");
    }
    let image = Reference::parse("nginx").expect("a reference");
    let auth = for_image(&machine.env, &image).await.expect("found");
    assert_eq!(
        (auth.username.as_str(), auth.server.as_str()),
        ("hub", "https://index.docker.io/v1/")
    );
}

#[tokio::test]
async fn the_helper_of_a_host_goes_before_the_store_and_both_before_what_is_written() {
    let machine = machine(
        r#"{"auths": {"own.example": {"auth": "bWU6czpjcmV0"}, "lost.example": {"auth": "bWU6czpjcmV0"}},
            "credHelpers": {"own.example": "cloud"}, "credsStore": "store"}"#,
    );
    machine.helper(
        "cloud",
        r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"idt"}'"#,
    );
    machine.helper(
        "store",
        r#"case $server in lost*) echo "credentials not found in native keychain"; exit 1;; esac
           echo '{"Username":"u","Secret":"s"}'"#,
    );
    assert_eq!(machine.who("own.example").await, ["", "", "idt"]);
    assert_eq!(machine.who("docker.io").await, ["u", "s", ""]);
    assert_eq!(machine.who("lost.example").await, ["me", "s:cret", ""]);
    assert_eq!(
        machine.asked(),
        "cloud get own.example\nstore get https://index.docker.io/v1/\nstore get lost.example\n"
    );
    let auth = machine.of("own.example").await.expect("found");
    assert_eq!(auth.who(), "an identity token of `docker-credential-cloud`");
}

#[tokio::test]
async fn a_helper_that_is_missing_or_fails_is_named() {
    let machine = machine(r#"{"credHelpers": {"a.example": "away", "b.example": "broken", "c.example": "odd"}}"#);
    machine.helper("broken", "echo 'please log in again' >&2; exit 3");
    machine.helper("odd", "echo '{\"Secret\": \"hush'");
    let error = machine.of("a.example").await.expect_err("missing");
    let text = error.to_string();
    assert!(
        text.ends_with("names the credential helper `docker-credential-away`, which is not on `PATH`"),
        "{text}"
    );
    let error = machine.of("b.example").await.expect_err("fails");
    assert_eq!(
        error.to_string(),
        "credential helper `docker-credential-broken` for b.example: please log in again"
    );
    let error = machine.of("c.example").await.expect_err("no answer");
    assert_eq!(
        error.to_string(),
        "credential helper `docker-credential-odd` for c.example: its answer is no JSON"
    );
}

#[tokio::test]
async fn only_the_helpers_of_named_hosts_are_asked_for_all_credentials() {
    let machine = machine(
        r#"{"auths": {"a.example": {"auth": "bWU6czpjcmV0"}, "b.example": {}},
            "credHelpers": {"b.example": "cloud", "c.example": "cloud"}}"#,
    );
    machine.helper("cloud", r#"echo '{"Username":"u","Secret":"s"}'"#);
    let found = all(&machine.env, &["b.example".to_owned(), "d.example".to_owned()])
        .await
        .expect("found");
    let mut servers: Vec<&str> = found.keys().map(String::as_str).collect();
    servers.sort_unstable();
    assert_eq!(servers, ["a.example", "b.example"]);
    assert_eq!(machine.asked(), "cloud get b.example\n");
}

#[tokio::test]
async fn settings_that_are_missing_or_broken_are_told_apart() {
    let machine = machine("{}");
    fs::remove_file(machine.folder.path().join("config.json")).expect("removed");
    assert_eq!(machine.who("reg.example").await, ["", "", ""]);
    fs::write(
        machine.folder.path().join("config.json"),
        r#"{"auths": {"reg.example": {"auth": "%%"}}}"#,
    )
    .expect("written");
    let error = machine.of("reg.example").await.expect_err("broken").to_string();
    assert!(
        error.ends_with("`auth` of `reg.example` is not `user:password` in base64"),
        "{error}"
    );
}

#[test]
fn no_secret_is_printed() {
    let auth = RegistryAuth {
        username: "me".to_owned(),
        password: "hush".to_owned(),
        identity_token: "hush".to_owned(),
        ..RegistryAuth::default()
    };
    let shown = format!("{auth:?}");
    assert!(shown.contains("me") && !shown.contains("hush"), "{shown}");
}
