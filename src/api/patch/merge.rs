//! Pure. Merge patches, RFC 7386: what a map names is set, what it names as null goes, everything else replaces.

use crate::model::tree::{Map, Tree};

pub fn apply(target: &Tree, patch: &Tree) -> Tree {
    let Tree::Map(changes) = patch else {
        return patch.clone();
    };
    let empty = Map::new();
    let mut merged = target.as_map().unwrap_or(&empty).clone();
    for (key, change) in changes.iter() {
        if change.is_null() {
            merged.remove(key);
        } else {
            let value = apply(merged.get(key).unwrap_or(&Tree::Null), change);
            merged.insert(key, value);
        }
    }
    Tree::Map(merged)
}
