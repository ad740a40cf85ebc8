//! `tilt logs`: which lines, in which form, and until when.

use crate::support::session::Session;

const LOUD: &str = "
local_resource('fine', 'echo all is well')
local_resource('bad', 'echo trouble; exit 3')
local_resource('served', serve_cmd='echo serving; sleep 600')
";

fn loud() -> Session {
    let mut session = Session::up(LOUD);
    session.line_with("Build Failed");
    session.wait("UpToDate", "fine");
    session
}

#[test]
fn lines_are_chosen_by_resource_level_source_and_number() {
    let mut session = loud();
    session.line_with("│ serving");
    assert_eq!(
        session.said(&["logs", "fine"]),
        "\nInitial Build\nRunning cmd: echo all is well\nall is well\n"
    );
    let two = session.said(&["logs", "fine", "served"]);
    assert!(two.contains("         fine │ all is well\n") && two.contains("       served │ serving\n"));
    assert!(!two.contains("│ trouble"));
    let errors = session.said(&["logs", "--level", "error"]);
    assert!(errors.contains("ERROR: Build Failed") && !errors.contains("│ trouble") && !errors.contains("serving"));
    let builds = session.said(&["logs", "--source", "build"]);
    assert!(builds.contains("all is well") && !builds.contains("serving"));
    let runtime = session.said(&["logs", "--source", "runtime"]);
    assert!(runtime.contains("│ serving") && !runtime.contains("│ all is well"));
    assert_eq!(session.said(&["logs", "fine", "--tail", "1"]), "all is well\n");
    assert_eq!(session.said(&["logs", "fine", "--tail", "0"]), "");
    assert_eq!(session.said(&["logs", "fine", "--since", "0s"]), "");
    assert!(session.said(&["logs", "fine", "--since", "1h"]).contains("all is well"));
    assert_eq!(
        session.said(&["logs", "fine", "--search", "/^ALL is/"]).trim(),
        "all is well"
    );
    assert_eq!(session.said(&["logs", "fine", "--search", "/all.*ill/"]), "");
    assert!(
        session
            .refused(&["logs", "--search", "/(/"])
            .contains("invalid argument for --search")
    );
}

#[test]
fn json_tells_level_and_time_of_the_line_itself() {
    let session = loud();
    let printed = session.said(&["logs", "--json", "bad"]);
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let with = |text: &str| {
        lines
            .iter()
            .find(|line| line["message"] == *text)
            .unwrap_or(&serde_json::Value::Null)
    };
    assert_eq!(with("trouble")["level"], "info");
    assert_eq!(with("trouble")["source"], "build");
    let failed = "Build Failed: Command \"echo trouble; exit 3\" failed: exit status 3";
    assert_eq!(with(failed)["level"], "error");
    let keys = [
        "time",
        "resource",
        "level",
        "message",
        "spanID",
        "progressID",
        "buildEvent",
        "source",
    ];
    for line in &lines {
        let object = line.as_object().unwrap();
        assert_eq!(object.keys().map(String::as_str).collect::<Vec<_>>(), keys);
    }
}

#[test]
fn what_cannot_be_asked_for_is_said() {
    let session = loud();
    let negative = session.refused(&["logs", "--since", "-5m"]);
    assert_eq!(
        negative,
        "Error: invalid argument for --since: -5m is less than nothing\n"
    );
    assert!(
        session
            .refused(&["logs", "--since", "soon"])
            .contains("invalid argument for --since")
    );
    assert!(session.refused(&["logs", "--tail", "-2"]).contains("less than -1"));
    let unknown = session.refused(&["logs", "fin"]);
    assert_eq!(
        unknown,
        "Error: no such resource \"fin\" (did you mean fine?)\nResources: (Tiltfile), bad, fine, served\n"
    );
}

#[test]
fn following_shows_new_lines_until_the_session_ends() {
    let session = loud();
    let mut text = session.follow(&["logs", "-f", "fine", "--tail", "1"]);
    let mut json = session.follow(&["logs", "-f", "--json", "--tail", "1", "fine"]);
    // Both are there before there is more.
    assert_eq!(text.line_with(""), "all is well");
    json.line_with("\"message\":\"all is well\"");
    session.said(&["trigger", "fine"]);
    text.line_with("all is well");
    // The line of the command itself has the words in it, too.
    json.line_with("\"message\":\"all is well\"");
    let ended = session.interrupt();
    assert_eq!(ended.status.code(), Some(0));
    for following in [text, json] {
        let end = following.end();
        assert_eq!(end.status.code(), Some(0));
        assert_eq!(end.stderr, "Tilt has ended, so there are no more logs.\n");
    }
}

#[test]
fn following_ends_well_at_ctrl_c_and_badly_if_the_session_is_killed() {
    let mut session = loud();
    let mut first = session.follow(&["logs", "-f", "fine"]);
    let mut second = session.follow(&["logs", "-f", "fine"]);
    first.line_with("all is well");
    second.line_with("all is well");
    let end = first.interrupt();
    assert_eq!((end.status.code(), end.stderr.as_str()), (Some(0), ""));
    assert_eq!(end.lines.last().map(String::as_str), Some("all is well"));
    session.kill();
    let end = second.end();
    assert_eq!(end.status.code(), Some(1));
    assert!(
        end.stderr.starts_with("Error: cannot talk to the tilt on localhost:"),
        "{}",
        end.stderr
    );
}
