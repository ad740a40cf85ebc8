//! What the file holds after servers came and went.

use super::*;
use std::os::unix::fs::PermissionsExt;

fn entry(name: &str) -> Entry {
    Entry {
        name: name.into(),
        server: format!("https://127.0.0.1:1/{name}"),
        authority: "-----BEGIN CERTIFICATE-----\n".into(),
        token: format!("token of {name}"),
    }
}

fn current(path: &Path) -> String {
    let config = read(path).unwrap();
    config
        .get("current-context")
        .and_then(Tree::as_text)
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_server_is_found_until_it_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("below/config");
    add(&path, &entry("tilt-default")).await.unwrap();
    add(&path, &entry("tilt-10351")).await.unwrap();
    assert_eq!(lookup(&path, "tilt-default").unwrap(), Some(entry("tilt-default")));
    assert_eq!(current(&path), "tilt-default");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    remove(&path, &entry("tilt-default")).await.unwrap();
    assert_eq!(lookup(&path, "tilt-default").unwrap(), None);
    assert_eq!(lookup(&path, "tilt-10351").unwrap(), Some(entry("tilt-10351")));
    assert_eq!(current(&path), "");
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .flatten()
        .map(|one| one.file_name())
        .collect();
    assert_eq!(names, ["config"]);
}

#[tokio::test]
async fn the_entry_of_a_server_that_died_is_replaced_and_its_successor_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("config");
    let mut newer = entry("tilt-default");
    newer.token = "newer".into();
    add(&path, &entry("tilt-default")).await.unwrap();
    add(&path, &newer).await.unwrap();
    assert_eq!(lookup(&path, "tilt-default").unwrap(), Some(newer.clone()));
    remove(&path, &entry("tilt-default")).await.unwrap();
    assert_eq!(lookup(&path, "tilt-default").unwrap(), Some(newer));
}

#[tokio::test]
async fn whatever_else_the_file_holds_stays() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("config");
    let before = "apiVersion: v1
clusters:
- cluster:
    server: https://elsewhere
    strange: true
  name: mine
contexts:
- context: {cluster: mine, user: me}
  name: mine
current-context: mine
extra: [1]
kind: Config
users: null
";
    fs::write(&path, before).unwrap();
    add(&path, &entry("tilt-default")).await.unwrap();
    assert_eq!(current(&path), "mine");
    remove(&path, &entry("tilt-default")).await.unwrap();
    let want = before.replace("users: null", "users: []");
    assert_eq!(
        yaml::parse_one(&fs::read_to_string(&path).unwrap()),
        yaml::parse_one(&want)
    );
}

#[tokio::test]
async fn a_file_that_is_no_kubeconfig_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("config");
    fs::write(&path, "[a, b]").unwrap();
    let error = add(&path, &entry("a")).await.unwrap_err();
    assert!(
        error.to_string().contains("is not a kubeconfig: it holds a array"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "[a, b]");
}

#[tokio::test]
async fn a_lock_that_was_left_behind_stops_nobody() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("config");
    let lock = fs::File::create(root.path().join("config.lock")).unwrap();
    lock.set_modified(clock::today() - Duration::from_secs(60)).unwrap();
    add(&path, &entry("a")).await.unwrap();
    assert!(!root.path().join("config.lock").exists());
}

#[tokio::test]
async fn many_at_once_lose_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("config");
    let names: Vec<String> = (0..16).map(|port| format!("tilt-{port}")).collect();
    let entries: Vec<Entry> = names.iter().map(|name| entry(name)).collect();
    let added = entries.iter().map(|entry| add(&path, entry));
    for result in futures_util::future::join_all(added).await {
        result.unwrap();
    }
    for name in &names {
        assert!(lookup(&path, name).unwrap().is_some(), "{name}");
    }
}
