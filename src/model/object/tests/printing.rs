//! Objects as JSON: against upstream's output, and recorded for every creator and struct.

use super::super::show::json;
use super::super::*;
use super::*;

const GOLDENS: &str = include_str!("../../../../testdata/openapi/printed.txt");

/// A value of a shape that differs from its zero value, as a Tiltfile would pass it.
fn sample(name: &str, shape: Shape) -> Tree {
    match shape {
        Shape::Text => text(&name[..1]),
        Shape::Path => text("sub"),
        Shape::Int32 | Shape::Int64 => Tree::Int(7),
        Shape::Bool => Tree::Bool(true),
        Shape::Duration => text("90s"),
        Shape::Time | Shape::MicroTime => text("2026-01-02T03:04:05+01:00"),
        Shape::Texts => texts(["b", "a"]),
        Shape::Ints => list([Tree::Int(1)]),
        Shape::Paths => texts(["sub", "/abs"]),
        Shape::TextMap => dict([("k2", text("v")), ("k1", text("w"))]),
        Shape::One(of) | Shape::Inline(of) => Tree::Map(all_set(of)),
        Shape::Many(of) => list([Tree::Map(all_set(of))]),
    }
}

fn all_set(of: &'static Struct) -> Map {
    of.fields
        .iter()
        .map(|field| (field.starlark().into(), sample(field.json, field.shape)))
        .collect()
}

/// One line a creator and a struct: with nothing but its name, and with everything.
fn printed_functions() -> String {
    let mut lines = String::new();
    for kind in KINDS.iter().filter(|kind| kind.creatable) {
        let bare = map([("name", text("n"))]);
        let mut full = all_set(kind.spec());
        full.insert("name", text("n"));
        full.insert("labels", dict([("l2", text("x")), ("l1", text("y"))]));
        full.insert("annotations", dict([("a", text("x"))]));
        for given in [bare, full] {
            let object = create(kind, &given, &here).unwrap();
            lines.push_str(&format!("{} {}\n", kind.starlark(), json(&object.to_json_tree())));
        }
    }
    for of in kinds::STARLARK_STRUCTS {
        for given in [Map::new(), all_set(of)] {
            let converted = from_starlark(Shape::One(of), &Tree::Map(given), &here).unwrap();
            let printed = print::structure(of, converted.as_map().unwrap());
            lines.push_str(&format!("{} {}\n", of.starlark(), json(&Tree::Map(printed))));
        }
    }
    lines
}

#[test]
fn every_creator_and_struct_prints_as_recorded() {
    let printed = printed_functions();
    for (printed, golden) in printed.lines().zip(GOLDENS.lines()) {
        assert_eq!(printed, golden);
    }
    assert_eq!(printed.lines().count(), GOLDENS.lines().count());
}

#[test]
fn objects_print_as_upstream_printed_them() {
    let input = |name: &str, label: &str, field: &'static str, value: Tree| {
        let label = (!label.is_empty()).then(|| ("label".into(), text(label)));
        Tree::Map(
            [("name".into(), text(name)), (field.into(), value)]
                .into_iter()
                .chain(label)
                .collect(),
        )
    };
    let location = dict([("component_id", text("r")), ("component_type", text("Resource"))]);
    let given_text = dict([("default_value", text("d")), ("placeholder", text("p"))]);
    let given_bool = dict([
        ("default_value", Tree::Bool(true)),
        ("true_string", text("y")),
        ("false_string", text("n")),
    ]);
    let button = printed(
        "UIButton",
        [
            ("name", text("btn")),
            ("text", text("Go")),
            ("location", location),
            ("icon_name", text("cloud")),
            (
                "inputs",
                list([input("N", "n", "text", given_text), input("B", "", "bool", given_bool)]),
            ),
        ],
    );
    assert_eq!(
        button,
        concat!(
            r#"{"metadata":{"name":"btn"},"spec":{"location":{"componentID":"r","componentType":"Resource"},"#,
            r#""text":"Go","iconName":"cloud","inputs":["#,
            r#"{"name":"N","label":"n","text":{"defaultValue":"d","placeholder":"p"}},"#,
            r#"{"name":"B","label":"","bool":{"defaultValue":true,"trueString":"y","falseString":"n"}}]},"#,
            r#""status":{"lastClickedAt":null}}"#,
        )
    );
    let start_on = dict([("ui_buttons", texts(["btn"]))]);
    let args = [
        ("name", text("c")),
        ("args", texts(["echo", "hi"])),
        ("env", texts(["A=b"])),
        ("start_on", start_on),
    ];
    assert_eq!(
        printed("Cmd", args),
        concat!(
            r#"{"metadata":{"name":"c"},"spec":{"args":["echo","hi"],"dir":"/here","env":["A=b"],"#,
            r#""startOn":{"startAfter":null,"uiButtons":["btn"]}},"status":{}}"#,
        )
    );
    let ignore = dict([("base_path", text(".")), ("patterns", texts(["*.tmp"]))]);
    assert_eq!(
        printed(
            "fw",
            [
                ("name", text("fw")),
                ("watched_paths", texts(["a.txt"])),
                ("ignores", list([ignore]))
            ]
        ),
        concat!(
            r#"{"metadata":{"name":"fw"},"spec":{"watchedPaths":["/here/a.txt"],"#,
            r#""ignores":[{"basePath":"/here","patterns":["*.tmp"]}]},"#,
            r#""status":{"monitorStartTime":null,"lastEventTime":null}}"#,
        )
    );
    assert_eq!(
        printed("ConfigMap", [("name", text("cm")), ("data", dict([("k", text("v"))]))]),
        r#"{"metadata":{"name":"cm"},"data":{"k":"v"}}"#
    );
    assert_eq!(
        printed("repo", [("name", text("default")), ("url", text("https://x"))]),
        r#"{"metadata":{"name":"default"},"spec":{"url":"https://x"},"status":{"lastFetchedAt":null}}"#
    );
    assert_eq!(
        printed(
            "ext",
            [
                ("name", text("e")),
                ("repo_name", text("default")),
                ("repo_path", text("e"))
            ]
        ),
        r#"{"metadata":{"name":"e"},"spec":{"repoName":"default","repoPath":"e"},"status":{}}"#
    );
}

