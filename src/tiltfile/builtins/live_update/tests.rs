//! Steps of live updates: how they print, in which order they may stand.

use crate::model::live::{InitialSync, ModeRule, Ownership, Restart};
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
fn steps_of_our_own_print_alike() {
    let text = "for s in [sync('s', '/a', owner='1:2', mode='0600'), pull(['yarn.lock', 'db/**']), auto(), restart_container(trigger=['a', 'b'])]:
  print(type(s), s)
";
    let expected = "live_update_sync_step sync step: '$DIR/s'->'/a'
live_update_pull_step pull step: [$DIR/yarn.lock $DIR/db/**]
live_update_auto_step auto step
live_update_restart_container_step restart_container step (triggers: a; b)
";
    assert_eq!(Tiltfile::new(text).eval().log(), expected);
}

#[test]
fn owners_modes_pulls_and_restart_triggers_are_kept() {
    let text = "docker_build('a', '.', dockerfile_contents='FROM x', live_update=[
  sync('.', '/a', owner='container', mode='existing'), pull('yarn.lock'), sync('b', '/b', '7', '0750'), pull(['db/**', 'x/*.sql']),
  restart_container(trigger='main.py')])\n";
    let update = image(&Tiltfile::new(text), "a").live_update;
    let rules: Vec<_> = update.syncs.iter().map(|sync| (sync.owner, sync.mode)).collect();
    assert_eq!(
        rules,
        [
            (Ownership::ContainerUser, ModeRule::LikeExisting),
            (Ownership::Ids { uid: 7, gid: 7 }, ModeRule::Fixed(0o750))
        ]
    );
    assert_eq!(update.pulls, ["yarn.lock", "db/**", "x/*.sql"]);
    assert_eq!(update.restart_triggers, ["main.py"]);
}

#[test]
fn auto_takes_its_syncs_from_the_dockerfile() {
    let text = "docker_build('a', 'web', live_update=[fall_back_on('web/x'), auto(), run('make')])\n";
    let tiltfile = Tiltfile::new(text)
        .file(
            "web/Dockerfile",
            "FROM x\nWORKDIR /app\nCOPY --chown=1:2 package.json .\nRUN yarn\nCOPY . .\nCOPY *.py /py/\n",
        )
        .file("web/package.json", "{}");
    let update = image(&tiltfile, "a").live_update;
    let syncs: Vec<_> = update
        .syncs
        .iter()
        .map(|sync| (sync.local.as_str(), sync.container.as_str()))
        .collect();
    assert_eq!(syncs, [("web", "/app")]);
    assert_eq!(update.stop_paths, ["web/x", "web/package.json"]);
    let dir = tiltfile.dir().display().to_string();
    let log = tiltfile.eval().log().replace(&dir, "$DIR");
    let said: String = log
        .lines()
        .filter(|line| line.contains("auto"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        said,
        "auto(): line 3 of $DIR/web/Dockerfile: the command in line 4 may need `package.json`
auto(): line 6 of $DIR/web/Dockerfile: `*.py` is a pattern
"
    );
    let alone = Tiltfile::new("docker_build('a', '.', dockerfile_contents='FROM x\\nADD . /y', live_update=auto())\n");
    assert_eq!(image(&alone, "a").live_update.syncs.len(), 1);
}

#[test]
fn auto_needs_a_dockerfile_that_can_be_followed() {
    assert_eq!(
        refused("auto()"),
        "live_update: auto() found nothing that the Dockerfile copies from its context: write the syncs down instead"
    );
    let custom = Tiltfile::new("custom_build('a', 'x', ['.'], live_update=auto())\n");
    assert_eq!(
        declared(&custom, |_| Ok(())).err().unwrap_or_default(),
        "live_update: auto() works in docker_build only, whose Dockerfile says what is copied: write the syncs down instead"
    );
    let unclear = Tiltfile::new(
        "docker_build('a', '.', dockerfile_contents='FROM x\\nCOPY . /y\\nRUN make', live_update=auto())\n",
    );
    let message = declared(&unclear, |_| Ok(())).err().unwrap_or_default();
    assert!(
        message.contains("could not follow anything") && message.contains("line 2"),
        "{message}"
    );
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
            "[sync('.', '/a'), run('x'), pull('y')]",
            "live_update: all pull steps must precede all run steps",
        ),
        (
            "[sync('.', '/a'), pull('y'), fall_back_on('x')]",
            "live_update: fall_back_on steps must appear at the start of the list",
        ),
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
            "[sync('src', '/a'), sync('b', '/b'), pull('lib/**')]",
            "live_update: pull 'lib/**' is under no sync, so it has no place in the container; syncs are 'src'->'/a', 'b'->'/b'",
        ),
        (
            "[run('x'), restart_container(trigger=[1])]",
            "restart_container triggers contained value '1' of type 'int'. it may only contain strings",
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
        (
            "sync('a', '/a', owner='me')",
            "owner 'me' must be 'container' or numbers: 'uid' or 'uid:gid'",
        ),
        (
            "sync('a', '/a', mode='rw')",
            "mode 'rw' must be 'existing' or octal, such as '0644'",
        ),
        (
            "pull('../x')",
            "'../x' is outside of the project: what is pulled must be in $DIR",
        ),
        (
            "pull('a/../../x/**')",
            "'a/../../x/**' is outside of the project: what is pulled must be in $DIR",
        ),
        (
            "pull('/etc/passwd')",
            "'/etc/passwd' is outside of the project: what is pulled must be in $DIR",
        ),
        (
            "pull([])",
            "paths can't be empty: name what comes back from the container",
        ),
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
