//! Settings of a user: defined, read from file and command line, refused.

use crate::tiltfile::testing::{Evaluated, Tiltfile};

/// Defines settings, parses and prints what was given.
fn parsed(definitions: &str, args: &[&str], file: Option<&str>) -> Evaluated {
    let text = format!("{definitions}\nprint(config.parse())\n");
    let tiltfile = Tiltfile::new(&text).args(args);
    match file {
        Some(content) => tiltfile.file("tilt_config.json", content).eval(),
        None => tiltfile.eval(),
    }
}

const ALL: &str = "\
config.define_string_list('list')
config.define_string('text', usage='some text')
config.define_bool('on')
config.define_object('doc')
config.define_string_list('rest', args=True)";

#[test]
fn arguments_become_values_of_settings() {
    for (args, expected) in [
        (&[][..], "{}"),
        (&["--list", "a", "--list=b"], r#"{"list": ["a", "b"]}"#),
        (&["--text", "a b"], r#"{"text": "a b"}"#),
        (&["--text="], r#"{"text": ""}"#),
        (&["--text", "--on"], r#"{"text": "--on"}"#),
        (&["--on"], r#"{"on": True}"#),
        (&["--on=false"], r#"{"on": False}"#),
        (&["--on", "false"], r#"{"on": True, "rest": ["false"]}"#),
        (
            &["--doc", r#"{"a": [1, 2.5, null, true]}"#],
            r#"{"doc": {"a": [1, 2.5, None, True]}}"#,
        ),
        (&["--doc=3"], r#"{"doc": 3}"#),
        (&["a", "--on", "b"], r#"{"on": True, "rest": ["a", "b"]}"#),
        (&["a", "--", "--on", "-"], r#"{"rest": ["a", "--on", "-"]}"#),
    ] {
        assert_eq!(parsed(ALL, args, None).said(), format!("{expected}\n"), "{args:?}");
    }
}

#[test]
fn arguments_go_before_the_file_setting_by_setting() {
    let file = r#"{"list": ["a"], "text": "file", "on": false, "doc": {"x": 1}, "rest": ["r"]}"#;
    assert_eq!(
        parsed(ALL, &[], Some(file)).said(),
        "{\"list\": [\"a\"], \"text\": \"file\", \"on\": False, \"doc\": {\"x\": 1}, \"rest\": [\"r\"]}\n"
    );
    assert_eq!(
        parsed(ALL, &["--list", "b", "--on", "s"], Some(file)).said(),
        "{\"list\": [\"b\"], \"text\": \"file\", \"on\": True, \"doc\": {\"x\": 1}, \"rest\": [\"s\"]}\n"
    );
}

#[test]
fn null_in_the_file_is_a_zero_value() {
    let file = r#"{"list": null, "text": null, "on": null, "doc": null}"#;
    assert_eq!(
        parsed(ALL, &[], Some(file)).said(),
        "{\"list\": [], \"text\": \"\", \"on\": False, \"doc\": None}\n"
    );
}

#[test]
fn the_file_is_watched_even_if_it_is_not_there() {
    assert_eq!(parsed("", &[], None).watched(), ["Tiltfile", "tilt_config.json"]);
    let unparsed = Tiltfile::new("").eval();
    assert_eq!(unparsed.watched(), ["Tiltfile"]);
}

#[test]
fn the_file_of_an_included_tiltfile_is_next_to_it() {
    let evaluated = Tiltfile::new("include('inc/Tiltfile')")
        .file("inc/Tiltfile", "config.define_string('a')\nprint(config.parse())")
        .file("inc/tilt_config.json", r#"{"a": "inner"}"#)
        .file("tilt_config.json", r#"{"a": "outer"}"#)
        .eval();
    assert_eq!(evaluated.said(), "{\"a\": \"inner\"}\n");
}

#[test]
fn a_file_that_makes_no_sense_says_why() {
    for (content, expected) in [
        ("", "error parsing json from $DIR/tilt_config.json: the file is empty"),
        (
            "{",
            "error parsing json from $DIR/tilt_config.json: EOF while parsing an object at line 1 column 1",
        ),
        (
            "[]",
            "error parsing json from $DIR/tilt_config.json: expected an object, found array",
        ),
        (
            r#"{"b": 1}"#,
            "$DIR/tilt_config.json specified unknown setting name 'b'",
        ),
        (
            r#"{"lists": []}"#,
            "$DIR/tilt_config.json specified unknown setting name 'lists' (did you mean list?)",
        ),
        (
            r#"{"list": "a"}"#,
            "$DIR/tilt_config.json specified invalid value for setting list: expected array, found string \"a\"",
        ),
        (
            r#"{"list": [1]}"#,
            "$DIR/tilt_config.json specified invalid value for setting list: expected string, got number 1",
        ),
        (
            r#"{"text": 5}"#,
            "$DIR/tilt_config.json specified invalid value for setting text: expected string, found number 5",
        ),
        (
            r#"{"on": "x"}"#,
            "$DIR/tilt_config.json specified invalid value for setting on: expected bool, found string \"x\"",
        ),
    ] {
        assert_eq!(parsed(ALL, &[], Some(content)).message(), expected, "{content}");
    }
    let evaluated = Tiltfile::new("config.parse()").file("tilt_config.json/x", "").eval();
    assert_eq!(
        evaluated.message(),
        "error opening $DIR/tilt_config.json: read $DIR/tilt_config.json: is a directory"
    );
}

#[test]
fn the_failing_call_is_named() {
    assert_eq!(
        parsed("config.define_string('a')", &[], Some(r#"{"b": 1}"#)).error(),
        "Traceback (most recent call last):\n  $DIR/Tiltfile:2:19: in <toplevel>\n\
         Error in config.parse: $DIR/tilt_config.json specified unknown setting name 'b'"
    );
}

const USAGE: &str = "
Usage:
      --doc object          
      --list list[string]   
      --on                  
      --text string         some text";

#[test]
fn wrong_flags_are_explained_by_the_usage() {
    let usage: String = USAGE.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    for (args, expected) in [
        (&["--x"][..], "unknown flag: --x"),
        (&["--tex", "y"], "unknown flag: --tex (did you mean text?)"),
        (&["--rest", "y"], "unknown flag: --rest"),
        (&["--text"], "flag needs an argument: --text"),
        (&["--=x"], "bad flag syntax: --=x"),
        (
            &["-x"],
            "unknown shorthand flag: 'x' in -x (flags have two dashes: --x)",
        ),
        (&["--help"], "help requested"),
        (&["-h"], "help requested"),
        (
            &["--on=perhaps"],
            r#"invalid argument "perhaps" for "--on" flag: expected true or false"#,
        ),
        (
            &["--text=a", "--text=b"],
            r#"invalid argument "b" for "--text" flag: string settings can only be specified once. multiple values found (last value: b)"#,
        ),
        (
            &["--on", "--on"],
            r#"invalid argument "true" for "--on" flag: bool settings can only be specified once. multiple values found (last value: true)"#,
        ),
        (
            &["--doc=1", "--doc=2"],
            r#"invalid argument "2" for "--doc" flag: object settings can only be specified once. multiple values found (last value: 2)"#,
        ),
        (
            &["--doc={"],
            r#"invalid argument "{" for "--doc" flag: decoding JSON, got "{": EOF while parsing an object at line 1 column 1"#,
        ),
    ] {
        assert_eq!(
            parsed(ALL, args, None).message(),
            format!("invalid Tiltfile config args: {expected}{usage}"),
            "{args:?}"
        );
    }
}

#[test]
fn long_explanations_are_wrapped_into_their_column() {
    let words = "word ".repeat(30);
    let definitions = format!("config.define_string('a', usage='`FILE` with {words}')");
    let message = parsed(&definitions, &["--x"], None).message();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(
        lines[2],
        "      --a FILE   FILE with word word word word word word word word word word"
    );
    assert_eq!(lines[3], format!("                 {}", "word ".repeat(12).trim_end()));
    assert!(lines.iter().all(|line| line.len() <= 80), "{message}");
}

#[test]
fn arguments_without_a_place_are_refused() {
    let evaluated = parsed("config.define_string('a')", &["do", "re"], None);
    assert_eq!(
        evaluated.message(),
        "invalid Tiltfile config args: positional CLI args (\"do re\") were specified, but none were expected.\n\
         See https://docs.tilt.dev/tiltfile_config.html#positional-arguments for examples."
    );
    let evaluated = parsed("config.define_string('a', args=True)", &["do", "re"], None);
    assert_eq!(
        evaluated.message(),
        "invalid Tiltfile config args: invalid positional args (a): string settings can only be specified once. multiple values \
         found (last value: re)"
    );
}

#[test]
fn without_flags_there_is_no_usage() {
    assert_eq!(
        parsed("", &["--x"], None).message(),
        "invalid Tiltfile config args: unknown flag: --x"
    );
}

#[test]
fn definitions_have_to_make_sense() {
    for (text, expected) in [
        ("config.define_string('')", "'name' is required"),
        (
            "config.define_string('a')\nconfig.define_bool('a')",
            "a defined multiple times",
        ),
        (
            "config.define_string('a', args=True)\nconfig.define_string_list('b', args=True)",
            "both b and a are defined as positional args",
        ),
        (
            "config.parse()\nconfig.define_bool('a')",
            "config.define_bool cannot be called after config.parse is called",
        ),
        (
            "config.define_bool('a', args=1)",
            "config.define_bool: for parameter \"args\": got int, want bool",
        ),
    ] {
        assert_eq!(Tiltfile::new(text).eval().message(), expected, "{text}");
    }
}

#[test]
fn settings_are_parsed_in_one_directory_as_often_as_one_likes() {
    let twice = Tiltfile::new("config.define_bool('a')\nprint(config.parse() == config.parse())")
        .args(&["--a"])
        .eval();
    assert_eq!(twice.said(), "True\n");
    let elsewhere = Tiltfile::new("config.parse()\ninclude('inc/Tiltfile')")
        .file("inc/Tiltfile", "config.parse()")
        .eval();
    assert_eq!(
        elsewhere.message(),
        "config.parse can only be called from one Tiltfile working directory per run. It was called from $DIR and $DIR/inc"
    );
}

#[test]
fn only_names_can_be_enabled() {
    for (given, expected) in [
        (
            "'a'",
            "config.set_enabled_resources: for parameter \"resources\": got string, want list",
        ),
        (
            "['a', 1]",
            "resources must be a list of string: 1 is a int, not a string",
        ),
    ] {
        let evaluated = Tiltfile::new(&format!("config.set_enabled_resources({given})")).eval();
        assert_eq!(evaluated.message(), expected);
    }
    for given in ["[]", "()", "set([])"] {
        Tiltfile::new(&format!(
            "config.set_enabled_resources({given})\nconfig.clear_enabled_resources()"
        ))
        .eval()
        .project();
    }
}