#[test]
fn a_status_of_zero_values_prints_what_go_prints() {
    for (name, status) in [
        ("Session", r#"{"pid":0,"startTime":null,"targets":null,"done":false}"#),
        ("KubernetesDiscovery", r#"{"monitorStartTime":null,"pods":null}"#),
        ("KubernetesApply", r#"{"lastApplyTime":null,"lastApplyStartTime":null}"#),
        ("ToggleButton", r#"{"error":""}"#),
        (
            "UIResource",
            concat!(
                r#"{"lastDeployTime":null,"pendingBuildSince":null,"#,
                r#""disableStatus":{"enabledCount":0,"disabledCount":0,"state":"","sources":null}}"#,
            ),
        ),
        (
            "UISession",
            r#"{"runningTiltBuild":{},"versionSettings":{},"tiltStartTime":null}"#,
        ),
        ("Cluster", "{}"),
    ] {
        let printed = Object::new(kind(name), "n").to_json_tree();
        assert_eq!(json(printed.get("status").unwrap()), status, "{name}");
    }
}

#[test]
fn the_states_of_a_container_print_null_where_they_do_not_apply() {
    let pod = kind("kd").status().unwrap().fields[1].shape.structure().unwrap();
    let containers = pod.fields.iter().find(|field| field.json == "containers").unwrap();
    let printed = print::structure(containers.shape.structure().unwrap(), &Map::new());
    let state = r#"{"waiting":null,"running":null,"terminated":null}"#;
    assert_eq!(json(printed.get("state").unwrap()), state);
}

#[test]
fn empty_lists_and_maps_count_as_not_given() {
    let bare = create(kind("Cmd"), &map([("name", text("c"))]), &here).unwrap();
    let empty = [
        ("name", text("c")),
        ("args", list([])),
        ("env", Tree::Null),
        ("labels", dict([])),
        ("annotations", Tree::Null),
    ];
    assert_eq!(create(kind("Cmd"), &map(empty), &here).unwrap(), bare);
    let choices = from_starlark(
        Shape::One(helper("ui_choice_input_spec")),
        &dict([("choices", list([]))]),
        &here,
    );
    assert_eq!(choices, Ok(dict([])));
}

#[test]
fn a_cluster_is_filled_in_where_the_server_does_so() {
    for (name, filled) in [("ka", true), ("kd", true), ("pls", true), ("pf", true), ("Cmd", false)] {
        let object = Object::new(kind(name), "n").with_defaults();
        assert_eq!(
            object.spec.get("cluster"),
            filled.then(|| text("default")).as_ref(),
            "{name}"
        );
    }
    let mut object = Object::new(kind("ka"), "n");
    object.spec.insert("cluster", text("other"));
    assert_eq!(object.with_defaults().spec.get("cluster"), Some(&text("other")));
}

#[test]
fn the_same_object_may_be_declared_twice_and_another_of_its_name_may_not() {
    let extension = |path: &str| {
        create(
            kind("ext"),
            &map([("name", text("x")), ("repo_path", text(path))]),
            &here,
        )
        .unwrap()
    };
    let mut set = ObjectSet::new();
    assert_eq!(set.register(extension("a")), Ok(()));
    assert_eq!(set.register(extension("a")), Ok(()));
    assert_eq!(set.iter().count(), 1);
    let refused = set.register(extension("b")).unwrap_err();
    assert_eq!(refused.to_string(), r#"extensions "x" already registered"#);
    let other_kind = Object::new(kind("cm"), "x");
    assert_eq!(set.register(other_kind), Ok(()));
}

#[test]
fn a_set_prints_kinds_and_names_in_alphabetical_order() {
    let mut set = ObjectSet::new();
    for (kind_name, name) in [("cm", "b"), ("Cmd", "z"), ("cm", "a")] {
        set.register(Object::new(kind(kind_name), name)).unwrap();
    }
    assert_eq!(
        json(&set.to_json_tree()),
        concat!(
            r#"{"tilt.dev/v1alpha1, Resource=cmds":{"z":{"metadata":{"name":"z"},"spec":{},"status":{}}},"#,
            r#""tilt.dev/v1alpha1, Resource=configmaps":{"a":{"metadata":{"name":"a"}},"b":{"metadata":{"name":"b"}}}}"#,
        )
    );
}
