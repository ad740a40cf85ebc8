//! Pure. Strategic merge patches: merge patches that know which lists are merged by which key, with directives.
//!
//! Of the lists that objects of our kinds have, only two are merged: finalizers as a set, owner references by uid. All
//! others are replaced as a whole, as upstream's types have it.

use thiserror::Error;

use crate::model::tree::{Map, Tree};

#[derive(Clone, Debug, Error, PartialEq)]
pub enum StrategicError {
    #[error("a strategic merge patch is an object")]
    NotAMap,
    #[error("map: does not contain declared merge key: {0}")]
    NoKey(&'static str),
    #[error("invalid value for directive `{directive}` at {path:?}")]
    Directive { directive: &'static str, path: String },
}

/// How two lists become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Replace,
    Set,
    Keyed(&'static str),
}

const PATCH: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

pub fn apply(target: &Tree, patch: &Tree) -> Result<Tree, StrategicError> {
    let patch = patch.as_map().ok_or(StrategicError::NotAMap)?;
    let empty = Map::new();
    merged(target.as_map().unwrap_or(&empty), patch, "").map(Tree::Map)
}

fn strategy(path: &str) -> Strategy {
    match path {
        ".metadata.finalizers" => Strategy::Set,
        ".metadata.ownerReferences" => Strategy::Keyed("uid"),
        _ => Strategy::Replace,
    }
}

fn merged(target: &Map, patch: &Map, path: &str) -> Result<Map, StrategicError> {
    let mut result = match patch
        .get(PATCH)
        .map(|directive| directive.as_text().unwrap_or_default())
    {
        None | Some("merge") => target.clone(),
        Some("delete") => return Ok(Map::new()),
        // What else the patch holds is all that stays.
        Some("replace") => Map::new(),
        Some(_) => return Err(wrong(PATCH, path)),
    };
    if let Some(keys) = patch.get(RETAIN) {
        let keys = keys.as_list().ok_or_else(|| wrong(RETAIN, path))?;
        let is_kept = |key: &str| keys.iter().any(|kept| kept.as_text() == Some(key));
        result = result
            .into_entries()
            .into_iter()
            .filter(|(key, _)| is_kept(key))
            .collect();
    }
    for (key, change) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
        let below = format!("{path}.{key}");
        match change {
            Tree::Null => drop(result.remove(key)),
            _ => {
                let value = value(result.get(key), change, &below)?;
                result.insert(key, value);
            }
        }
    }
    direct_lists(&mut result, patch, path)?;
    Ok(result)
}

/// Directives about lists that stand beside them.
fn direct_lists(result: &mut Map, patch: &Map, path: &str) -> Result<(), StrategicError> {
    for (key, directive) in patch.iter() {
        if let Some(list) = key.strip_prefix(DELETE) {
            let gone = directive
                .as_list()
                .ok_or_else(|| wrong("$deleteFromPrimitiveList", path))?;
            without(result, list, gone);
        }
    }
    for (key, directive) in patch.iter() {
        if let Some(list) = key.strip_prefix(ORDER) {
            let order = directive.as_list().ok_or_else(|| wrong("$setElementOrder", path))?;
            reorder(result, list, order, strategy(&format!("{path}.{list}")));
        }
    }
    Ok(())
}

fn wrong(directive: &'static str, path: &str) -> StrategicError {
    StrategicError::Directive {
        directive,
        path: path.to_owned(),
    }
}

fn value(target: Option<&Tree>, change: &Tree, path: &str) -> Result<Tree, StrategicError> {
    let empty = Map::new();
    match change {
        Tree::Map(change) => merged(target.and_then(Tree::as_map).unwrap_or(&empty), change, path).map(Tree::Map),
        Tree::List(changes) => {
            let items = target.and_then(Tree::as_list).unwrap_or_default();
            list(items, changes, path).map(Tree::List)
        }
        other => Ok(other.clone()),
    }
}

fn list(items: &[Tree], changes: &[Tree], path: &str) -> Result<Vec<Tree>, StrategicError> {
    let directive = |item: &Tree| item.get(PATCH).and_then(Tree::as_text).map(str::to_owned);
    let plain =
        |items: &[Tree]| -> Vec<Tree> { items.iter().filter(|item| item.get(PATCH).is_none()).cloned().collect() };
    if changes.iter().any(|item| directive(item).as_deref() == Some("replace")) {
        return Ok(plain(changes));
    }
    match strategy(path) {
        Strategy::Replace => Ok(plain(changes)),
        Strategy::Set => {
            let mut all = items.to_vec();
            for change in changes {
                if !all.contains(change) {
                    all.push(change.clone());
                }
            }
            Ok(all)
        }
        Strategy::Keyed(key) => keyed(items, changes, (key, path)),
    }
}

fn keyed(items: &[Tree], changes: &[Tree], (key, path): (&'static str, &str)) -> Result<Vec<Tree>, StrategicError> {
    let mut all = items.to_vec();
    for change in changes {
        let id = change.get(key).ok_or(StrategicError::NoKey(key))?;
        let known = all.iter().position(|item| item.get(key) == Some(id));
        match (change.get(PATCH).and_then(Tree::as_text), known) {
            (Some("delete"), Some(index)) => drop(all.remove(index)),
            (Some("delete"), None) => {}
            (None | Some("merge"), Some(index)) => all[index] = value(Some(&all[index]), change, &format!("{path}[]"))?,
            (None | Some("merge"), None) => all.push(value(None, change, &format!("{path}[]"))?),
            (Some(_), _) => return Err(wrong(PATCH, path)),
        }
    }
    Ok(all)
}

fn without(result: &mut Map, list: &str, gone: &[Tree]) {
    if let Some(Tree::List(items)) = result.get_mut(list) {
        items.retain(|item| !gone.contains(item));
    }
}

/// Items that the order names stand as it says; the others keep their places behind them.
fn reorder(result: &mut Map, list: &str, order: &[Tree], strategy: Strategy) {
    let Some(Tree::List(items)) = result.get_mut(list) else {
        return;
    };
    let rank = |item: &Tree| {
        let is_it = |wanted: &Tree| match strategy {
            Strategy::Keyed(key) => wanted.get(key).is_some() && wanted.get(key) == item.get(key),
            Strategy::Set | Strategy::Replace => wanted == item,
        };
        order.iter().position(is_it).unwrap_or(order.len())
    };
    if strategy != Strategy::Replace {
        items.sort_by_key(rank);
    }
}
