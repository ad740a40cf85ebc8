//! Pure. One Kubernetes object: a tree with a kind, and the questions that are asked of it.

use super::order;
use crate::model::tree::{Map, Tree};
use crate::model::yaml;

/// The namespace of an object that names none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// An object as it will be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    tree: Tree,
    builtin: bool,
}

/// What makes two objects the same object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub group: Box<str>,
    pub kind: Box<str>,
    pub namespace: Box<str>,
    pub name: Box<str>,
}

impl Object {
    /// For a kind of Kubernetes' own, after normalization.
    pub(super) fn builtin(tree: Tree) -> Object {
        Object { tree, builtin: true }
    }

    /// For any other kind, as it was written.
    pub(super) fn custom(tree: Tree) -> Object {
        Object { tree, builtin: false }
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// For changing what was found in it; kind and coordinates are expected to stay.
    pub fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    pub fn into_tree(self) -> Tree {
        self.tree
    }

    /// Whether Kubernetes itself has this kind: only there we know what a container is.
    pub fn is_builtin(&self) -> bool {
        self.builtin
    }

    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// Empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version.split_once('/').map_or(api_version, |(_, version)| version)
    }

    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// The namespace it goes to as far as the object itself says: `default` if it does not.
    pub fn namespace(&self) -> &str {
        self.given_namespace().unwrap_or(DEFAULT_NAMESPACE)
    }

    pub fn given_namespace(&self) -> Option<&str> {
        Some(self.text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty())
    }

    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        texts(self.tree.at(&["metadata", "labels"]).and_then(Tree::as_map))
    }

    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.tree.at(&["metadata", "annotations", key]).and_then(Tree::as_text)
    }

    pub fn key(&self) -> Key {
        Key {
            group: self.group().into(),
            kind: self.kind().into(),
            namespace: self.namespace().into(),
            name: self.name().into(),
        }
    }

    /// The position of its kind in the order of creation; sort stably by it.
    pub fn rank(&self) -> usize {
        order::kind_rank(self.kind())
    }

    /// The object as YAML, ending in a line break.
    pub fn emit(&self) -> String {
        yaml::emit(&self.tree)
    }

    /// The template of the pods this object makes; no kind has more than one.
    pub fn pod_template(&self) -> Option<&Tree> {
        self.tree.at(self.template_path()?)
    }

    pub fn pod_template_mut(&mut self) -> Option<&mut Tree> {
        let path = self.template_path()?;
        descend_mut(&mut self.tree, path)
    }

    /// The labels that its pods will have.
    pub fn pod_labels(&self) -> Option<&Map> {
        self.pod_template()?.at(&["metadata", "labels"])?.as_map()
    }

    /// The spec of a pod, or of the pods this object makes.
    pub fn pod_spec(&self) -> Option<&Tree> {
        match self.is_pod() {
            true => self.tree.get("spec"),
            false => self.pod_template()?.get("spec"),
        }
    }

    pub fn pod_spec_mut(&mut self) -> Option<&mut Tree> {
        match self.is_pod() {
            true => descend_mut(&mut self.tree, &["spec"]),
            false => descend_mut(self.pod_template_mut()?, &["spec"]),
        }
    }

    /// Init containers first. Ephemeral containers are not among them: nobody can ask for those in a template.
    pub fn containers(&self) -> impl Iterator<Item = &Tree> {
        let spec = self.pod_spec();
        CONTAINER_LISTS
            .iter()
            .flat_map(move |list| spec.and_then(|spec| spec.get(list)?.as_list()).unwrap_or_default())
    }

    pub fn containers_mut(&mut self) -> impl Iterator<Item = &mut Tree> {
        let entries = self.pod_spec_mut().and_then(Tree::as_map_mut).map(Map::iter_mut);
        let (mut early, mut late) = (None, None);
        for (key, value) in entries.into_iter().flatten() {
            match (key, value) {
                ("initContainers", Tree::List(items)) => early = Some(items),
                ("containers", Tree::List(items)) => late = Some(items),
                _ => {}
            }
        }
        early.into_iter().chain(late).flatten()
    }

    /// Whether this is a Service whose selector is part of the given pod labels. A selector that asks for nothing fits
    /// any pod.
    pub fn selects(&self, pod_labels: Option<&Map>) -> bool {
        let is_service = self.builtin && self.api_version() == "v1" && self.kind() == "Service";
        let selector = self.tree.at(&["spec", "selector"]).and_then(Tree::as_map);
        is_service
            && texts(selector)
                .all(|(key, value)| pod_labels.and_then(|labels| labels.get(key)?.as_text()) == Some(value))
    }

    fn is_pod(&self) -> bool {
        self.builtin && self.kind() == "Pod"
    }

    fn template_path(&self) -> Option<&'static [&'static str]> {
        match self.kind() {
            _ if !self.builtin => None,
            "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "ReplicationController" | "Job" => {
                Some(&["spec", "template"])
            }
            "CronJob" => Some(&["spec", "jobTemplate", "spec", "template"]),
            "PodTemplate" => Some(&["template"]),
            _ => None,
        }
    }

    fn text(&self, path: &[&str]) -> &str {
        self.tree.at(path).and_then(Tree::as_text).unwrap_or_default()
    }
}

const CONTAINER_LISTS: [&str; 2] = ["initContainers", "containers"];

fn descend_mut<'t>(tree: &'t mut Tree, path: &[&str]) -> Option<&'t mut Tree> {
    path.iter().try_fold(tree, |tree, key| tree.as_map_mut()?.get_mut(key))
}

fn texts(map: Option<&Map>) -> impl Iterator<Item = (&str, &str)> {
    map.into_iter()
        .flat_map(Map::iter)
        .filter_map(|(key, value)| Some((key, value.as_text()?)))
}
