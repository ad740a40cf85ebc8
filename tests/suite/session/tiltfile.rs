//! What becomes of a session whose Tiltfile is missing, broken, deleted or mended.

use crate::support::session::{Home, Session};
use crate::support::stderr;

const GOOD: &str = "
local_resource('reads', 'cat in', deps=['in'])
local_resource('served', serve_cmd='echo serving; sleep 1000')
";

fn good() -> Session {
    let home = Home::with(GOOD);
    home.write("in", "first\n");
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ serving");
    session.wait("UpToDate", "reads");
    session
}

fn pid(session: &Session) -> String {
    session.said(&["get", "cmd", "-o=jsonpath={.items[*].status.running.pid}"])
}

#[test]
fn resources_go_on_while_the_tiltfile_is_gone_and_it_is_taken_up_again() {
    let mut session = good();
    let before = pid(&session);
    std::fs::remove_file(session.path("Tiltfile")).unwrap();
    let line = session.line_with("ERROR: ");
    let path = session.path("Tiltfile");
    assert_eq!(
        line,
        format!(
            "ERROR: No Tiltfile found at paths '{}'. Check out https://docs.tilt.dev/tutorial.html",
            path.display()
        )
    );
    session.write("in", "second\n");
    session.line_with("│ second");
    session.write("Tiltfile", &format!("{GOOD}\nlocal_resource('new', 'echo i-am-new')"));
    session.line_with("Successfully loaded Tiltfile");
    session.line_with("│ i-am-new");
    session.write("in", "third\n");
    session.line_with("│ third");
    assert_eq!(pid(&session), before, "the server was never restarted");
}

#[test]
fn a_tiltfile_that_breaks_is_reported_and_taken_up_again_once_it_is_mended() {
    let mut session = good();
    let before = pid(&session);
    session.write("Tiltfile", &format!("{GOOD}\nfail('no good')"));
    session.line_with("ERROR: Traceback (most recent call last):");
    session.line_with("no good");
    let failed = session.said(&[
        "get",
        "tiltfile",
        "(Tiltfile)",
        "-o=jsonpath={.status.terminated.error}",
    ]);
    assert!(failed.contains("no good"), "{failed}");
    session.write("in", "second\n");
    session.line_with("│ second");
    session.write("Tiltfile", GOOD);
    session.line_with("Successfully loaded Tiltfile");
    session.wait("UpToDate", "(Tiltfile)");
    assert_eq!(pid(&session), before, "the server was never restarted");
}

#[test]
fn a_tiltfile_that_comes_later_is_waited_for() {
    let mut session = Session::start(Home::empty(), &["up"]);
    session.line_with("ERROR: No Tiltfile found at paths");
    session.write("Tiltfile", "local_resource('late', 'echo here-at-last')");
    session.line_with("│ here-at-last");
}

#[test]
fn a_folder_of_the_tiltfile_that_is_moved_away_and_back_is_taken_up_again() {
    let home = Home::empty();
    std::fs::create_dir(home.path("app")).unwrap();
    home.write("app/Tiltfile", "local_resource('a', 'echo one')");
    let mut session = Session::start(home, &["up", "-f", "app/Tiltfile"]);
    session.line_with("│ one");
    std::fs::rename(session.path("app"), session.path("gone")).unwrap();
    session.line_with("ERROR: No Tiltfile found at paths");
    session.write("gone/Tiltfile", "local_resource('a', 'echo two')");
    std::fs::rename(session.path("gone"), session.path("app")).unwrap();
    session.line_with("│ two");
}

#[test]
fn ci_does_not_wait_for_a_tiltfile() {
    let home = Home::empty();
    let output = home.run(&["ci", "--port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let path = std::fs::canonicalize(home.path(".")).unwrap().join("Tiltfile");
    assert_eq!(
        stderr(&output),
        format!(
            "Error: No Tiltfile found at paths '{}'. Check out https://docs.tilt.dev/tutorial.html\n",
            path.display()
        )
    );
}
