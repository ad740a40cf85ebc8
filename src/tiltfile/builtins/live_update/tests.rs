//! Steps of live updates: how they print, in which order they may stand.

use crate::model::live::{InitialSync, Restart};
use crate::tiltfile::convert::testing::{declared, image};
use crate::tiltfile::testing::Tiltfile;

/// Why a list of steps is refused; empty if it is not.
fn refused(steps: &str) -> String {
    let text = format!("docker_build('a', '.', dockerfile_contents='FROM x', live_update={steps})\n");
    declared(&Tiltfile::new(&text), |_| Ok(())).err().unwrap_or_default()
}

#[test]
fn steps_print_as_extensions_expect_them() {
    let text = "for s in [sync('src/', '/app/'), run('echo \"x\"'), run(['a', 'b'], trigger=['x', 'y']), fall_back_on(['a', 'b']), initial_sync(), restart_container()]:
  print(type(s), s)
";
    let expected = "live_update_sync_step sync step: '$DIR/src'->'/app/'
live_update_run_step run step: \"echo \\\"x\\\"\"
live_update_run_step run step: \"a b\" (triggers: x; y)
live_update_fall_back_on_step fall_back_on step: [$DIR/a $DIR/b]'
live_update_initial_sync_step initial_sync step
live_update_restart_container_step restart_container step
";
    assert_eq!(Tiltfile::new(text).eval().log(), expected);
}

#[test]
fn kinds_of_steps_follow_each_other() {
    let order = [
        ("[]", ""),
        ("None", ""),
        ("sync('.', '/a')", ""),
        ("(sync('.', '/a'),)", ""),
        (
            "[initial_sync(), fall_back_on('x'), fall_back_on('y'), sync('.', '/a'), sync('b', '/b'), run('x'), run('y'), restart_container()]",
            "",
        ),
        ("[run('x')]", ""),
        (
            "[run('x'), sync('.', '/a')]",
            "live_update: all sync steps must precede all run steps",
        ),
        (
            "[sync('.', '/a'), fall_back_on('x')]",
            "live_update: fall_back_on steps must appear at the start of the list",
        ),
        (
            "[run('x'), fall_back_on('x')]",
            "live_update: fall_back_on steps must appear at the start of the list",
        ),
        (
            "[restart_container(), sync('.', '/a')]",
            "live_update: restart container is only valid as the last step",
        ),
        (
            "[sync('.', '/a'), restart_container(), run('x')]",
            "live_update: restart container is only valid as the last step",
        ),
        (
            "[sync('.', '/a'), initial_sync()]",
            "live_update: initial_sync must appear at most once, at the start of the list",
        ),
        (
            "[initial_sync(), initial_sync(), sync('.', '/a')]",
            "live_update: initial_sync must appear at most once, at the start of the list",
        ),
        (
            "[fall_back_on('x'), initial_sync(), sync('.', '/a')]",
            "live_update: initial_sync must appear at most once, at the start of the list",
        ),
    ];
    for (steps, message) in order {
        assert_eq!(refused(steps), message, "{steps}");
    }
}

#[test]
fn a_live_update_that_cannot_work_is_refused() {
    let table = [
        (
            "[sync('.', 'a')]",
            "live_update: spec.syncs[0]: Invalid value: \"a\": sync destination is not absolute",
        ),
        (
            "[sync('.', '/a'), sync('b', ''), sync('c', 'c')]",
            "live_update: [spec.syncs[1]: Invalid value: \"\": sync destination is not absolute, spec.syncs[2]: Invalid value: \"c\": sync destination is not absolute]",
        ),
        (
            "[fall_back_on('x')]",
            "live_update: spec.syncs: Invalid value: null: must contain at least 1 sync or 1 exec to run on live update",
        ),
        (
            "'x'",
            "live_update: 'steps' must be a list of live update steps - got value '\"x\"' of type 'string'",
        ),
        (
            "[sync('.', '/a'), None]",
            "live_update: 'steps' must be a list of live update steps - got value 'None' of type 'NoneType'",
        ),
    ];
    for (steps, message) in table {
        assert_eq!(refused(steps), message, "{steps}");
    }
}

#[test]
fn wrong_arguments_of_steps_are_refused() {
    let table = [
        (
            "run('x', trigger=[1])",
            "run cmd 'x' triggers contained value '1' of type 'int'. it may only contain strings",
        ),
        ("run('')", "cmd can't be empty: give a command to run in the container"),
        ("sync('a')", "sync: missing argument for remote_path"),
        (
            "sync(1, '/a')",
            "sync: for parameter \"local_path\": got int, want string",
        ),
        ("initial_sync(1)", "initial_sync: got 1 arguments, want 0"),
        (
            "fall_back_on(files=[1])",
            "fall_back_on: for parameter \"paths\": value '1' of type 'int' is not a path: it must be a string or a local_git_repo",
        ),
    ];
    for (call, message) in table {
        assert_eq!(Tiltfile::new(&format!("{call}\n")).eval().message(), message, "{call}");
    }
}

#[test]
fn what_happens_at_the_start_and_at_the_end_is_kept() {
    let text = "docker_build('a', '.', dockerfile_contents='FROM x', live_update=[initial_sync(), sync('.', '/a'), restart_container()])\n";
    let update = image(&Tiltfile::new(text), "a").live_update;
    assert_eq!(
        (update.initial_sync, update.restart),
        (InitialSync::Copy, Restart::Always)
    );
    assert_eq!(update.syncs[0].local, ".");
}

#[test]
fn steps_may_be_made_in_another_file() {
    let tiltfile = Tiltfile::new("load('./lib/Tiltfile', 'steps', 'more')\ndocker_build('a', '.', dockerfile_contents='FROM x', live_update=steps + more())\n")
        .file("lib/Tiltfile", "steps = [sync('.', '/lib')]\ndef more():\n  return [run('x')]\n");
    let update = image(&tiltfile, "a").live_update;
    assert_eq!(update.base, tiltfile.dir());
    assert_eq!(update.syncs[0].local, "lib");
}
