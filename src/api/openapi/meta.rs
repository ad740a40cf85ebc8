//! Pure. What all Kubernetes servers have in common: metadata, lists, options, answers.

use super::definitions::{META, kind_mark, object, of_struct, reference};
use super::{map, texts};
use crate::api::meta::{MANAGED_FIELDS_ENTRY, OBJECT_META, OWNER_REFERENCE};
use crate::model::object::Struct;
use crate::model::object::schema::*;
use crate::model::tree::{Map, Tree};

const RAW: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const INFO: &str = "io.k8s.apimachinery.pkg.version.Info";

static GROUP: Struct = Struct::new(
    "APIGroup",
    &[
        text("apiVersion"),
        text("kind"),
        text("name").required(),
        one("preferredVersion", &GROUP_VERSION),
        many("serverAddressByClientCIDRs", &SERVER_ADDRESS),
        many("versions", &GROUP_VERSION).required(),
    ],
)
.doc("A group of kinds.");

static GROUP_LIST: Struct = Struct::new(
    "APIGroupList",
    &[text("apiVersion"), many("groups", &GROUP).required(), text("kind")],
)
.doc("All groups of kinds.");

static RESOURCE: Struct = Struct::new(
    "APIResource",
    &[
        texts_field("categories"),
        text("group"),
        text("kind").required(),
        text("name").required(),
        flag("namespaced").required(),
        texts_field("shortNames"),
        text("singularName").required(),
        text("storageVersionHash"),
        texts_field("verbs").required(),
        text("version"),
    ],
)
.doc("A kind, and what can be done with it.");

static RESOURCE_LIST: Struct = Struct::new(
    "APIResourceList",
    &[
        text("apiVersion"),
        text("groupVersion").required(),
        text("kind"),
        many("resources", &RESOURCE).required(),
    ],
)
.doc("All kinds of one group and version.");

static GROUP_VERSION: Struct = Struct::new(
    "GroupVersionForDiscovery",
    &[text("groupVersion").required(), text("version").required()],
)
.doc("A version of a group.");

static SERVER_ADDRESS: Struct = Struct::new(
    "ServerAddressByClientCIDR",
    &[text("clientCIDR").required(), text("serverAddress").required()],
)
.doc("Where the server is, seen from a network.");

static DELETE_OPTIONS: Struct = Struct::new(
    "DeleteOptions",
    &[
        text("apiVersion"),
        texts_field("dryRun").doc("`All`: everything is checked and nothing is changed."),
        int64("gracePeriodSeconds").doc("Accepted, of no effect."),
        flag("ignoreStoreReadErrorWithClusterBreakingPotential").doc("Accepted, of no effect."),
        text("kind"),
        flag("orphanDependents").doc("Accepted, of no effect."),
        one("preconditions", &PRECONDITIONS).doc("What the object must be to be deleted."),
        text("propagationPolicy").doc("Accepted, of no effect."),
    ],
)
.doc("How something is deleted.");

static PRECONDITIONS: Struct =
    Struct::new("Preconditions", &[text("resourceVersion"), text("uid")]).doc("What an object must be.");

static LIST_META: Struct = Struct::new(
    "ListMeta",
    &[
        text("continue").doc("Asks for the next page."),
        int64("remainingItemCount").doc("How many items come after this page."),
        text("resourceVersion").doc("The version that the list was read at."),
        text("selfLink").doc("Not used."),
        one("shardInfo", &SHARD_INFO).doc("Not used."),
    ],
)
.doc("What a list says about itself.");

static SHARD_INFO: Struct = Struct::new("ShardInfo", &[text("selector").required()]).doc("Not used.");

static STATUS: Struct = Struct::new(
    "Status",
    &[
        text("apiVersion"),
        int32("code").doc("The code of HTTP."),
        one("details", &STATUS_DETAILS),
        text("kind"),
        text("message").doc("For people."),
        one("metadata", &LIST_META),
        text("reason").doc("For programs."),
        text("status").doc("`Success` or `Failure`."),
    ],
)
.doc("How a request went.");

static STATUS_DETAILS: Struct = Struct::new(
    "StatusDetails",
    &[
        many("causes", &STATUS_CAUSE),
        text("group"),
        text("kind"),
        text("name"),
        int32("retryAfterSeconds"),
        text("uid"),
    ],
)
.doc("What an answer is about.");

static STATUS_CAUSE: Struct =
    Struct::new("StatusCause", &[text("field"), text("message"), text("reason")]).doc("One thing that is wrong.");

static CONDITION: Struct = Struct::new(
    "Condition",
    &[
        time("lastTransitionTime").required(),
        text("message").required(),
        int64("observedGeneration"),
        text("reason").required(),
        text("status").required(),
        text("type").required(),
    ],
)
.doc("One aspect of what was found.");

static SELECTOR: Struct = Struct::new(
    "LabelSelector",
    &[many("matchExpressions", &SELECTOR_REQUIREMENT), text_map("matchLabels")],
)
.doc("Selects by labels; all requirements must hold.");

static SELECTOR_REQUIREMENT: Struct = Struct::new(
    "LabelSelectorRequirement",
    &[
        text("key").required(),
        text("operator").required(),
        texts_field("values"),
    ],
)
.doc("A requirement on one label.");

