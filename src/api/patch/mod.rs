//! Pure. Patches of objects, in all forms that Kubernetes knows, and who owns which field.
//!
//! All work on trees: an object as it is printed goes in, what it should become comes out. Nothing here panics, whatever a
//! patch holds.

pub mod apply;
mod compare;
pub mod fields;
mod json;
pub mod managed;
mod merge;
mod pointer;
mod strategic;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use json::JsonPatchError;
pub use strategic::StrategicError;

use crate::model::tree::Tree;

/// Patches that are applied to an object that is there. Apply patches are another thing: see [`apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Json,
    Merge,
    Strategic,
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum PatchError {
    #[error(transparent)]
    Json(#[from] JsonPatchError),
    #[error(transparent)]
    Strategic(#[from] StrategicError),
    #[error("a merge patch of an object is an object")]
    NotAMap,
}

/// What an object becomes.
pub fn patched(target: &Tree, patch: &Tree, kind: Kind) -> Result<Tree, PatchError> {
    match kind {
        Kind::Json => Ok(json::apply(target, patch)?),
        Kind::Merge if patch.as_map().is_none() => Err(PatchError::NotAMap),
        Kind::Merge => Ok(merge::apply(target, patch)),
        Kind::Strategic => Ok(strategic::apply(target, patch)?),
    }
}
