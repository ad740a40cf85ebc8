//! What the verbs say without a server: kinds, explanations, help, and that there is none.

use std::fs;

use super::{fails, prints};
use crate::support::api::Api;
use crate::support::{testdata, tilt};

#[test]
fn the_kinds_are_listed_as_upstream_lists_them() {
    let dir = tempfile::tempdir().unwrap();
    let expected = fs::read_to_string(testdata("api-resources.txt")).unwrap();
    for words in [&["api-resources"][..], &["alpha", "api-resources"]] {
        let mut command = tilt(dir.path());
        command.args(words);
        assert_eq!(prints(command), expected);
    }
    let mut none = tilt(dir.path());
    none.args(["api-resources", "--namespaced=true", "--no-headers"]);
    assert_eq!(prints(none), "");
}

#[test]
fn a_server_that_does_not_run_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = tilt(dir.path());
    command
        .args(["get", "cmds", "--port", "10399"])
        .env("TILT_DEV_DIR", dir.path());
    assert_eq!(
        fails(command),
        "Error: No tilt apiserver found: tilt-10399\nStart one with `tilt up`, or say which one is meant with --port.\n"
    );
    let mut by_variable = tilt(dir.path());
    by_variable
        .args(["delete", "cmd", "a"])
        .env("TILT_DEV_DIR", dir.path())
        .env("TILT_PORT", "10350");
    assert!(fails(by_variable).starts_with("Error: No tilt apiserver found: tilt-default\n"));
    let gone = Api::start();
    let config = fs::read_to_string(gone.config()).unwrap();
    drop(gone);
    fs::write(dir.path().join("config"), config).unwrap();
    let mut refused = tilt(dir.path());
    refused.args(["get", "cmds"]).env("TILT_DEV_DIR", dir.path());
    let said = fails(refused);
    assert!(
        said.starts_with("The connection to the server 127.0.0.1:") && said.contains("was refused"),
        "{said}"
    );
}

#[test]
fn kinds_are_explained_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let explain = |words: &[&str]| {
        let mut command = tilt(dir.path());
        command.arg("explain").args(words);
        command
    };
    let page = prints(explain(&["cmd.spec.readinessProbe"]));
    assert!(page.starts_with("GROUP:      tilt.dev\nKIND:       Cmd\nVERSION:    v1alpha1\n\nFIELD: readinessProbe <Probe>\n\n\nDESCRIPTION:\n    "), "{page}");
    assert!(page.contains("\n  exec\t<ExecAction>\n"), "{page}");
    let all = prints(explain(&["fw", "--recursive"]));
    assert!(
        all.contains("\n  spec\t<FileWatchSpec>\n    disableSource\t<DisableSource>\n      configMap\t"),
        "{all}"
    );
    assert!(all.contains("\n    watchedPaths\t<[]string> -required-\n"), "{all}");
    assert_eq!(
        fails(explain(&["cmd.spec.argz"])),
        "error: field \"argz\" does not exist (did you mean args?)\n"
    );
    assert_eq!(
        fails(explain(&["pods"])),
        "error: the server doesn't have a resource type \"pods\"\n"
    );
}

#[test]
fn help_teaches_with_examples() {
    let dir = tempfile::tempdir().unwrap();
    for verb in [
        "get", "describe", "apply", "create", "delete", "edit", "patch", "wait", "explain",
    ] {
        let mut command = tilt(dir.path());
        command.args([verb, "-h"]);
        assert!(
            prints(command).contains(&format!("Examples:\n  tilt {verb} ")) || verb == "apply",
            "{verb}"
        );
    }
}
