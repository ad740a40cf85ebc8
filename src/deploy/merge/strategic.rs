//! Pure. The three-way merge for Kubernetes' own kinds, as a strategic merge patch.

use super::Sides;
use crate::model::kube::{MergeRules, Rule};
use crate::model::tree::{Map, Tree};

const RETAIN: &str = "$retainKeys";
const DIRECTIVE: &str = "$patch";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// The same list on each side.
#[derive(Clone, Copy)]
struct Lists<'a> {
    last: &'a [Tree],
    live: &'a [Tree],
    wanted: &'a [Tree],
}

pub fn patch(sides: Sides<'_>, rules: MergeRules) -> Map {
    let mut patch = Map::new();
    for (key, wanted) in sides.wanted.iter() {
        let field = rules.field(key);
        match (sides.live.get(key), wanted) {
            (Some(Tree::Map(live)), Tree::Map(map)) if field.rule == Rule::Replaced => {
                if live != map {
                    patch.push(key, wanted.clone());
                }
            }
            (Some(Tree::Map(_)), Tree::Map(_)) => {
                let below = sides.below(key).map(|below| match field.is_union {
                    true => union(below, field.below),
                    false => self::patch(below, field.below),
                });
                push_map(&mut patch, key, below.unwrap_or_default());
            }
            (Some(Tree::List(live)), Tree::List(items)) => {
                let last = sides.last.get(key).and_then(Tree::as_list).unwrap_or_default();
                let lists = Lists {
                    last,
                    live,
                    wanted: items,
                };
                match field.rule {
                    Rule::Keyed(merge_key) => keyed(&mut patch, key, lists, (merge_key, field)),
                    Rule::Set => set(&mut patch, key, lists),
                    Rule::Usual | Rule::Replaced if live != items => patch.push(key, wanted.clone()),
                    Rule::Usual | Rule::Replaced => {}
                }
            }
            (Some(live), wanted) if live == wanted => {}
            (None, Tree::Null) => {}
            (_, wanted) => patch.push(key, wanted.clone()),
        }
    }
    sides.dropped().for_each(|key| patch.push(key, Tree::Null));
    patch
}

/// A map of which only the named fields may stay once anything about it changes. That others are there alone is no change:
/// kubectl leaves them, too.
fn union(sides: Sides<'_>, rules: MergeRules) -> Map {
    let mut patch = patch(sides, rules);
    if !patch.is_empty() {
        let mut keys: Vec<&str> = sides.wanted.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        patch.push(RETAIN, Tree::List(keys.into_iter().map(Tree::text).collect()));
    }
    patch
}

fn push_map(patch: &mut Map, key: &str, value: Map) {
    if !value.is_empty() {
        patch.push(key, Tree::Map(value));
    }
}

