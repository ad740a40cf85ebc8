//! Pure. What becomes of an object of a built-in kind when Go reads it into its struct and prints it back: unknown fields
//! go, zeros that carry no meaning go, fields that Go always prints appear, values take their canonical form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::quantity;
use super::schema::{Field, Schema, Shape, StructId};
use crate::model::time;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// A value that does not fit its field, in the words of Go's decoder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    #[error("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}")]
    Mismatch {
        found: Box<str>,
        owner: &'static str,
        path: Box<str>,
        wanted: Box<str>,
    },
    #[error("{0}")]
    Quantity(#[from] quantity::Malformed),
    #[error("{0}")]
    Time(#[from] time::Malformed),
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
}

/// The object as Go prints it.
pub fn normalize(map: Map, kind: StructId) -> Result<Tree, TypeError> {
    let mut reader = Reader {
        schema: Schema::builtin(),
        path: Vec::new(),
        owner: "",
    };
    reader.object(map, kind).map(Tree::Map)
}

struct Reader {
    schema: &'static Schema,
    path: Vec<&'static str>,
    owner: &'static str,
}

impl Reader {
    fn object(&mut self, mut map: Map, id: StructId) -> Result<Map, TypeError> {
        let kind = self.schema.get(id);
        // Go reads JSON with sorted keys, so that is the order in which it finds what is wrong.
        map.sort();
        let mut given = map.into_entries().into_iter().peekable();
        let mut printed = Map::with_capacity(given.len() + 1);
        for field in &kind.fields {
            while given.next_if(|(key, _)| &**key < field.name).is_some() {}
            let value = given.next_if(|(key, _)| &**key == field.name).map(|(_, value)| value);
            let outer = std::mem::replace(&mut self.owner, kind.name);
            self.path.push(field.name);
            if let Some(value) = self.field(field, value.unwrap_or_default())? {
                printed.push(field.name, value);
            }
            self.path.pop();
            self.owner = outer;
        }
        Ok(printed)
    }

    fn field(&mut self, field: &Field, value: Tree) -> Result<Option<Tree>, TypeError> {
        if value.is_null() {
            return match field.always {
                true if field.pointer => Ok(Some(Tree::Null)),
                true => self.zero(&field.shape).map(Some),
                false => Ok(None),
            };
        }
        let value = self.value(&field.shape, value)?;
        Ok((field.always || field.pointer || !is_empty(&field.shape, &value)).then_some(value))
    }

    fn zero(&mut self, shape: &Shape) -> Result<Tree, TypeError> {
        Ok(match shape {
            Shape::Text => Tree::text(""),
            Shape::Quantity => Tree::text("0"),
            Shape::Bool => Tree::Bool(false),
            Shape::Int32 | Shape::Int64 | Shape::Float | Shape::IntOrString => Tree::Int(0),
            Shape::Struct(id) => Tree::Map(self.object(Map::new(), *id)?),
            Shape::Time | Shape::MicroTime | Shape::Bytes | Shape::Any | Shape::List(_) | Shape::Map(_) => Tree::Null,
        })
    }

    fn value(&mut self, shape: &Shape, value: Tree) -> Result<Tree, TypeError> {
        if value.is_null() {
            return self.zero(shape);
        }
        match (shape, value) {
            (Shape::Any, value)
            | (Shape::Text, value @ Tree::Text(_))
            | (Shape::Bool, value @ Tree::Bool(_))
            | (Shape::Int64, value @ Tree::Int(_))
            | (Shape::Float, value @ (Tree::Int(_) | Tree::Float(_)))
            | (Shape::IntOrString, value @ Tree::Text(_)) => Ok(value),
            (Shape::Int32 | Shape::IntOrString, value @ Tree::Int(number)) if i32::try_from(number).is_ok() => {
                Ok(value)
            }
            (Shape::Quantity, value @ (Tree::Text(_) | Tree::Int(_) | Tree::Float(_) | Tree::Big(_))) => {
                Ok(Tree::text(quantity::canonical(&scalar_text(&value))?))
            }
            (Shape::Time, Tree::Text(text)) => Ok(Tree::text(time::canonical(&text)?)),
            (Shape::MicroTime, Tree::Text(text)) => Ok(Tree::text(time::canonical_micro(&text)?)),
            (Shape::Bytes, Tree::Text(text)) => bytes(&text),
            (Shape::Struct(id), Tree::Map(map)) => self.object(map, *id).map(Tree::Map),
            (Shape::List(item), Tree::List(items)) => items
                .into_iter()
                .map(|value| self.value(item, value))
                .collect::<Result<_, _>>()
                .map(Tree::List),
            (Shape::Map(item), Tree::Map(map)) => self.map(item, map),
            (shape, value) => Err(self.mismatch(shape, &value)),
        }
    }

    fn map(&mut self, item: &Shape, mut map: Map) -> Result<Tree, TypeError> {
        map.sort();
        let mut printed = Vec::with_capacity(map.len());
        for (key, value) in map.into_entries() {
            printed.push((key, self.value(item, value)?));
        }
        Ok(Tree::Map(Map::from_entries(printed)))
    }

    fn mismatch(&self, shape: &Shape, value: &Tree) -> TypeError {
        TypeError::Mismatch {
            found: found(shape, value),
            owner: self.owner,
            path: self.path.join(".").into(),
            wanted: self.go_type(shape).into(),
        }
    }

    /// What Go calls the type of a field. Named strings and maps are printed as what they are made of.
    fn go_type(&self, shape: &Shape) -> String {
        match shape {
            Shape::Text => "string".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Int32 | Shape::IntOrString => "int32".to_owned(),
            Shape::Int64 => "int64".to_owned(),
            Shape::Float => "float64".to_owned(),
            Shape::Quantity => "resource.Quantity".to_owned(),
            Shape::Time | Shape::MicroTime => "string".to_owned(),
            Shape::Bytes => "[]uint8".to_owned(),
            Shape::Any => "runtime.RawExtension".to_owned(),
            Shape::Struct(id) => format!("v1.{}", self.schema.get(*id).name),
            Shape::List(item) => format!("[]{}", self.go_type(item)),
            Shape::Map(item) => format!("map[string]{}", self.go_type(item)),
        }
    }
}

/// Go's `omitempty`: structs are never empty, whatever is in them.
fn is_empty(shape: &Shape, value: &Tree) -> bool {
    match value {
        Tree::Null => true,
        Tree::Bool(value) => !value,
        Tree::Int(value) => *value == 0 && *shape != Shape::IntOrString,
        Tree::Float(value) => *value == 0.0,
        Tree::Text(text) => text.is_empty() && *shape != Shape::IntOrString,
        Tree::List(items) => items.is_empty(),
        Tree::Map(map) => map.is_empty() && matches!(shape, Shape::Map(_)),
        Tree::Big(_) => false,
    }
}

fn bytes(text: &str) -> Result<Tree, TypeError> {
    let compact: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    match STANDARD.decode(&compact) {
        Ok(bytes) => Ok(Tree::text(STANDARD.encode(bytes))),
        Err(base64::DecodeError::InvalidByte(offset, _) | base64::DecodeError::InvalidLastSymbol(offset, _)) => {
            Err(TypeError::Base64(offset))
        }
        Err(_) => Err(TypeError::Base64(compact.len() / 4 * 4)),
    }
}

fn scalar_text(value: &Tree) -> String {
    value.as_text().map_or_else(|| json::compact(value), str::to_owned)
}

/// What Go calls the JSON it found; a number only with its digits if it is the wrong sort of number.
fn found(shape: &Shape, value: &Tree) -> Box<str> {
    let wants_number = matches!(shape, Shape::Int32 | Shape::Int64 | Shape::IntOrString | Shape::Float);
    match value {
        Tree::Int(_) | Tree::Big(_) | Tree::Float(_) if wants_number => {
            format!("number {}", json::compact(value)).into()
        }
        value => value.type_name().into(),
    }
}
