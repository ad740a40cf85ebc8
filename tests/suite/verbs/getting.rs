//! Objects that are shown: as tables, in formats, described, watched and waited for.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::{cmd, fails, prints, resource};
use crate::support::api::Api;
use crate::support::{stderr, stdout};

#[test]
fn a_table_takes_one_request() {
    let api = Api::start();
    api.put("uiresources", resource("(Tiltfile)", "True"));
    api.put("uiresources", resource("web", "False"));
    let table = "NAME         CREATED AT\n(Tiltfile)   2026-11-21T07:10:56Z\nweb          2026-11-21T07:10:56Z\n";
    for words in [
        &["get", "uiresources"][..],
        &["alpha", "get", "UIResource", "--show-labels=false"],
    ] {
        assert_eq!(prints(api.tilt(words)), table);
        assert_eq!(api.requests(), ["GET /apis/tilt.dev/v1alpha1/uiresources (table)"]);
    }
    assert_eq!(
        prints(api.tilt(&["get", "uiresource", "-l", "tier=True", "-L", "tier", "--no-headers"])),
        "(Tiltfile)   2026-11-21T07:10:56Z   True\n"
    );
    let several = prints(api.tilt(&["get", "uiresource/web", "uiresource/(Tiltfile)", "--show-kind"]));
    assert_eq!(
        several
            .lines()
            .map(|line| line.split(' ').next().unwrap())
            .collect::<Vec<_>>(),
        ["NAME", "uiresource.tilt.dev/web", "uiresource.tilt.dev/(Tiltfile)"]
    );
    let sorted = prints(api.tilt(&["get", "uiresource", "--sort-by=.metadata.labels.tier", "--no-headers"]));
    assert!(sorted.starts_with("web "), "{sorted}");
    api.put("cmds", cmd("a"));
    let kinds = prints(api.tilt(&["get", "cmds,uiresources,filewatches"]));
    assert!(
        kinds.starts_with("NAME             CREATED AT\ncmd.tilt.dev/a   "),
        "{kinds}"
    );
    assert!(kinds.contains("Z\n\nNAME "), "{kinds}");
}

#[test]
fn formats_show_objects_and_several_are_a_list() {
    let api = Api::start();
    api.put("cmds", cmd("a:b"));
    let json: Value = serde_json::from_str(&prints(api.tilt(&["get", "cmd", "-o", "json"]))).unwrap();
    assert_eq!(
        (&json["kind"], &json["items"][0]["kind"]),
        (&json!("List"), &json!("Cmd"))
    );
    assert_eq!(json["items"][0]["metadata"].get("managedFields"), None);
    let yaml = prints(api.tilt(&["get", "cmd", "a:b", "-oyaml", "--show-managed-fields"]));
    assert!(
        yaml.contains("\n  managedFields:\n") && yaml.starts_with("apiVersion: tilt.dev/v1alpha1\nkind: Cmd\n"),
        "{yaml}"
    );
    assert_eq!(
        prints(api.tilt(&["get", "cmd", "-o", "jsonpath={.spec.args[1]}", "--", "a:b"])),
        "a:b"
    );
    assert_eq!(prints(api.tilt(&["get", "cmd/a:b", "-o=name"])), "cmd.tilt.dev/a:b\n");
    fs::write(api.path("t"), "{{range .items}}{{.kind}}{{end}}").unwrap();
    assert_eq!(prints(api.tilt(&["get", "cmd", "-o", "go-template-file=t"])), "Cmd");
    assert_eq!(
        prints(api.tilt(&["get", "cmd", "-o", "templatefile", "--template", "t"])),
        "Cmd"
    );
    assert_eq!(prints(api.tilt(&["get", "fw", "-o", "name"])), "");
}

