//! Images from a real engine into a real registry: by the engine, by ourselves, and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tilt::model::image::Reference;
use tilt::world::docker::{Engine, RegistryAuth};
use tilt::world::registry::{Destination, Look, News, Pushed, Registries, RegistryError};

use crate::support::registry::{Door, Registry, get};

const MANIFESTS: &str =
    "Accept: application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";

/// The engine of this machine; without one the test says that it is skipped, or fails where nothing may be.
async fn engine(test: &str) -> Option<Engine> {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    match Engine::connect(&env).await {
        Ok(engine) => Some(engine),
        Err(error) => {
            let why = format!("{test}: {error}");
            assert!(std::env::var_os("TILT_TEST_NO_SKIP").is_none(), "{why}");
            eprintln!("SKIPPED: {why}");
            None
        }
    }
}

/// An image of two layers that only this test has, removed with all its names in the end.
struct Sample {
    name: String,
    id: String,
}

impl Sample {
    fn build(topic: &str) -> Sample {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tilt-test-registry-{topic}-{}-{nth:04}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, content: &str| std::fs::write(folder.path().join(file), content).unwrap();
        write("one", &format!("{name} one\n").repeat(20_000));
        write("two", &format!("{name} two\n"));
        write(
            "Dockerfile",
            "FROM scratch\nCOPY one /one\nCOPY two /two\nCMD [\"/two\"]\n",
        );
        let here = folder.path().display().to_string();
        let id = docker(&["build", "-q", "-t", &name, &here]);
        Sample { name, id }
    }

    fn forget(&self) {
        let listed = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        let names: Vec<&str> = listed.lines().filter(|line| line.contains(&self.name)).collect();
        for name in names {
            docker(&["rmi", name]);
        }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "-f", &self.id]).output();
    }
}

