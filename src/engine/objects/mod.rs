//! Pure. What the state looks like as objects: those that a Tiltfile's resources stand for, and the status of all that the
//! engine looks after.

pub mod declared;
pub mod deploy;
pub mod first;
pub mod image;
pub mod live;
pub mod resource;
pub mod session;
pub mod status;
pub mod text;
pub mod tiltfile;

use crate::model::object::{Kind, Owner, Stored};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

pub const RESOURCE: &str = "tilt.dev/resource";
pub const LOG_SPAN: &str = "tilt.dev/log-span-id";
pub const MANAGED_BY: &str = "tilt.dev/managed-by";
pub const TARGET_ID: &str = "tilt.dev/target-id";
pub const BUTTON_TYPE: &str = "tilt.dev/uibutton-type";
pub const BUTTON_HASH: &str = "uibuttonspec-hash";
pub const OWNER_KIND: &str = "tilt.dev/owner-kind";
pub const OWNER_NAME: &str = "tilt.dev/owner-name";

/// The key of a ConfigMap that says whether a resource is disabled.
pub const IS_DISABLED: &str = "isDisabled";

pub fn map<const N: usize>(entries: [(&str, Tree); N]) -> Map {
    let mut map = Map::with_capacity(N);
    for (key, value) in entries {
        map.push(key, value);
    }
    map
}

pub fn tree<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(map(entries))
}

pub fn texts<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Tree {
    Tree::List(items.into_iter().map(|item| Tree::text(item.as_ref())).collect())
}

pub fn micros(time: Time) -> Tree {
    Tree::text(time.to_micros_text())
}

/// Sets a field where there is a value, for fields that are absent otherwise.
pub fn set(map: &mut Map, field: &str, value: Option<Tree>) {
    if let Some(value) = value {
        map.insert(field, value);
    }
}

pub fn object<const N: usize>(kind: &'static Kind, name: &str, spec: Map, annotations: [(&str, &str); N]) -> Stored {
    let mut object = Stored::new(kind, name);
    object.spec = spec;
    for (key, value) in annotations {
        object.meta.annotations.push(key, Tree::text(value));
    }
    object
}

pub fn owned_by(mut object: Stored, owner: Option<Owner>) -> Stored {
    object.meta.owners = owner.into_iter().collect();
    object
}

pub fn disable_switch(resource: &str) -> Tree {
    tree([
        ("key", Tree::text(IS_DISABLED)),
        ("name", Tree::text(disable_name(resource))),
    ])
}

pub fn disable_source(resource: &str) -> Tree {
    tree([("configMap", disable_switch(resource))])
}

/// The name of the ConfigMap, and of the button, that disables a resource.
pub fn disable_name(resource: &str) -> String {
    format!("{resource}-disable")
}

pub fn stop_button(resource: &str) -> String {
    format!("{resource}-stopbuild")
}

pub fn location(resource: &str) -> Tree {
    tree([
        ("componentID", Tree::text(resource)),
        ("componentType", Tree::text("Resource")),
    ])
}
