//! Pure. What is read from objects as the cluster answers with them.

use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::kube::Object;
use crate::model::pod::TEMPLATE_HASH;
use crate::model::tree::Tree;
use crate::model::yaml;

use super::merge;

/// Objects with this annotation stay when everything else goes.
const DOWN_POLICY: &str = "tilt.dev/down-policy";

pub fn field<'t>(object: &'t Tree, name: &str) -> &'t str {
    object
        .at(&["metadata", name])
        .and_then(Tree::as_text)
        .unwrap_or_default()
}

pub fn is_deleting(object: &Tree) -> bool {
    !field(object, "deletionTimestamp").is_empty()
}

pub fn is_kept(object: &Tree) -> bool {
    object
        .at(&["metadata", "annotations", DOWN_POLICY])
        .and_then(Tree::as_text)
        == Some("keep")
}

pub fn finalizers(object: &Tree) -> Vec<String> {
    let list = object
        .at(&["metadata", "finalizers"])
        .and_then(Tree::as_list)
        .unwrap_or_default();
    list.iter().filter_map(Tree::as_text).map(str::to_owned).collect()
}

/// The reference of an object that was applied, from what the cluster answered.
pub fn reference(object: &Object, live: &Tree) -> ObjectRef {
    ObjectRef {
        namespace: field(live, "namespace").into(),
        uid: field(live, "uid").into(),
        ..uncertain(object)
    }
}

/// The reference of an object of which we do not know whether it is there.
pub fn uncertain(object: &Object) -> ObjectRef {
    let labels = object.pod_labels();
    let hash = labels.and_then(|labels| labels.get(TEMPLATE_HASH)?.as_text());
    ObjectRef {
        api_version: object.api_version().into(),
        kind: object.kind().into(),
        namespace: object.given_namespace().unwrap_or_default().into(),
        name: object.name().into(),
        uid: "".into(),
        template_hash: hash.unwrap_or_default().into(),
    }
}

pub fn deployed(applied: Vec<(ObjectRef, Tree)>, hash: &str) -> Deployed {
    let is_complete = !applied.is_empty() && applied.iter().all(|(_, live)| is_complete_job(live));
    let (objects, trees): (Vec<ObjectRef>, Vec<Tree>) = applied.into_iter().unzip();
    let shown: Vec<Tree> = trees.into_iter().map(merge::shown).collect();
    Deployed {
        objects,
        surplus: Vec::new(),
        yaml: yaml::emit_all(&shown),
        hash: hash.to_owned(),
        is_complete,
    }
}

fn is_complete_job(live: &Tree) -> bool {
    let text = |tree: &'_ Tree, key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default().to_owned();
    let conditions = live
        .at(&["status", "conditions"])
        .and_then(Tree::as_list)
        .unwrap_or_default();
    text(live, "kind") == "Job"
        && conditions
            .iter()
            .any(|condition| text(condition, "type") == "Complete" && text(condition, "status") == "True")
}
