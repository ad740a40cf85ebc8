//! Objects of a running session, changed from outside: they act as if the Tiltfile had made them.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::alive::Family;
use crate::support::session::{Home, Session};
use crate::support::{is_skipped_without, stderr, stdout, testdata};

const SERVED: &str = "
local_resource('served', serve_cmd='exec 3>alive; echo serving; sleep 1000 & wait')
local_resource('other', 'true')
";

#[test]
fn a_disabled_server_is_stopped_and_an_enabled_one_is_started_again() {
    let home = Home::with(SERVED);
    let family = Family::at(&home.path("alive"));
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ serving");
    session.wait("Ready", "served");
    session.said(&["disable", "served"]);
    family.awaits_the_last();
    let family = Family::at(&session.path("alive"));
    session.said(&["enable", "served"]);
    session.line_with("│ serving");
    session.wait("Ready", "served");
    session.said(&["trigger", "served"]);
    family.awaits_the_last();
    let _family = Family::at(&session.path("alive"));
    session.line_with("│ serving");
}

#[test]
fn commands_find_the_session_that_runs_them() {
    let home = Home::with(
        "
local_resource('made', '$(cat tilt) get uiresource made -o name')
local_resource('served', serve_cmd='$(cat tilt) get session -o name; sleep 1000')
print('evaluated at port', os.environ['TILT_PORT'])
",
    );
    home.write("tilt", env!("CARGO_BIN_EXE_tilt"));
    let mut session = Session::start(home, &["up", "--host", "localhost"]);
    let port = session.port();
    session.line_with(&format!("evaluated at port {port}"));
    session.line_with("│ uiresource.tilt.dev/made");
    session.wait("Ready", "served");
    session.said(&["wait", "--for=condition=UpToDate", "uiresource/made"]);
    let logs = session.said(&["logs", "served"]);
    let printed = logs.contains("session.tilt.dev/Tiltfile");
    if !printed {
        session.line_with("session.tilt.dev/Tiltfile");
    }
}

#[test]
fn a_click_on_a_button_runs_its_command_with_what_was_filled_in() {
    if is_skipped_without(
        "kubectl",
        "a_click_on_a_button_runs_its_command_with_what_was_filled_in",
    ) {
        return;
    }
    let mut session = Session::up(
        "
load('ext://uibutton', 'cmd_button', 'text_input')
local_resource('r', 'true')
cmd_button('greet', resource='r', argv=['sh', '-c', 'echo hello $WHO'], inputs=[text_input('WHO')])
",
    );
    session.wait("UpToDate", "r");
    for (second, who) in ["you", "me"].iter().enumerate() {
        let click = format!(
            r#"{{"status":{{"lastClickedAt":"2040-01-01T00:00:0{second}.000000Z","inputs":[{{"name":"WHO","text":{{"value":"{who}"}}}}]}}}}"#
        );
        let output = kubectl(
            &session,
            &[
                "patch",
                "uibutton",
                "greet",
                "--subresource=status",
                "--type=merge",
                "-p",
                &click,
            ],
        );
        assert!(output.status.success(), "{}", stderr(&output));
        session.line_with(&format!("│ hello {who}"));
    }
}

fn kubectl(session: &Session, words: &[&str]) -> Output {
    let mut command = Command::new("kubectl");
    command
        .arg("--kubeconfig")
        .arg(session.path(".own/dev/config"))
        .args(words);
    command
        .env("HOME", session.path(".own/home"))
        .current_dir(session.path("."));
    command.output().expect("kubectl runs")
}

