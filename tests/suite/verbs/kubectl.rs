//! The same words to `kubectl`, and the same answers.

use std::fs;

use super::{cmd, resource};
use crate::support::api::Api;
use crate::support::{is_skipped_without, stderr, stdout};

#[test]
fn kubectl_says_the_same() {
    if is_skipped_without("kubectl", "kubectl_says_the_same") {
        return;
    }
    let api = Api::start();
    api.put("uiresources", resource("(Tiltfile)", "True"));
    api.put("uiresources", resource("web", "False"));
    api.put("cmds", cmd("a"));
    fs::write(api.path("b.json"), cmd("b").to_string()).unwrap();
    let commands: &[&[&str]] = &[
        &["get", "uiresources"],
        &["get", "uiresource", "web", "(Tiltfile)", "--show-labels"],
        &["get", "uiresources,cmds"],
        &["get", "uiresource/web", "cmd/x"],
        &["get", "uiresource/web", "cmd"],
        &["get", "cmd", "x", "-o", "name"],
        &["get", "nope"],
        &["get", "cmds,uiresources", "-o", "json"],
        &["get", "uiresource", "-o", "yaml", "--show-managed-fields"],
        &[
            "get",
            "uiresource",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name} {.status.conditions[*].type}{\"\\n\"}{end}",
        ],
        &[
            "get",
            "uiresource",
            "-o",
            "jsonpath={.items[0:2].kind} {.items[-1].status} {.nope}",
        ],
        &["get", "uiresource", "-o", "jsonpath-as-json={.items[*].status.order}"],
        &[
            "get",
            "uiresource",
            "-o",
            "go-template={{range .items}}{{.metadata.labels}} {{.nope}}{{end}}",
        ],
        &[
            "get",
            "uiresource",
            "-o",
            "custom-columns=N:.metadata.name,C:.status.conditions[0],X:.x",
        ],
        &[
            "get",
            "uiresource",
            "--sort-by=.metadata.labels.tier",
            "-L",
            "tier",
            "--no-headers",
        ],
        &["get", "uiresource", "-o", "go-template={{.a"],
        &["get", "uiresource", "web", "-l", "a=b"],
        &[
            "patch",
            "cmd",
            "a",
            "--type=merge",
            "-p",
            "{\"spec\":{\"args\":[\"echo\",\"a\"]}}",
        ],
        &[
            "patch",
            "cmd",
            "a",
            "--type=json",
            "--dry-run=client",
            "-o",
            "yaml",
            "-p",
            "[{\"op\":\"remove\",\"path\":\"/spec\"}]",
        ],
        &[
            "create",
            "-f",
            "b.json",
            "--dry-run=client",
            "--validate=false",
            "--save-config",
            "-o",
            "yaml",
        ],
        &[
            "apply",
            "-f",
            "b.json",
            "--dry-run=client",
            "--validate=false",
            "-o",
            "yaml",
        ],
        &["apply", "-f", "b.json", "--dry-run=server", "--validate=false"],
        &["delete", "cmd", "x"],
        &["delete", "cmd/a", "--dry-run=client"],
        &["delete", "cmds"],
        &["delete", "cmd", "x", "--ignore-not-found"],
        &["wait", "--for=nope", "cmd/a"],
        &["get", "uiresource", "-o", "kind"],
    ];
    for words in commands {
        let (theirs, ours) = (api.kubectl(words).output().unwrap(), api.tilt(words).output().unwrap());
        let said = stderr(&theirs)
            .replace("kubectl", "tilt")
            .replace("jsonpath-file,name", "jsonpath-file,kyaml,name");
        assert_eq!(stdout(&theirs), stdout(&ours), "{words:?}");
        assert_eq!(
            (theirs.status.code(), said),
            (ours.status.code(), stderr(&ours)),
            "{words:?}"
        );
    }
}
