//! `kind` is a script here, which says how it was called.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use super::*;

/// A folder with one program in it, and the environment that finds it there.
fn with_kind(script: &str) -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    write_program(&folder.path().join("kind"), script);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let env = BTreeMap::from([
        ("PATH".to_owned(), path),
        ("DOCKER_HOST".to_owned(), "unix:///x".to_owned()),
    ]);
    (folder, env)
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

async fn loaded(env: &BTreeMap<String, String>, stop: &CancellationToken) -> (Result<(), KindError>, Vec<String>) {
    let lines = Mutex::new(Vec::new());
    let images = ["a:1".to_owned(), "b:2".to_owned()];
    let on_line = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let result = load("dev", &images, env, stop, &on_line).await;
    (result, lines.into_inner().unwrap())
}

#[tokio::test]
async fn images_are_copied_by_one_call_for_the_named_cluster() {
    let (_folder, env) = with_kind("echo \"$*\"; echo \"in $DOCKER_HOST\" >&2; printf end");
    let (result, mut lines) = loaded(&env, &CancellationToken::new()).await;
    assert_eq!(result, Ok(()));
    lines.sort();
    assert_eq!(lines, ["end", "in unix:///x", "load docker-image a:1 b:2 --name dev"]);
}

#[tokio::test]
async fn what_kind_says_of_a_failure_is_in_the_log_and_its_end_in_the_error() {
    let (_folder, env) = with_kind("echo 'ERROR: no nodes found for cluster \"dev\"' >&2; exit 1");
    let (result, lines) = loaded(&env, &CancellationToken::new()).await;
    let message = result.unwrap_err().to_string();
    assert_eq!(message, "copying images into kind cluster `dev`: exit status 1");
    assert_eq!(lines, ["ERROR: no nodes found for cluster \"dev\""]);
}

#[tokio::test]
async fn without_kind_the_error_says_that_it_is_missing() {
    let empty = tempfile::tempdir().unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), empty.path().display().to_string())]);
    let (result, _) = loaded(&env, &CancellationToken::new()).await;
    let cluster = "dev".to_owned();
    assert_eq!(result, Err(KindError::Missing { cluster }));
}

#[tokio::test]
async fn copying_can_be_cancelled() {
    let (_folder, env) = with_kind("echo started; exec sleep 1000");
    let stop = CancellationToken::new();
    let on_line = |_: &str| stop.cancel();
    let result = load("dev", &["a:1".to_owned()], &env, &stop, &on_line).await;
    let cluster = "dev".to_owned();
    assert_eq!(result, Err(KindError::Cancelled { cluster }));
}
