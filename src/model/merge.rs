//! Pure. Merge patches (RFC 7386): making one from two trees, applying one, and the three-way kind that `apply` needs.

use crate::model::tree::{Map, Tree};

/// What turns one tree into another: only what differs, `null` for what is gone.
pub fn difference(from: &Tree, to: &Tree) -> Map {
    match (from, to) {
        (Tree::Map(from), Tree::Map(to)) => {
            let mut patch = additions(from, to);
            deletions(from, to)
                .into_entries()
                .into_iter()
                .for_each(|(key, value)| merge_entry(&mut patch, key, value));
            patch
        }
        _ => Map::new(),
    }
}

/// What turns `current` into `modified`, leaving alone what neither it nor `original` ever named.
pub fn three_way(original: &Tree, modified: &Tree, current: &Tree) -> Map {
    let (Tree::Map(modified), Tree::Map(current)) = (modified, current) else {
        return Map::new();
    };
    let mut patch = additions(current, modified);
    if let Tree::Map(original) = original {
        let gone = still_there(deletions(original, modified), current);
        gone.into_entries()
            .into_iter()
            .for_each(|(key, value)| merge_entry(&mut patch, key, value));
    }
    patch
}

/// The tree with a patch applied.
pub fn apply(tree: &Tree, patch: &Tree) -> Tree {
    let Tree::Map(patch) = patch else {
        return patch.clone();
    };
    let mut result = tree.as_map().cloned().unwrap_or_default();
    for (key, value) in patch.iter() {
        if value.is_null() {
            result.remove(key);
        } else {
            let merged = apply(result.get(key).unwrap_or(&Tree::Null), value);
            result.insert(key, merged);
        }
    }
    Tree::Map(result)
}

/// What is new or different in `to`.
fn additions(from: &Map, to: &Map) -> Map {
    let mut patch = Map::new();
    for (key, value) in to.iter() {
        match (from.get(key), value) {
            (Some(Tree::Map(before)), Tree::Map(after)) => {
                let inner = additions(before, after);
                if !inner.is_empty() {
                    patch.push(key, Tree::Map(inner));
                }
            }
            (Some(before), after) if before == after => {}
            (None, Tree::Null) => {}
            (_, after) => patch.push(key, after.clone()),
        }
    }
    patch
}

/// What is gone in `to`, as nulls.
fn deletions(from: &Map, to: &Map) -> Map {
    let mut patch = Map::new();
    for (key, value) in from.iter() {
        match (value, to.get(key)) {
            (_, None) => patch.push(key, Tree::Null),
            (Tree::Map(before), Some(Tree::Map(after))) => {
                let inner = deletions(before, after);
                if !inner.is_empty() {
                    patch.push(key, Tree::Map(inner));
                }
            }
            _ => {}
        }
    }
    patch
}

/// Deletions without those of what is gone already, so that nothing to do is an empty patch.
fn still_there(patch: Map, current: &Map) -> Map {
    let mut kept = Map::new();
    for (key, value) in patch.into_entries() {
        match (value, current.get(&key)) {
            (_, None) => {}
            (Tree::Map(inner), Some(Tree::Map(current))) => {
                let inner = still_there(inner, current);
                if !inner.is_empty() {
                    kept.push(key, Tree::Map(inner));
                }
            }
            (value, Some(_)) => kept.push(key, value),
        }
    }
    kept
}

fn merge_entry(patch: &mut Map, key: Box<str>, value: Tree) {
    match (patch.get_mut(&key), value) {
        (Some(Tree::Map(known)), Tree::Map(more)) => {
            more.into_entries()
                .into_iter()
                .for_each(|(key, value)| merge_entry(known, key, value));
        }
        (Some(_), _) => {}
        (None, value) => patch.push(key, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml::{self, json};

    fn tree(text: &str) -> Tree {
        yaml::parse_one(text).unwrap()
    }

    #[test]
    fn three_ways_keep_what_nobody_named() {
        let table = [
            // original, modified, current, patch
            ("{a: 1, b: 2}", "{a: 1}", "{a: 1, b: 2, c: 3}", "{\"b\":null}"),
            ("{a: 1}", "{a: 2}", "{a: 1, c: 3}", "{\"a\":2}"),
            (
                "{m: {a: 1, b: 1}}",
                "{m: {a: 2}}",
                "{m: {a: 1, b: 1, z: 1}}",
                "{\"m\":{\"a\":2,\"b\":null}}",
            ),
            ("{a: 1, b: 2}", "{a: 1}", "{a: 1}", "{}"),
            ("null", "{a: [1, 2]}", "{a: [1]}", "{\"a\":[1,2]}"),
        ];
        for (original, modified, current, expected) in table {
            let (modified, current) = (tree(modified), tree(current));
            let patch = Tree::Map(three_way(&tree(original), &modified, &current));
            assert_eq!(json::compact(&patch), expected);
        }
    }

    #[test]
    fn a_difference_applied_is_the_other_tree() {
        for (from, to) in [
            ("{a: 1, b: {c: 1, d: 2}}", "{b: {c: [1]}, e: x}"),
            ("{a: {b: 1}}", "{a: 2}"),
            ("{a: 2}", "{a: {b: 1}}"),
            ("{}", "{a: {}}"),
        ] {
            let (from, to) = (tree(from), tree(to));
            assert_eq!(apply(&from, &Tree::Map(difference(&from, &to))), to);
        }
    }
}