#[test]
fn an_extension_made_by_hand_runs_its_tiltfile_until_it_is_deleted() {
    let home = Home::with("local_resource('main', 'true')");
    let alive = home.path("alive");
    fs::create_dir_all(home.path("repo/kit")).unwrap();
    let tiltfile = "local_resource('from-kit', serve_cmd='exec 3>ALIVE; echo kit-serves; sleep 1000 & wait')";
    home.write(
        "repo/kit/Tiltfile",
        &tiltfile.replace("ALIVE", &alive.display().to_string()),
    );
    let family = Family::at(&alive);
    let mut session = Session::start(home, &["up"]);
    session.wait("UpToDate", "main");
    let url = format!("file://{}", session.path("repo").display());
    session.said(&["create", "repo", "team", &url]);
    session.said(&["create", "ext", "team/kit"]);
    session.line_with("kit-serves");
    session.wait("Ready", "from-kit");
    let resources = |session: &Session| session.said(&["get", "uiresource", "-o", "name"]);
    let name = session.said(&["get", "extension", "-o=jsonpath={.items[*].metadata.name}"]);
    assert!(resources(&session).contains(&format!("uiresource.tilt.dev/{name}\n")));
    session.said(&["delete", "extension", &name]);
    family.awaits_the_last();
    session.said(&["wait", "--for=delete", "--timeout=30s", "uiresource/from-kit"]);
    assert_eq!(
        resources(&session),
        "uiresource.tilt.dev/(Tiltfile)\nuiresource.tilt.dev/main\n"
    );
}

#[test]
fn two_tiltfiles_that_define_one_name_break_nothing() {
    let home = Home::with("local_resource('shared', 'cat in', deps=['in'])");
    home.write("in", "of-main\n");
    fs::create_dir_all(home.path("repo/kit")).unwrap();
    home.write("repo/kit/Tiltfile", "local_resource('shared', 'echo of-kit')");
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ of-main");
    session.wait("UpToDate", "shared");
    let url = format!("file://{}", session.path("repo").display());
    session.said(&["create", "repo", "team", &url]);
    session.said(&["create", "ext", "team/kit"]);
    let error = session.line_with("ERROR: ");
    assert!(error.contains("shared") && error.contains("kit"), "{error}");
    session.write("in", "still-of-main\n");
    session.line_with("│ still-of-main");
    session.write("repo/kit/Tiltfile", "local_resource('own', 'echo kit-is-mended')");
    session.line_with("│ kit-is-mended");
}

#[test]
fn trigger_modes_say_what_waits_for_a_person() {
    let mut session = Session::start(
        {
            let home = Home::with(
                "
local_resource('manual', 'cat in', deps=['in'], trigger_mode=TRIGGER_MODE_MANUAL)
local_resource('auto', 'echo auto-$(cat in)', deps=['in'], auto_init=False)
",
            );
            home.write("in", "one\n");
            home
        },
        &["up"],
    );
    session.line_with("manual │ one");
    session.wait("UpToDate", "manual");
    session.write("in", "two\n");
    session.line_with("auto-two");
    session.said(&[
        "wait",
        "--for=jsonpath={.status.hasPendingChanges}=true",
        "--timeout=30s",
        "uiresource/manual",
    ]);
    let why = session.said(&["explain-build", "manual"]);
    assert!(why.contains("trigger"), "{why}");
    session.said(&["trigger", "manual"]);
    session.line_with("manual │ two");
    session.wait("UpToDate", "manual");
}

