//! Commands that make a session do something: `trigger`, `args`, `enable`, `disable`.

use crate::support::session::{Home, Session};
use crate::support::{stderr, stdout};

const THREE: &str = "
local_resource('one', 'echo ran-one', labels=['front'])
local_resource('two', 'echo ran-two', labels=['back'])
local_resource('by-hand', 'echo ran-by-hand', trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)
";

#[test]
fn trigger_runs_a_resource_and_says_so() {
    let mut session = Session::up(THREE);
    session.wait("UpToDate", "one");
    assert_eq!(
        session.said(&["trigger", "by-hand"]),
        "Successfully triggered update for resource: \"by-hand\"\n"
    );
    session.line_with("│ ran-by-hand");
}

#[test]
fn trigger_refuses_what_does_not_exist_or_is_disabled() {
    let session = Session::up(THREE);
    session.wait("UpToDate", "two");
    assert_eq!(
        session.refused(&["trigger", "nope"]),
        "Error: (404): resource \"nope\" does not exist\n"
    );
    session.said(&["disable", "two"]);
    assert_eq!(
        session.refused(&["trigger", "two"]),
        "Error: resource \"two\" is currently disabled\n"
    );
    let output = session.run(&["trigger"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("Usage: tilt trigger"));
}

#[test]
fn without_a_session_the_error_says_how_to_start_one() {
    let home = Home::with("");
    for words in [
        &["trigger", "x"][..],
        &["logs"],
        &["args", "x"],
        &["snapshot", "create"],
        &["dump", "engine"],
    ] {
        let output = home.tilt(words).args(["--port", "1"]).output().unwrap();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(
            error.starts_with("Error: ") && error.contains("`tilt up`"),
            "{words:?}: {error}"
        );
        assert!(stdout(&output).is_empty(), "{words:?}");
    }
}

#[test]
fn another_settings_folder_is_not_let_in() {
    let session = Session::up(THREE);
    let output = session
        .tilt(&["trigger", "one"])
        .env("TILT_DEV_DIR", session.path("elsewhere"))
        .output()
        .unwrap();
    let error = stderr(&output);
    assert!(error.contains("does not let us in: missing session token"), "{error}");
}

#[test]
fn disabled_resources_run_again_once_they_are_enabled() {
    let session = Session::up(THREE);
    session.wait("UpToDate", "one");
    session.wait("UpToDate", "two");
    let disabled = |name: &str| {
        let path = "-o=jsonpath={.data.isDisabled}";
        session.said(&["get", "configmap", path, &format!("{name}-disable")]) == "true"
    };
    session.said(&["disable", "one", "two"]);
    assert!(disabled("one") && disabled("two") && !disabled("by-hand"));
    session.said(&["enable", "-l", "front"]);
    assert!(!disabled("one") && disabled("two"));
    session.said(&["enable", "--only", "two"]);
    assert!(disabled("one") && !disabled("two") && disabled("by-hand"));
    session.said(&["enable", "--all"]);
    assert!(!disabled("one") && !disabled("two") && !disabled("by-hand"));
    session.wait("UpToDate", "one");
}

#[test]
fn enable_and_disable_say_what_cannot_be() {
    let session = Session::up(THREE);
    session.wait("UpToDate", "one");
    session.wait("UpToDate", "two");
    let cases: [(&[&str], &str); 7] = [
        (&["enable"], "must specify at least one resource"),
        (&["disable"], "must specify at least one resource"),
        (
            &["disable", "by-hnad"],
            "no such resource \"by-hnad\" (did you mean by-hand?)",
        ),
        (&["disable", "(Tiltfile)"], "(Tiltfile) cannot be enabled or disabled"),
        (&["disable", "--all", "one"], "cannot use --all with resource names"),
        (&["enable", "--all", "--only"], "cannot use --all with --only"),
        (&["enable", "-l", "x,y"], "no resource has the label x or y"),
    ];
    for (words, problem) in cases {
        assert_eq!(session.refused(words), format!("Error: {problem}\n"), "{words:?}");
    }
}

const GREETING: &str = "
config.define_string_list('greet')
print('greet:', config.parse().get('greet', []))
";

#[test]
fn args_change_what_the_tiltfile_is_given() {
    let mut session = Session::up(GREETING);
    session.line_with("greet: []");
    let changed = session.said(&["args", "--", "--greet=you", "--greet=all of you"]);
    let address = format!("localhost:{}", session.port());
    assert_eq!(
        changed,
        format!("Changed config args for Tilt running at {address} to [--greet=you --greet=all of you]\n")
    );
    session.line_with("greet: [\"you\", \"all of you\"]");
    assert_eq!(
        session.said(&["args", "--", "--greet=you", "--greet=all of you"]),
        "Tilt is already running with those args -- no action taken\n"
    );
    assert_eq!(
        session.said(&["args", "--clear"]),
        format!("Changed config args for Tilt running at {address} to []\n")
    );
    session.line_with("greet: []");
    assert!(
        session
            .refused(&["args", "--clear", "x"])
            .contains("--clear cannot be specified")
    );
}

#[test]
fn args_are_edited_on_one_line() {
    let mut session = Session::up(GREETING);
    session.line_with("greet: []");
    session.said(&["args", "--", "--greet=a b"]);
    let edited = |editor: &str| session.tilt(&["args"]).env("TILT_EDITOR", editor).output().unwrap();
    let output = edited("sed -i \"s/'--greet=a b'/& --greet=c/\"");
    assert!(stdout(&output).ends_with("to [--greet=a b --greet=c]\n"), "{output:?}");
    let none = edited("sed -i '/^[^#]/d'");
    assert!(stderr(&none).contains("use `tilt args --clear`"), "{none:?}");
    let two = edited("sed -i '$a more'");
    assert_eq!(stderr(&two), "Error: cannot have multiple non-comment lines\n");
    let open = edited("sed -i \"s/^'/''''/\"");
    assert_eq!(stderr(&open), "Error: a single quote is not closed\n");
}
