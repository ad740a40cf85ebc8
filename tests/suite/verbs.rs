//! The verbs on objects, as a person and a script meet them, against a small API server.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::api::Api;
use crate::support::{is_skipped_without, stderr, stdout, testdata, tilt};

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
fn objects_are_made_from_words() {
    let api = Api::start();
    let here = fs::canonicalize(api.path(".")).unwrap().display().to_string();
    let table: &[(&[&str], &str, &str, &str, Value)] = &[
        (
            &[
                "create",
                "cmd",
                "-w",
                "sub",
                "-e",
                "A=1",
                "--filewatch",
                "src",
                "hello",
                "sh",
                "-c",
                "echo -n",
                "--x",
            ],
            "cmd",
            "cmds",
            "hello",
            json!({"args": ["sh", "-c", "echo -n", "--x"], "dir": format!("{here}/sub"), "env": ["A=1"], "restartOn": {"fileWatches": ["src"]}}),
        ),
        (
            &[
                "create", "fw", "src", "./src", "/etc", "--ignore", "*.o", "--ignore", "tmp",
            ],
            "filewatch",
            "filewatches",
            "src",
            json!({"watchedPaths": [format!("{here}/src"), "/etc"], "ignores": [{"basePath": here, "patterns": ["*.o", "tmp"]}]}),
        ),
        (
            &["create", "repo", "my-team", "https://example.com/x", "--ref", "v1"],
            "extensionrepo",
            "extensionrepos",
            "my-team",
            json!({"url": "https://example.com/x", "ref": "v1"}),
        ),
        (
            &["create", "ext", "my-team/image/builder", "--", "--flag", "x"],
            "extension",
            "extensions",
            "my-team_image_builder",
            json!({"repoName": "my-team", "repoPath": "image/builder", "args": ["--flag", "x"]}),
        ),
        (
            &["create", "ext", "cancel"],
            "extension",
            "extensions",
            "cancel",
            json!({"repoName": "default", "repoPath": "cancel"}),
        ),
        (
            &["create", "ext", "c", "--repo", "r", "--path", "p"],
            "extension",
            "extensions",
            "c",
            json!({"repoName": "r", "repoPath": "p"}),
        ),
    ];
    for (words, singular, plural, name, spec) in table {
        assert_eq!(
            prints(api.tilt(words)),
            format!("{singular}.tilt.dev/{name} created\n"),
            "{words:?}"
        );
        assert_eq!(&api.get(plural, name).unwrap()["spec"], spec, "{words:?}");
    }
    let again = fails(api.tilt(&["create", "ext", "cancel"]));
    assert!(
        again.starts_with("Error from server (AlreadyExists): ")
            && again.contains("extensions.tilt.dev \"cancel\" already exists")
    );
    assert_eq!(
        prints(api.tilt(&["create", "ext", "--dry-run=client", "-o", "yaml", "x/y"])),
        "apiVersion: tilt.dev/v1alpha1\nkind: Extension\nmetadata:\n  name: x_y\nspec:\n  repoName: x\n  repoPath: \"y\"\n"
    );
    assert_eq!(fails(api.tilt(&["create"])), "Error: must specify one of -f and -k\n");
}

#[test]
fn objects_are_created_from_files_and_checked_before() {
    let api = Api::start();
    fs::write(
        api.path("a.yaml"),
        "apiVersion: tilt.dev/v1alpha1\nkind: Cmd\nmetadata: {name: a}\nspec: {argz: [x]}\n",
    )
    .unwrap();
    assert_eq!(
        fails(api.tilt(&["create", "-f", "a.yaml"])),
        "error: error validating \"a.yaml\": error validating data: unknown field \"spec.argz\" (did you mean args?); if you choose to ignore these errors, turn validation off with --validate=false\n"
    );
    assert_eq!(api.requests(), [""; 0]);
    assert_eq!(
        prints(api.tilt(&["create", "-f", "a.yaml", "--validate=false", "-o", "name"])),
        "cmd.tilt.dev/a\n"
    );
    let requests = api.requests();
    assert!(
        requests[0].contains("fieldManager=kubectl-create&fieldValidation=Ignore"),
        "{requests:?}"
    );
    assert_eq!(
        fails(api.tilt(&["create", "-f", "a.yaml", "--validate=false"])),
        "Error from server (AlreadyExists): error when creating \"a.yaml\": cmds.tilt.dev \"a\" already exists\n"
    );
    let (out, _) = fed(
        api.tilt(&["create", "-f", "-", "--save-config"]),
        &json!({"apiVersion": "v1", "kind": "List", "items": [cmd("b"), cmd("c")]}).to_string(),
    );
    assert_eq!(out, "cmd.tilt.dev/b created\ncmd.tilt.dev/c created\n");
    assert!(
        api.get("cmds", "b").unwrap()["metadata"]["annotations"]
            .to_string()
            .contains("last-applied")
    );
    assert_eq!(
        fails(api.tilt(&["create", "-f", "nope.yaml"])),
        "error: the path \"nope.yaml\" does not exist\n"
    );
    let invalid = json!({"kind": "Status", "code": 422, "reason": "Invalid", "message": "m", "details": {"kind": "Cmd", "name": "d", "causes": [{"field": "spec.x", "message": "Required value"}, {"field": "spec.y", "message": "Invalid value"}]}});
    api.refuse_next(invalid);
    let (_, said) = fed(api.tilt(&["create", "-f", "-"]), &cmd("d").to_string());
    assert_eq!(
        said,
        "The Cmd \"d\" is invalid: \n* spec.x: Required value\n* spec.y: Invalid value\n"
    );
}

