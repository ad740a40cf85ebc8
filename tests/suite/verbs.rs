//! The verbs on objects, as a person and a script meet them, against a small API server.

mod changing;
mod creating;
mod getting;
mod kubectl;
mod offline;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{stderr, stdout};

fn cmd(name: &str) -> Value {
    json!({"apiVersion": "tilt.dev/v1alpha1", "kind": "Cmd", "metadata": {"name": name}, "spec": {"args": ["echo", name]}})
}

fn resource(name: &str, ready: &str) -> Value {
    json!({"apiVersion": "tilt.dev/v1alpha1", "kind": "UIResource", "metadata": {"name": name, "labels": {"tier": ready}},
        "spec": {}, "status": {"order": 1, "conditions": [{"type": "Ready", "status": ready}]}})
}

/// What a command prints; it must succeed and say nothing else.
#[track_caller]
fn prints(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), String::new()),
        "{command:?}"
    );
    stdout(&output)
}

/// What a command that fails says.
#[track_caller]
fn fails(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}", stdout(&output));
    stderr(&output)
}

fn fed(mut command: Command, input: &str) -> (String, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (stdout(&output), stderr(&output))
}