#[track_caller]
fn docker(words: &[&str]) -> String {
    let output = Command::new("docker")
        .args(words)
        .env("DOCKER_BUILDKIT", "1")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {words:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn me() -> RegistryAuth {
    RegistryAuth {
        username: "me".to_owned(),
        password: "test-pw".to_owned(),
        ..RegistryAuth::default()
    }
}

/// Pushes by ourselves; also whether the engine was asked for the image.
async fn push(
    registries: &Registries,
    engine: &Engine,
    image: &str,
    name: &Reference,
) -> (Result<Pushed, RegistryError>, bool) {
    let auth = RegistryAuth::default();
    let was_read = Mutex::new(false);
    let on_news = |news: News<'_>| {
        if news == News::Reading {
            *was_read.lock().unwrap() = true;
        }
    };
    let to = Destination {
        on_news: &on_news,
        ..Destination::new(name, &auth)
    };
    let pushed = registries.push_from_engine(engine, image, &to).await;
    (pushed, was_read.into_inner().unwrap())
}

fn registries(folder: &Path) -> Registries {
    Registries::new(&[], folder)
}

fn reference(text: String) -> Reference {
    Reference::parse(&text).unwrap()
}

fn config_in(registry: &Registry, path: &str, tag: &str) -> String {
    let (status, body) = get(&registry.host, &format!("/v2/{path}/manifests/{tag}"), &[MANIFESTS]);
    assert_eq!(status, 200, "{body}");
    let manifest: serde_json::Value = serde_json::from_str(&body).unwrap();
    manifest["config"]["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_engine_and_we_push_the_same_image() {
    let test = "the_engine_and_we_push_the_same_image";
    let Some(engine) = engine(test).await else { return };
    let Some(registry) = Registry::start(Door::Open, test) else {
        return;
    };
    let (sample, folder) = (Sample::build("same"), tempfile::tempdir().unwrap());
    let by_engine = reference(format!("{}/{}-e:v1", registry.host, sample.name));
    let by_us = reference(format!("{}/{}-u:v1", registry.host, sample.name));
    engine.tag(&sample.name, &by_engine).await.unwrap();
    let auth = RegistryAuth::default();
    let digest = engine.push(&by_engine, &auth, &mut |_| {}).await.unwrap();

    let registries = registries(folder.path());
    let (pushed, was_read) = push(&registries, &engine, &sample.name, &by_us).await;
    let pushed = pushed.unwrap();
    assert!(was_read);
    assert_eq!(pushed.config, sample.id);
    assert_eq!(pushed.sent.len(), 3, "{:?}", pushed.sent);
    assert_eq!(config_in(&registry, by_engine.path(), "v1"), sample.id);
    assert_eq!(config_in(&registry, by_us.path(), "v1"), sample.id);
    // What each of them says that it pushed is what is there.
    assert_eq!(registries.digest(&by_engine, &auth).await.unwrap(), digest);
    assert_eq!(registries.digest(&by_us, &auth).await.unwrap(), Some(pushed.digest));
}

#[tokio::test]
async fn a_second_push_neither_reads_the_image_nor_sends_a_blob() {
    let test = "a_second_push_neither_reads_the_image_nor_sends_a_blob";
    let Some(engine) = engine(test).await else { return };
    let Some(mut registry) = Registry::start(Door::Open, test) else {
        return;
    };
    let (sample, folder) = (Sample::build("second"), tempfile::tempdir().unwrap());
    let name = |tag: &str| reference(format!("{}/{}:{tag}", registry.host, sample.name));
    let names = [name("v1"), name("v2"), name("v3")];
    let uploads = |asked: &[String]| asked.iter().filter(|line| line.contains("/blobs/uploads/")).count();
    push(&registries(folder.path()), &engine, &sample.name, &names[0])
        .await
        .0
        .unwrap();
    let asked = registry.asked();
    // Three blobs, each begun and finished.
    assert_eq!(uploads(&asked), 6, "{asked:#?}");

    // Another process with the same folder.
    let (pushed, was_read) = push(&registries(folder.path()), &engine, &sample.name, &names[1]).await;
    let asked = registry.asked();
    assert_eq!(
        (pushed.unwrap().sent.len(), was_read, uploads(&asked)),
        (0, false, 0),
        "{asked:#?}"
    );
    let (status, _) = get(
        &registry.host,
        &format!("/v2/{}/manifests/v2", sample.name),
        &[MANIFESTS],
    );
    assert_eq!(status, 200);

    // The registry lost its disk, and the one who pushes does not know yet.
    let registries = registries(folder.path());
    push(&registries, &engine, &sample.name, &names[1]).await.0.unwrap();
    registry.wipe();
    let (pushed, was_read) = push(&registries, &engine, &sample.name, &names[2]).await;
    assert_eq!((pushed.unwrap().sent.len(), was_read), (3, true));
}

#[tokio::test]
async fn an_image_that_was_shared_is_found_by_its_inputs_and_pulled() {
    let test = "an_image_that_was_shared_is_found_by_its_inputs_and_pulled";
    let Some(engine) = engine(test).await else { return };
    let Some(mut registry) = Registry::start(Door::Password, test) else {
        return;
    };
    let (sample, folder, auth) = (Sample::build("shared"), tempfile::tempdir().unwrap(), me());
    let team = reference(format!("{}/team/{}", registry.host, sample.name));
    let registries = registries(folder.path());
    let key = "0123456789abcdef".repeat(4);
    assert_eq!(registries.look(&team, &key, &auth).await.unwrap(), Look::Absent);
    let to = Destination::new(&team, &auth);
    let shared = registries.publish(&engine, &sample.name, &key, &to).await.unwrap();
    assert_eq!(shared.config, sample.id);
    registry.asked();
    let again = registries.publish(&engine, &sample.name, &key, &to).await.unwrap();
    let asked = registry.asked();
    assert!(
        again == shared && asked.iter().all(|line| line.starts_with("GET ")),
        "{asked:#?}"
    );
    let found = registries.look(&team, &key, &auth).await.unwrap();
    assert_eq!(found, Look::Found(shared.clone()));

    sample.forget();
    assert_eq!(engine.image(&sample.id).await.unwrap(), None);
    engine.pull(&shared.reference, "", &auth).await.unwrap();
    let by_digest = format!("{}@{}", team.name(), shared.digest);
    let pulled = engine.image(&by_digest).await.unwrap().unwrap();
    assert_eq!(pulled.id, sample.id);
}

#[tokio::test]
async fn whoever_is_not_let_in_hears_the_same_from_the_engine_and_from_us() {
    let test = "whoever_is_not_let_in_hears_the_same_from_the_engine_and_from_us";
    let Some(engine) = engine(test).await else { return };
    let Some(registry) = Registry::start(Door::Password, test) else {
        return;
    };
    let (sample, folder) = (Sample::build("denied"), tempfile::tempdir().unwrap());
    let name = reference(format!("{}/{}:v1", registry.host, sample.name));
    let expected = format!("registry {} denies access to `", registry.host);
    let nobody = RegistryAuth::default();
    let (refused, _) = push(&registries(folder.path()), &engine, &sample.name, &name).await;
    let ours = refused.unwrap_err();
    assert!(ours.to_string().starts_with(&expected), "{ours}");
    assert_eq!(ours.hint(), Some(format!("run `docker login {}`", registry.host)));

    engine.tag(&sample.name, &name).await.unwrap();
    let refused = engine.push(&name, &nobody, &mut |_| {}).await.unwrap_err();
    let theirs = RegistryError::of_docker(refused, &name, &nobody);
    assert!(theirs.to_string().starts_with(&expected), "{theirs}");
    engine.push(&name, &me(), &mut |_| {}).await.unwrap();

    // Nobody listens any more.
    drop(registry);
    let refused = engine.push(&name, &nobody, &mut |_| {}).await.unwrap_err();
    let theirs = RegistryError::of_docker(refused, &name, &nobody);
    assert!(matches!(theirs, RegistryError::Unreachable { .. }), "{theirs:?}");
}

#[tokio::test]
async fn a_registry_of_this_machine_may_speak_tls_with_any_certificate() {
    let test = "a_registry_of_this_machine_may_speak_tls_with_any_certificate";
    let Some(engine) = engine(test).await else { return };
    let Some(registry) = Registry::start(Door::Tls, test) else {
        return;
    };
    let (sample, folder) = (Sample::build("tls"), tempfile::tempdir().unwrap());
    let name = reference(format!("{}/{}:v1", registry.host, sample.name));
    let registries = registries(folder.path());
    let (pushed, _) = push(&registries, &engine, &sample.name, &name).await;
    let digest = registries.digest(&name, &RegistryAuth::default()).await.unwrap();
    assert_eq!(digest, Some(pushed.unwrap().digest));
}