#[test]
fn applying_creates_changes_and_leaves_alone() {
    let api = Api::start();
    let folder = api.path("objects/deeper");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        api.path("objects/a.yaml"),
        "apiVersion: tilt.dev/v1alpha1\nkind: Cmd\nmetadata: {name: a, labels: {x: z}}\nspec: {args: [x], dir: /d}\n",
    )
    .unwrap();
    fs::write(folder.join("b.json"), cmd("b").to_string()).unwrap();
    fs::write(folder.join("notes.txt"), "no object").unwrap();
    let apply = |words: &[&str]| prints(api.tilt(&[&["apply", "-f", "objects"], words].concat()));
    assert_eq!(
        apply(&["-R", "--dry-run=server"]),
        "cmd.tilt.dev/a created (server dry run)\ncmd.tilt.dev/b created (server dry run)\n"
    );
    assert_eq!(api.get("cmds", "a"), None);
    assert_eq!(apply(&["-R"]), "cmd.tilt.dev/a created\ncmd.tilt.dev/b created\n");
    assert_eq!(apply(&[]), "cmd.tilt.dev/a unchanged\n");
    // Somebody else's field stays, one that was taken out goes.
    let mut object = api.get("cmds", "a").unwrap();
    object["spec"]["env"] = json!(["A=1"]);
    api.put("cmds", object);
    fs::write(
        api.path("objects/a.yaml"),
        "apiVersion: tilt.dev/v1alpha1\nkind: Cmd\nmetadata: {name: a}\nspec: {args: [z]}\n",
    )
    .unwrap();
    assert_eq!(apply(&["--dry-run=client"]), "cmd.tilt.dev/a configured (dry run)\n");
    assert_eq!(apply(&[]), "cmd.tilt.dev/a configured\n");
    assert_eq!(
        api.get("cmds", "a").unwrap()["spec"],
        json!({"args": ["z"], "env": ["A=1"]})
    );
    assert_eq!(apply(&["--server-side"]), "cmd.tilt.dev/a serverside-applied\n");
    let uid = api.get("cmds", "a").unwrap()["metadata"]["uid"].clone();
    fs::write(
        api.path("objects/a.yaml"),
        "apiVersion: tilt.dev/v1alpha1\nkind: Cmd\nmetadata: {name: a}\nspec: {args: [w]}\n",
    )
    .unwrap();
    api.refuse_next(
        json!({"kind": "Status", "code": 409, "reason": "Conflict", "message": "somebody else was quicker"}),
    );
    assert_eq!(apply(&["--force"]), "cmd.tilt.dev/a configured\n");
    assert_ne!(api.get("cmds", "a").unwrap()["metadata"]["uid"], uid);
    assert!(fails(api.tilt(&["apply"])).starts_with("error: must specify one of -f and -k"));
    // What was applied and is no longer there is pruned; what was not applied is left alone.
    api.put("cmds", cmd("by-hand"));
    assert!(fails(api.tilt(&["apply", "-f", "objects", "--prune"])).contains("--all"));
    assert_eq!(
        apply(&["--prune", "--all"]),
        "cmd.tilt.dev/a unchanged\ncmd.tilt.dev/b pruned\n"
    );
    assert!(api.get("cmds", "by-hand").is_some() && api.get("cmds", "b").is_none());
}

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
