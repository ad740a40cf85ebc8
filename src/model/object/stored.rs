//! Pure. Objects as the API serves them: what was declared, the metadata that a server adds, and a status.

use super::schema::Kind;
use super::{Object, print};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// The group and version of every kind.
pub const API_VERSION: &str = "tilt.dev/v1alpha1";

/// One object in the table.
#[derive(Clone, Debug)]
pub struct Stored {
    pub kind: &'static Kind,
    pub name: Box<str>,
    pub meta: Meta,
    /// Only what was set. The top-level fields of a kind without a spec.
    pub spec: Map,
    pub status: Map,
}

/// What is known of an object besides its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub uid: Box<str>,
    /// The resource version. It grows with every change of any object.
    pub version: u64,
    pub created: Time,
    pub labels: Map,
    pub annotations: Map,
    pub owners: Vec<Owner>,
    /// Who keeps the object from going once it is deleted.
    pub finalizers: Vec<Box<str>>,
    /// When it was deleted; it stays until its finalizers are gone.
    pub deleted: Option<Time>,
    /// Which client set which field, as JSON has it.
    pub managed_fields: Vec<Tree>,
}

/// The object that another one belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub api_version: Box<str>,
    pub kind: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    /// This owner manages it.
    pub controller: bool,
    pub blocks_deletion: bool,
}

impl Owner {
    /// The owner that manages an object, as a reference to one of our own.
    pub fn controller(of: &Stored) -> Owner {
        Owner {
            api_version: API_VERSION.into(),
            kind: of.kind.name.into(),
            name: of.name.clone(),
            uid: of.meta.uid.clone(),
            controller: true,
            blocks_deletion: true,
        }
    }

    fn to_json_tree(&self) -> Tree {
        let mut map = Map::new();
        map.push("apiVersion", Tree::Text(self.api_version.clone()));
        if self.blocks_deletion {
            map.push("blockOwnerDeletion", Tree::Bool(true));
        }
        if self.controller {
            map.push("controller", Tree::Bool(true));
        }
        map.push("kind", Tree::Text(self.kind.clone()));
        map.push("name", Tree::Text(self.name.clone()));
        map.push("uid", Tree::Text(self.uid.clone()));
        Tree::Map(map)
    }
}

impl Stored {
    /// An object that the table does not know yet: without uid, version and time.
    pub fn new(kind: &'static Kind, name: impl Into<Box<str>>) -> Stored {
        Stored {
            kind,
            name: name.into(),
            meta: Meta::default(),
            spec: Map::new(),
            status: Map::new(),
        }
    }

    pub fn of(object: Object) -> Stored {
        let mut stored = Stored::new(object.kind, object.name);
        stored.meta.labels = object.labels;
        stored.meta.annotations = object.annotations;
        stored.spec = object.spec;
        stored
    }

    /// The part that whoever creates an object writes.
    pub fn declared(&self) -> Object {
        Object {
            kind: self.kind,
            name: self.name.clone(),
            labels: self.meta.labels.clone(),
            annotations: self.meta.annotations.clone(),
            spec: self.spec.clone(),
        }
    }

    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.meta.annotations.get(key).and_then(Tree::as_text)
    }

    pub fn is_owned_by(&self, kind: &Kind, name: &str) -> bool {
        let is_it = |owner: &Owner| owner.controller && *owner.kind == *kind.name && *owner.name == *name;
        self.meta.owners.iter().any(is_it)
    }

    /// Whether it says the same, whatever its version.
    pub fn says_the_same(&self, other: &Stored) -> bool {
        let same_meta = {
            let (a, b) = (&self.meta, &other.meta);
            a.labels == b.labels
                && a.annotations == b.annotations
                && a.owners == b.owners
                && a.finalizers == b.finalizers
                && a.deleted == b.deleted
                && a.managed_fields == b.managed_fields
        };
        same_meta && self.spec == other.spec && self.status == other.status
    }

    /// The whole object as JSON, with the keys of Kubernetes.
    pub fn to_json_tree(&self) -> Tree {
        let mut map = Map::new();
        map.push("apiVersion", Tree::text(API_VERSION));
        map.push("kind", Tree::text(self.kind.name));
        map.push("metadata", self.metadata());
        print::content(self.kind, &self.spec, &self.status, &mut map);
        Tree::Map(map)
    }

    /// The metadata alone.
    pub fn metadata(&self) -> Tree {
        let meta = &self.meta;
        let mut map = Map::new();
        if !meta.annotations.is_empty() {
            map.push("annotations", print::sorted(&meta.annotations));
        }
        map.push("creationTimestamp", Tree::text(meta.created.to_seconds_text()));
        if let Some(deleted) = meta.deleted {
            map.push("deletionTimestamp", Tree::text(deleted.to_seconds_text()));
        }
        if !meta.finalizers.is_empty() {
            let finalizers = meta.finalizers.iter().cloned().map(Tree::Text).collect();
            map.push("finalizers", Tree::List(finalizers));
        }
        if !meta.labels.is_empty() {
            map.push("labels", print::sorted(&meta.labels));
        }
        if !meta.managed_fields.is_empty() {
            map.push("managedFields", Tree::List(meta.managed_fields.clone()));
        }
        map.push("name", Tree::Text(self.name.clone()));
        if !meta.owners.is_empty() {
            let owners = meta.owners.iter().map(Owner::to_json_tree).collect();
            map.push("ownerReferences", Tree::List(owners));
        }
        map.push("resourceVersion", Tree::text(meta.version.to_string()));
        map.push("uid", Tree::Text(meta.uid.clone()));
        Tree::Map(map)
    }
}
