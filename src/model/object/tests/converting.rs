//! From Starlark's values to fields, with upstream's words for every mistake on the way.

use super::super::show::json;
use super::super::*;
use super::*;

#[test]
fn a_probe_takes_its_handler_as_a_struct_or_in_its_own_dict() {
    let exec = dict([("command", texts(["true"]))]);
    let as_struct = dict([
        ("handler", dict([("exec", exec.clone())])),
        ("period_seconds", Tree::Int(5)),
    ]);
    let in_dict = dict([("exec", exec), ("period_seconds", Tree::Int(5))]);
    let probe = Shape::One(helper("probe"));
    let converted = from_starlark(probe, &as_struct, &here).unwrap();
    assert_eq!(json(&converted), r#"{"exec":{"command":["true"]},"periodSeconds":5}"#);
    assert_eq!(from_starlark(probe, &in_dict, &here), Ok(converted));
}

#[test]
fn times_that_upstream_refuses_are_accepted() {
    let since = dict([("since_time", text("2026-01-02T03:04:05Z"))]);
    let converted = from_starlark(Shape::One(helper("pod_log_stream_template_spec")), &since, &here).unwrap();
    assert_eq!(json(&converted), r#"{"sinceTime":"2026-01-02T03:04:05Z"}"#);
    let after = dict([("start_after", Tree::Null), ("ui_buttons", texts(["b"]))]);
    let converted = from_starlark(Shape::One(helper("start_on_spec")), &after, &here).unwrap();
    assert_eq!(json(&converted), r#"{"uiButtons":["b"]}"#);
}

#[test]
fn an_optional_text_may_be_none() {
    let given = dict([("true_string", Tree::Null), ("false_string", text(""))]);
    let converted = from_starlark(Shape::One(helper("ui_bool_input_spec")), &given, &here).unwrap();
    assert_eq!(json(&converted), r#"{"falseString":""}"#);
    let printed = print::structure(helper("ui_bool_input_spec"), converted.as_map().unwrap());
    assert_eq!(json(&Tree::Map(printed)), r#"{"falseString":""}"#);
}

#[test]
fn a_struct_keeps_what_it_was_given_with_paths_made_absolute() {
    let given = map([("base_path", text("sub")), ("patterns", texts(["*"]))]);
    let made = make_struct(helper("ignore_def"), &given, &here).unwrap();
    assert_eq!(
        json(&Tree::Map(made.clone())),
        r#"{"base_path":"/here/sub","patterns":["*"]}"#
    );
    let elsewhere = |path: &str| {
        if path.starts_with('/') {
            path.into()
        } else {
            format!("/elsewhere/{path}").into()
        }
    };
    let used = create(
        kind("fw"),
        &map([
            ("name", text("w")),
            ("watched_paths", text("a")),
            ("ignores", list([Tree::Map(made)])),
        ]),
        &elsewhere,
    );
    let spec = json(&Tree::Map(used.unwrap().spec));
    assert_eq!(
        spec,
        r#"{"watchedPaths":["/elsewhere/a"],"ignores":[{"basePath":"/here/sub","patterns":["*"]}]}"#
    );
    let apply = map([("args", texts(["x"])), ("dir", text("d"))]);
    let made = make_struct(helper("kubernetes_apply_cmd"), &apply, &here).unwrap();
    assert_eq!(made.get("dir"), Some(&text("/here/d")));
}

#[test]
fn a_struct_says_what_does_not_fit() {
    let named = |name| [("name", name)];
    let cases: [(&str, Tree, &str); 21] = [
        ("http_header", text("x"), "expected dict, actual: string"),
        ("http_header", list([]), "expected dict, actual: list"),
        (
            "http_header",
            dict([("nme", text("x"))]),
            "Unexpected attribute name: nme (did you mean `name`?)",
        ),
        (
            "http_header",
            dict([("zebra", text("x"))]),
            "Unexpected attribute name: zebra",
        ),
        (
            "http_header",
            dict(named(Tree::Null)),
            "unpacking name: Expected string, actual: NoneType",
        ),
        (
            "http_header",
            dict(named(Tree::Int(1))),
            "unpacking name: Expected string, actual: int",
        ),
        (
            "forward",
            dict([("local_port", text("80"))]),
            "unpacking local_port: Expected int, got: string",
        ),
        (
            "forward",
            dict([("local_port", Tree::Bool(true))]),
            "unpacking local_port: Expected int, got: bool",
        ),
        (
            "forward",
            dict([("local_port", Tree::Int(1 << 31))]),
            "unpacking local_port: Expected int, got: 2147483648 out of range",
        ),
        (
            "forward",
            dict([("local_port", Tree::Big("99999999999999999999".into()))]),
            "unpacking local_port: Expected int, got: 99999999999999999999 out of range",
        ),
        (
            "ui_bool_input_spec",
            dict([("default_value", text("yes"))]),
            "unpacking default_value: Expected bool, got: string",
        ),
        (
            "exec_action",
            dict([("command", text("true"))]),
            "unpacking command: value should be a List or Tuple of strings, but is of type string",
        ),
        (
            "exec_action",
            dict([("command", list([text("sleep"), Tree::Int(1)]))]),
            "unpacking command: value should contain only strings, but element \"1\" was of type int",
        ),
        (
            "label_selector",
            dict([("match_labels", list([]))]),
            "unpacking match_labels: expected dict, got list",
        ),
        (
            "label_selector",
            dict([("match_labels", dict([("a", Tree::Bool(true))]))]),
            "unpacking match_labels: value is not a string: bool (True)",
        ),
        (
            "port_forward_template_spec",
            dict([("forwards", dict([]))]),
            "unpacking forwards: expected list, actual: dict",
        ),
        (
            "port_forward_template_spec",
            dict([("forwards", list([dict([]), dict([("port", Tree::Int(1))])]))]),
            "unpacking forwards: at index 1: Unexpected attribute name: port",
        ),
        (
            "disable_source",
            dict([("config_map", Tree::Null)]),
            "unpacking config_map: expected dict, actual: NoneType",
        ),
        (
            "ignore_def",
            dict([("base_path", Tree::Int(1))]),
            "unpacking base_path: expected path | string. Actual type: int",
        ),
        (
            "pod_log_stream_template_spec",
            dict([("since_time", text("now"))]),
            "unpacking since_time: expected an RFC 3339 time such as `2006-01-02T15:04:05Z`, got \"now\"",
        ),
        (
            "probe",
            dict([("handler", dict([("http", dict([]))]))]),
            "unpacking handler: Unexpected attribute name: http",
        ),
    ];
    for (name, given, message) in cases {
        let mismatch = from_starlark(Shape::One(helper(name)), &given, &here).unwrap_err();
        assert_eq!(mismatch.to_string(), message);
        if let Tree::Map(given) = given {
            assert_eq!(make_struct(helper(name), &given, &here), Err(mismatch));
        }
    }
}

#[test]
fn a_creator_says_which_argument_does_not_fit() {
    let cases: [(&str, &str, Tree, &str); 14] = [
        ("Cmd", "name", Tree::Int(1), "for parameter name: got int, want string"),
        (
            "Cmd",
            "labels",
            text("x"),
            "for parameter labels: expected dict, got string",
        ),
        (
            "Cmd",
            "args",
            text("echo hi"),
            "for parameter args: value should be a List or Tuple of strings, but is of type string",
        ),
        (
            "Cmd",
            "env",
            dict([("A", text("b"))]),
            "for parameter env: value should be a List or Tuple of strings, but is of type dict",
        ),
        (
            "Cmd",
            "dir",
            Tree::Null,
            "for parameter dir: expected path | string. Actual type: NoneType",
        ),
        (
            "Cmd",
            "start_on",
            text("btn"),
            "for parameter start_on: expected dict, actual: string",
        ),
        (
            "Cmd",
            "arg",
            list([]),
            "unexpected keyword argument \"arg\" (did you mean `args`?)",
        ),
        (
            "Extension",
            "repo_name",
            Tree::Null,
            "for parameter repo_name: got NoneType, want string",
        ),
        (
            "UIButton",
            "disabled",
            Tree::Int(1),
            "for parameter disabled: got int, want bool",
        ),
        (
            "KubernetesApply",
            "timeout",
            Tree::Int(30),
            "for parameter timeout: Expected string. Got: int",
        ),
        (
            "KubernetesApply",
            "timeout",
            text("30"),
            "for parameter timeout: time: missing unit in duration \"30\"",
        ),
        (
            "FileWatch",
            "watched_paths",
            Tree::Int(1),
            "for parameter watched_paths: value should be a string or List or Tuple of strings, but is of type int",
        ),
        (
            "FileWatch",
            "watched_paths",
            list([text("a"), Tree::Null]),
            "for parameter watched_paths: unpacking list item at index 1: expected path | string. Actual type: NoneType",
        ),
        (
            "UIButton",
            "inputs",
            list([dict([("choice", dict([("choices", list([Tree::Int(1)]))]))])]),
            "for parameter inputs: at index 0: unpacking choice: unpacking choices: \
             value should contain only strings, but element \"1\" was of type int",
        ),
    ];
    for (name, parameter, value, message) in cases {
        let mut given = map([("name", text("n"))]);
        given.insert(parameter, value);
        assert_eq!(create(kind(name), &given, &here).unwrap_err().to_string(), message);
    }
    assert_eq!(
        create(kind("Cmd"), &Map::new(), &here).unwrap_err().to_string(),
        "missing argument for name"
    );
}
