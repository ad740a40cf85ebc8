//! What `tilt up --stream` prints, and what becomes of a session that cannot keep its log.

use std::fs;

use regex::Regex;

use crate::support::session::{Home, Session};
use crate::support::stderr;

const FOUR: &str = "
local_resource('lint', 'echo linted', deps=['web'])
local_resource('server', serve_cmd='echo tick; sleep 1000', resource_deps=['lint'])
local_resource('broken', 'echo oops >&2; exit 3', resource_deps=['server'])
local_resource('manual', 'echo by-hand', trigger_mode=TRIGGER_MODE_MANUAL, auto_init=False)
";

/// As upstream printed it.
const PRINTED: &str = "\
Tilt started on http://localhost:PORT/
VERSION, built DATE
Tilt analytics disabled: Environment variable TILT_DISABLE_ANALYTICS=1

Initial Build
Loading Tiltfile at: DIR/Tiltfile
Successfully loaded Tiltfile (TIME)
         lint │ 
         lint │ Initial Build
         lint │ Running cmd: echo linted
         lint │ linted
       server │ 
       server │ Initial Build
       server │ Running cmd: echo tick; sleep 1000
       server │ tick
       broken │ 
       broken │ Initial Build
       broken │ Running cmd: echo oops >&2; exit 3
       broken │ oops
       broken │ ERROR: Build Failed: Command \"echo oops >&2; exit 3\" failed: exit status 3
         lint │ 
         lint │ 1 File Changed: [web/index.html]
         lint │ Running cmd: echo linted
         lint │ linted
";

fn steady(text: &str, home: &Home) -> String {
    let folder = fs::canonicalize(home.path(".")).unwrap();
    let text = text.replace(&folder.display().to_string(), "DIR");
    let text = Regex::new(r"localhost:\d+/")
        .unwrap()
        .replace_all(&text, "localhost:PORT/");
    let text = Regex::new(r"v[\d.]+(-dev)?, built \S+")
        .unwrap()
        .replace_all(&text, "VERSION, built DATE");
    let text = Regex::new(r"Tiltfile \([\d.]+(ms|µs|s)\)")
        .unwrap()
        .replace_all(&text, "Tiltfile (TIME)");
    text.into_owned()
}

/// A server and what comes after it print at the same time, so only the order within each is certain.
fn by_resource(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_by_key(|line| line.split_once('│').map(|(resource, _)| resource));
    lines
}

#[test]
fn the_stream_has_the_form_that_scripts_know() {
    let home = Home::with(FOUR);
    fs::create_dir(home.path("web")).unwrap();
    home.write("web/index.html", "one");
    let mut session = Session::start_with(home, &["up", "--stream"], &[("TILT_DISABLE_ANALYTICS", "1")]);
    session.line_with("Build Failed");
    session.wait("Ready", "server");
    session.write("web/index.html", "two");
    session.line_with("Running cmd: echo linted");
    session.line_with("│ linted");
    session.signal(rustix::process::Signal::TERM);
    let (home, end) = session.end();
    assert_eq!(end.stderr, "");
    let text: String = end.lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(by_resource(&steady(&text, &home)), by_resource(PRINTED));
}

#[test]
fn a_log_that_cannot_be_kept_is_an_error_that_names_the_place() {
    let home = Home::with("local_resource('a', 'echo made > made')");
    home.write("not-a-folder", "");
    for state in [home.path("not-a-folder"), "/proc/no-such".into()] {
        let output = home
            .tilt(&["ci", "--port", "0"])
            .env("XDG_STATE_HOME", &state)
            .output()
            .unwrap();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.starts_with("Error: ") && error.contains(&state.display().to_string()),
            "{error}"
        );
        assert!(!error.contains("panicked"), "{error}");
        assert!(!home.path("made").exists());
    }
}
