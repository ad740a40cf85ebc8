//! The schema beside that of upstream, whose prose was taken out.

use std::collections::BTreeSet;

use serde_json::{Value, json};

const UPSTREAM: &str = include_str!("../../../testdata/api/openapi-v2.json");

/// Options and types that upstream offers and we do not.
const NOT_OURS: [&str; 2] = ["shardSelector", "ignoreStoreReadErrorWithClusterBreakingPotential"];

fn both() -> (Value, Value) {
    (
        serde_json::from_str(UPSTREAM).unwrap(),
        serde_json::from_str(super::v2()).unwrap(),
    )
}

/// Without prose, and with lists in order where their order means nothing.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries = map.clone();
            if entries.get("description").is_some_and(Value::is_string) {
                entries.remove("description");
            }
            entries
                .iter_mut()
                .for_each(|(key, value)| *value = if key == "required" { sorted(value) } else { plain(value) });
            Value::Object(entries)
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn sorted(value: &Value) -> Value {
    let Some(items) = value.as_array() else {
        return value.clone();
    };
    let mut items = items.clone();
    items.sort_by_key(Value::to_string);
    Value::Array(items)
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn all_types_are_those_of_upstream() {
    let (theirs, ours) = both();
    let (theirs, ours) = (&theirs["definitions"], &ours["definitions"]);
    assert_eq!(keys(theirs), keys(ours));
    let differ: Vec<String> = keys(theirs)
        .into_iter()
        .filter(|name| plain(&theirs[name]) != plain(&ours[name]))
        .map(|name| format!("{name}\n  {}\n  {}", plain(&theirs[&name]), plain(&ours[&name])))
        .collect();
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// Name, place and type of every parameter of an operation or a path.
fn parameters(document: &Value, owner: &Value) -> BTreeSet<String> {
    let all = owner["parameters"].as_array().cloned().unwrap_or_default();
    let resolved = all.iter().map(|one| match one["$ref"].as_str() {
        Some(target) => &document["parameters"][target.strip_prefix("#/parameters/").unwrap()],
        None => one,
    });
    resolved
        .map(|one| format!("{} {} {} {}", one["name"], one["in"], one["type"], one["schema"]))
        .filter(|shown| !NOT_OURS.iter().any(|name| shown.contains(name)))
        .collect()
}

#[test]
fn all_paths_are_those_of_upstream_with_their_operations_and_options() {
    let (theirs, ours) = both();
    assert_eq!(keys(&theirs["paths"]), keys(&ours["paths"]));
    assert_eq!(keys(&ours["paths"]).len(), 113);
    for path in keys(&theirs["paths"]) {
        let (their, our) = (&theirs["paths"][&path], &ours["paths"][&path]);
        assert_eq!(keys(their), keys(our), "{path}");
        assert_eq!(parameters(&theirs, their), parameters(&ours, our), "{path}");
        for verb in keys(their).into_iter().filter(|key| key != "parameters") {
            let (their, our) = (&their[&verb], &our[&verb]);
            assert_eq!(parameters(&theirs, their), parameters(&ours, our), "{verb} {path}");
            for key in [
                "operationId",
                "x-kubernetes-action",
                "x-kubernetes-group-version-kind",
                "responses",
                "tags",
            ] {
                assert_eq!(plain(&their[key]), plain(&our[key]), "{verb} {path}: {key}");
            }
        }
    }
}

#[test]
fn the_newer_form_refers_only_to_what_it_holds() {
    let document: Value = serde_json::from_str(super::v3()).unwrap();
    let schemas = keys(&document["components"]["schemas"]);
    let mut missing = BTreeSet::new();
    visit(&document, &mut |key, value| {
        let target = value
            .as_str()
            .filter(|_| key == "$ref")
            .map(|text| text.strip_prefix("#/components/schemas/"));
        match target {
            Some(Some(name)) if schemas.contains(name) => {}
            Some(_) => drop(missing.insert(value.to_string())),
            None => {}
        }
    });
    assert_eq!(missing, BTreeSet::new());
    let patch = &document["paths"]["/apis/tilt.dev/v1alpha1/uibuttons/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], json!("UIButton"));
    let names: Vec<&str> = patch["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["dryRun", "fieldValidation", "fieldManager", "force"]);
}

fn visit(value: &Value, each: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            each(key, value);
            visit(value, each);
        }),
        Value::Array(items) => items.iter().for_each(|item| visit(item, each)),
        _ => {}
    }
}
