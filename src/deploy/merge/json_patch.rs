//! Pure. The three-way merge for kinds of which only the cluster knows what their lists mean: lists are replaced.

use super::Sides;
use crate::model::tree::{Map, Tree};

pub fn patch(sides: Sides<'_>) -> Map {
    let mut patch = Map::new();
    for (key, wanted) in sides.wanted.iter().filter(|(_, wanted)| !wanted.is_null()) {
        let value = match sides.below(key) {
            Some(below) => Some(self::patch(below))
                .filter(|patch| !patch.is_empty())
                .map(Tree::Map),
            None => (sides.live.get(key) != Some(wanted)).then(|| wanted.clone()),
        };
        if let Some(value) = value {
            patch.push(key, value);
        }
    }
    // A null in an object says that the field should not be there, which is what it means in a patch.
    let unwanted = sides.wanted.iter().filter(|(key, wanted)| {
        wanted.is_null() && sides.last.get(key).is_some_and(|last| !last.is_null()) && sides.live.contains(key)
    });
    for key in unwanted.map(|(key, _)| key).chain(sides.dropped()) {
        patch.push(key, Tree::Null);
    }
    patch
}
