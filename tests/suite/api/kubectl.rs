//! `kubectl` itself against the server: each case is a folder of `testdata/api` with a `script` of commands, the files that
//! they read, and what everything printed.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use expect_test::expect_file;
use regex::Regex;

use super::Served;
use crate::support::{copy_of, is_skipped_without, testdata};

fn shell(line: &str, folder: &Path, config: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command
        .env("HOME", folder.join(".home"))
        .env("KUBECONFIG", config)
        .env("TMPDIR", folder);
    command
}

/// What differs from run to run.
fn steady(text: &str, folder: &Path) -> String {
    let times = Regex::new(r"20(2[1-9]|[3-9]\d)-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    let uids = Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}").unwrap();
    let made_up = Regex::new(r"(made-up-)[a-z0-9]{5}").unwrap();
    let ports = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let text = times.replace_all(text, "TIME");
    let text = uids.replace_all(&text, "UID");
    let text = made_up.replace_all(&text, "${1}XXXXX");
    let text = ports.replace_all(&text, "127.0.0.1:PORT");
    text.replace(&folder.display().to_string(), "DIR")
}

fn transcript(case: &str) -> Option<String> {
    if is_skipped_without("kubectl", case) {
        return None;
    }
    let served = Served::start();
    let config = served.config();
    let folder = copy_of(&testdata(&format!("api/{case}")));
    let script = std::fs::read_to_string(folder.path().join("script")).unwrap();
    let mut told = String::new();
    for line in script.lines() {
        writeln!(told, "$ {line}").unwrap();
        let output = shell(&format!("exec 2>&1; {line}"), folder.path(), &config)
            .output()
            .unwrap();
        told.push_str(&steady(&String::from_utf8_lossy(&output.stdout), folder.path()));
        if !output.status.success() {
            writeln!(told, "exit {}", output.status.code().unwrap()).unwrap();
        }
    }
    Some(told)
}

fn check(case: &str) {
    if let Some(told) = transcript(case) {
        expect_file![testdata(&format!("api/{case}/expected"))].assert_eq(&told);
    }
}

#[test]
fn kubectl_finds_out_what_there_is() {
    check("discovery");
}

#[test]
fn kubectl_creates_reads_changes_and_deletes() {
    check("lifecycle");
}

#[test]
fn kubectl_applies_on_its_own_side_and_on_the_servers() {
    check("apply");
}

#[test]
fn kubectl_patches_in_every_way() {
    check("patch");
}

#[test]
fn kubectl_is_told_what_is_wrong() {
    check("errors");
}

#[test]
fn kubectl_selects_and_pages() {
    check("select");
}

#[test]
fn kubectl_watches_a_table_as_it_changes() {
    if is_skipped_without("kubectl", "kubectl_watches_a_table_as_it_changes") {
        return;
    }
    let served = Served::start();
    let config = served.config();
    let put = |text: &str| {
        let line = format!("kubectl apply -f - <<'END'\n{text}\nEND");
        let output = shell(&line, served.path(), &config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let map = |name: &str, text: &str| {
        format!("apiVersion: tilt.dev/v1alpha1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: {text}}}")
    };
    put(&map("first", "a"));
    let mut watch = shell(
        "exec kubectl get configmaps -w --output-watch-events",
        served.path(),
        &config,
    );
    let mut watch = watch.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = || {
        let line = lines.next().unwrap().unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((next(), next()), ("EVENT NAME".into(), "ADDED first".into()));
    put(&map("second", "a"));
    assert_eq!(next(), "ADDED second");
    put(&map("first", "b"));
    assert_eq!(next(), "MODIFIED first");
    let deleted = shell("kubectl delete configmap second", served.path(), &config)
        .output()
        .unwrap();
    assert!(deleted.status.success());
    assert_eq!(next(), "DELETED second");
    watch.kill().unwrap();
    watch.wait().unwrap();
}

#[test]
fn kubectl_waits_for_what_happens_later() {
    if is_skipped_without("kubectl", "kubectl_waits_for_what_happens_later") {
        return;
    }
    let served = Served::start();
    let config = served.config();
    let run = |line: &str| {
        assert!(
            shell(line, served.path(), &config).output().unwrap().status.success(),
            "{line}"
        )
    };
    run(
        "kubectl create configmap a --dry-run=client -o json | sed 's|\"v1\"|\"tilt.dev/v1alpha1\"|' | kubectl apply -f -",
    );
    let watches = |count: &str| {
        let metrics = served.runtime.block_on(served.client().get("/metrics")).text();
        metrics.contains(&format!("tilt_api_watches {count}\n"))
    };
    let mut waiting = shell(
        "exec kubectl wait --for=delete configmap/a --timeout=60s",
        served.path(),
        &config,
    );
    let mut waiting = waiting.stdout(Stdio::null()).spawn().unwrap();
    // The deletion has to come after the watch began, so it is awaited.
    while !watches("1") {
        assert!(waiting.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
    }
    run("kubectl delete configmap a --wait=false");
    assert!(waiting.wait().unwrap().success());
}