fn keyed(
    patch: &mut Map,
    field: &str,
    lists: Lists<'_>,
    (key, merged): (&'static str, crate::model::kube::MergedField),
) {
    if lists.live.is_empty() && lists.wanted.is_empty() {
        return;
    }
    if lists.live.is_empty() {
        return patch.push(field, Tree::List(lists.wanted.to_vec()));
    }
    if [lists.live, lists.wanted]
        .iter()
        .any(|list| !has_unique_keys(list, key))
    {
        return whole(patch, field, lists, merged.below);
    }
    let mut changes = Vec::new();
    for wanted in lists.wanted.iter().filter_map(Tree::as_map) {
        let Some(live) = find(lists.live, key, wanted) else {
            changes.push(Tree::Map(wanted.clone()));
            continue;
        };
        let sides = Sides {
            last: find(lists.last, key, wanted).unwrap_or(&super::NOTHING),
            live,
            wanted,
        };
        let mut change = match merged.is_union {
            true => union(sides, merged.below),
            false => self::patch(sides, merged.below),
        };
        if !change.is_empty() {
            change.insert(key, wanted.get(key).cloned().unwrap_or_default());
            changes.push(Tree::Map(change));
        }
    }
    let dropped = lists
        .last
        .iter()
        .filter_map(Tree::as_map)
        .filter(|last| find(lists.wanted, key, last).is_none() && find(lists.live, key, last).is_some());
    for last in dropped {
        let mut change = Map::new();
        change.push(DIRECTIVE, Tree::text("delete"));
        change.push(key, last.get(key).cloned().unwrap_or_default());
        changes.push(Tree::Map(change));
    }
    let keys = |list: &[Tree]| -> Vec<Tree> { list.iter().filter_map(|item| item.get(key)).cloned().collect() };
    let (live, wanted) = (keys(lists.live), keys(lists.wanted));
    if changes.is_empty() && is_in_order(&live, &wanted) {
        return;
    }
    let order = wanted
        .into_iter()
        .map(|value| Tree::Map(Map::from_entries(vec![(key.into(), value)])));
    patch.push(format!("{ORDER}{field}"), Tree::List(order.collect()));
    if !changes.is_empty() {
        patch.push(field, Tree::List(changes));
    }
}

/// A list in which several items share a key, such as a port that is served by TCP and by UDP: merging by the key would mix
/// them up, so it becomes what is wanted as a whole.
fn whole(patch: &mut Map, field: &str, lists: Lists<'_>, rules: MergeRules) {
    let is_same = lists.live.len() == lists.wanted.len()
        && lists
            .live
            .iter()
            .zip(lists.wanted)
            .enumerate()
            .all(|(index, (live, wanted))| match (live, wanted) {
                (Tree::Map(live), Tree::Map(wanted)) => {
                    let last = lists.last.get(index).and_then(Tree::as_map).unwrap_or(&super::NOTHING);
                    self::patch(Sides { last, live, wanted }, rules).is_empty()
                }
                (live, wanted) => live == wanted,
            });
    if !is_same {
        let directive = Map::from_entries(vec![(DIRECTIVE.into(), Tree::text("replace"))]);
        let items = lists.wanted.iter().cloned().chain([Tree::Map(directive)]);
        patch.push(field, Tree::List(items.collect()));
    }
}

fn set(patch: &mut Map, field: &str, lists: Lists<'_>) {
    let added = lists.wanted.iter().filter(|item| !lists.live.contains(item));
    let dropped = lists
        .last
        .iter()
        .filter(|item| !lists.wanted.contains(item) && lists.live.contains(item));
    let (added, dropped): (Vec<Tree>, Vec<Tree>) = (added.cloned().collect(), dropped.cloned().collect());
    if added.is_empty() && dropped.is_empty() {
        return;
    }
    patch.push(format!("{ORDER}{field}"), Tree::List(lists.wanted.to_vec()));
    if !added.is_empty() {
        patch.push(field, Tree::List(added));
    }
    if !dropped.is_empty() {
        patch.push(format!("{DELETE}{field}"), Tree::List(dropped));
    }
}

fn has_unique_keys(list: &[Tree], key: &str) -> bool {
    let value = |item: &'_ Tree| item.get(key).cloned();
    list.iter().enumerate().all(|(index, item)| {
        item.get(key).is_some() && list[..index].iter().all(|earlier| value(earlier) != value(item))
    })
}

fn find<'a>(list: &'a [Tree], key: &str, item: &Map) -> Option<&'a Map> {
    let found = list
        .iter()
        .find(|other| other.get(key).is_some() && other.get(key) == item.get(key));
    found.and_then(Tree::as_map)
}

/// Whether what both have stands in the same order.
fn is_in_order(live: &[Tree], wanted: &[Tree]) -> bool {
    let common = |of: &[Tree], other: &[Tree]| -> Vec<Tree> {
        of.iter().filter(|value| other.contains(value)).cloned().collect()
    };
    common(live, wanted) == common(wanted, live)
}
