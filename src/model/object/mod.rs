//! Pure. Objects of `tilt.dev/v1alpha1`: the table of their 22 kinds, values of them, and the rules they obey.
//!
//! An object holds only what was declared. [`Object::to_json_tree`] prints it as upstream's serialiser would: with the zero
//! values that Go prints, without those it omits. What a Tiltfile passes comes in through [`create`] and [`make_struct`];
//! [`validate`] says what is wrong with an object. Nothing here knows where objects are stored or who acts on them.

mod convert;
mod functions;
pub mod kinds;
mod print;
pub mod schema;
mod set;
mod show;
mod stored;
pub mod strict;
mod table;
#[cfg(test)]
mod tests;
mod validate;

pub use convert::{CreateError, Mismatch, Resolve, create, from_starlark, make_struct};
pub use functions::{Function, Makes, Parameter, creators, struct_helpers};
pub use kinds::{KINDS, kind_called};
pub use schema::{Field, Kind, Print, Shape, Struct};
pub use set::{AlreadyRegistered, ObjectSet};
pub use stored::{API_VERSION, Meta, Owner, Stored};
pub use table::{Change, Event, Expired, Table};
pub use validate::{FieldError, Problem, aggregate, validate, validate_name};

use super::tree::{Map, Tree};

/// One object, as it was declared.
#[derive(Clone, Debug)]
pub struct Object {
    pub kind: &'static Kind,
    pub name: Box<str>,
    pub labels: Map,
    pub annotations: Map,
    /// By JSON name, only what was set. The top-level fields of a kind without a spec.
    pub spec: Map,
}

impl Object {
    pub fn new(kind: &'static Kind, name: impl Into<Box<str>>) -> Object {
        Object {
            kind,
            name: name.into(),
            labels: Map::new(),
            annotations: Map::new(),
            spec: Map::new(),
        }
    }

    /// Fills in what the API server fills in for empty fields when an object is created.
    pub fn with_defaults(mut self) -> Object {
        for (field, value) in self.kind.defaults {
            let is_empty = self.spec.get(field).is_none_or(|value| value.as_text() == Some(""));
            if is_empty {
                self.spec.insert(*field, Tree::text(*value));
            }
        }
        self
    }

    /// As `tilt alpha tiltfile-result` prints it: metadata, spec and a status of zero values.
    pub fn to_json_tree(&self) -> Tree {
        print::object(self)
    }
}

/// Two objects are equal if they print the same, so an empty list equals one that was not given.
impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        std::ptr::eq(self.kind, other.kind) && self.to_json_tree() == other.to_json_tree()
    }
}