#[test]
fn what_is_not_there_is_an_error_of_kubectls() {
    let api = Api::start();
    assert_eq!(
        fails(api.tilt(&["get", "uiresource", "x"])),
        "Error from server (NotFound): uiresources.tilt.dev \"x\" not found\n"
    );
    assert_eq!(
        fails(api.tilt(&["get", "pods"])),
        "error: the server doesn't have a resource type \"pods\"\n"
    );
    assert_eq!(
        prints(api.tilt(&["get", "cmd", "x", "--ignore-not-found=true", "-o", "json"])),
        ""
    );
    api.put("cmds", cmd("a"));
    let output = api.tilt(&["get", "cmd", "-oname", "a", "x"]).output().unwrap();
    assert_eq!(stdout(&output), "cmd.tilt.dev/a\n");
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(1), "Error from server (NotFound): cmds.tilt.dev \"x\" not found\n")
    );
    let none = api.tilt(&["get", "filewatch"]).output().unwrap();
    assert_eq!(
        (none.status.code(), stderr(&none).as_str()),
        (Some(0), "No resources found\n")
    );
    assert!(
        fails(api.tilt(&["get", "cmd", "a", "-o", "nope"])).starts_with("error: unable to match a printer suitable")
    );
    assert!(fails(api.tilt(&["get"])).starts_with("You must specify the type of resource to get."));
}

#[test]
fn a_watch_shows_what_there_is_and_then_each_change_once() {
    let api = Api::start();
    api.put("cmds", cmd("a"));
    let mut command = api.tilt(&["get", "cmd", "--watch", "-o", "name"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "cmd.tilt.dev/a");
    api.put("cmds", cmd("b"));
    assert_eq!(lines.next().unwrap(), "cmd.tilt.dev/b");
    api.end_watches();
    assert_eq!(lines.next(), None);
    assert!(child.wait().unwrap().success());
    let only = prints(api.tilt(&["get", "cmd", "b", "--watch-only"]));
    assert_eq!(only, "NAME   CREATED AT\nb      2026-11-21T07:10:56Z\n");
}

#[test]
fn a_description_unfolds_an_object_and_takes_the_beginning_of_a_name() {
    let api = Api::start();
    api.put("uiresources", resource("web", "True"));
    api.put("uiresources", resource("web-2", "True"));
    let described = prints(api.tilt(&["describe", "uiresource", "web"]));
    assert!(
        described.starts_with("Name:         web\nNamespace:    \nLabels:       tier=True\n"),
        "{described}"
    );
    assert!(described.ends_with("  Order:     1\n"), "{described}");
    assert!(!described.contains("Managed Fields"));
    assert_eq!(
        prints(api.tilt(&["describe", "uiresource", "we"]))
            .matches("Name: ")
            .count(),
        2
    );
    assert_eq!(
        fails(api.tilt(&["describe", "uiresource", "x"])),
        "Error from server (NotFound): uiresources.tilt.dev \"x\" not found\n"
    );
}

#[test]
fn waiting_ends_when_the_state_is_reached_or_the_time_is_up() {
    let api = Api::start();
    api.put("uiresources", resource("web", "False"));
    assert_eq!(
        fails(api.tilt(&["wait", "--for=condition=Ready", "uiresource/web", "--timeout=0s"])),
        "error: condition not met for uiresources/web\n"
    );
    assert_eq!(
        fails(api.tilt(&["wait", "--for=condition=Ready", "uiresource/web", "--timeout=1ms"])),
        "error: timed out waiting for the condition on uiresources/web\n"
    );
    assert_eq!(
        prints(api.tilt(&["wait", "--for=jsonpath={.status.order}=1", "uiresource", "--all"])),
        "uiresource.tilt.dev/web condition met\n"
    );
    let waits = |words: &[&str]| {
        let mut child = api.tilt(words).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        (child, lines)
    };
    api.requests();
    let (mut child, mut lines) = waits(&["wait", "--for=condition=Ready", "uiresource/web"]);
    api.put("uiresources", resource("web", "True"));
    assert_eq!(lines.next().unwrap(), "uiresource.tilt.dev/web condition met");
    assert!(child.wait().unwrap().success());
    let (mut child, mut lines) = waits(&["wait", "--for=create", "cmd/new"]);
    api.put("cmds", cmd("new"));
    assert_eq!(lines.next().unwrap(), "cmd.tilt.dev/new condition met");
    assert!(child.wait().unwrap().success());
    assert_eq!(prints(api.tilt(&["wait", "--for=delete", "cmd/x"])), "");
    assert_eq!(
        fails(api.tilt(&["wait", "--for=condition=Ready", "cmd/x"])),
        "Error from server (NotFound): cmds.tilt.dev \"x\" not found\n"
    );
    assert_eq!(
        fails(api.tilt(&["wait", "--for=nope", "cmd/x"])),
        "error: unrecognized condition: \"nope\"\n"
    );
}
