//! Pure. What a client sends, as an object: types are checked, values brought into the form in which they are printed, and
//! what an object has no place for is listed.

use std::fmt;

use thiserror::Error;

use crate::api::accept::Format;
use crate::api::json::{self, Parsed};
use crate::api::meta::OBJECT_META;
use crate::api::status::Failure;
use crate::model::duration::Duration;
use crate::model::object::schema::Content;
use crate::model::object::{API_VERSION, Field, Kind, Owner, Print, Shape, Stored, Struct};
use crate::model::time::{self, Time};
use crate::model::tree::{Map, Tree};
use crate::model::yaml;

/// An object as a client described it.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub object: Stored,
    /// Empty unless the server is to make up a name.
    pub generate_name: String,
    pub namespace: String,
    /// The version that the client knows.
    pub version: Option<u64>,
    pub uid: Option<Box<str>>,
    /// Paths of what objects of the kind do not have.
    pub unknown: Vec<String>,
}

/// A value of another type than its field.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Mismatch {
    #[error("json: cannot unmarshal {got} into Go struct field {structure}.{path} of type {want}")]
    Type {
        got: String,
        structure: &'static str,
        path: String,
        want: String,
    },
    #[error("{path}: {problem}")]
    Text { path: String, problem: String },
    #[error("resourceVersion {0:?} is no number")]
    Version(String),
}

/// A body as a tree, whatever it is written in.
pub fn read(body: &[u8], format: Format) -> Result<Parsed, Failure> {
    match format {
        Format::Json => json::parse(body).map_err(|error| unreadable(&error.to_string())),
        Format::Yaml => {
            let text = std::str::from_utf8(body).map_err(|error| unreadable(&error.to_string()))?;
            let tree = yaml::parse_one(text).map_err(|error| unreadable(&error.to_string()))?;
            let duplicates = match yaml::parse_one_with(text, yaml::Duplicates::Refuse) {
                Err(yaml::Error::Duplicates(keys)) => keys.iter().map(|key| key.key.to_string()).collect(),
                _ => Vec::new(),
            };
            Ok(Parsed { tree, duplicates })
        }
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::bad_request(format!("the body of the request cannot be read: {why}"))
}

/// Whether a document says that it is of this kind; one that says nothing is.
pub fn check_kind(kind: &Kind, tree: &Tree) -> Result<(), Failure> {
    let Some(map) = tree.as_map() else {
        let message = format!("a {} is expected, the body holds a {}", kind.name, tree.type_name());
        return Err(Failure::bad_request(message));
    };
    let said = |key: &str| map.get(key).and_then(Tree::as_text).unwrap_or_default();
    let (version, name) = (said("apiVersion"), said("kind"));
    if (version.is_empty() || version == API_VERSION) && (name.is_empty() || name == kind.name) {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "the API version in the data ({version}) or the kind ({name}) does not match the expected one: {API_VERSION}, {}",
        kind.name
    )))
}

/// An object of a kind. Whose path is not known to the kind is no mistake yet: the caller decides.
pub fn object(kind: &'static Kind, tree: &Tree) -> Result<Decoded, Mismatch> {
    let empty = Map::new();
    let map = tree.as_map().unwrap_or(&empty);
    let mut reader = Reader { unknown: Vec::new() };
    let mut stored = Stored::new(kind, "");
    let root = At::root(kind.name);
    let mut meta = Map::new();
    for (name, value) in map.iter() {
        let at = root.field(name, kind.name);
        match (name, &kind.content) {
            ("apiVersion" | "kind", _) => {}
            ("metadata", _) => {
                meta = reader.metadata(value, &at)?;
                stored.meta.managed_fields = managed(value);
            }
            ("spec", Content::Spec { spec, .. }) => stored.spec = reader.whole(spec, value, &at)?,
            ("status", Content::Spec { status, .. }) => stored.status = reader.whole(status, value, &at)?,
            (_, Content::Plain(fields)) => reader.field(fields, name, value, (&root, &mut stored.spec))?,
            _ => reader.unknown.push(at.to_string()),
        }
    }
    finish(stored, &meta, reader.unknown)
}

