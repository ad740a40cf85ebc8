//! Patches as text: `testdata/three_way/*.yaml` hold what was applied last, what is there, what is wanted, and the patch.

use super::*;
use crate::model::kube;
use crate::model::yaml;

fn change(documents: &[Tree]) -> Tree {
    let [last, live, wanted, _] = documents else {
        panic!("four documents, not {}", documents.len())
    };
    // The note itself is tested elsewhere: here it would only be in the way.
    let mut live = live.clone();
    let metadata = metadata(&mut live).unwrap();
    let note = ("x".to_owned(), Tree::text(json::compact(last)));
    let mut annotations = Map::new();
    annotations.push(LAST_APPLIED, note.1);
    metadata.insert("annotations", Tree::Map(annotations));
    let (key, patch) = match three_way(&live, wanted) {
        Change::Nothing => ("nothing", Tree::Bool(true)),
        Change::Strategic(patch) => ("strategic", patch),
        Change::Merge(patch) => ("merge", patch),
    };
    Tree::Map(Map::from_entries(vec![(key.into(), patch)]))
}

#[test]
fn patches_are_as_written_down() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/three_way");
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let documents = yaml::parse_documents(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let found = change(&documents);
        cases += 1;
        if found != documents[3] {
            let name = path.file_name().unwrap().display().to_string();
            wrong.push(format!(
                "{name}:\n{}want:\n{}",
                yaml::emit(&found),
                yaml::emit(&documents[3])
            ));
        }
    }
    assert!(cases >= 20, "{cases}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn object(text: &str) -> Object {
    kube::parse(text).unwrap().remove(0)
}

#[test]
fn what_is_sent_has_the_namespace_and_nothing_that_only_a_server_may_set() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: old}\n";
    let wanted = wanted(&object(text), "here");
    let expected =
        "apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    a: b\n  name: p\n  namespace: here\nspec: {}\n";
    assert_eq!(yaml::emit(&wanted), expected);
}

#[test]
fn an_object_carries_a_note_of_itself_as_kubectl_writes_it() {
    let object = object("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '<&>'}\n");
    let annotated = annotated(&wanted(&object, "here")).unwrap();
    assert_eq!(
        annotated
            .at(&["metadata", "annotations", LAST_APPLIED])
            .unwrap()
            .as_text()
            .unwrap(),
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"\\u003c\\u0026\\u003e\"},\"kind\":\"ConfigMap\",\
         \"metadata\":{\"annotations\":{},\"name\":\"c\",\"namespace\":\"here\"}}\n"
    );
}

#[test]
fn an_object_that_was_applied_needs_no_change() {
    let object = object("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n");
    let live = annotated(&wanted(&object, "here")).unwrap();
    assert_eq!(three_way(&live, &live), Change::Nothing);
}

#[test]
fn a_note_that_would_be_too_long_is_left_out() {
    let with = |length: usize| {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: {}}}\n",
            "x".repeat(length)
        );
        annotated(&wanted(&object(&text), "here")).is_some()
    };
    assert!(with((256 << 10) - 300));
    assert!(!with(256 << 10));
}

#[test]
fn what_is_shown_is_without_the_clusters_own_business() {
    let live = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, managedFields: [{manager: x}], annotations: {kubectl.kubernetes.io/last-applied-configuration: x}}\nstatus: {a: b}\n";
    let shown = shown(yaml::parse_one(live).unwrap());
    assert_eq!(
        yaml::emit(&shown),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n"
    );
}
