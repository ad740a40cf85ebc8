//! Pure. What makes an object in the cluster the one that is wanted: three-way merges with the meaning of `kubectl apply`.
//!
//! Fields that were applied last time and are not wanted any more go; fields that others have set stay; what is wanted is
//! set. What was applied last time stands in an annotation of the object, as kubectl writes it, so that both understand each
//! other. Kinds of Kubernetes' own are patched strategically (see [`MergeRules`]), any other by a JSON merge patch.

mod json_patch;
mod strategic;

use std::sync::LazyLock;

use crate::model::kube::{MergeRules, Object};
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

#[cfg(test)]
mod tests;

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// As much as all annotations of an object may hold, names included.
const MOST_ANNOTATED: usize = 256 << 10;

/// What is to be sent to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It is as it should be.
    Nothing,
    Strategic(Tree),
    Merge(Tree),
}

/// The object as it is to be applied to this namespace (empty for none): nothing in it that only a server may set.
pub fn wanted(object: &Object, namespace: &str) -> Tree {
    let mut tree = object.tree().clone();
    if object.is_builtin() {
        without_nulls(&mut tree);
    }
    if let Some(map) = tree.as_map_mut() {
        map.remove("status");
    }
    if let Some(metadata) = metadata(&mut tree) {
        metadata.remove("managedFields");
        match namespace {
            "" => drop(metadata.remove("namespace")),
            namespace => metadata.insert("namespace", Tree::text(namespace)),
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Tree::as_map_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    tree
}

/// The same with a note of itself; nothing where that would be more than annotations may hold.
pub fn annotated(wanted: &Tree) -> Option<Tree> {
    let mut tree = wanted.clone();
    let metadata = metadata(&mut tree)?;
    if metadata.get("annotations").and_then(Tree::as_map).is_none() {
        metadata.insert("annotations", Tree::Map(Map::new()));
    }
    let note = format!("{}\n", json::compact(&tree));
    let annotations = self::metadata(&mut tree)?.get_mut("annotations")?.as_map_mut()?;
    let held: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_text().map_or(0, str::len))
        .sum();
    if held + LAST_APPLIED.len() + note.len() > MOST_ANNOTATED {
        return None;
    }
    annotations.insert(LAST_APPLIED, Tree::Text(note.into()));
    Some(tree)
}

/// What turns the live object into the wanted one, which is annotated.
pub fn three_way(live: &Tree, wanted: &Tree) -> Change {
    let note = live
        .at(&["metadata", "annotations", LAST_APPLIED])
        .and_then(Tree::as_text);
    let last = note.and_then(json::parse).unwrap_or_default();
    let empty = Map::new();
    let map = |tree| Tree::as_map(tree).unwrap_or(&empty);
    let sides = Sides {
        last: map(&last),
        live: map(live),
        wanted: map(wanted),
    };
    let text = |key: &str| wanted.get(key).and_then(Tree::as_text).unwrap_or_default();
    let rules = MergeRules::of_kind(text("apiVersion"), text("kind"));
    let patch = rules.map_or_else(|| json_patch::patch(sides), |rules| strategic::patch(sides, rules));
    match (patch.is_empty(), rules) {
        (true, _) => Change::Nothing,
        (false, Some(_)) => Change::Strategic(Tree::Map(patch)),
        (false, None) => Change::Merge(Tree::Map(patch)),
    }
}

/// The same place in what was applied last, in what is there, and in what is wanted.
#[derive(Clone, Copy)]
struct Sides<'a> {
    last: &'a Map,
    live: &'a Map,
    wanted: &'a Map,
}

static NOTHING: LazyLock<Map> = LazyLock::new(Map::new);

impl<'a> Sides<'a> {
    /// Keys that were applied, are there and are not wanted any more.
    fn dropped(self) -> impl Iterator<Item = &'a str> {
        let is_dropped = move |key: &&str| self.live.contains(key) && !self.wanted.contains(key);
        self.last.iter().map(|(key, _)| key).filter(is_dropped)
    }

    /// The sides below a key under which live and wanted objects both have maps.
    fn below(self, key: &str) -> Option<Sides<'a>> {
        let map = |side: &'a Map| side.get(key).and_then(Tree::as_map);
        Some(Sides {
            last: map(self.last).unwrap_or(&NOTHING),
            live: map(self.live)?,
            wanted: map(self.wanted)?,
        })
    }
}

/// The object of an answer as people are shown it: without what is the cluster's own business.
pub fn shown(mut live: Tree) -> Tree {
    if let Some(map) = live.as_map_mut() {
        map.remove("status");
    }
    if let Some(metadata) = metadata(&mut live) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Tree::as_map_mut) {
            annotations.remove(LAST_APPLIED);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    live
}

fn metadata(tree: &mut Tree) -> Option<&mut Map> {
    tree.as_map_mut()?.get_mut("metadata")?.as_map_mut()
}

/// Go prints nulls for times and lists that nobody set; to a server they say nothing, in a patch they would.
fn without_nulls(tree: &mut Tree) {
    match tree {
        Tree::Map(map) => {
            let entries = std::mem::take(map).into_entries();
            let kept = entries.into_iter().filter(|(_, value)| !value.is_null());
            *map = Map::from_entries(kept.collect());
            map.iter_mut().for_each(|(_, value)| without_nulls(value));
        }
        Tree::List(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