fn finish(mut stored: Stored, meta: &Map, unknown: Vec<String>) -> Result<Decoded, Mismatch> {
    let text = |key: &str| meta.get(key).and_then(Tree::as_text).unwrap_or_default().to_owned();
    let entries = |key: &str| meta.get(key).and_then(Tree::as_map).cloned().unwrap_or_default();
    let list = |key: &str| meta.get(key).and_then(Tree::as_list).unwrap_or_default().to_vec();
    stored.name = text("name").into();
    stored.meta.labels = entries("labels");
    stored.meta.annotations = entries("annotations");
    stored.meta.owners = list("ownerReferences").iter().map(owner).collect();
    stored.meta.finalizers = list("finalizers")
        .iter()
        .filter_map(Tree::as_text)
        .map(Box::from)
        .collect();
    stored.meta.uid = text("uid").into();
    stored.meta.created = Time::parse(&text("creationTimestamp")).unwrap_or_default();
    stored.meta.deleted = Time::parse(&text("deletionTimestamp"));
    let version = match text("resourceVersion") {
        none if none.is_empty() || none == "0" => None,
        digits => Some(digits.parse().map_err(|_| Mismatch::Version(digits))?),
    };
    Ok(Decoded {
        uid: Some(stored.meta.uid.clone()).filter(|uid| !uid.is_empty()),
        object: stored,
        generate_name: text("generateName"),
        namespace: text("namespace"),
        version,
        unknown,
    })
}

fn owner(tree: &Tree) -> Owner {
    let text = |key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default().into();
    let flag = |key: &str| tree.get(key) == Some(&Tree::Bool(true));
    Owner {
        api_version: text("apiVersion"),
        kind: text("kind"),
        name: text("name"),
        uid: text("uid"),
        controller: flag("controller"),
        blocks_deletion: flag("blockOwnerDeletion"),
    }
}

fn managed(metadata: &Tree) -> Vec<Tree> {
    let entries = metadata.get("managedFields").and_then(Tree::as_list);
    entries.unwrap_or_default().to_vec()
}

/// Where in a document something stands; written out only when somebody asks.
struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
    /// The struct whose field this is.
    structure: &'static str,
}

enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    fn root(structure: &'static str) -> At<'static> {
        At {
            parent: None,
            step: Step::Root,
            structure,
        }
    }

    fn field(&'a self, name: &'a str, structure: &'static str) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Field(name),
            structure,
        }
    }

    fn item(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Item(index),
            structure: self.structure,
        }
    }

    fn mismatch(&self, got: &Tree, want: impl Into<String>) -> Mismatch {
        let got = match got {
            Tree::Float(value) => format!("number {value}"),
            Tree::Big(digits) => format!("number {digits}"),
            other => other.type_name().to_owned(),
        };
        Mismatch::Type {
            got,
            structure: self.structure,
            path: self.to_string(),
            want: want.into(),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (&self.step, self.parent.map(|parent| &parent.step)) {
            (Step::Root, _) => Ok(()),
            (Step::Field(name), Some(Step::Root)) => f.write_str(name),
            (Step::Field(name), _) => write!(f, ".{name}"),
            (Step::Item(index), _) => write!(f, "[{index}]"),
        }
    }
}

struct Reader {
    unknown: Vec<String>,
}

impl Reader {
    fn metadata(&mut self, value: &Tree, at: &At) -> Result<Map, Mismatch> {
        let mut rest = value.clone();
        if let Some(map) = rest.as_map_mut() {
            map.remove("managedFields");
        }
        self.whole(&OBJECT_META, &rest, at)
    }

    fn whole(&mut self, of: &'static Struct, value: &Tree, at: &At) -> Result<Map, Mismatch> {
        let given = match value {
            Tree::Null => return Ok(Map::new()),
            Tree::Map(map) => map,
            other => return Err(at.mismatch(other, format!("v1alpha1.{}", of.name))),
        };
        let mut read = Map::with_capacity(given.len());
        for (name, value) in given.iter() {
            self.field(of, name, value, (at, &mut read))?;
        }
        Ok(read)
    }

    fn field(
        &mut self,
        of: &'static Struct,
        name: &str,
        value: &Tree,
        (parent, read): (&At, &mut Map),
    ) -> Result<(), Mismatch> {
        let at = parent.field(name, of.name);
        match of.json_fields().into_iter().find(|field| field.json == name) {
            None => self.unknown.push(at.to_string()),
            Some(_) if value.is_null() => {}
            Some(field) => {
                let value = self.shaped(field.shape, value, &at)?;
                if !is_same_as_unset(field, &value) {
                    read.insert(name, value);
                }
            }
        }
        Ok(())
    }

