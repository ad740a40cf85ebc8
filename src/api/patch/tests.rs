//! Patches by example and by law.

use proptest::prelude::*;

use super::apply::{Conflicts, Strength, Wish, applied};
use super::fields::Fields;
use super::managed::{Managed, Manager, Operation};
use super::*;
use crate::api::decode;
use crate::api::json::parse;
use crate::model::object::kinds::UI_BUTTON;
use crate::model::object::{KINDS, Stored};
use crate::model::time::Time;
use crate::model::tree::Map;
use crate::model::yaml::json::compact;

fn tree(text: &str) -> Tree {
    parse(text.as_bytes())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .tree
}

fn after(kind: Kind, target: &str, patch: &str) -> String {
    match patched(&tree(target), &tree(patch), kind) {
        Ok(tree) => compact(&tree),
        Err(error) => error.to_string(),
    }
}

/// The examples of RFC 7386, appendix A.
#[test]
fn merge_patches_do_what_their_rfc_says() {
    let table = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"{"a":"b"}"#, r#"{"a":"b"}"#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
        (r#"{}"#, r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];
    for (target, patch, expected) in table {
        assert_eq!(after(Kind::Merge, target, patch), expected, "{target} {patch}");
    }
}

#[test]
fn json_patches_do_what_their_rfc_says() {
    let target = r#"{"a":{"b/c":1,"d~e":2},"l":[1,2,3]}"#;
    let table = [
        (
            r#"[{"op":"add","path":"/x","value":{"y":1}}]"#,
            r#"{"a":{"b/c":1,"d~e":2},"l":[1,2,3],"x":{"y":1}}"#,
        ),
        (
            r#"[{"op":"add","path":"/l/1","value":9}]"#,
            r#"{"a":{"b/c":1,"d~e":2},"l":[1,9,2,3]}"#,
        ),
        (
            r#"[{"op":"add","path":"/l/-","value":9}]"#,
            r#"{"a":{"b/c":1,"d~e":2},"l":[1,2,3,9]}"#,
        ),
        (
            r#"[{"op":"remove","path":"/a/b~1c"},{"op":"remove","path":"/a/d~0e"}]"#,
            r#"{"a":{},"l":[1,2,3]}"#,
        ),
        (
            r#"[{"op":"move","from":"/l/0","path":"/l/2"}]"#,
            r#"{"a":{"b/c":1,"d~e":2},"l":[2,3,1]}"#,
        ),
        (
            r#"[{"op":"copy","from":"/l","path":"/a"}]"#,
            r#"{"a":[1,2,3],"l":[1,2,3]}"#,
        ),
        (
            r#"[{"op":"test","path":"/l/1","value":2},{"op":"replace","path":"/a","value":0}]"#,
            r#"{"a":0,"l":[1,2,3]}"#,
        ),
        (
            r#"[{"op":"test","path":"/l/1","value":3}]"#,
            r#"operation 0: testing value /l/1 failed"#,
        ),
        (
            r#"[{"op":"replace","path":"/b","value":3}]"#,
            r#"operation 0: there is nothing at "b""#,
        ),
        (
            r#"[{"op":"add","path":"/l/4","value":3}]"#,
            r#"operation 0: "4" is no place in a list"#,
        ),
        (
            r#"[{"op":"add","path":"/l/01","value":3}]"#,
            r#"operation 0: "01" is no place in a list"#,
        ),
        (
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            r#"operation 0: a value cannot be moved into itself"#,
        ),
        (r#"[{"op":"copy","from":"/l"}]"#, r#"operation 0: `path` is missing"#),
        (
            r#"[{"op":"jump","path":""}]"#,
            r#"operation 0: unknown operation "jump""#,
        ),
        (r#"{"op":"add"}"#, r#"a JSON patch is a list of operations"#),
    ];
    for (patch, expected) in table {
        assert_eq!(after(Kind::Json, target, patch), expected, "{patch}");
    }
}

#[test]
fn strategic_patches_know_directives_and_which_lists_are_merged() {
    let target = r#"{"metadata":{"finalizers":["a","b"],"ownerReferences":[{"name":"n","uid":"1"}]},
        "spec":{"args":["x"],"map":{"k":"v","l":"w"}}}"#;
    let table = [
        (r#"{"spec":{"args":["y"]}}"#, "spec.args", r#"["y"]"#),
        (
            r#"{"spec":{"map":{"k":null,"n":"m"}}}"#,
            "spec.map",
            r#"{"l":"w","n":"m"}"#,
        ),
        (
            r#"{"spec":{"map":{"$patch":"replace","n":"m"}}}"#,
            "spec.map",
            r#"{"n":"m"}"#,
        ),
        (r#"{"spec":{"map":{"$patch":"delete"}}}"#, "spec.map", r#"{}"#),
        (
            r#"{"spec":{"map":{"$retainKeys":["l"],"n":"m"}}}"#,
            "spec.map",
            r#"{"l":"w","n":"m"}"#,
        ),
        (
            r#"{"metadata":{"finalizers":["c","a"]}}"#,
            "metadata.finalizers",
            r#"["a","b","c"]"#,
        ),
        (
            r#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}"#,
            "metadata.finalizers",
            r#"["b"]"#,
        ),
        (
            r#"{"metadata":{"$setElementOrder/finalizers":["c","b"],"finalizers":["c"]}}"#,
            "metadata.finalizers",
            r#"["c","b","a"]"#,
        ),
        (
            r#"{"metadata":{"ownerReferences":[{"uid":"1","kind":"K"},{"uid":"2"}]}}"#,
            "metadata.ownerReferences",
            r#"[{"kind":"K","name":"n","uid":"1"},{"uid":"2"}]"#,
        ),
        (
            r#"{"metadata":{"ownerReferences":[{"uid":"1","$patch":"delete"}]}}"#,
            "metadata.ownerReferences",
            "[]",
        ),
        (
            r#"{"metadata":{"ownerReferences":[{"$patch":"replace"},{"uid":"3"}]}}"#,
            "metadata.ownerReferences",
            r#"[{"uid":"3"}]"#,
        ),
    ];
    for (patch, path, expected) in table {
        let result = patched(&tree(target), &tree(patch), Kind::Strategic).unwrap();
        let keys: Vec<&str> = path.split('.').collect();
        assert_eq!(compact(result.at(&keys).unwrap()), expected, "{patch}");
    }
    assert!(after(Kind::Strategic, target, r#"{"metadata":{"ownerReferences":[{}]}}"#).contains("merge key: uid"));
    assert!(after(Kind::Strategic, target, r#"{"$patch":"turn"}"#).contains("$patch"));
}

// ---- who owns what ----

fn client(name: &str, operation: Operation) -> Manager {
    Manager {
        name: name.into(),
        operation,
        subresource: String::new(),
    }
}

/// An object as the server would hold it.
struct Held {
    tree: Tree,
    managed: Managed,
}

impl Held {
    fn new() -> Held {
        Held {
            tree: Stored::new(&UI_BUTTON, "b").to_json_tree(),
            managed: Managed::default(),
        }
    }

    fn apply(&mut self, who: &str, config: &str, strength: Strength) -> Result<(), Conflicts> {
        let config = tree(config);
        let wish = Wish {
            kind: &UI_BUTTON,
            config: &config,
            manager: &client(who, Operation::Apply),
            strength,
            now: Time::default(),
        };
        let (tree, managed) = applied(&self.tree, self.managed.clone(), wish)?;
        self.tree = decode::object(&UI_BUTTON, &tree).unwrap().object.to_json_tree();
        self.managed = managed;
        Ok(())
    }

    fn update(&mut self, who: &str, patch: &str) {
        let next = patched(&self.tree, &tree(patch), Kind::Merge).unwrap();
        let next = decode::object(&UI_BUTTON, &next).unwrap().object.to_json_tree();
        let managed = std::mem::take(&mut self.managed);
        let who = client(who, Operation::Update);
        self.managed = managed.updated((&self.tree, &next), &UI_BUTTON, &who, Time::default());
        self.tree = next;
    }

    fn owned(&self, who: &str) -> Vec<String> {
        let of = self.managed.0.iter().filter(|entry| entry.manager.name == who);
        of.flat_map(|entry| entry.fields.paths()).collect()
    }

    fn at(&self, path: &[&str]) -> Option<String> {
        self.tree.at(path).map(compact)
    }
}

#[test]
fn who_changes_a_field_owns_it() {
    let mut held = Held::new();
    held.update(
        "a",
        r#"{"metadata":{"labels":{"x":"1"}},"spec":{"text":"t","inputs":[{"name":"n"}]}}"#,
    );
    assert_eq!(
        held.owned("a"),
        [".metadata.labels", ".metadata.labels.x", ".spec.inputs", ".spec.text"]
    );
    held.update("b", r#"{"spec":{"text":"u"}}"#);
    assert_eq!(
        held.owned("a"),
        [".metadata.labels", ".metadata.labels.x", ".spec.inputs"]
    );
    assert_eq!(held.owned("b"), [".spec.text"]);
    held.update("b", r#"{"metadata":{"labels":{"x":null}}}"#);
    assert_eq!(held.owned("a"), [".spec.inputs"]);
}

#[test]
fn what_others_own_is_not_taken_unless_by_force() {
    let mut held = Held::new();
    held.update("kubectl", r#"{"spec":{"text":"t","iconName":"i"}}"#);
    let wish = r#"{"spec":{"text":"u","iconName":"j"}}"#;
    let conflicts = held.apply("me", wish, Strength::Polite).unwrap_err();
    assert_eq!(
        conflicts.to_string(),
        "Apply failed with 2 conflicts: conflicts with \"kubectl\" using tilt.dev/v1alpha1:\n- .spec.iconName\n- .spec.text"
    );
    // The same value is no conflict: both own it.
    held.apply("me", r#"{"spec":{"text":"t"}}"#, Strength::Polite).unwrap();
    assert_eq!(
        (held.owned("me"), held.owned("kubectl").len()),
        (vec![".spec.text".to_owned()], 2)
    );
    held.apply("me", wish, Strength::Force).unwrap();
    assert_eq!(held.owned("kubectl"), Vec::<String>::new());
    assert_eq!(held.at(&["spec", "iconName"]).as_deref(), Some("\"j\""));
}

#[test]
fn what_is_not_applied_any_more_goes_unless_somebody_else_wants_it() {
    let mut held = Held::new();
    let all = r#"{"metadata":{"labels":{"x":"1","y":"2"},"finalizers":["f"]},"spec":{"iconName":"i","text":"t"}}"#;
    held.apply("a", all, Strength::Polite).unwrap();
    held.apply("b", r#"{"metadata":{"labels":{"x":"1"}}}"#, Strength::Polite)
        .unwrap();
    held.update("c", r#"{"metadata":{"labels":{"z":"3"}}}"#);
    held.apply("a", r#"{"spec":{"text":"t"}}"#, Strength::Polite).unwrap();
    assert_eq!(
        held.at(&["metadata", "labels"]).as_deref(),
        Some(r#"{"x":"1","z":"3"}"#)
    );
    assert_eq!(
        (held.at(&["metadata", "finalizers"]), held.at(&["spec", "iconName"])),
        (None, None)
    );
    held.apply("b", "{}", Strength::Polite).unwrap();
    assert_eq!(held.at(&["metadata", "labels"]).as_deref(), Some(r#"{"z":"3"}"#));
}

#[test]
fn field_sets_survive_their_notation() {
    let text = r#"{"f:metadata":{"f:labels":{".":{},"f:a:b":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"x\"}":{}},
        "f:finalizers":{".":{},"v:\"f\"":{}}},"i:3":{}}"#;
    let fields = Fields::from_tree(&tree(text)).unwrap();
    assert_eq!(fields.to_tree(), tree(text));
    assert!(
        fields
            .paths()
            .contains(&".metadata.ownerReferences[uid=\"x\"]".to_owned())
    );
    for wrong in ["3", r#"{"x":{}}"#, r#"{"q:x":{}}"#, r#"{"i:x":{}}"#, r#"{"f:a":1}"#] {
        assert_eq!(Fields::from_tree(&tree(wrong)), None, "{wrong}");
    }
}

// ---- laws ----

/// Any document, with the keys that mean something to patches among its own.
fn documents() -> impl Strategy<Value = Tree> {
    let keys = prop::sample::select(vec![
        "a",
        "metadata",
        "spec",
        "status",
        "labels",
        "finalizers",
        "ownerReferences",
        "uid",
        "text",
        "location",
        "componentID",
        "inputs",
        "op",
        "path",
        "value",
        "from",
        "$patch",
        "$retainKeys",
        "$setElementOrder/finalizers",
        "$deleteFromPrimitiveList/finalizers",
        "managedFields",
        "fieldsV1",
        "f:a",
        "k:{",
        "name",
    ]);
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::Bool),
        any::<i64>().prop_map(Tree::Int),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Tree::Float),
        prop::sample::select(vec![
            "", "add", "remove", "move", "copy", "test", "/spec", "/a/0", "/", "delete", "replace", "merge"
        ])
        .prop_map(Tree::text),
        "\\PC{0,4}".prop_map(Tree::text),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::List),
            prop::collection::vec((keys.clone(), inner), 0..5)
                .prop_map(|entries| Tree::Map(entries.into_iter().map(|(k, v)| (k.into(), v)).collect::<Map>())),
        ]
    })
}

fn has_null(tree: &Tree) -> bool {
    match tree {
        Tree::Null => true,
        Tree::Map(map) => map.iter().any(|(_, value)| has_null(value)),
        _ => false,
    }
}

/// An object of the kind that fits it, and so can be stored.
fn fitting(tree: &Tree) -> Tree {
    let decoded = decode::object(&UI_BUTTON, tree);
    decoded.map_or_else(
        |_| Tree::Map(Map::new()),
        |decoded| {
            let mut tree = decoded.object.to_json_tree();
            let empty = Stored::new(&UI_BUTTON, "").to_json_tree();
            if let (Tree::Map(map), Tree::Map(empty)) = (&mut tree, empty) {
                for key in ["spec", "status"] {
                    if map.get(key) == empty.get(key) {
                        map.remove(key);
                    }
                }
            }
            tree
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_a_patch_panic(target in documents(), patch in documents()) {
        for kind in [Kind::Json, Kind::Merge, Kind::Strategic] {
            let _ = patched(&target, &patch, kind);
        }
        let list = Tree::List(vec![patch.clone(), patch.clone()]);
        let _ = patched(&target, &list, Kind::Json);
        let _ = Fields::from_tree(&patch);
        let _ = Managed::from_trees(&[patch]);
    }

    #[test]
    fn nothing_makes_apply_or_decode_panic(live in documents(), config in documents()) {
        for kind in KINDS {
            let _ = decode::object(kind, &config);
            let manager = client("a", Operation::Apply);
            let wish = Wish { kind, config: &config, manager: &manager, strength: Strength::Force, now: Time::default() };
            let (tree, managed) = applied(&live, Managed::default(), wish).unwrap();
            let who = client("b", Operation::Update);
            let _ = managed.updated((&live, &tree), kind, &who, Time::default());
        }
    }

    #[test]
    fn merging_twice_is_merging_once(target in documents(), patch in documents()) {
        let once = merge::apply(&target, &patch);
        prop_assert_eq!(&merge::apply(&once, &patch), &once);
    }

    #[test]
    fn a_document_without_nulls_replaces_nothing_at_all(patch in documents()) {
        prop_assume!(!has_null(&patch));
        prop_assert_eq!(merge::apply(&Tree::Map(Map::new()), &patch), patch);
    }

    #[test]
    fn applying_twice_changes_nothing(live in documents(), config in documents()) {
        let mut held = Held::new();
        held.tree = fitting(&live);
        let config = fitting(&config);
        let manager = client("a", Operation::Apply);
        let wish = Wish { kind: &UI_BUTTON, config: &config, manager: &manager, strength: Strength::Force, now: Time::default() };
        let (once, managed) = applied(&held.tree, Managed::default(), wish).unwrap();
        let polite = Wish { strength: Strength::Polite, ..wish };
        let (twice, again) = applied(&once, managed.clone(), polite).unwrap();
        prop_assert_eq!((twice, again), (once, managed));
    }

    #[test]
    fn any_object_reads_as_it_prints(document in documents()) {
        if let Ok(decoded) = decode::object(&UI_BUTTON, &document) {
            let printed = decoded.object.to_json_tree();
            let again = decode::object(&UI_BUTTON, &printed).unwrap().object;
            prop_assert!(again.says_the_same(&decoded.object), "{}", compact(&printed));
        }
    }
}
