//! Objects and structs of the API as a Tiltfile makes them.

use crate::model::tree::Tree;
use crate::model::yaml::json::compact;
use crate::tiltfile::function::{Builtin, TABLE};
use crate::tiltfile::testing::Tiltfile;

/// The objects that a Tiltfile declares, as JSON with the folder as `$DIR`.
fn objects(text: &str) -> String {
    let evaluated = Tiltfile::new(text).eval();
    let json = compact(&evaluated.project().objects.to_json_tree());
    json.replace(&evaluated.dir().display().to_string(), "$DIR")
}

fn message(text: &str) -> String {
    Tiltfile::new(text).eval().message()
}

/// What `text` prints.
fn said(text: &str) -> String {
    Tiltfile::new(text).eval().said()
}

#[test]
fn every_kind_and_struct_has_its_function() {
    let names = TABLE
        .iter()
        .copied()
        .filter(|builtin| builtin.name.starts_with("v1alpha1."));
    let (objects, structs): (Vec<&Builtin>, Vec<&Builtin>) = names.partition(|builtin| builtin.returns == "None");
    assert_eq!((objects.len(), structs.len()), (8, 28));
    let button = objects
        .iter()
        .find(|builtin| builtin.name == "v1alpha1.ui_button")
        .expect("a button");
    assert_eq!(
        button.signature(),
        "v1alpha1.ui_button(name, labels=None, annotations=None, location=None, text='', icon_name='', icon_svg='', disabled=False, \
         requires_confirmation=False, inputs=None)"
    );
    assert!(
        TABLE
            .iter()
            .filter(|builtin| builtin.name.starts_with("v1alpha1."))
            .all(|builtin| !builtin.doc.is_empty())
    );
}

#[test]
fn declared_objects_are_part_of_the_project() {
    let text = "v1alpha1.config_map(name='cm', data={'k': 'v'}, labels={'l': '1'}, annotations={'A/b': 'x'})\n\
                v1alpha1.cmd('c', args=['echo', 'hi'], env=('A=b',), start_on=v1alpha1.start_on_spec(ui_buttons=['btn']))";
    assert_eq!(
        objects(text),
        concat!(
            r#"{"tilt.dev/v1alpha1, Resource=cmds":{"c":{"metadata":{"name":"c"},"#,
            r#""spec":{"args":["echo","hi"],"dir":"$DIR","env":["A=b"],"startOn":{"startAfter":null,"uiButtons":["btn"]}},"status":{}}},"#,
            r#""tilt.dev/v1alpha1, Resource=configmaps":{"cm":{"data":{"k":"v"},"#,
            r#""metadata":{"annotations":{"A/b":"x"},"labels":{"l":"1"},"name":"cm"}}}}"#
        )
    );
}

#[test]
fn structs_are_dicts_and_dicts_are_structs() {
    assert_eq!(
        said("x = v1alpha1.ui_component_location(component_id='r', component_type='Resource')\nprint(type(x), x)"),
        "dict {\"component_id\": \"r\", \"component_type\": \"Resource\"}\n"
    );
    let by_function = "v1alpha1.ui_component_location('r', 'Resource')";
    let by_hand = "{'component_id': 'r', 'component_type': 'Resource'}";
    let [a, b] =
        [by_function, by_hand].map(|place| objects(&format!("v1alpha1.ui_button('b', text='t', location={place})")));
    assert_eq!(a, b);
}

#[test]
fn paths_are_relative_to_the_tiltfile_that_names_them() {
    let evaluated =
        Tiltfile::new("load('sub/Tiltfile', 'ignore')\nv1alpha1.file_watch('w', watched_paths='a', ignores=[ignore])")
            .file("sub/Tiltfile", "ignore = v1alpha1.ignore_def(base_path='x')")
            .eval();
    let objects = &evaluated.project().objects;
    let spec = &objects.get("filewatches", "w").expect("declared").spec;
    let dir = evaluated.dir();
    let path = |name: &str| Tree::text(dir.join(name).display().to_string());
    assert_eq!(spec.get("watchedPaths"), Some(&Tree::List(vec![path("a")])));
    assert_eq!(
        spec.get("ignores")
            .and_then(Tree::as_list)
            .and_then(|list| list[0].get("basePath")),
        Some(&path("sub/x"))
    );
}

#[test]
fn text_from_outside_and_sets_are_taken_too() {
    let text = "v1alpha1.cmd('c', args=set(['a', 'b']), env=['A=b'])";
    assert!(objects(text).contains(r#""args":["a","b"]"#));
}

#[test]
fn the_same_again_is_fine_and_something_else_is_not() {
    let once = "v1alpha1.config_map('a', data={'k': 'v'})\n";
    assert_eq!(objects(&once.repeat(2)), objects(once));
    assert_eq!(
        message(&format!("{once}v1alpha1.config_map('a')")),
        "configmaps \"a\" already registered"
    );
}

#[test]
fn what_is_wrong_with_an_object_is_said_at_once() {
    for (text, expected) in [
        (
            "v1alpha1.ui_button('b', location={'component_id': 'r', 'component_type': 'Resource'})",
            "spec.text: Required value: Button text cannot be empty",
        ),
        ("v1alpha1.cmd(args=['a'])", "v1alpha1.cmd: missing argument for name"),
        (
            "v1alpha1.cmd('c', arg=['a'])",
            "v1alpha1.cmd: unexpected keyword argument \"arg\" (did you mean args?)",
        ),
        (
            "v1alpha1.cmd('c', args='a')",
            "v1alpha1.cmd: for parameter \"args\": value should be a List or Tuple of strings, but is of type string",
        ),
        (
            "v1alpha1.cmd('c', env={'A': 'b'})",
            "v1alpha1.cmd: for parameter \"env\": value should be a List or Tuple of strings, but is of type dict",
        ),
        (
            "v1alpha1.cmd('c', start_on={'x': 1})",
            "v1alpha1.cmd: for parameter \"start_on\": Unexpected attribute name: x",
        ),
        (
            "v1alpha1.cmd('c', start_on=len)",
            "v1alpha1.cmd: for parameter \"start_on\": unsupported type builtin_function_or_method",
        ),
        (
            "v1alpha1.start_on_spec(ui_button=['x'])",
            "v1alpha1.start_on_spec: unexpected keyword argument \"ui_button\" (did you mean ui_buttons?)",
        ),
        (
            "v1alpha1.ui_hidden_input_spec(value=1)",
            "unpacking value: Expected string, actual: int",
        ),
        (
            "v1alpha1.config_map('a/b')",
            "metadata.name: Invalid value: \"a/b\": may not contain '/'",
        ),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
    let labels = message("v1alpha1.config_map('a', labels={'x y': 'v'}, annotations={'-': ''})");
    assert!(
        labels.starts_with("[metadata.labels: Invalid value: \"x y\": name part must consist of "),
        "{labels}"
    );
    assert!(
        labels.contains(", metadata.annotations: Invalid value: \"-\": name part must consist of "),
        "{labels}"
    );
}

#[test]
fn a_value_that_contains_itself_is_refused() {
    let text = "x = []\nx.append(x)\nv1alpha1.cmd('c', args=x)";
    assert_eq!(
        message(text),
        "v1alpha1.cmd: for parameter \"args\": value is nested too deep; does it contain itself?"
    );
}
