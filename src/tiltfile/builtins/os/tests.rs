//! Paths and the environment.

use crate::tiltfile::testing::Tiltfile;

#[test]
fn paths_are_those_of_the_file_that_is_running() {
    let said = Tiltfile::new(
        "print(os.getcwd(), os.path.abspath('a/../b'), os.path.abspath('/x/'))\n\
         load('lib/Tiltfile', 'here', 'where')\n\
         print(here, where())\n",
    )
    .file("lib/Tiltfile", "here = os.getcwd()\ndef where(): return os.getcwd()\n")
    .eval();
    assert_eq!(said.said(), "$DIR $DIR/b /x\n$DIR/lib $DIR\n");
}

#[test]
fn paths_are_taken_apart_and_put_together() {
    let table = [
        ("os.path.join('a', 'b', '../c')", "a/c"),
        ("os.path.join('a')", "a"),
        ("os.path.join()", ""),
        ("os.path.basename('a/b.txt')", "b.txt"),
        ("os.path.basename('a/')", "a"),
        ("os.path.dirname('a/b.txt')", "a"),
        ("os.path.dirname('a')", "."),
        ("os.path.relpath('a/b')", "a/b"),
        ("os.path.relpath('a/b', 'a/c')", "../b"),
        ("os.path.relpath(os.getcwd() + '/x', basepath='.')", "x"),
        ("os.path.exists('Tiltfile')", "True"),
        ("os.path.exists('lib')", "False"),
        ("os.path.exists('.')", "True"),
        ("os.path.realpath('./Tiltfile')", "$DIR/Tiltfile"),
        ("os.name", "posix"),
    ];
    for (expression, printed) in table {
        let said = Tiltfile::new(&format!("print({expression})")).eval();
        assert_eq!(said.said(), format!("{printed}\n"), "{expression}");
    }
}

#[test]
fn looking_whether_a_file_exists_does_not_watch_it() {
    let said = Tiltfile::new("os.path.exists('nope')\nos.path.realpath('Tiltfile')\n").eval();
    assert_eq!(said.watched(), ["Tiltfile"]);
}

#[test]
fn wrong_paths_are_named() {
    let table = [
        ("os.path.realpath('nope')", "lstat $DIR/nope: no such file or directory"),
        (
            "os.path.join('a', 1)",
            "os.path.join: a path is joined of strings only, not of 1 (a int)",
        ),
        (
            "os.path.exists(1)",
            "os.path.exists: for parameter \"path\": value '1' of type 'int' is not a path: it must be a string or a local_git_repo",
        ),
        ("os.path.relpath()", "os.path.relpath: missing argument for targpath"),
        ("os.putenv('A', 1)", "putenv() value must be a string, not int"),
        ("os.environ['A'] = 1", "putenv() value must be a string, not int"),
        ("os.environ['NO']", "key \"NO\" not in environ"),
        ("os.environ.pop('NO')", "pop: missing key \"NO\""),
    ];
    for (statement, message) in table {
        assert_eq!(Tiltfile::new(statement).eval().message(), message, "{statement}");
    }
}

#[test]
fn the_environment_is_one_live_mapping() {
    let said = Tiltfile::new(
        "print(os.getenv('A'), os.getenv('NO'), os.getenv('NO', 7))\n\
         os.putenv('B', 'b')\n\
         os.environ['C'] = blob('c')\n\
         print(os.environ['B'], os.getenv('C'), 'B' in os.environ, 'D' in os.environ)\n\
         os.unsetenv('A')\n\
         os.unsetenv('NO')\n\
         print(os.environ.get('A', 'gone'), os.environ.setdefault('D', 'd'), os.environ.pop('D'), os.environ.pop('D', None))\n\
         os.environ.update({'E': 'e'}, F='f')\n\
         print([k for k in os.environ if len(k) == 1], os.environ.items()[0], len(os.environ), type(os.environ))\n\
         os.environ.clear()\n\
         os.environ['Q'] = 'say \"hi\"'\n\
         print(os.environ, bool(os.environ), os.environ.keys(), os.environ.values())\n\
         print(os.environ.popitem(), len(os.environ))\n",
    )
    .env("A", "a")
    .eval();
    assert_eq!(
        said.said(),
        "a None 7\n\
         b c True False\n\
         gone d d None\n\
         [\"B\", \"C\", \"E\", \"F\"] (\"B\", \"b\") 6 environ\n\
         {\"Q\": \"say \\\"hi\\\"\"} True [\"Q\"] [\"say \\\"hi\\\"\"]\n\
         (\"Q\", \"say \\\"hi\\\"\") 0\n"
    );
}
