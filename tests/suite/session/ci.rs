//! `tilt ci`: its last line, its exit code and its reports.

use std::process::Output;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::alive::Family;
use crate::support::program::Program;
use crate::support::session::Home;
use crate::support::{stderr, stdout};

/// Runs it to its end, without a port that others may have.
fn ci(tiltfile: &str, flags: &[&str]) -> (Home, Output) {
    let home = Home::with(tiltfile);
    let output = home.run(&[&["ci", "--port", "0"], flags].concat());
    (home, output)
}

#[track_caller]
fn fails(tiltfile: &str, flags: &[&str], error: &str) {
    let (_home, output) = ci(tiltfile, flags);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(1), format!("Error: {error}\n")),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains("SUCCESS"));
}

#[test]
fn ci_ends_well_once_all_has_run_and_all_servers_are_ready() {
    let home = Home::with(
        "
local_resource('job', 'echo worked')
local_resource('server', serve_cmd='exec 3>alive; trap \"echo goodbye; exit 0\" TERM; echo serving; sleep 1000 & wait',
    readiness_probe=probe(period_secs=1, exec=exec_action(['test', '-e', 'is-ready'])), resource_deps=['job'])
local_resource('makes-it-ready', 'touch is-ready', resource_deps=['job'])
local_resource('by-hand', 'false', auto_init=False)
",
    );
    let family = Family::at(&home.path("alive"));
    let output = home.run(&["ci", "--port", "0"]);
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(0), String::new()),
        "{}",
        stdout(&output)
    );
    let text = stdout(&output);
    assert!(text.starts_with("Tilt started on (without browser UI)\nv"), "{text}");
    assert!(text.ends_with("SUCCESS. All workloads are healthy.\n"), "{text}");
    for line in [
        "          job │ worked\n",
        "       server │ serving\n",
        "       server │ goodbye\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    family.awaits_the_last();
}

#[test]
fn what_fails_is_the_error_of_ci() {
    fails(
        "local_resource('good', 'true')\nlocal_resource('bad', 'echo oops >&2; exit 3')",
        &[],
        "Command \"echo oops >&2; exit 3\" failed: exit status 3",
    );
}

#[test]
fn a_server_that_ends_well_has_failed() {
    fails(
        "local_resource('server', serve_cmd='exit 0', readiness_probe=probe(exec=exec_action(['false'])))",
        &[],
        "Server exited with exit code 0",
    );
}

#[test]
fn ci_gives_up_when_its_time_is_up() {
    fails(
        "
local_resource('slow', 'sleep 1000', allow_parallel=True)
local_resource('late', 'true', resource_deps=['slow'], allow_parallel=True)
",
        &["--timeout", "5s"],
        "Timeout after 5s: 1 resources waiting (late waiting-for-dep), 1 resources not ready (slow)",
    );
}

#[test]
fn a_tiltfile_that_fails_is_the_error_of_ci() {
    let (home, output) = ci("fail('not today')", &[]);
    assert_eq!(output.status.code(), Some(1));
    let path = std::fs::canonicalize(home.path("Tiltfile")).unwrap();
    let error = stderr(&output);
    assert!(
        error.starts_with("Error: Traceback (most recent call last):\n"),
        "{error}"
    );
    assert!(
        error.contains(&format!("{}:1:5: in <toplevel>", path.display())) && error.contains("not today"),
        "{error}"
    );
    let nothing = "No resources found. Check out https://docs.tilt.dev/tutorial.html to get started!";
    fails("print('empty')", &[], nothing);
}

#[test]
fn reports_say_what_ran_and_what_failed() {
    let (home, output) = ci(
        "local_resource('good', 'true')\nlocal_resource('bad', 'echo oops; exit 3', resource_deps=['good'])",
        &["--output-json", "report.json", "--output-junit", "report.xml"],
    );
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&std::fs::read(home.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["outcome"], "failure");
    assert_eq!(report["error"], "Command \"echo oops; exit 3\" failed: exit status 3");
    let updates = |name: &str| {
        let resources = report["resources"].as_array().unwrap();
        resources.iter().find(|resource| resource["name"] == *name).unwrap()["updates"].clone()
    };
    assert_eq!(updates("good").as_array().unwrap().len(), 1);
    assert_eq!(updates("good")[0]["error"], Value::Null);
    assert_eq!(
        updates("bad")[0]["error"],
        "Command \"echo oops; exit 3\" failed: exit status 3"
    );
    let xml = std::fs::read_to_string(home.path("report.xml")).unwrap();
    assert!(xml.starts_with("<?xml") && xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("name=\"good:update\"") && xml.contains("oops"), "{xml}");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let (_home, output) = ci(
        "local_resource('good', 'true')",
        &["--output-json", "no/such/folder/report.json"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such/folder"), "{}", stderr(&output));
}

#[test]
fn ci_that_is_ended_early_has_not_succeeded_and_leaves_nobody() {
    let home = Home::with("local_resource('slow', 'exec 3>alive; echo at-it; sleep 1000')");
    let family = Family::at(&home.path("alive"));
    let mut program = Program::start(&mut home.tilt(&["ci", "--port", "0", "--output-json", "report.json"]));
    program.line_with("│ at-it");
    program.signal(Signal::TERM);
    let end = program.end();
    assert_eq!(end.status.code(), Some(1), "{end:?}");
    assert!(end.stderr.starts_with("Error: interrupted"), "{end:?}");
    family.awaits_the_last();
    assert!(home.path("report.json").exists());
}

#[test]
fn ci_does_not_watch_files() {
    let home = Home::with(
        "
local_resource('job', 'cat in; echo changed > in', deps=['in'])
local_resource('after', 'cat in; tilt=$(cat tilt); $tilt get filewatch -o name', resource_deps=['job'])
",
    );
    home.write("in", "first\n");
    home.write("tilt", env!("CARGO_BIN_EXE_tilt"));
    let output = home.run(&["ci", "--port", "0"]);
    let text = stdout(&output);
    assert!(
        text.ends_with("SUCCESS. All workloads are healthy.\n"),
        "{text}{}",
        stderr(&output)
    );
    assert_eq!(text.matches("Running cmd: cat in;").count(), 2, "{text}");
    assert!(
        text.contains("        after │ changed\n") && !text.contains("File Changed"),
        "{text}"
    );
}
