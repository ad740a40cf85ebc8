//! Pure. What a deploy left in the cluster, and which pods are looked for because of it.

use crate::model::kube::Object;

/// The objects of one resource as the cluster has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    pub objects: Vec<ObjectRef>,
    /// What earlier deploys left and could not be deleted.
    pub surplus: Vec<ObjectRef>,
    /// All of them as the cluster answered, as one YAML stream.
    pub yaml: String,
    /// Of everything that went into it: an equal one need not be applied again.
    pub hash: String,
    /// Whether all that was applied are Jobs that had completed already.
    pub is_complete: bool,
}

/// One object in the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    pub api_version: Box<str>,
    pub kind: Box<str>,
    /// Empty for what is in no namespace.
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    /// Of its pod template, where it has one and we hashed it.
    pub template_hash: Box<str>,
}

impl ObjectRef {
    /// As it is written, before a cluster has seen it.
    pub fn of(object: &Object) -> ObjectRef {
        ObjectRef {
            api_version: object.api_version().into(),
            kind: object.kind().into(),
            namespace: object.given_namespace().unwrap_or_default().into(),
            name: object.name().into(),
            ..ObjectRef::default()
        }
    }

    /// Whether both may be the same object as far as is known: one that names no namespace may be in any.
    pub fn may_be(&self, other: &ObjectRef) -> bool {
        let is_near = || self.namespace == other.namespace || self.namespace.is_empty() || other.namespace.is_empty();
        self.name == other.name && is_near() && self.kind == other.kind && self.group() == other.group()
    }

    /// Empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether both name the same object, be it another incarnation of it or another version of its kind.
    pub fn is_same_object(&self, other: &ObjectRef) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.group() == other.group()
    }

    /// `web:deployment`, as people are told of it.
    pub fn display(&self) -> String {
        format!("{}:{}", self.name, self.kind.to_lowercase())
    }
}

/// Which pods to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub watches: Vec<WatchRef>,
    pub selectors: Vec<LabelSelector>,
    /// Where selectors look besides the namespaces of the watches.
    pub namespace: Box<str>,
    /// Pods of other templates are old news; an empty list says nothing.
    pub template_hashes: Vec<Box<str>>,
}

/// Pods that this object owns, directly or through others; without a uid whatever pods are in the namespace count for selectors.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchRef {
    pub uid: Box<str>,
    pub namespace: Box<str>,
    pub name: Box<str>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    pub labels: Vec<(Box<str>, Box<str>)>,
    pub expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    pub key: Box<str>,
    pub operator: Operator,
    pub values: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    #[default]
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// Whether labels are as it wants them. One that wants nothing matches nothing: nobody means all pods by it.
    pub fn matches(&self, labels: &[(Box<str>, Box<str>)]) -> bool {
        let value = |key: &str| labels.iter().find(|(known, _)| **known == *key).map(|(_, value)| value);
        let is_empty = self.labels.is_empty() && self.expressions.is_empty();
        !is_empty
            && self.labels.iter().all(|(key, wanted)| value(key) == Some(wanted))
            && self.expressions.iter().all(|requirement| {
                let value = value(&requirement.key);
                let is_listed = value.is_some_and(|value| requirement.values.contains(value));
                match requirement.operator {
                    Operator::In => is_listed,
                    Operator::NotIn => !is_listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}
