//! Commands that tell something: `dump`, `snapshot`, `explain-build`, `alpha tree-view`, `doctor`, `analytics`, `help`.

use serde_json::Value;

use crate::support::session::{Home, Session};
use crate::support::{stderr, stdout};

const CHAIN: &str = "
local_resource('a', 'echo ran-a')
local_resource('b', 'exit 7', resource_deps=['a'])
local_resource('c', 'echo ran-c', resource_deps=['b'])
";

fn chain() -> Session {
    let mut session = Session::up(CHAIN);
    session.line_with("Build Failed");
    session
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_insides_are_dumped_as_json() {
    let session = chain();
    let engine = parsed(&session.said(&["dump", "engine"]));
    assert_eq!(engine["definitionOrder"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(engine["resources"]["b"]["standing"], "Failing");
    let view = parsed(&session.said(&["dump", "webview"]));
    assert_eq!(view["uiResources"].as_array().map(Vec::len), Some(4));
    let logs = parsed(&session.said(&["dump", "logstore"]));
    assert_eq!(logs, view["logList"]);
    assert!(logs["segments"].to_string().contains("ran-a"));
}

#[test]
fn a_snapshot_is_written_to_a_file_or_printed() {
    let session = chain();
    assert_eq!(session.said(&["snapshot", "create", "kept.json"]), "");
    let kept = parsed(&std::fs::read_to_string(session.path("kept.json")).unwrap());
    let printed = parsed(&session.said(&["snapshot", "create"]));
    for snapshot in [&kept, &printed] {
        assert!(snapshot["createdAt"].is_string());
        assert_eq!(snapshot["view"]["uiResources"].as_array().map(Vec::len), Some(4));
    }
    let error = session.refused(&["snapshot", "create", "no/such/folder.json"]);
    assert!(
        error.starts_with("Error: cannot write `no/such/folder.json`: no such file"),
        "{error}"
    );
}

#[test]
fn a_build_is_explained() {
    let session = chain();
    let text = session.said(&["explain-build", "b"]);
    assert!(text.starts_with("b: a local resource of (Tiltfile)\n"), "{text}");
    assert_eq!(
        session.said(&["alpha", "explain-build", "c"]).lines().next(),
        Some("c: a local resource of (Tiltfile)")
    );
    assert!(session.said(&["explain-build", "(Tiltfile)"]).contains("(Tiltfile)"));
    assert_eq!(
        session.refused(&["explain-build", "nope"]),
        "Error: resource \"nope\" does not exist\n"
    );
}

#[test]
fn the_tree_shows_what_waits_for_what() {
    let session = chain();
    session.wait("UpToDate", "a");
    let tree = session.said(&["alpha", "tree-view"]);
    let lines: Vec<&str> = tree.lines().collect();
    assert!(lines[0].starts_with("c  waiting"), "{tree}");
    assert!(lines[1].starts_with("└─ b  failing"), "{tree}");
    assert!(lines[2].trim_start().starts_with("└─ a  ready"), "{tree}");
    assert!(lines[3].starts_with("3 resources"), "{tree}");
    let blockers = session.said(&["alpha", "tree-view", "--blockers", "--dedupe"]);
    assert!(
        blockers.contains("b  failing") && !blockers.contains("a  ready"),
        "{blockers}"
    );
}

#[test]
fn the_doctor_reports_whatever_it_finds() {
    let session = chain();
    let text = session.said(&["doctor"]);
    for part in [
        "Tilt: v",
        "System: ",
        "\nDocker\n",
        "\nKubernetes\n- Env: docker-desktop",
        "\nLimits\n- Open files: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("- Instance: tilt-{}, https://127.0.0.1:", session.port())));
    assert!(text.contains(": running\n"), "{text}");
    let alone = Home::with("");
    let output = alone
        .tilt(&["doctor", "--context", "nope"])
        .env("PATH", alone.path("nothing"))
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = stdout(&output);
    assert!(
        text.contains("there is no context \"nope\"; there are: docker-desktop"),
        "{text}"
    );
    assert!(
        text.contains(
            "- Host: unix:///nowhere/docker.sock\n- Server Version: error: cannot reach Docker at \
             `unix:///nowhere/docker.sock`: no such file or directory\n"
        ),
        "{text}"
    );
    assert!(text.contains("nothing is listed in "), "{text}");
}

#[test]
fn a_choice_about_analytics_is_kept() {
    let home = Home::with("");
    let mode = || stdout(&home.run(&["analytics"])).lines().next().map(str::to_owned);
    assert_eq!(mode().as_deref(), Some("analytics mode: default"));
    for (word, shown) in [("in", "opt-in"), ("out", "opt-out"), ("default", "default")] {
        assert!(home.run(&["analytics", "opt", word]).status.success());
        assert_eq!(mode(), Some(format!("analytics mode: {shown}")));
    }
    assert!(stdout(&home.run(&["analytics"])).contains("sends nothing"));
    assert_eq!(home.run(&["analytics", "opt", "maybe"]).status.code(), Some(1));
}

#[test]
fn documents_about_the_program_need_no_session() {
    let home = Home::with("");
    let openapi = parsed(&stdout(&home.run(&["dump", "openapi"])));
    assert_eq!(openapi["swagger"], "2.0");
    assert!(home.run(&["dump", "api-docs", "--dir", "api"]).status.success());
    let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    assert!(read("api/__init__.pyi").contains("def local_resource(name: str, "));
    assert!(read("api/os/path/__init__.pyi").contains("def join("));
    assert!(home.run(&["dump", "cli-docs", "--dir", "cli"]).status.success());
    let page = read("cli/tilt_logs.md");
    for part in ["# tilt logs\n", "`-f, --follow`", "tilt logs -f web api"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(read("cli/tilt.md").contains("(tilt_logs.md)"));
    let output = home.run(&["dump", "cli-docs"]);
    assert!(stderr(&output).contains("--dir"), "{output:?}");
}

#[test]
fn help_teaches_with_examples() {
    let home = Home::with("");
    for command in [
        "trigger",
        "logs",
        "args",
        "enable",
        "disable",
        "down",
        "doctor",
        "docker",
        "docker-prune",
        "explain-build",
        "analytics",
    ] {
        let output = home.run(&["help", command]);
        let text = stdout(&output);
        assert!(
            output.status.success() && text.contains("Examples:\n  tilt "),
            "{command}: {text}"
        );
        assert!(stderr(&output).is_empty());
    }
    let all = stdout(&home.run(&["help"]));
    assert!(all.contains("trigger") && all.contains("explain-build"));
}
