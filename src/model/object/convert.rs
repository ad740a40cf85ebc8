//! Pure. Values of a Tiltfile become fields of an object: shapes are checked, names go from snake_case to JSON's.
//!
//! What is left unset stays absent; printing fills in zero values later. A plain dict is as good as a struct, so a struct is
//! its dict, with paths made absolute where it was made: [`make_struct`].

use thiserror::Error;

use crate::model::duration::{Duration, DurationError};
use crate::model::{suggest, time};

use super::Object;
use super::schema::{Field, Kind, Print, Shape, Struct};
use super::show::{starlark, starlark_type};
use crate::model::tree::{Map, Tree};

/// Makes a path absolute against the Tiltfile that names it; an absolute one stays as it is.
pub type Resolve<'a> = &'a dyn Fn(&str) -> Box<str>;

/// How a value differs from what its place needs. Upstream's words, with the attribute named wherever that is known.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Mismatch {
    #[error("expected dict, actual: {0}")]
    NotADict(&'static str),
    #[error("expected list, actual: {0}")]
    NotAList(&'static str),
    #[error("Expected string, actual: {0}")]
    NotAText(&'static str),
    #[error("Expected int, got: {0}")]
    NotAnInt(&'static str),
    #[error("Expected int, got: {0} out of range")]
    OutOfRange(String),
    #[error("Expected bool, got: {0}")]
    NotABool(&'static str),
    #[error("Expected string. Got: {0}")]
    NotADuration(&'static str),
    #[error("expected path | string. Actual type: {0}")]
    NotAPath(&'static str),
    #[error("value should be a string or List or Tuple of strings, but is of type {0}")]
    NotPaths(&'static str),
    #[error("value should be a List or Tuple of {of}, but is of type {actual}")]
    NotAListOf { of: &'static str, actual: &'static str },
    #[error("value should contain only {of}, but element {element:?} was of type {actual}")]
    Element {
        of: &'static str,
        element: String,
        actual: &'static str,
    },
    #[error("expected dict, got {0}")]
    NotATextMap(&'static str),
    #[error("value is not a string: {actual} ({value})")]
    MapValue { actual: &'static str, value: String },
    #[error(transparent)]
    Duration(#[from] DurationError),
    #[error("expected an RFC 3339 time such as `2006-01-02T15:04:05Z`, got {0:?}")]
    Time(String),
    #[error("got {actual}, want {want}")]
    Parameter { want: &'static str, actual: &'static str },
    #[error("Unexpected attribute name: {name}{}", suggestion(.meant))]
    Unexpected { name: String, meant: Option<String> },
    #[error("unpacking {attribute}: {cause}")]
    Attribute { attribute: String, cause: Box<Mismatch> },
    #[error("at index {index}: {cause}")]
    Item { index: usize, cause: Box<Mismatch> },
    #[error("unpacking list item at index {index}: {cause}")]
    PathItem { index: usize, cause: Box<Mismatch> },
}

fn suggestion(meant: &Option<String>) -> String {
    meant
        .as_ref()
        .map(|meant| format!(" (did you mean `{meant}`?)"))
        .unwrap_or_default()
}

/// Why a creator was refused before anything was validated.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CreateError {
    #[error("missing argument for {0}")]
    Missing(&'static str),
    #[error("unexpected keyword argument {name:?}{}", suggestion(.meant))]
    Unexpected { name: String, meant: Option<String> },
    #[error("for parameter {parameter}: {cause}")]
    Parameter { parameter: String, cause: Mismatch },
}

/// A value of a Tiltfile as the JSON of a shape. `Null` means that the value counts as not given.
pub fn from_starlark(shape: Shape, given: &Tree, resolve: Resolve) -> Result<Tree, Mismatch> {
    let actual = starlark_type(given);
    match shape {
        Shape::Text => Ok(Tree::text(given.as_text().ok_or(Mismatch::NotAText(actual))?)),
        Shape::Bool => matches!(given, Tree::Bool(_))
            .then(|| given.clone())
            .ok_or(Mismatch::NotABool(actual)),
        Shape::Int32 => int(given, i64::from(i32::MIN)..=i64::from(i32::MAX)),
        Shape::Int64 => int(given, i64::MIN..=i64::MAX),
        Shape::Duration => {
            let text = given.as_text().ok_or(Mismatch::NotADuration(actual))?;
            Ok(Tree::text(Duration::parse(text)?.to_string()))
        }
        Shape::Time | Shape::MicroTime if given.is_null() => Ok(Tree::Null),
        Shape::Time | Shape::MicroTime => {
            let text = given.as_text().ok_or(Mismatch::NotAText(actual))?;
            let time = time::canonical(text).map_err(|_| Mismatch::Time(text.to_owned()))?;
            Ok(Tree::text(time))
        }
        Shape::Path => Ok(Tree::text(resolve(given.as_text().ok_or(Mismatch::NotAPath(actual))?))),
        Shape::Texts => items(given, "strings", |item| matches!(item, Tree::Text(_))),
        Shape::Ints => items(given, "ints", |item| matches!(item, Tree::Int(_))),
        Shape::Paths => paths(given, resolve),
        Shape::TextMap => text_map(given),
        Shape::One(of) | Shape::Inline(of) => structure(of, given, resolve).map(Tree::Map),
        Shape::Many(of) => structures(of, given, resolve),
    }
}

fn int(given: &Tree, range: std::ops::RangeInclusive<i64>) -> Result<Tree, Mismatch> {
    match given {
        Tree::Int(value) if range.contains(value) => Ok(given.clone()),
        Tree::Int(_) | Tree::Big(_) => Err(Mismatch::OutOfRange(starlark(given))),
        _ => Err(Mismatch::NotAnInt(starlark_type(given))),
    }
}

/// A list of scalars. Upstream does not tell an empty one from none.
fn items(given: &Tree, of: &'static str, fits: fn(&Tree) -> bool) -> Result<Tree, Mismatch> {
    let actual = starlark_type(given);
    let items = match given {
        Tree::Null => return Ok(Tree::Null),
        Tree::List(items) => items,
        _ => return Err(Mismatch::NotAListOf { of, actual }),
    };
    match items.iter().find(|item| !fits(item)) {
        Some(item) => Err(Mismatch::Element {
            of,
            element: starlark(item),
            actual: starlark_type(item),
        }),
        None if items.is_empty() => Ok(Tree::Null),
        None => Ok(given.clone()),
    }
}

fn paths(given: &Tree, resolve: Resolve) -> Result<Tree, Mismatch> {
    match given {
        Tree::Null => Ok(Tree::Null),
        Tree::Text(path) => Ok(Tree::List(vec![Tree::text(resolve(path))])),
        Tree::List(items) => {
            let absolute = |(index, item): (usize, &Tree)| {
                from_starlark(Shape::Path, item, resolve).map_err(|cause| Mismatch::PathItem {
                    index,
                    cause: Box::new(cause),
                })
            };
            items
                .iter()
                .enumerate()
                .map(absolute)
                .collect::<Result<_, _>>()
                .map(Tree::List)
        }
        _ => Err(Mismatch::NotPaths(starlark_type(given))),
    }
}

fn text_map(given: &Tree) -> Result<Tree, Mismatch> {
    let map = match given {
        Tree::Null => return Ok(Tree::Null),
        Tree::Map(map) => map,
        _ => return Err(Mismatch::NotATextMap(starlark_type(given))),
    };
    match map.iter().find(|(_, value)| value.as_text().is_none()) {
        Some((_, value)) => Err(Mismatch::MapValue {
            actual: starlark_type(value),
            value: starlark(value),
        }),
        None => Ok(given.clone()),
    }
}

fn structures(of: &'static Struct, given: &Tree, resolve: Resolve) -> Result<Tree, Mismatch> {
    let items = given.as_list().ok_or(Mismatch::NotAList(starlark_type(given)))?;
    let convert = |(index, item): (usize, &Tree)| {
        structure(of, item, resolve)
            .map(Tree::Map)
            .map_err(|cause| Mismatch::Item {
                index,
                cause: Box::new(cause),
            })
    };
    items
        .iter()
        .enumerate()
        .map(convert)
        .collect::<Result<_, _>>()
        .map(Tree::List)
}

fn structure(of: &'static Struct, given: &Tree, resolve: Resolve) -> Result<Map, Mismatch> {
    let given = given.as_map().ok_or(Mismatch::NotADict(starlark_type(given)))?;
    let mut fields = Map::with_capacity(given.len());
    for (name, value) in given.iter() {
        let field = attribute(of, name)?;
        put(&mut fields, field, convert_attribute(field, value, resolve)?);
    }
    Ok(fields)
}

/// The field that an attribute sets: by its Starlark name, or one of an inlined struct by the name it has there.
fn attribute(of: &'static Struct, name: &str) -> Result<&'static Field, Mismatch> {
    let known = || of.fields.iter().chain(of.json_fields());
    known().find(|field| field.starlark() == name).ok_or_else(|| {
        let names: Vec<String> = known().map(Field::starlark).collect();
        Mismatch::Unexpected {
            name: name.to_owned(),
            meant: suggest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        }
    })
}

fn convert_attribute(field: &Field, value: &Tree, resolve: Resolve) -> Result<Tree, Mismatch> {
    if value.is_null() && none_is_unset(field) {
        return Ok(Tree::Null);
    }
    from_starlark(field.shape, value, resolve).map_err(|cause| Mismatch::Attribute {
        attribute: field.starlark(),
        cause: Box::new(cause),
    })
}

/// A text that may be absent may be absent as None too (upstream refuses that). Elsewhere None is a mistake.
fn none_is_unset(field: &Field) -> bool {
    matches!((field.shape, field.print), (Shape::Text, Print::WhenSet))
}

/// Stores a converted value; an inlined struct's fields take their place among the others.
fn put(fields: &mut Map, field: &Field, value: Tree) {
    match (field.shape, value) {
        (_, Tree::Null) => {}
        (Shape::Inline(_), Tree::Map(inner)) => {
            inner
                .into_entries()
                .into_iter()
                .for_each(|(name, value)| fields.insert(name, value));
        }
        (_, value) => fields.insert(field.json, value),
    }
}

/// What a struct function returns: the attributes that it was given, checked, with paths made absolute.
pub fn make_struct(of: &'static Struct, given: &Map, resolve: Resolve) -> Result<Map, Mismatch> {
    let mut made = Map::with_capacity(given.len());
    for (name, value) in given.iter() {
        let field = attribute(of, name)?;
        convert_attribute(field, value, resolve)?;
        made.insert(name, with_absolute_paths(field.shape, value, resolve));
    }
    Ok(made)
}

/// A value that was found to fit a shape, unchanged but for its paths.
fn with_absolute_paths(shape: Shape, given: &Tree, resolve: Resolve) -> Tree {
    match (shape, given) {
        (Shape::Path | Shape::Paths, Tree::Text(path)) => Tree::text(resolve(path)),
        (Shape::Paths, Tree::List(items)) => Tree::List(
            items
                .iter()
                .map(|item| with_absolute_paths(Shape::Path, item, resolve))
                .collect(),
        ),
        (Shape::Many(of), Tree::List(items)) => Tree::List(
            items
                .iter()
                .map(|item| with_absolute_paths(Shape::One(of), item, resolve))
                .collect(),
        ),
        (Shape::One(of) | Shape::Inline(of), Tree::Map(map)) => {
            let entry = |(name, value): (&str, &Tree)| {
                let shape = attribute(of, name).map_or(Shape::Text, |field| field.shape);
                (name.into(), with_absolute_paths(shape, value, resolve))
            };
            Tree::Map(map.iter().map(entry).collect())
        }
        _ => given.clone(),
    }
}

/// The object that a creator is asked for: its arguments by parameter name.
pub fn create(kind: &'static Kind, given: &Map, resolve: Resolve) -> Result<Object, CreateError> {
    if !given.contains("name") {
        return Err(CreateError::Missing("name"));
    }
    let mut object = Object::new(kind, "");
    for (name, value) in given.iter() {
        let convert = |shape| {
            let parameter = name.to_owned();
            argument(shape, value, resolve).map_err(|cause| CreateError::Parameter { parameter, cause })
        };
        match name {
            "name" => object.name = convert(Shape::Text)?.as_text().unwrap_or_default().into(),
            "labels" => object.labels = entries(convert(Shape::TextMap)?),
            "annotations" => object.annotations = entries(convert(Shape::TextMap)?),
            _ => {
                let field = parameter(kind, name)?;
                put(&mut object.spec, field, convert(field.shape)?);
            }
        }
    }
    for field in kind.spec().fields {
        if field.here_when_absent && !given.contains(&field.starlark()) {
            object.spec.insert(field.json, Tree::text(resolve("")));
        }
    }
    Ok(object)
}

fn entries(tree: Tree) -> Map {
    match tree {
        Tree::Map(map) => map,
        _ => Map::new(),
    }
}

fn parameter(kind: &Kind, name: &str) -> Result<&'static Field, CreateError> {
    let fields = kind.spec().fields;
    fields.iter().find(|field| field.starlark() == name).ok_or_else(|| {
        let names: Vec<String> = fields.iter().map(Field::starlark).collect();
        CreateError::Unexpected {
            name: name.to_owned(),
            meant: suggest::nearest(name, names.iter().map(String::as_str)).map(str::to_owned),
        }
    })
}

/// An argument of a creator. Upstream words a wrong scalar differently here than in a struct.
fn argument(shape: Shape, given: &Tree, resolve: Resolve) -> Result<Tree, Mismatch> {
    let actual = starlark_type(given);
    match shape {
        Shape::Text if given.as_text().is_none() => Err(Mismatch::Parameter { want: "string", actual }),
        Shape::Bool if !matches!(given, Tree::Bool(_)) => Err(Mismatch::Parameter { want: "bool", actual }),
        _ => from_starlark(shape, given, resolve),
    }
}
