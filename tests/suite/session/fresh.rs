//! `tilt wait --for=fresh`: whoever saves and then waits finds that it runs.

use std::fs;

use crate::support::session::{Home, Session};

const COPIES: &str = "local_resource('copy', 'cat src > out', deps=['src'])\n";

fn copying(tiltfile: &str) -> Session {
    let home = Home::with(tiltfile);
    home.write("src", "0");
    Session::start(home, &["up"])
}

#[test]
fn what_was_saved_just_before_has_run_when_the_wait_ends() {
    let session = copying(COPIES);
    session.wait("UpToDate", "copy");
    for round in 1..=20 {
        session.write("src", &format!("{round}"));
        let said = session.said(&["wait", "--for=fresh", "--timeout=60s", "copy"]);
        assert_eq!(said, "uiresource.tilt.dev/copy condition met\n");
        let copied = fs::read_to_string(session.path("out")).unwrap();
        assert_eq!(copied, round.to_string());
    }
    let explained = session.said(&["explain-build", "copy"]);
    assert!(explained.contains("it runs edit 20, "), "{explained}");
}

#[test]
fn a_saved_tiltfile_is_evaluated_before_the_wait_ends() {
    let session = copying(COPIES);
    session.wait("UpToDate", "copy");
    session.write("Tiltfile", &COPIES.replace("out", "elsewhere"));
    session.said(&["wait", "--for=fresh", "--timeout=60s", "--all"]);
    assert_eq!(fs::read_to_string(session.path("elsewhere")).unwrap(), "0");
}

#[test]
fn what_fails_is_waited_for_until_the_time_is_over_and_then_the_reason_is_said() {
    let session = copying("local_resource('copy', 'grep -q 0 src', deps=['src'])\n");
    session.wait("UpToDate", "copy");
    session.write("src", "broken");
    let refused = session.refused(&["wait", "--for=fresh", "--timeout=2s", "copy"]);
    let wanted = "timed out waiting for the condition on uiresources/copy: 1 edit behind, the last update failed: ";
    assert!(refused.contains(wanted), "{refused}");
    session.write("src", "0 again");
    session.said(&["wait", "--for=fresh", "--timeout=60s", "copy"]);
}

#[test]
fn a_session_that_follows_no_files_cannot_tell() {
    let tiltfile = format!(
        "{COPIES}local_resource('server', serve_cmd='sleep 1000', readiness_probe=probe(exec=exec_action(['false'])))\n"
    );
    let home = Home::with(&tiltfile);
    home.write("src", "0");
    let session = Session::start(home, &["ci"]);
    let refused = session.refused(&["wait", "--for=fresh", "copy"]);
    assert!(refused.contains("this session does not follow files"), "{refused}");
}
