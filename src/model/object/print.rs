//! Pure. Objects as JSON: which fields of a struct are printed, and with what if they are not set.

use super::Object;
use super::schema::{Content, Field, Kind, Print, Shape, Struct};
use crate::model::tree::{Map, Tree};

pub fn object(object: &Object) -> Tree {
    let mut printed = Map::new();
    printed.push("metadata", metadata(object));
    content(object.kind, &object.spec, &Map::new(), &mut printed);
    Tree::Map(printed)
}

/// Spec and status, or the fields of a kind that has neither.
pub fn content(kind: &Kind, spec: &Map, status: &Map, printed: &mut Map) {
    match kind.content {
        Content::Plain(fields) => {
            let fields = structure(fields, spec).into_entries();
            fields.into_iter().for_each(|(k, v)| printed.push(k, v));
        }
        Content::Spec {
            spec: spec_fields,
            status: status_fields,
        } => {
            printed.push("spec", Tree::Map(structure(spec_fields, spec)));
            printed.push("status", Tree::Map(structure(status_fields, status)));
        }
    }
}

fn metadata(object: &Object) -> Tree {
    let mut metadata = Map::new();
    if !object.name.is_empty() {
        metadata.push("name", Tree::text(object.name.clone()));
    }
    for (name, map) in [("labels", &object.labels), ("annotations", &object.annotations)] {
        if !map.is_empty() {
            metadata.push(name, sorted(map));
        }
    }
    Tree::Map(metadata)
}

pub fn structure(of: &Struct, set: &Map) -> Map {
    let mut printed = Map::new();
    for field in of.json_fields() {
        let value = set.get(field.json).filter(|value| !value.is_null());
        if let Some(value) = value
            .map(|value| shaped(field.shape, value))
            .filter(|value| is_printed(field, value))
        {
            printed.push(field.json, value);
        } else if matches!(field.print, Print::Zero | Print::Null) {
            printed.push(field.json, unset(field));
        }
    }
    printed
}

fn shaped(shape: Shape, value: &Tree) -> Tree {
    match (shape, value) {
        (Shape::One(of), Tree::Map(map)) => Tree::Map(structure(of, map)),
        (Shape::Many(_), Tree::List(items)) => {
            let item = |item| shaped(shape.item(), item);
            Tree::List(items.iter().map(item).collect())
        }
        (Shape::TextMap, Tree::Map(map)) => sorted(map),
        _ => value.clone(),
    }
}

impl Shape {
    /// The shape of a list's items.
    fn item(self) -> Shape {
        match self {
            Shape::Many(of) => Shape::One(of),
            other => other,
        }
    }
}

fn is_printed(field: &Field, value: &Tree) -> bool {
    let is_zero = match value {
        Tree::Null | Tree::Bool(false) | Tree::Int(0) => true,
        Tree::Text(text) => text.is_empty(),
        Tree::List(items) => items.is_empty(),
        Tree::Map(map) => map.is_empty(),
        _ => false,
    };
    field.print != Print::NonZero || !is_zero
}

fn unset(field: &Field) -> Tree {
    match (field.print, field.shape) {
        (Print::Null, _) => Tree::Null,
        (_, Shape::Text | Shape::Path) => Tree::text(""),
        (_, Shape::Int32 | Shape::Int64) => Tree::Int(0),
        (_, Shape::Bool) => Tree::Bool(false),
        (_, Shape::Duration) => Tree::text("0s"),
        (_, Shape::One(of)) => Tree::Map(structure(of, &Map::new())),
        _ => Tree::Null,
    }
}

/// Go prints maps by key.
pub fn sorted(map: &Map) -> Tree {
    let mut map = map.clone();
    map.sort();
    Tree::Map(map)
}
