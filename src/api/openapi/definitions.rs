//! Pure. What objects are made of.

use super::{map, meta, texts};
use crate::api::discovery::VERSION;
use crate::api::status::GROUP;
use crate::model::object::schema::Content;
use crate::model::object::{Field, KINDS, Kind, Shape, Struct};
use crate::model::tree::{Map, Tree};

/// Upstream's names of its own types.
const OURS: &str = "github.com~1tilt-dev~1tilt~1pkg~1apis~1core~1v1alpha1.";
pub const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Structs that upstream borrows from Kubernetes.
const BORROWED: [&str; 3] = ["Condition", "LabelSelector", "LabelSelectorRequirement"];

pub fn name_of(structure: &str) -> String {
    if BORROWED.contains(&structure) {
        return format!("{META}{structure}");
    }
    format!("{OURS}{structure}")
}

pub fn reference(name: &str) -> Tree {
    map([("$ref", Tree::text(format!("#/definitions/{name}")))])
}

/// All of them, by name.
pub fn all() -> Map {
    let mut definitions = Map::new();
    for kind in KINDS {
        definitions.insert(name_of(kind.name), of_kind(kind));
        definitions.insert(name_of(&format!("{}List", kind.name)), of_list(kind));
        if let Content::Spec { spec, status } = kind.content {
            structure(spec, &mut definitions);
            structure(status, &mut definitions);
        }
    }
    for (name, definition) in meta::all() {
        definitions.insert(name, definition);
    }
    definitions.sort();
    definitions
}

pub fn kind_mark(kind: &str) -> Tree {
    map([
        ("group", Tree::text(GROUP)),
        ("kind", Tree::text(kind)),
        ("version", Tree::text(VERSION)),
    ])
}

fn of_kind(kind: &Kind) -> Tree {
    let mut properties = type_fields();
    properties.push(
        "metadata",
        described(
            "Name, labels and what the server knows.",
            reference(&format!("{META}ObjectMeta")),
        ),
    );
    match kind.content {
        Content::Plain(fields) => {
            for field in fields.json_fields() {
                properties.push(field.json, property(field));
            }
        }
        Content::Spec { spec, status } => {
            properties.push("spec", described("What is wanted.", reference(&name_of(spec.name))));
            properties.push("status", described("What was found.", reference(&name_of(status.name))));
        }
    }
    let mut definition = object(kind.doc, properties);
    definition.push(
        "x-kubernetes-group-version-kind",
        Tree::List(vec![kind_mark(kind.name)]),
    );
    Tree::Map(definition)
}

fn of_list(kind: &Kind) -> Tree {
    let mut properties = type_fields();
    properties.push("items", list(reference(&name_of(kind.name))));
    properties.push("metadata", reference(&format!("{META}ListMeta")));
    let mut definition = object(&format!("A list of {} objects.", kind.name), properties);
    definition.push("required", texts(["items"]));
    let mark = kind_mark(&format!("{}List", kind.name));
    definition.push("x-kubernetes-group-version-kind", Tree::List(vec![mark]));
    Tree::Map(definition)
}

fn type_fields() -> Map {
    let mut properties = Map::new();
    properties.push(
        "apiVersion",
        described("Group and version of the kind.", kind_of("string")),
    );
    properties.push("kind", described("Kind of the object.", kind_of("string")));
    properties
}

pub fn object(doc: &str, properties: Map) -> Map {
    let mut definition = Map::new();
    if !doc.is_empty() {
        definition.push("description", Tree::text(doc));
    }
    definition.push("type", Tree::text("object"));
    if !properties.is_empty() {
        definition.push("properties", Tree::Map(properties));
    }
    definition
}

/// A struct and all those below it.
fn structure(of: &'static Struct, definitions: &mut Map) {
    let name = name_of(of.name);
    if definitions.contains(&name) {
        return;
    }
    definitions.insert(name, Tree::Map(of_struct(of)));
    for below in of.json_fields().iter().filter_map(|field| field.shape.structure()) {
        structure(below, definitions);
    }
}

pub fn of_struct(of: &Struct) -> Map {
    let fields = of.json_fields();
    let properties = fields
        .iter()
        .map(|field| (field.json.into(), property(field)))
        .collect();
    let mut definition = object(of.doc, properties);
    let required: Vec<Tree> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| Tree::text(field.json))
        .collect();
    if !required.is_empty() {
        definition.push("required", Tree::List(required));
    }
    definition
}

fn property(field: &Field) -> Tree {
    described(field.doc, shape(field.shape))
}

fn described(doc: &str, mut schema: Tree) -> Tree {
    if let Some(map) = schema.as_map_mut().filter(|_| !doc.is_empty()) {
        map.insert("description", Tree::text(doc));
    }
    schema
}

fn kind_of(name: &str) -> Tree {
    map([("type", Tree::text(name))])
}

fn number(format: &str) -> Tree {
    map([("type", Tree::text("integer")), ("format", Tree::text(format))])
}

pub fn list(items: Tree) -> Tree {
    map([("type", Tree::text("array")), ("items", items)])
}

fn shape(shape: Shape) -> Tree {
    match shape {
        Shape::Text | Shape::Path => kind_of("string"),
        Shape::Int32 => number("int32"),
        Shape::Int64 => number("int64"),
        Shape::Bool => kind_of("boolean"),
        Shape::Duration => reference(&format!("{META}Duration")),
        Shape::Time => reference(&format!("{META}Time")),
        Shape::MicroTime => reference(&format!("{META}MicroTime")),
        Shape::Texts | Shape::Paths => list(kind_of("string")),
        Shape::Ints => list(number("int32")),
        Shape::TextMap => map([
            ("type", Tree::text("object")),
            ("additionalProperties", kind_of("string")),
        ]),
        Shape::One(of) | Shape::Inline(of) => reference(&meta::known(of).unwrap_or_else(|| name_of(of.name))),
        Shape::Many(of) => list(reference(&meta::known(of).unwrap_or_else(|| name_of(of.name)))),
    }
}
