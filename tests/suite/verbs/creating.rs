//! Objects that are made: from words, from files, by applying.

use std::fs;

use serde_json::{Value, json};

use super::{cmd, fails, fed, prints};
use crate::support::api::Api;

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