#[test]
fn kubectl_reads_and_changes_a_running_session() {
    if is_skipped_without("kubectl", "kubectl_reads_and_changes_a_running_session") {
        return;
    }
    let mut session = Session::up(SERVED);
    session.line_with("│ serving");
    session.wait("UpToDate", "other");
    let run = |words: &[&str]| {
        let output = kubectl(&session, words);
        assert!(output.status.success(), "{words:?}: {}", stderr(&output));
        stdout(&output)
    };
    assert!(run(&["get", "uiresource"]).contains("served"));
    assert!(run(&["describe", "uiresource", "served"]).contains("Kind:         UIResource"));
    run(&["label", "uiresource", "other", "tier=back"]);
    assert_eq!(
        run(&["get", "uiresource", "-l", "tier=back", "-o", "name"]),
        "uiresource.tilt.dev/other\n"
    );
    let cmd = r#"{"apiVersion":"tilt.dev/v1alpha1","kind":"Cmd","metadata":{"name":"mine"},"spec":{"args":["sleep","1000"]}}"#;
    fs::write(session.path("cmd.json"), cmd).unwrap();
    run(&["apply", "-f", "cmd.json"]);
    run(&[
        "wait",
        "--for=jsonpath={.status.ready}=true",
        "--timeout=30s",
        "cmd/mine",
    ]);
    run(&[
        "patch",
        "cmd",
        "mine",
        "--type=merge",
        "-p",
        r#"{"spec":{"args":["sh","-c","exit 4"]}}"#,
    ]);
    run(&[
        "wait",
        "--for=jsonpath={.status.terminated.exitCode}=4",
        "--timeout=30s",
        "cmd/mine",
    ]);
    run(&["delete", "cmd", "mine"]);
    let gone = kubectl(&session, &["get", "cmd", "mine"]);
    assert!(stderr(&gone).contains("NotFound"), "{}", stderr(&gone));
}

/// The fields that the schema does not know, each with the way to it.
fn unknown(value: &Value, schema: &Value, all: &Value, at: &str) -> Vec<String> {
    let schema = match schema["$ref"].as_str() {
        Some(to) => &all[to.trim_start_matches("#/definitions/").replace("~1", "/").as_str()],
        None => schema,
    };
    match (value, &schema["properties"]) {
        (Value::Array(items), _) => items
            .iter()
            .flat_map(|item| unknown(item, &schema["items"], all, at))
            .collect(),
        (Value::Object(fields), Value::Object(known)) => fields
            .iter()
            .flat_map(|(name, field)| match known.get(name) {
                Some(schema) => unknown(field, schema, all, &format!("{at}.{name}")),
                None => vec![format!("{at}.{name}")],
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_session_object_has_the_shape_that_upstreams_clients_know() {
    let mut session = Session::up(
        "
local_resource('lint', 'echo linted')
local_resource('server', serve_cmd='echo tick; sleep 1000')
local_resource('broken', 'echo oops >&2; exit 3')
local_resource('manual', 'true', trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)
",
    );
    session.line_with("Build Failed");
    session.wait("Ready", "server");
    session.wait("UpToDate", "lint");
    let ours = json(&session.said(&["get", "session", "Tiltfile", "-o", "json"]));
    let schemas = json(&fs::read_to_string(testdata("api/openapi-v2.json")).unwrap());
    let schemas: Value = schemas["definitions"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, schema)| (name.replace("~1", "/"), schema.clone()))
        .collect();
    let kind = json(r##"{"$ref":"#/definitions/github.com/tilt-dev/tilt/pkg/apis/core/v1alpha1.Session"}"##);
    assert_eq!(unknown(&ours, &kind, &schemas, ""), Vec::<String>::new());
    let theirs = json(&fs::read_to_string(testdata("api/objects/sessions.json")).unwrap());
    let targets = |session: &Value| -> Vec<String> {
        let targets = session["status"]["targets"].as_array().unwrap().iter();
        let shape = |target: &Value| {
            let state = target["state"].as_object().unwrap();
            let fields = state
                .values()
                .flat_map(|fields| fields.as_object().unwrap().keys().cloned());
            let mut fields: Vec<String> = state.keys().cloned().chain(fields).collect();
            fields.sort();
            format!(
                "{} {} {} {fields:?}",
                target["name"], target["type"], target["resources"]
            )
        };
        targets.map(shape).filter(|target| !target.contains("demo")).collect()
    };
    assert_eq!(targets(&ours), targets(&theirs["items"][0]));
    assert_eq!(ours["spec"]["ci"], theirs["items"][0]["spec"]["ci"]);
    assert_eq!(ours["spec"]["exitCondition"], "manual");
}
