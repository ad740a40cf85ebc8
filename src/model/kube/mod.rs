//! Pure. Kubernetes objects as Tilt sees them: read from YAML, brought into the form that Go would print, questioned.
//!
//! An object of a built-in kind goes through a table of Kubernetes' types, as upstream sends it through the Go structs:
//! unknown fields vanish, defaults of the structs appear, `status` goes. Any other object stays as it was written.
//! Nothing here changes objects on purpose; injecting images and labels is `deploy`'s.

mod decode;
mod images;
pub mod jsonpath;
mod merge_rules;
mod object;
mod order;
mod quantity;
mod schema;
mod secrets;
mod select;
mod typed;

pub use decode::{Error, parse, parse_trees};
pub use images::{FoundImage, ImageFields, ImageLocator, ImageSearch, ImageSource};
pub use merge_rules::{MergeRules, MergedField, Rule};
pub use object::{DEFAULT_NAMESPACE, Key, Object};
pub use order::kind_rank;
pub use secrets::SecretEntry;
pub use select::{ObjectMatcher, Patterns, SelectorError};
pub use typed::TypeError;

use crate::model::yaml;

/// The objects as one YAML stream, with an empty line and `---` between them.
pub fn emit<'a>(objects: impl IntoIterator<Item = &'a Object>) -> String {
    yaml::emit_all(objects.into_iter().map(Object::tree))
}

#[cfg(test)]
mod tests;
