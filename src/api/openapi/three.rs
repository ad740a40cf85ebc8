//! Pure. The same schema in the words of OpenAPI 3: made from the other one.

use super::{definitions, info, map, paths};
use crate::model::tree::{Map, Tree};

/// With dots only: a slash in a name would have to be written otherwise in references.
const OURS: &str = "com.github.tilt-dev.tilt.pkg.apis.core.v1alpha1.";
const THEIRS: &str = "github.com~1tilt-dev~1tilt~1pkg~1apis~1core~1v1alpha1.";

pub fn document() -> Tree {
    let schemas = definitions::all().into_entries().into_iter();
    let schemas = schemas
        .map(|(name, schema)| (renamed(&name).into(), converted(&schema)))
        .collect();
    map([
        ("openapi", Tree::text("3.0.0")),
        ("info", info()),
        ("paths", all_paths()),
        ("components", map([("schemas", Tree::Map(schemas))])),
    ])
}

fn renamed(name: &str) -> String {
    name.replace(THEIRS, OURS)
}

/// References with their new names. What is said beside one is lost on most readers, so it wraps the reference.
fn converted(schema: &Tree) -> Tree {
    match schema {
        Tree::Map(map) => match map.get("$ref").and_then(Tree::as_text) {
            Some(target) => {
                let name = renamed(target.strip_prefix("#/definitions/").unwrap_or(target));
                let target = super::map([("$ref", Tree::text(format!("#/components/schemas/{name}")))]);
                wrapped(map, target)
            }
            None => Tree::Map(map.iter().map(|(key, value)| (key.into(), converted(value))).collect()),
        },
        Tree::List(items) => Tree::List(items.iter().map(converted).collect()),
        other => other.clone(),
    }
}

fn wrapped(around: &Map, target: Tree) -> Tree {
    let Some(doc) = around.get("description") else {
        return target;
    };
    super::map([("description", doc.clone()), ("allOf", Tree::List(vec![target]))])
}

fn all_paths() -> Tree {
    let paths = paths::all();
    let all = paths.as_map().into_iter().flat_map(Map::iter);
    let ours = all.filter(|(path, _)| path.starts_with("/apis/tilt.dev/v1alpha1"));
    Tree::Map(ours.map(|(path, item)| (path.into(), item_of(item))).collect())
}

fn item_of(item: &Tree) -> Tree {
    let entries = item.as_map().into_iter().flat_map(Map::iter);
    let entry = |(key, value): (&str, &Tree)| match key {
        "parameters" => (key.into(), plain_parameters(value)),
        _ => (key.into(), operation(value)),
    };
    Tree::Map(entries.map(entry).collect())
}

fn plain_parameters(parameters: &Tree) -> Tree {
    let all = parameters.as_list().unwrap_or_default().iter().map(resolved);
    let plain = all.filter(|one| one.get("in").and_then(Tree::as_text) != Some("body"));
    Tree::List(plain.map(|one| parameter(&one)).collect())
}

/// Shared parameters are written out.
fn resolved(parameter: &Tree) -> Tree {
    let target = parameter.get("$ref").and_then(Tree::as_text);
    let name = target.and_then(|target| target.strip_prefix("#/parameters/"));
    name.and_then(|name| paths::parameters().get(name).cloned())
        .unwrap_or_else(|| parameter.clone())
}

fn parameter(two: &Tree) -> Tree {
    let mut three = Map::new();
    for key in ["description", "in", "name", "required"] {
        if let Some(value) = two.get(key) {
            three.push(key, value.clone());
        }
    }
    let kind = two.get("type").cloned().unwrap_or_else(|| Tree::text("string"));
    three.push("schema", map([("type", kind), ("uniqueItems", Tree::Bool(true))]));
    Tree::Map(three)
}

fn operation(two: &Tree) -> Tree {
    let mut three = Map::new();
    for key in [
        "description",
        "operationId",
        "tags",
        "x-kubernetes-action",
        "x-kubernetes-group-version-kind",
    ] {
        if let Some(value) = two.get(key) {
            three.push(key, value.clone());
        }
    }
    if let Some(parameters) = two.get("parameters") {
        three.push("parameters", plain_parameters(parameters));
        let all = parameters.as_list().unwrap_or_default();
        if let Some(schema) = all.iter().find_map(|one| one.get("schema")) {
            let content = content(two.get("consumes"), schema);
            three.push("requestBody", map([("content", content)]));
        }
    }
    three.push("responses", responses(two));
    Tree::Map(three)
}

fn content(types: Option<&Tree>, schema: &Tree) -> Tree {
    let types = types
        .and_then(Tree::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(Tree::as_text);
    Tree::Map(
        types
            .map(|kind| (kind.into(), map([("schema", converted(schema))])))
            .collect(),
    )
}

fn responses(two: &Tree) -> Tree {
    let answers = two.get("responses").and_then(Tree::as_map);
    let answer = |(code, answer): (&str, &Tree)| {
        let mut three = Map::new();
        three.push(
            "description",
            answer.get("description").cloned().unwrap_or_else(|| Tree::text("")),
        );
        if let Some(schema) = answer.get("schema") {
            three.push("content", content(two.get("produces"), schema));
        }
        (code.into(), Tree::Map(three))
    };
    Tree::Map(answers.into_iter().flat_map(Map::iter).map(answer).collect())
}
