//! Which changes of files make something run, and which do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::session::{Home, Session};

/// Runs its command, named in the next line that it prints, and nothing else in between.
#[track_caller]
fn next_is(session: &mut Session, wanted: &str) {
    let line = session.line_with("File");
    assert!(line.contains(wanted), "{line}");
}

fn started(tiltfile: &str, resources: &[&str]) -> Session {
    let home = Home::with(tiltfile);
    for folder in ["src", "src/logs"] {
        fs::create_dir(home.path(folder)).unwrap();
    }
    home.write("src/a", "a\n");
    home.write("src/b", "b");
    home.write("src/out", "always\n");
    home.write("other", "");
    let session = Session::start(home, &["up"]);
    resources.iter().for_each(|resource| session.wait("UpToDate", resource));
    session
}

#[test]
fn only_what_has_changed_and_is_not_ignored_makes_something_run() {
    let tiltfile = "
watch_settings(ignore=['src/settings'])
local_resource('r', 'true', deps=['src'], ignore=['src/own', 'src/logs'])
";
    let mut session = started(tiltfile, &["r"]);
    session.write(".tiltignore", "src/tiltignored\n");
    session.line_with("[.tiltignore]");
    session.line_with("Successfully loaded Tiltfile");
    let ignored = [
        "src/settings",
        "src/own",
        "src/logs/x",
        "src/tiltignored",
        "src/.a.swp",
        "src/a~",
    ];
    ignored.iter().for_each(|name| session.write(name, "ignored"));
    session.write("src/a", "a\n");
    // What an editor does: a file of another name first, which takes the place of the old one.
    session.write("src/4913", "b2");
    fs::rename(session.path("src/4913"), session.path("src/b")).unwrap();
    next_is(&mut session, "1 File Changed: [src/b]");
    session.write("src/a", "a2\n");
    next_is(&mut session, "1 File Changed: [src/a]");
    fs::remove_file(session.path("src/a")).unwrap();
    next_is(&mut session, "1 File Changed: [src/a]");
}

#[test]
fn what_does_not_exist_yet_is_waited_for_and_what_vanishes_may_come_back() {
    let tiltfile = "
local_resource('later', 'true', deps=['not/yet/here'])
local_resource('src', 'true', deps=['src'])
local_resource('other', 'true', deps=['Tiltfile2'])
";
    let mut session = started(tiltfile, &["later", "src", "other"]);
    fs::create_dir_all(session.path("not/yet")).unwrap();
    session.write("not/yet/here", "x");
    next_is(&mut session, "[not/yet/here]");
    fs::remove_dir_all(session.path("src")).unwrap();
    session.line_with("src │ Running cmd: true");
    fs::create_dir(session.path("src")).unwrap();
    session.write("src/a", "back\n");
    session.line_with("src/a]");
    session.write("not/yet/here", "y");
    next_is(&mut session, "[not/yet/here]");
}

#[test]
fn a_folder_that_cannot_be_read_does_not_stop_the_others() {
    let mut session = started("local_resource('r', 'true', deps=['src'])", &["r"]);
    let logs = session.path("src/logs");
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o0)).unwrap();
    session.write("src/a", "changed\n");
    session.line_with("src/a");
    fs::set_permissions(&logs, fs::Permissions::from_mode(0o755)).unwrap();
    session.write("src/logs/x", "new");
    session.line_with("src/logs/x");
}

const LOOP: &str = "
local_resource('ouroboros', 'cat src/a; date +%N > src/out', deps=['src'])
local_resource('other', 'sleep 0.3; cat other', deps=['other'])
";

#[test]
fn a_command_that_writes_into_its_own_inputs_is_stopped_and_named() {
    let mut session = started(LOOP, &["ouroboros"]);
    session.write("src/a", "begin\n");
    let line = session.line_with("WARNING: ");
    assert!(
        line.contains("ouroboros │ WARNING: ") && line.contains("changed its own inputs") && line.contains("src/out]"),
        "{line}"
    );
    let why = session.said(&["explain-build", "ouroboros"]);
    assert!(
        why.contains("changed its own inputs") && why.contains("src/out"),
        "{why}"
    );
    session.write("other", "still-at-work\n");
    session.line_with("│ still-at-work");
    session.write("src/a", "by-hand\n");
    session.line_with("│ by-hand");
    session.line_with("WARNING: ");
}

#[test]
fn a_command_that_writes_the_same_bytes_again_runs_once() {
    let tiltfile = "local_resource('r', 'cat src/a; echo always 1<> src/out', deps=['src'])";
    let mut session = started(tiltfile, &["r"]);
    session.write("src/a", "first\n");
    next_is(&mut session, "1 File Changed: [src/a]");
    session.line_with("│ first");
    session.write("src/a", "second\n");
    next_is(&mut session, "1 File Changed: [src/a]");
}
