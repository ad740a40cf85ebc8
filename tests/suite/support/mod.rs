//! What tests share: the binary in a hermetic environment, folders of their own, and differences that can be read.

pub mod agent;
pub mod alive;
pub mod api;
pub mod engine;
pub mod faulty;
pub mod own_engine;
pub mod ports;
pub mod program;
pub mod registry;
pub mod session;
pub mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn testdata(path: &str) -> PathBuf {
    root().join("testdata").join(path)
}

/// A folder with the content of another one, gone when dropped.
pub fn copy_of(folder: &Path) -> tempfile::TempDir {
    let temp = tempfile::tempdir().expect("a folder for the test");
    copy(folder, temp.path());
    temp
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry of testdata");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            std::fs::create_dir_all(&target).expect("a folder in the copy");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file in the copy");
        }
    }
}

/// The binary, to be run in `dir`: nothing of this machine's settings reaches it but the path to programs.
pub fn tilt(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilt"));
    command.current_dir(dir).env_clear();
    for name in ["PATH", "HOME", "DOCKER_HOST"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("XDG_DATA_HOME", dir.join(".xdg/data"));
    command.env("KUBECONFIG", testdata("kubeconfig/docker-desktop"));
    command
}

/// Whether a test cannot run for want of a program; says so, or fails where nothing may be left out.
#[track_caller]
pub fn is_skipped_without(program: &str, test: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&folders).any(|folder| folder.join(program).is_file()) {
        return false;
    }
    skip(test, &format!("there is no {program}"));
    true
}

/// Says that a test cannot run, or fails where nothing may be left out.
#[track_caller]
pub fn skip(test: &str, why: &str) {
    let why = format!("{test}: {why}");
    assert!(std::env::var_os("TILT_TEST_NO_SKIP").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Where two documents differ, a line each: `a.b[2]: want …, got …`.
pub fn differences(want: &serde_json::Value, got: &serde_json::Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", want, got, &mut found);
    found
}

fn compare(at: &str, want: &serde_json::Value, got: &serde_json::Value, found: &mut Vec<String>) {
    use serde_json::Value::{Array, Object};
    match (want, got) {
        (Object(want), Object(got)) => {
            for (key, value) in want {
                match got.get(key) {
                    Some(other) => compare(&format!("{at}.{key}"), value, other, found),
                    None => found.push(format!("{at}.{key}: missing, want {value}")),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| !want.contains_key(*key)) {
                found.push(format!("{at}.{key}: not wanted, got {value}"));
            }
        }
        (Array(want), Array(got)) => {
            for (index, (value, other)) in want.iter().zip(got).enumerate() {
                compare(&format!("{at}[{index}]"), value, other, found);
            }
            if want.len() != got.len() {
                found.push(format!("{at}: want {} elements, got {}", want.len(), got.len()));
            }
        }
        (want, got) if want == got => {}
        (want, got) => found.push(format!("{at}: want {want}, got {got}")),
    }
}
