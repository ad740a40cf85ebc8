//! How a session ends, and what is left of one that was killed.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::alive::Family;
use crate::support::session::{Home, Session};
use crate::support::stderr;

/// A server and an update, both with children of their own, some of which do not care about being asked to end.
const FAMILIES: &str = r#"
local_resource('busy', 'exec 3>alive; sleep 1000 & echo working; wait', allow_parallel=True)
local_resource('served', allow_parallel=True, serve_cmd='''
exec 3>alive
sleep 1000 &
sh -c 'trap "" TERM HUP INT; sleep 1000 & while :; do sleep 1000; done' &
echo serving
wait''')
"#;

const POLITE: &str = r#"
local_resource('polite', serve_cmd='trap "echo goodbye; exit 0" TERM; sleep 1000 & echo serving; wait')
"#;

const STUBBORN: &str = r#"
local_resource('stubborn', serve_cmd='exec 3>alive; trap "" TERM; echo serving; while :; do sleep 1000; done')
"#;

/// The folders of logs that sessions of a home have left.
fn log_folders(home: &Home) -> usize {
    let logs = home.path(".own/state/tilt-dev/logs");
    let entries = std::fs::read_dir(logs).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().is_dir()).count()
}

fn listed(home: &Home) -> String {
    std::fs::read_to_string(home.path(".own/dev/config")).unwrap_or_default()
}

#[test]
fn a_session_that_is_killed_leaves_no_child_and_nothing_in_the_way_of_the_next() {
    let home = Home::with(FAMILIES);
    let family = Family::at(&home.path("alive"));
    let mut session = Session::start(home, &["up"]);
    let mut lines = [session.line_with("│ "), String::new()];
    for line in &mut lines {
        *line = session.line_with("ing");
        while !line.ends_with("│ working") && !line.ends_with("│ serving") {
            *line = session.line_with("ing");
        }
    }
    let port = session.port();
    session.kill();
    let (home, end) = session.end();
    assert_eq!(end.status.code(), None, "a signal ended it");
    family.awaits_the_last();
    assert!(
        listed(&home).contains(&format!("name: tilt-{port}")),
        "it could not take its entry out"
    );
    assert_eq!(log_folders(&home), 1);

    let before = listed(&home);
    home.write("Tiltfile", "local_resource('again', 'echo once-more')");
    let mut session = Session::start_at(home, port, &["up"]);
    session.line_with("│ once-more");
    session.wait("UpToDate", "again");
    let config = std::fs::read_to_string(session.path(".own/dev/config")).unwrap();
    assert_eq!(config.matches("server: https://").count(), 1, "{config}");
    assert_ne!(config, before);
    session.signal(Signal::TERM);
    let (home, end) = session.end();
    assert_eq!(end.status.code(), Some(0), "{end:?}");
    assert_eq!(log_folders(&home), 0);
    assert!(!listed(&home).contains("server: https://"), "{}", listed(&home));
    assert!(!home.path(".own/dev/config.lock").exists());
}

#[track_caller]
fn lets_servers_say_goodbye(signal: Signal) {
    let mut session = Session::up(POLITE);
    session.line_with("│ serving");
    session.signal(signal);
    let (home, end) = session.end();
    assert_eq!(end.status.code(), Some(0), "{end:?}");
    assert!(end.lines.contains(&"       polite │ goodbye".to_owned()), "{end:?}");
    assert_eq!((end.stderr.as_str(), log_folders(&home)), ("", 0));
}

#[test]
fn the_first_sigterm_lets_servers_end_by_themselves() {
    lets_servers_say_goodbye(Signal::TERM);
}

#[test]
fn the_first_ctrl_c_lets_servers_end_by_themselves() {
    lets_servers_say_goodbye(Signal::INT);
}

#[test]
fn a_terminal_that_goes_away_lets_servers_end_by_themselves() {
    lets_servers_say_goodbye(Signal::HUP);
}

#[test]
fn a_server_that_does_not_end_is_killed_when_the_time_is_up() {
    let home = Home::with(STUBBORN);
    let family = Family::at(&home.path("alive"));
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ serving");
    let asked = Instant::now();
    session.signal(Signal::TERM);
    let (_home, end) = session.end();
    assert_eq!(end.status.code(), Some(1), "{end:?}");
    assert!(
        asked.elapsed() >= Duration::from_millis(1900),
        "it had {:?}",
        asked.elapsed()
    );
    family.awaits_the_last();
}

#[test]
fn an_update_that_does_not_end_is_killed_when_the_time_is_up() {
    let home = Home::with(&STUBBORN.replace("serve_cmd", "cmd"));
    let family = Family::at(&home.path("alive"));
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ serving");
    session.signal(Signal::INT);
    let (_home, end) = session.end();
    assert_eq!(end.status.code(), Some(1), "{end:?}");
    family.awaits_the_last();
}

/// From the first of two signals to the end of a session whose server does not care.
#[track_caller]
fn killed_within() -> Duration {
    let home = Home::with(STUBBORN);
    let family = Family::at(&home.path("alive"));
    let mut session = Session::start(home, &["up"]);
    session.line_with("│ serving");
    let asked = Instant::now();
    session.signal(Signal::INT);
    session.signal(Signal::TERM);
    let (_home, end) = session.end();
    let took = asked.elapsed();
    assert_eq!(end.status.code(), Some(1), "{end:?}");
    family.awaits_the_last();
    took
}

#[test]
fn the_second_signal_kills_at_once() {
    // One signal alone never takes less. A busy machine may take as long for two, but not every time.
    let alone = Duration::from_millis(1900);
    assert!(
        (0..5).any(|_| killed_within() < alone),
        "it never takes less than {alone:?}"
    );
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_is_left_behind() {
    let session = Session::up("local_resource('first', 'echo one')");
    let port = session.port();
    let home = Home::with("local_resource('second', 'echo two > made')");
    for subcommand in ["up", "ci"] {
        let output = home
            .tilt(&[subcommand])
            .env("TILT_PORT", port.to_string())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = stderr(&output);
        let start = format!("Error: Tilt cannot start because you already have another process on port {port}");
        assert!(error.starts_with(&start) && error.contains("tilt up --port"), "{error}");
        assert!(output.stdout.is_empty());
        assert!(!listed(&home).contains("tilt-"), "{}", listed(&home));
        assert_eq!(log_folders(&home), 0);
        assert!(!home.path("made").exists());
    }
    session.wait("UpToDate", "first");
}
