//! Pure. The labels that everything gets which we deploy.

use crate::model::digest;
use crate::model::kube::Object;
use crate::model::pod::TEMPLATE_HASH;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// Says who deploys an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

const OURS: &str = "tilt";
/// As many bytes of the hash as fit into a label with room to spare.
const HASH_BYTES: usize = 10;

/// Labels an object as it is otherwise done with: the hash of its template covers all of it.
pub fn label(object: &mut Object) {
    set_in(object.tree_mut(), "metadata", MANAGED_BY, OURS);
    if !object.is_builtin() {
        return;
    }
    label_inner_metadata(object);
    // The claim of a volume selects volumes that somebody else made.
    if object.kind() != "PersistentVolumeClaim" {
        relabel_selectors(object.tree_mut());
    }
    if let Some(template) = object.pod_template_mut() {
        // One that somebody left in the YAML says nothing of the template.
        remove_label(template, TEMPLATE_HASH);
        let hash = digest::sha1(json::compact(template).as_bytes());
        set_in(template, "metadata", TEMPLATE_HASH, &digest::hex(&hash[..HASH_BYTES]));
    }
}

/// The hash of an object's pod template, if it has one that was labelled.
pub fn template_hash(object: &Object) -> Option<&str> {
    object.pod_labels()?.get(TEMPLATE_HASH)?.as_text()
}

/// The metadata of what the cluster will make of the object. Claim templates of a StatefulSet are left out: they can never
/// be changed, so a StatefulSet that others made could not be taken over.
fn label_inner_metadata(object: &mut Object) {
    let (is_cron_job, is_claim_template) = (object.kind() == "CronJob", object.kind() == "ResourceClaimTemplate");
    if let Some(spec) = object.tree_mut().as_map_mut().and_then(|map| map.get_mut("spec")) {
        if is_claim_template {
            set_in(spec, "metadata", MANAGED_BY, OURS);
        }
        if is_cron_job && let Some(job) = spec.as_map_mut().and_then(|map| map.get_mut("jobTemplate")) {
            set_in(job, "metadata", MANAGED_BY, OURS);
        }
    }
    if let Some(template) = object.pod_template_mut() {
        set_in(template, "metadata", MANAGED_BY, OURS);
    }
    let volumes = object
        .pod_spec_mut()
        .and_then(|spec| spec.as_map_mut()?.get_mut("volumes"));
    if let Some(Tree::List(volumes)) = volumes {
        for claim in volumes.iter_mut().filter_map(ephemeral_claim) {
            set_in(claim, "metadata", MANAGED_BY, OURS);
        }
    }
}

fn ephemeral_claim(volume: &mut Tree) -> Option<&mut Tree> {
    let source = volume.as_map_mut()?.get_mut("ephemeral")?;
    source.as_map_mut()?.get_mut("volumeClaimTemplate")
}

/// Sets a label in metadata below a key; where there is no metadata yet, or no labels, there are some now.
fn set_in(owner: &mut Tree, key: &str, label: &str, value: &str) {
    let metadata = owner.as_map_mut().and_then(|map| child(map, key));
    if let Some(labels) = metadata.and_then(|metadata| child(metadata, "labels")) {
        labels.insert(label, Tree::text(value));
    }
}

fn remove_label(owner: &mut Tree, label: &str) {
    let metadata = owner.as_map_mut().and_then(|map| map.get_mut("metadata"));
    if let Some(Tree::Map(labels)) = metadata.and_then(|metadata| metadata.as_map_mut()?.get_mut("labels")) {
        labels.remove(label);
    }
}

/// The map below a key, made if there is nothing. Nothing if there is something else: that is for the cluster to refuse.
fn child<'t>(map: &'t mut Map, key: &str) -> Option<&'t mut Map> {
    if map.get(key).is_none_or(Tree::is_null) {
        map.insert(key, Tree::Map(Map::new()));
    }
    map.get_mut(key)?.as_map_mut()
}

/// Fields that select pods by their labels.
const SELECTORS: [&str; 3] = ["selector", "labelSelector", "podSelector"];
/// What cannot hold a selector of pods though it looks like it.
const OPAQUE: [&str; 6] = [
    "annotations",
    "data",
    "labels",
    "matchLabels",
    "volumeClaimTemplate",
    "volumeClaimTemplates",
];

/// Whoever selects pods by the label that was just changed goes on to find them.
fn relabel_selectors(tree: &mut Tree) {
    match tree {
        Tree::List(items) => items.iter_mut().for_each(relabel_selectors),
        Tree::Map(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Tree::Map(selector) if SELECTORS.contains(&key) => relabel(selector),
                    value if !OPAQUE.contains(&key) => relabel_selectors(value),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// A selector of either form: labels alone, as a Service has it, or `matchLabels` and `matchExpressions`.
fn relabel(selector: &mut Map) {
    for (key, value) in selector.iter_mut() {
        match (key, value) {
            (MANAGED_BY, value @ Tree::Text(_)) => *value = Tree::text(OURS),
            ("matchLabels", Tree::Map(labels)) if labels.contains(MANAGED_BY) => {
                labels.insert(MANAGED_BY, Tree::text(OURS));
            }
            ("matchExpressions", Tree::List(requirements)) => requirements.iter_mut().for_each(allow_ours),
            _ => {}
        }
    }
}

fn allow_ours(requirement: &mut Tree) {
    let text = |key: &str| requirement.get(key).and_then(Tree::as_text);
    if (text("key"), text("operator")) != (Some(MANAGED_BY), Some("In")) {
        return;
    }
    if let Some(Tree::List(values)) = requirement.as_map_mut().and_then(|map| map.get_mut("values"))
        && !values.iter().any(|value| value.as_text() == Some(OURS))
    {
        values.push(Tree::text(OURS));
    }
}
