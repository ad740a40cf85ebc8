//! Pure. What there is: groups, versions, kinds and their verbs, as clients ask for them first.

use crate::api::route::PATHS;
use crate::api::status::GROUP;
use crate::model::object::{API_VERSION, KINDS, Kind};
use crate::model::tree::{Map, Tree};

/// The version of every kind, without its group.
pub const VERSION: &str = "v1alpha1";

pub const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(Map::from_entries(
        entries.into_iter().map(|(k, v)| (k.into(), v)).collect(),
    ))
}

fn texts(items: &[&str]) -> Tree {
    Tree::List(items.iter().map(|item| Tree::text(*item)).collect())
}

/// `/`
pub fn root() -> Tree {
    map([("paths", texts(&PATHS))])
}

/// `/apis`; the address is the one that clients reached us at.
pub fn groups(address: &str) -> Tree {
    map([
        ("kind", Tree::text("APIGroupList")),
        ("apiVersion", Tree::text("v1")),
        ("groups", Tree::List(vec![map(group_fields(address))])),
    ])
}

/// `/apis/tilt.dev`
pub fn group(address: &str) -> Tree {
    let [name, versions, preferred, addresses] = group_fields(address);
    map([
        ("kind", Tree::text("APIGroup")),
        ("apiVersion", Tree::text("v1")),
        name,
        versions,
        preferred,
        addresses,
    ])
}

fn group_fields(address: &str) -> [(&'static str, Tree); 4] {
    let version = || {
        map([
            ("groupVersion", Tree::text(API_VERSION)),
            ("version", Tree::text(VERSION)),
        ])
    };
    let reached = map([
        ("clientCIDR", Tree::text("0.0.0.0/0")),
        ("serverAddress", Tree::text(address)),
    ]);
    [
        ("name", Tree::text(GROUP)),
        ("versions", Tree::List(vec![version()])),
        ("preferredVersion", version()),
        ("serverAddressByClientCIDRs", Tree::List(vec![reached])),
    ]
}

/// `/apis/tilt.dev/v1alpha1`
pub fn resources() -> Tree {
    let of_kind = |kind: &&'static Kind| {
        let status = kind.status().map(|_| resource(kind, "/status", &STATUS_VERBS));
        std::iter::once(resource(kind, "", &VERBS)).chain(status)
    };
    map([
        ("kind", Tree::text("APIResourceList")),
        ("apiVersion", Tree::text("v1")),
        ("groupVersion", Tree::text(API_VERSION)),
        ("resources", Tree::List(by_plural().iter().flat_map(of_kind).collect())),
    ])
}

fn by_plural() -> Vec<&'static Kind> {
    let mut kinds = KINDS.to_vec();
    kinds.sort_by_key(|kind| kind.plural);
    kinds
}

fn resource(kind: &Kind, part: &str, verbs: &[&str]) -> Tree {
    let mut entries = Map::new();
    entries.push("name", Tree::text(format!("{}{part}", kind.plural)));
    let singular = if part.is_empty() {
        kind.singular()
    } else {
        String::new()
    };
    entries.push("singularName", Tree::text(singular));
    entries.push("namespaced", Tree::Bool(false));
    entries.push("kind", Tree::text(kind.name));
    entries.push("verbs", texts(verbs));
    if part.is_empty() && !kind.short.is_empty() {
        entries.push("shortNames", texts(kind.short));
    }
    Tree::Map(entries)
}

/// `/apis` for clients that want everything with one request.
pub fn aggregated() -> Tree {
    let version = map([
        ("version", Tree::text(VERSION)),
        ("freshness", Tree::text("Current")),
        (
            "resources",
            Tree::List(by_plural().iter().map(|kind| aggregated_resource(kind)).collect()),
        ),
    ]);
    let group = map([
        (
            "metadata",
            map([("name", Tree::text(GROUP)), ("creationTimestamp", Tree::Null)]),
        ),
        ("versions", Tree::List(vec![version])),
    ]);
    map([
        ("kind", Tree::text("APIGroupDiscoveryList")),
        ("apiVersion", Tree::text("apidiscovery.k8s.io/v2")),
        ("metadata", map([])),
        ("items", Tree::List(vec![group])),
    ])
}

fn aggregated_resource(kind: &Kind) -> Tree {
    let response = || {
        map([
            ("group", Tree::text(GROUP)),
            ("version", Tree::text(VERSION)),
            ("kind", Tree::text(kind.name)),
        ])
    };
    let mut entries = Map::new();
    entries.push("resource", Tree::text(kind.plural));
    entries.push("responseKind", response());
    entries.push("scope", Tree::text("Cluster"));
    entries.push("singularResource", Tree::text(kind.singular()));
    entries.push("verbs", texts(&VERBS));
    if !kind.short.is_empty() {
        entries.push("shortNames", texts(kind.short));
    }
    if kind.status().is_some() {
        let status = map([
            ("subresource", Tree::text("status")),
            ("responseKind", response()),
            ("verbs", texts(&STATUS_VERBS)),
        ]);
        entries.push("subresources", Tree::List(vec![status]));
    }
    Tree::Map(entries)
}

/// `/version`. Clients compare the minor version with their own, so it is that of upstream's server.
pub fn server_version(version: &str, platform: &str) -> Tree {
    map([
        ("major", Tree::text("1")),
        ("minor", Tree::text("36")),
        ("emulationMajor", Tree::text("1")),
        ("emulationMinor", Tree::text("36")),
        ("minCompatibilityMajor", Tree::text("1")),
        ("minCompatibilityMinor", Tree::text("35")),
        ("gitVersion", Tree::text(format!("v1.36.0+tilt-{version}"))),
        ("gitCommit", Tree::text("")),
        ("gitTreeState", Tree::text("")),
        ("buildDate", Tree::text("1970-01-01T00:00:00Z")),
        ("goVersion", Tree::text("")),
        ("compiler", Tree::text("rustc")),
        ("platform", Tree::text(platform)),
    ])
}
