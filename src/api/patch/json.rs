//! Pure. JSON patches, RFC 6902: a list of operations, all of which must succeed.

use thiserror::Error;

use super::pointer::{self, PointerError};
use crate::model::tree::Tree;

/// So many operations are more than any honest patch has.
const MOST_OPERATIONS: usize = 10_000;

#[derive(Clone, Debug, Error, PartialEq)]
pub enum JsonPatchError {
    #[error("a JSON patch is a list of operations")]
    NotAList,
    #[error("the allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {0}")]
    TooLong(usize),
    #[error("operation {index}: {problem}")]
    Operation { index: usize, problem: Problem },
}

#[derive(Clone, Debug, Error, PartialEq)]
pub enum Problem {
    #[error("`{0}` is missing")]
    Lacks(&'static str),
    #[error("unknown operation {0:?}")]
    Unknown(String),
    #[error(transparent)]
    Pointer(#[from] PointerError),
    #[error("testing value {0} failed")]
    Differs(String),
    #[error("a value cannot be moved into itself")]
    IntoItself,
}

pub fn apply(target: &Tree, patch: &Tree) -> Result<Tree, JsonPatchError> {
    let operations = patch.as_list().ok_or(JsonPatchError::NotAList)?;
    if operations.len() > MOST_OPERATIONS {
        return Err(JsonPatchError::TooLong(operations.len()));
    }
    let mut patched = target.clone();
    for (index, operation) in operations.iter().enumerate() {
        perform(&mut patched, operation).map_err(|problem| JsonPatchError::Operation { index, problem })?;
    }
    Ok(patched)
}

fn perform(target: &mut Tree, operation: &Tree) -> Result<(), Problem> {
    let text = |key: &'static str| operation.get(key).and_then(Tree::as_text).ok_or(Problem::Lacks(key));
    let value = || operation.get("value").cloned().ok_or(Problem::Lacks("value"));
    let path = pointer::parse(text("path")?)?;
    let from = || -> Result<Vec<String>, Problem> { Ok(pointer::parse(text("from")?)?) };
    match text("op")? {
        "add" => pointer::add(target, &path, value()?)?,
        "remove" => drop(pointer::remove(target, &path)?),
        "replace" => *pointer::get_mut(target, &path)? = value()?,
        "move" => {
            let from = from()?;
            if path.len() > from.len() && path.starts_with(&from) {
                return Err(Problem::IntoItself);
            }
            let moved = pointer::remove(target, &from)?;
            pointer::add(target, &path, moved)?;
        }
        "copy" => {
            let copied = pointer::get_mut(target, &from()?)?.clone();
            pointer::add(target, &path, copied)?;
        }
        "test" => {
            if *pointer::get_mut(target, &path)? != value()? {
                return Err(Problem::Differs(text("path")?.to_owned()));
            }
        }
        other => return Err(Problem::Unknown(other.to_owned())),
    }
    Ok(())
}
