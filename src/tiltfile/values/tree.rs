//! Between Starlark's values and plain documents.

use starlark::values::dict::{AllocDict, DictRef};
use starlark::values::list::ListRef;
use starlark::values::{Heap, Value};

use crate::model::tree::{Map, Tree};
use crate::tiltfile::call::unpack_float;

/// Deeper documents than any real one would exhaust the stack.
const MAX_DEPTH: usize = 500;
/// Memory that a document may take, as far as its size here tells.
const MAX_BYTES: usize = 128 << 20;

/// A document as dicts, lists and scalars.
pub fn to_value<'v>(tree: &Tree, heap: Heap<'v>) -> Value<'v> {
    match tree {
        Tree::Null => Value::new_none(),
        Tree::Bool(value) => Value::new_bool(*value),
        Tree::Int(value) => heap.alloc(*value),
        Tree::Big(digits) => big(digits, heap),
        Tree::Float(value) => heap.alloc(*value),
        Tree::Text(text) => heap.alloc(&**text),
        Tree::List(items) => {
            let items: Vec<Value<'v>> = items.iter().map(|item| to_value(item, heap)).collect();
            heap.alloc(items)
        }
        Tree::Map(map) => heap.alloc(AllocDict(map.iter().map(|(key, value)| (key, to_value(value, heap))))),
    }
}

fn big<'v>(digits: &str, heap: Heap<'v>) -> Value<'v> {
    match digits.parse::<num_bigint::BigInt>() {
        Ok(number) => heap.alloc(number),
        // The parser of documents makes this variant of digits only.
        Err(_) => heap.alloc(digits),
    }
}

/// Why a value is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDocument {
    #[error("unable to convert from starlark value, unsupported type {0}")]
    Unsupported(String),
    #[error("dictionary key {key} is a {of}; only strings can be keys of a document")]
    Key { key: String, of: String },
    #[error("value is nested more than {MAX_DEPTH} levels deep; does it contain itself?")]
    TooDeep,
    #[error("value is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
}

/// A value as a document; only dicts with string keys, lists and scalars are one.
pub fn from_value(value: Value) -> Result<Tree, NoDocument> {
    Converter { left: MAX_BYTES }.convert(value, 0)
}

struct Converter {
    /// Bytes that the rest may take.
    left: usize,
}

impl Converter {
    fn convert(&mut self, value: Value, depth: usize) -> Result<Tree, NoDocument> {
        if depth > MAX_DEPTH {
            return Err(NoDocument::TooDeep);
        }
        self.take(size_of::<Tree>())?;
        if value.is_none() {
            return Ok(Tree::Null);
        }
        if let Some(flag) = value.unpack_bool() {
            return Ok(Tree::Bool(flag));
        }
        if let Some(text) = value.unpack_str() {
            self.take(text.len())?;
            return Ok(Tree::text(text));
        }
        if let Some(list) = ListRef::from_value(value) {
            let items: Result<Vec<Tree>, NoDocument> = list.iter().map(|item| self.convert(item, depth + 1)).collect();
            return items.map(Tree::List);
        }
        if let Some(dict) = DictRef::from_value(value) {
            return self.map(&dict, depth);
        }
        scalar(value)
    }

    fn map(&mut self, dict: &DictRef, depth: usize) -> Result<Tree, NoDocument> {
        let mut map = Map::with_capacity(dict.len());
        for (key, value) in dict.iter() {
            let name = key.unpack_str().ok_or_else(|| NoDocument::Key {
                key: key.to_string(),
                of: key.get_type().to_owned(),
            })?;
            self.take(name.len())?;
            map.push(name, self.convert(value, depth + 1)?);
        }
        Ok(Tree::Map(map))
    }

    fn take(&mut self, bytes: usize) -> Result<(), NoDocument> {
        self.left = self.left.checked_sub(bytes).ok_or(NoDocument::TooLarge)?;
        Ok(())
    }
}

fn scalar(value: Value) -> Result<Tree, NoDocument> {
    match value.get_type() {
        "int" => {
            let digits = value.to_string();
            Ok(digits.parse().map_or_else(|_| Tree::Big(digits.into()), Tree::Int))
        }
        "float" => unpack_float(value)
            .map(Tree::Float)
            .map_err(|_| NoDocument::Unsupported("float".to_owned())),
        other => Err(NoDocument::Unsupported(other.to_owned())),
    }
}
