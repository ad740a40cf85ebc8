//! Pure. JSON pointers, RFC 6901: `/spec/args/0`.

use thiserror::Error;

use crate::model::tree::Tree;

#[derive(Clone, Debug, Error, PartialEq)]
pub enum PointerError {
    #[error("{0:?} is no path: it does not begin with a slash")]
    NoSlash(String),
    #[error("there is nothing at {0:?}")]
    Nothing(String),
    #[error("{0:?} is no place in a list")]
    NoIndex(String),
    #[error("the whole object cannot be removed")]
    Root,
}

/// The steps of a path, decoded.
pub fn parse(path: &str) -> Result<Vec<String>, PointerError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let steps = path
        .strip_prefix('/')
        .ok_or_else(|| PointerError::NoSlash(path.to_owned()))?;
    Ok(steps
        .split('/')
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect())
}

pub fn get_mut<'a>(tree: &'a mut Tree, path: &[String]) -> Result<&'a mut Tree, PointerError> {
    path.iter().try_fold(tree, |tree, step| {
        let nothing = || PointerError::Nothing(step.clone());
        match tree {
            Tree::Map(map) => map.get_mut(step).ok_or_else(nothing),
            Tree::List(items) => {
                let index = index(step)?;
                items.get_mut(index).ok_or_else(nothing)
            }
            _ => Err(nothing()),
        }
    })
}

/// Sets the entry of a map, inserts into a list.
pub fn add(tree: &mut Tree, path: &[String], value: Tree) -> Result<(), PointerError> {
    let Some((last, parents)) = path.split_last() else {
        *tree = value;
        return Ok(());
    };
    match get_mut(tree, parents)? {
        Tree::Map(map) => map.insert(last.as_str(), value),
        Tree::List(items) if last == "-" => items.push(value),
        Tree::List(items) => {
            let index = index(last)?;
            if index > items.len() {
                return Err(PointerError::NoIndex(last.clone()));
            }
            items.insert(index, value);
        }
        _ => return Err(PointerError::Nothing(last.clone())),
    }
    Ok(())
}

pub fn remove(tree: &mut Tree, path: &[String]) -> Result<Tree, PointerError> {
    let (last, parents) = path.split_last().ok_or(PointerError::Root)?;
    let nothing = || PointerError::Nothing(last.clone());
    match get_mut(tree, parents)? {
        Tree::Map(map) => map.remove(last).ok_or_else(nothing),
        Tree::List(items) => {
            let index = index(last)?;
            if index < items.len() {
                Ok(items.remove(index))
            } else {
                Err(nothing())
            }
        }
        _ => Err(nothing()),
    }
}

/// Digits without a leading zero.
fn index(step: &str) -> Result<usize, PointerError> {
    let is_plain = step.bytes().all(|byte| byte.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    let number = step.parse().ok().filter(|_| is_plain);
    number.ok_or_else(|| PointerError::NoIndex(step.to_owned()))
}
