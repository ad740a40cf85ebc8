//! Pure. What `apply` notes in an object: how it was written, so that the next time it knows what was taken out.

use crate::model::merge;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

pub const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object with the note of itself.
pub fn annotated(object: &Tree) -> Tree {
    let mut annotated = without_note(object);
    let note = json::compact(&annotated) + "\n";
    if let Some(annotations) = annotations(&mut annotated) {
        annotations.insert(ANNOTATION, Tree::text(note));
    }
    annotated
}

/// Without a note, and with annotations even if there are none: so `kubectl` writes it down.
fn without_note(object: &Tree) -> Tree {
    let mut plain = object.clone();
    if let Some(annotations) = annotations(&mut plain) {
        annotations.remove(ANNOTATION);
    }
    plain
}

fn annotations(object: &mut Tree) -> Option<&mut Map> {
    let metadata = object.as_map_mut()?.get_mut("metadata")?.as_map_mut()?;
    if metadata.get("annotations").and_then(Tree::as_map).is_none() {
        metadata.insert("annotations", Tree::Map(Map::new()));
    }
    metadata.get_mut("annotations")?.as_map_mut()
}

/// How the object was written when it was last applied.
pub fn noted(object: &Tree) -> Option<Tree> {
    let note = object.at(&["metadata", "annotations", ANNOTATION])?.as_text()?;
    json::parse(note)
}

/// What applying `written` has to change in `current`; nothing is nothing.
pub fn patch(written: &Tree, current: &Tree) -> Map {
    let original = noted(current).unwrap_or_default();
    let mut patch = merge::three_way(&original, &annotated(written), current);
    // The note is about what was written; as long as that means the same, it need not be new.
    let only_the_note =
        merge::three_way(&original, &without_note(written), current).is_empty() && original == without_note(written);
    if only_the_note {
        patch = Map::new();
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml;

    fn tree(text: &str) -> Tree {
        yaml::parse_one(text).unwrap()
    }

    #[test]
    fn an_object_applied_twice_is_unchanged_and_a_removed_field_is_removed() {
        let written = tree("{kind: Cmd, metadata: {name: a}, spec: {args: [x], dir: /d}}");
        let mut current = annotated(&written);
        assert_eq!(
            current
                .at(&["metadata", "annotations", ANNOTATION])
                .unwrap()
                .as_text()
                .unwrap(),
            "{\"kind\":\"Cmd\",\"metadata\":{\"annotations\":{},\"name\":\"a\"},\"spec\":{\"args\":[\"x\"],\"dir\":\"/d\"}}\n"
        );
        current.as_map_mut().unwrap().insert("status", tree("{ready: true}"));
        assert!(patch(&written, &current).is_empty());

        let shorter = tree("{kind: Cmd, metadata: {name: a}, spec: {args: [x]}}");
        let change = Tree::Map(patch(&shorter, &current));
        assert_eq!(
            change.at(&["spec"]).map(json::compact).as_deref(),
            Some("{\"dir\":null}")
        );
        assert_eq!(noted(&merge::apply(&current, &change)), Some(without_note(&shorter)));
        assert!(patch(&shorter, &merge::apply(&current, &change)).is_empty());
    }
}
