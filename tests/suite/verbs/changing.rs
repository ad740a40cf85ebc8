//! Objects that are there: deleted, patched, edited.

use std::fs;

use serde_json::json;

use super::{cmd, fails, fed, prints};
use crate::support::api::Api;
use crate::support::stderr;

#[test]
fn deleting_waits_until_it_is_gone() {
    let api = Api::start();
    for name in ["a", "b", "c", "d", "(Tiltfile)"] {
        api.put("cmds", cmd(name));
    }
    assert_eq!(
        prints(api.tilt(&["delete", "cmd", "a"])),
        "cmd.tilt.dev \"a\" deleted\n"
    );
    assert_eq!(
        api.requests(),
        [
            "DELETE /apis/tilt.dev/v1alpha1/cmds/a",
            "GET /apis/tilt.dev/v1alpha1/cmds/a"
        ]
    );
    assert_eq!(
        prints(api.tilt(&["delete", "cmd/b", "--dry-run=client"])),
        "cmd.tilt.dev \"b\" deleted (dry run)\n"
    );
    assert_eq!(
        prints(api.tilt(&["delete", "cmd/b", "--dry-run=server"])),
        "cmd.tilt.dev \"b\" deleted (server dry run)\n"
    );
    assert!(api.get("cmds", "b").is_some());
    assert_eq!(
        fails(api.tilt(&["delete", "cmd", "x"])),
        "Error from server (NotFound): cmds.tilt.dev \"x\" not found\n"
    );
    assert_eq!(
        prints(api.tilt(&["delete", "cmd", "--ignore-not-found", "--", "x"])),
        ""
    );
    assert_eq!(
        fails(api.tilt(&["delete", "cmds"])),
        "error: resource(s) were provided, but no name was specified\n"
    );
    assert_eq!(
        prints(api.tilt(&["delete", "cmd", "b", "-o", "name", "--now"])),
        "cmd.tilt.dev/b\n"
    );
    let (out, _) = fed(api.tilt(&["delete", "cmd", "c", "-i"]), "n\n");
    assert!(
        out.ends_with("(y/N): deletion is cancelled\n") && api.get("cmds", "c").is_some(),
        "{out}"
    );
    let (out, _) = fed(
        api.tilt(&["delete", "-f", "-", "--cascade=orphan"]),
        &cmd("c").to_string(),
    );
    assert_eq!(out, "cmd.tilt.dev \"c\" deleted\n");
    assert_eq!(prints(api.tilt(&["delete", "cmds", "--all"])).lines().count(), 2);
    assert_eq!(prints(api.tilt(&["delete", "cmds", "--all"])), "No resources found\n");
}

#[test]
fn patches_of_every_type_change_fields() {
    let api = Api::start();
    api.put("cmds", cmd("a"));
    let patch = |words: &[&str]| prints(api.tilt(&[&["patch", "cmd"], words].concat()));
    assert_eq!(
        patch(&["-p", r#"{"spec":{"dir":"/d"}}"#, "--", "a"]),
        "cmd.tilt.dev/a patched\n"
    );
    assert_eq!(
        patch(&["a", "-p", "spec: {dir: /d}"]),
        "cmd.tilt.dev/a patched (no change)\n"
    );
    assert_eq!(
        patch(&["a", "--type=merge", "-p", r#"{"spec":{"dir":null}}"#]),
        "cmd.tilt.dev/a patched\n"
    );
    let replace = r#"[{"op": "replace", "path": "/spec/args/1", "value": "bye"}]"#;
    assert_eq!(
        patch(&[
            "a",
            "--type",
            "json",
            "-p",
            replace,
            "--dry-run=client",
            "-o",
            "jsonpath={.spec.args}"
        ]),
        r#"["echo","bye"]"#
    );
    assert_eq!(api.get("cmds", "a").unwrap()["spec"], json!({"args": ["echo", "a"]}));
    assert_eq!(
        patch(&["a", "--type", "json", "-p", replace]),
        "cmd.tilt.dev/a patched\n"
    );
    assert_eq!(api.get("cmds", "a").unwrap()["spec"]["args"][1], "bye");
    let types: Vec<String> = api.requests();
    assert!(
        types
            .iter()
            .any(|request| request.contains("fieldManager=kubectl-patch"))
    );
    let (out, _) = fed(
        api.tilt(&[
            "patch",
            "--local",
            "-f",
            "-",
            "-p",
            "spec: {dir: /l}",
            "-o",
            "jsonpath={.spec.dir}",
        ]),
        &cmd("z").to_string(),
    );
    assert_eq!(out, "/l");
    assert!(fails(api.tilt(&["patch", "cmd", "a"])).starts_with("error: must specify --patch or --patch-file"));
    assert!(
        fails(api.tilt(&["patch", "cmd", "a", "-p", "{}", "--type", "x"])).starts_with("error: --type must be one of")
    );
}

#[test]
fn an_editor_changes_an_object_and_is_opened_again_on_a_mistake() {
    let api = Api::start();
    api.put("cmds", cmd("a"));
    let edit = |script: &str| {
        fs::write(api.path("editor.sh"), format!("file=$1\n{script}\n")).unwrap();
        let mut command = api.tilt(&["edit", "cmd", "a"]);
        command
            .env("EDITOR", "no-such-editor")
            .env("TILT_EDITOR", "sh editor.sh");
        command
    };
    let unchanged = edit("true").output().unwrap();
    assert_eq!(
        (unchanged.status.code(), stderr(&unchanged).as_str()),
        (Some(0), "Edit cancelled, no changes made.\n")
    );
    assert_eq!(
        prints(edit("sed -i 's/- echo/- printf/' \"$file\"")),
        "cmd.tilt.dev/a edited\n"
    );
    assert_eq!(api.get("cmds", "a").unwrap()["spec"]["args"], json!(["printf", "a"]));
    // The first time a field is misspelt; the second time the complaint stands above and is heeded.
    let twice = "if grep -q 'did you mean args' \"$file\"; then sed -i 's/argz/args/; s/printf/yell/' \"$file\"; else sed -i 's/args/argz/' \"$file\"; fi";
    assert_eq!(prints(edit(twice)), "cmd.tilt.dev/a edited\n");
    assert_eq!(api.get("cmds", "a").unwrap()["spec"]["args"], json!(["yell", "a"]));
    assert_eq!(fails(edit(": > \"$file\"")), "Edit cancelled, saved file was empty.\n");
    let stubborn = fails(edit("sed -i 's/args/argz/' \"$file\""));
    assert!(
        stubborn.ends_with("error: Edit cancelled, no valid changes were saved.\n"),
        "{stubborn}"
    );
    let kept = stubborn.split('"').find(|part| part.contains("tilt-edit-")).unwrap();
    assert!(fs::read_to_string(kept).unwrap().contains("argz"));
    fs::remove_file(kept).unwrap();
}