    fn shaped(&mut self, shape: Shape, value: &Tree, at: &At) -> Result<Tree, Mismatch> {
        match shape {
            Shape::Text | Shape::Path => text(value, at),
            Shape::Bool if matches!(value, Tree::Bool(_)) => Ok(value.clone()),
            Shape::Bool => Err(at.mismatch(value, "bool")),
            Shape::Int32 => int(value, i64::from(i32::MAX), at, "int32"),
            Shape::Int64 => int(value, i64::MAX, at, "int64"),
            Shape::Duration => {
                let text = value.as_text().ok_or_else(|| at.mismatch(value, "string"))?;
                let parsed = Duration::parse(text).map_err(|error| wrong(at, &error))?;
                Ok(Tree::text(parsed.to_string()))
            }
            Shape::Time => point(value, time::canonical, at),
            Shape::MicroTime => point(value, time::canonical_micro, at),
            Shape::Texts | Shape::Paths => list(value, at, text),
            Shape::Ints => list(value, at, |item, at| int(item, i64::from(i32::MAX), at, "int32")),
            Shape::TextMap => text_map(value, at),
            Shape::One(of) | Shape::Inline(of) => self.whole(of, value, at).map(Tree::Map),
            Shape::Many(of) => list(value, at, |item, at| self.whole(of, item, at).map(Tree::Map)),
        }
    }
}

fn wrong(at: &At, problem: &dyn fmt::Display) -> Mismatch {
    Mismatch::Text {
        path: at.to_string(),
        problem: problem.to_string(),
    }
}

/// Go reads a null in a list or a map as the empty text.
fn text(value: &Tree, at: &At) -> Result<Tree, Mismatch> {
    match value {
        Tree::Text(_) => Ok(value.clone()),
        Tree::Null => Ok(Tree::text("")),
        other => Err(at.mismatch(other, "string")),
    }
}

fn int(value: &Tree, largest: i64, at: &At, want: &str) -> Result<Tree, Mismatch> {
    match value {
        Tree::Int(number) if (-largest - 1..=largest).contains(number) => Ok(value.clone()),
        Tree::Int(number) => Err(at.mismatch(&Tree::Big(number.to_string().into()), want)),
        other => Err(at.mismatch(other, want)),
    }
}

fn point(value: &Tree, canonical: fn(&str) -> Result<String, time::Malformed>, at: &At) -> Result<Tree, Mismatch> {
    let text = value.as_text().ok_or_else(|| at.mismatch(value, "string"))?;
    canonical(text).map(Tree::text).map_err(|error| wrong(at, &error))
}

fn list(value: &Tree, at: &At, mut item: impl FnMut(&Tree, &At) -> Result<Tree, Mismatch>) -> Result<Tree, Mismatch> {
    let items = value.as_list().ok_or_else(|| at.mismatch(value, "[]"))?;
    let read = items
        .iter()
        .enumerate()
        .map(|(index, value)| item(value, &at.item(index)));
    read.collect::<Result<_, _>>().map(Tree::List)
}

fn text_map(value: &Tree, at: &At) -> Result<Tree, Mismatch> {
    let map = value.as_map().ok_or_else(|| at.mismatch(value, "map[string]string"))?;
    let entry = |(key, value): (&str, &Tree)| {
        let value = text(value, &at.field(key, at.structure))?;
        Ok((Box::from(key), value))
    };
    map.iter().map(entry).collect::<Result<Map, _>>().map(Tree::Map)
}

/// Whether a value prints as if it were not there: then two objects that print the same are the same.
fn is_same_as_unset(field: &Field, value: &Tree) -> bool {
    let is_zero = match value {
        Tree::Null | Tree::Bool(false) | Tree::Int(0) => true,
        Tree::Map(map) => map.is_empty(),
        Tree::Text(text) => match field.shape {
            Shape::Duration => &**text == "0s",
            Shape::Time | Shape::MicroTime => text.starts_with("0001-01-01T00:00:00"),
            _ => text.is_empty(),
        },
        // A list that is always printed is told from none.
        Tree::List(items) => items.is_empty() && field.print == Print::NonZero,
        _ => false,
    };
    match (field.print, field.shape) {
        (Print::WhenSet, _) => false,
        (Print::Null, Shape::Time | Shape::MicroTime) => is_zero,
        (Print::Null, _) => value.is_null(),
        (Print::Zero | Print::NonZero, _) => is_zero,
    }
}

#[cfg(test)]
mod tests;