static SERVER_VERSION: Struct = Struct::new(
    "Info",
    &[
        text("buildDate").required(),
        text("compiler").required(),
        text("emulationMajor"),
        text("emulationMinor"),
        text("gitCommit").required(),
        text("gitTreeState").required(),
        text("gitVersion").required(),
        text("goVersion").required(),
        text("major").required(),
        text("minCompatibilityMajor"),
        text("minCompatibilityMinor"),
        text("minor").required(),
        text("platform").required(),
    ],
)
.doc("Version of the server, as Kubernetes counts.");

/// The schema's words and this module's own both have a `texts`.
const fn texts_field(json: &'static str) -> Field {
    crate::model::object::schema::texts(json)
}

static STRUCTS: [&Struct; 20] = [
    &GROUP,
    &GROUP_LIST,
    &RESOURCE,
    &RESOURCE_LIST,
    &GROUP_VERSION,
    &SERVER_ADDRESS,
    &DELETE_OPTIONS,
    &PRECONDITIONS,
    &LIST_META,
    &SHARD_INFO,
    &STATUS,
    &STATUS_DETAILS,
    &STATUS_CAUSE,
    &CONDITION,
    &SELECTOR,
    &SELECTOR_REQUIREMENT,
    &SERVER_VERSION,
    &OBJECT_META,
    &OWNER_REFERENCE,
    &MANAGED_FIELDS_ENTRY,
];

/// The name of one of these structs.
pub fn known(of: &Struct) -> Option<String> {
    let found = STRUCTS.iter().find(|one| std::ptr::eq(**one, of))?;
    Some(name(found))
}

fn name(of: &Struct) -> String {
    match of.name {
        "Info" => INFO.to_owned(),
        name => format!("{META}{name}"),
    }
}

pub fn all() -> Vec<(String, Tree)> {
    let mut all: Vec<(String, Tree)> = STRUCTS.iter().map(|of| (name(of), Tree::Map(marked(of)))).collect();
    let scalar = |name: &str, kind: &str, format: &str| {
        let mut map = Map::new();
        map.push("type", Tree::text(kind));
        if !format.is_empty() {
            map.push("format", Tree::text(format));
        }
        (format!("{META}{name}"), Tree::Map(map))
    };
    all.extend([
        scalar("Duration", "string", ""),
        scalar("Time", "string", "date-time"),
        scalar("MicroTime", "string", "date-time"),
        scalar("Patch", "object", ""),
        scalar("FieldsV1", "object", ""),
        (RAW.to_owned(), map([("type", Tree::text("object"))])),
        (format!("{META}WatchEvent"), Tree::Map(watch_event())),
    ]);
    all
}

fn watch_event() -> Map {
    let mut properties = Map::new();
    properties.push("object", reference(RAW));
    properties.push("type", map([("type", Tree::text("string"))]));
    let mut definition = object("One change, as a watch tells it.", properties);
    definition.push("required", texts(["type", "object"]));
    mark(&mut definition, "WatchEvent");
    definition
}

/// A struct, with what Kubernetes marks about it and its lists.
fn marked(of: &Struct) -> Map {
    let mut definition = of_struct(of);
    if matches!(
        of.name,
        "APIGroup" | "APIGroupList" | "APIResourceList" | "Status" | "DeleteOptions"
    ) {
        mark(&mut definition, of.name);
    }
    if matches!(of.name, "LabelSelector" | "OwnerReference") {
        definition.push("x-kubernetes-map-type", Tree::text("atomic"));
    }
    if let Some(properties) = definition.get_mut("properties").and_then(Tree::as_map_mut) {
        for (name, property) in properties.iter_mut() {
            mark_list(of.name, name, property);
        }
        if of.name == "ManagedFieldsEntry" {
            let mut fields = reference(&format!("{META}FieldsV1"));
            if let Some(fields) = fields.as_map_mut() {
                fields.push("description", Tree::text("The fields, as a tree."));
            }
            properties.push("fieldsV1", fields);
        }
    }
    definition
}

fn mark_list(structure: &str, name: &str, property: &mut Tree) {
    let is_list = property.get("type").and_then(Tree::as_text) == Some("array");
    let Some(map) = property.as_map_mut().filter(|_| is_list) else {
        return;
    };
    match (structure, name) {
        ("APIResource", "verbs") => {}
        ("ObjectMeta", "finalizers") => {
            map.push("x-kubernetes-list-type", Tree::text("set"));
            map.push("x-kubernetes-patch-strategy", Tree::text("merge"));
        }
        ("ObjectMeta", "ownerReferences") => {
            map.push("x-kubernetes-list-map-keys", texts(["uid"]));
            map.push("x-kubernetes-list-type", Tree::text("map"));
            map.push("x-kubernetes-patch-merge-key", Tree::text("uid"));
            map.push("x-kubernetes-patch-strategy", Tree::text("merge"));
        }
        _ => map.push("x-kubernetes-list-type", Tree::text("atomic")),
    }
}

fn mark(definition: &mut Map, kind: &str) {
    let core = map([
        ("group", Tree::text("")),
        ("kind", Tree::text(kind)),
        ("version", Tree::text("v1")),
    ]);
    let mut marks = vec![core];
    if matches!(kind, "DeleteOptions" | "WatchEvent") {
        marks.push(kind_mark(kind));
    }
    definition.push("x-kubernetes-group-version-kind", Tree::List(marks));
}
