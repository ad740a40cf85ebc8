//! Pure. `--sort-by`: objects in the order of one of their fields.

use std::cmp::Ordering;

use crate::model::tree::Tree;
use crate::model::yaml::natural_order;
use crate::ui::print::{PrintError, relaxed_path};

/// Sorts items by what a path leads to in the object of each. Items without the field come first.
pub fn sort_by<T>(items: &mut Vec<T>, path: &str, object: impl Fn(&T) -> &Tree) -> Result<(), PrintError> {
    let parsed = relaxed_path(path)?;
    let keys: Result<Vec<Option<Tree>>, PrintError> = items
        .iter()
        .map(|item| {
            let found = parsed
                .find(object(item))
                .map_err(|error| PrintError::Object(error.to_string()))?;
            Ok(found.first().map(|(_, value)| (*value).clone()))
        })
        .collect();
    let keys = keys?;
    if !items.is_empty() && keys.iter().all(Option::is_none) {
        return Err(PrintError::Object(format!(
            "couldn't find any field with path {:?} in the list of objects",
            parsed.text()
        )));
    }
    let mut keyed: Vec<(Option<Tree>, T)> = keys.into_iter().zip(items.drain(..)).collect();
    keyed.sort_by(|(a, _), (b, _)| compare(a.as_ref(), b.as_ref()));
    items.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}

fn compare(a: Option<&Tree>, b: Option<&Tree>) -> Ordering {
    match (a, b) {
        (Some(Tree::Int(a)), Some(Tree::Int(b))) => a.cmp(b),
        (Some(Tree::Float(a)), Some(Tree::Float(b))) => a.total_cmp(b),
        (Some(Tree::Bool(a)), Some(Tree::Bool(b))) => a.cmp(b),
        (Some(Tree::Text(a)), Some(Tree::Text(b))) => match a == b {
            true => Ordering::Equal,
            false => natural_order(a, b),
        },
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
