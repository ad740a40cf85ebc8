//! Commands that run while the Tiltfile loads.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn a_command_is_logged_with_its_output_and_returns_it() {
    let said = Tiltfile::new("out = local('echo a; echo b')\nprint(repr(str(out)), type(out))\n").eval();
    assert_eq!(said.said(), "local: echo a; echo b\n → a\n → b\n\"a\\nb\\n\" blob\n");
}

#[test]
fn errors_of_a_command_are_logged_and_not_returned() {
    let said = Tiltfile::new("print(repr(str(local('echo e >&2; printf open'))))\n").eval();
    assert!(said.said().contains(" → e\n"), "{}", said.log());
    assert!(said.said().contains(" → open\n"), "{}", said.log());
    assert!(said.said().ends_with("\"open\"\n"), "{}", said.log());
}

#[test]
fn what_is_logged_can_be_chosen() {
    let table = [
        ("local('true')", "local: true\n → [no output]\n"),
        ("local('true', quiet=True)", "local: true\n"),
        ("local('true', echo_off=True)", ""),
        ("local('echo a', quiet=True)", "local: echo a\n"),
        ("local('echo a', echo_off=True)", " → a\n"),
        ("local('echo a', quiet=True, echo_off=True)", ""),
        ("local(['echo', 'a b', 'c'])", "local: echo \"a b\" c\n → a b c\n"),
        ("local('\\n  echo a\\n')", "local: echo a\n → a\n"),
    ];
    for (statement, log) in table {
        assert_eq!(Tiltfile::new(statement).eval().said(), log, "{statement}");
    }
}

#[test]
fn a_failing_command_fails_the_load() {
    let said = Tiltfile::new("print(local('echo out; exit 3'))\n").eval();
    assert_eq!(said.log(), "local: echo out; exit 3\n → out\n");
    assert_eq!(
        said.error(),
        "Traceback (most recent call last):\n  $DIR/Tiltfile:1:12: in <toplevel>\nError in local: command \"echo out; exit 3\" failed.\nerror: exit status 3"
    );
    let said = Tiltfile::new("local('echo \"o\"; echo e >&2; exit 3', quiet=True)\n").eval();
    assert_eq!(
        said.message(),
        "command \"echo \\\"o\\\"; echo e >&2; exit 3\" failed.\nerror: exit status 3\nstdout: \"o\\n\"\nstderr: \"e\\n\""
    );
}

#[test]
fn a_command_that_cannot_run_is_named() {
    let table = [
        (
            "local(['no-such-program'])",
            "command \"no-such-program\" failed.\nerror: exec: \"no-such-program\": executable file not found in $PATH",
        ),
        (
            "local('true', dir='nope')",
            "command \"true\" failed.\nerror: chdir $DIR/nope: no such file or directory",
        ),
        ("local('')", "command \"\" failed.\nerror: empty command"),
        (
            "local(1)",
            "local: for parameter \"command\": a command must be a string or list of strings; found int",
        ),
        (
            "local('true', env={'': 'x'})",
            "local: for parameter \"env\": environment has empty key for value \"x\"",
        ),
        ("local()", "local: missing argument for command"),
    ];
    for (statement, message) in table {
        assert_eq!(Tiltfile::new(statement).eval().message(), message, "{statement}");
    }
}

#[test]
fn commands_run_in_the_tiltfiles_folder_or_in_a_given_one() {
    let said = Tiltfile::new("run = lambda dir: str(local('pwd', dir=dir, quiet=True, echo_off=True)).strip()\nprint(run(''), run('sub'), run(None))\n")
        .file("sub/x", "")
        .eval();
    assert_eq!(said.said(), "$DIR $DIR/sub $DIR\n");
}

#[test]
fn commands_get_the_environment_as_it_is_now() {
    let show =
        "echo $A-$B-$C-$LINES-$COLUMNS-$PYTHONUNBUFFERED-$TILT_HOST-$TILT_PORT-$TILT_DISABLE_ANALYTICS-$KUBECONFIG";
    let said = Tiltfile::new(&format!(
        "os.putenv('B', 'b')\nos.environ['C'] = 'c'\nprint(local('{show}', quiet=True, echo_off=True, env={{'C': 'mine', 'LINES': '1'}}))\nprint(os.getenv('LINES'))\n"
    ))
    .env("A", "a")
    .env("TILT_PORT", "1234")
    .eval();
    assert_eq!(said.said(), "a-b-mine-1-80-1-localhost-1234-1-\n\nNone\n");
}

#[test]
fn input_is_fed_to_the_command() {
    let said = Tiltfile::new(
        "cat = lambda text: str(local('cat', stdin=text, quiet=True, echo_off=True))\nprint(repr([cat('x\\ny'), cat(blob('b')), cat(None), cat('')]))\n",
    )
    .eval();
    assert_eq!(said.said(), "[\"x\\ny\", \"b\", \"\", \"\"]\n");
}

#[test]
fn what_a_command_writes_is_read_afresh() {
    let said = Tiltfile::new(
        "a = read_file('f')\nlocal('echo new > f', echo_off=True, quiet=True)\nprint(str(a).strip(), read_file('f'))\n",
    )
    .file("f", "old")
    .eval();
    assert_eq!(said.said(), "old new\n\n");
}
