//! Pure. What can be asked for, and with which options.

use std::sync::LazyLock;

use super::definitions::{META, kind_mark, name_of, reference};
use super::{map, texts};
use crate::model::object::{KINDS, Kind};
use crate::model::tree::{Map, Tree};

const BASE: &str = "/apis/tilt.dev/v1alpha1";

/// Options that several operations share: name, type and what they do.
const SHARED: [(&str, &str, &str); 16] = [
    (
        "allowWatchBookmarks",
        "boolean",
        "Whether a watch tells from time to time how far it has come.",
    ),
    ("continue", "string", "Asks for the page after the one that gave this."),
    ("fieldSelector", "string", "Selects by fields: `metadata.name=x`."),
    ("labelSelector", "string", "Selects by labels: `a=b,c in (d,e),!f`."),
    ("limit", "integer", "How many items at most."),
    ("resourceVersion", "string", "The version to begin a watch at."),
    (
        "resourceVersionMatch",
        "string",
        "How resourceVersion is meant: `Exact` or `NotOlderThan`.",
    ),
    (
        "sendInitialEvents",
        "boolean",
        "Whether a watch begins with what is there.",
    ),
    ("timeoutSeconds", "integer", "When a watch ends."),
    ("watch", "boolean", "Tells of every change instead of what is there."),
    ("pretty", "string", "If true, the answer is laid out for people."),
    (
        "fieldManager",
        "string",
        "Who changes the fields; by default the program's name.",
    ),
    ("force", "boolean", "Whether an apply patch takes fields from others."),
    ("gracePeriodSeconds", "integer", "Accepted, of no effect."),
    ("orphanDependents", "boolean", "Accepted, of no effect."),
    ("propagationPolicy", "string", "Accepted, of no effect."),
];

const SCOPE: [&str; 9] = [
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
];
const DELETION: [&str; 3] = ["gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

pub fn parameters() -> &'static Tree {
    static ALL: LazyLock<Tree> = LazyLock::new(shared_parameters);
    &ALL
}

fn shared_parameters() -> Tree {
    let shared = SHARED
        .iter()
        .map(|(name, kind, doc)| ((*name).into(), query(name, kind, doc)));
    Tree::Map(shared.collect())
}

fn query(name: &str, kind: &str, doc: &str) -> Tree {
    map([
        ("description", Tree::text(doc)),
        ("in", Tree::text("query")),
        ("name", Tree::text(name)),
        ("type", Tree::text(kind)),
        ("uniqueItems", Tree::Bool(true)),
    ])
}

fn shared(names: &[&str]) -> Vec<Tree> {
    let one = |name: &&str| map([("$ref", Tree::text(format!("#/parameters/{name}")))]);
    names.iter().map(one).collect()
}

fn dry_run() -> Tree {
    query(
        "dryRun",
        "string",
        "`All`: everything is checked and nothing is changed.",
    )
}

fn field_validation() -> Tree {
    let doc = "What is done about fields that the object does not have: `Ignore`, `Warn` or `Strict`.";
    query("fieldValidation", "string", doc)
}

fn body(schema: &str, doc: &str) -> Tree {
    map([
        ("description", Tree::text(doc)),
        ("in", Tree::text("body")),
        ("name", Tree::text("body")),
        ("required", Tree::Bool(true)),
        ("schema", reference(schema)),
    ])
}

fn delete_body() -> Tree {
    map([
        ("description", Tree::text("How to delete.")),
        ("in", Tree::text("body")),
        ("name", Tree::text("body")),
        ("schema", reference(&format!("{META}DeleteOptions"))),
    ])
}

pub fn all() -> Tree {
    let mut paths = Map::new();
    let mut document = |path: &str, id: &str, tag: &str, schema: &str| {
        paths.push(path, map([("get", of_document(id, tag, schema))]));
    };
    document("/apis/", "getAPIVersions", "apis", &format!("{META}APIGroupList"));
    document(
        "/apis/tilt.dev/",
        "getTiltDevAPIGroup",
        "tiltDev",
        &format!("{META}APIGroup"),
    );
    let resources = format!("{META}APIResourceList");
    document(
        "/apis/tilt.dev/v1alpha1/",
        "getTiltDevV1alpha1APIResources",
        "tiltDev_v1alpha1",
        &resources,
    );
    document(
        "/version/",
        "getCodeVersion",
        "version",
        "io.k8s.apimachinery.pkg.version.Info",
    );
    for kind in KINDS {
        let plural = kind.plural;
        paths.push(format!("{BASE}/{plural}"), collection(kind));
        paths.push(format!("{BASE}/{plural}/{{name}}"), object(kind));
        if kind.status().is_some() {
            paths.push(format!("{BASE}/{plural}/{{name}}/status"), status(kind));
        }
        paths.push(format!("{BASE}/watch/{plural}"), watch(kind, "watchlist"));
        paths.push(format!("{BASE}/watch/{plural}/{{name}}"), watch(kind, "watch"));
    }
    paths.sort();
    Tree::Map(paths)
}

fn of_document(id: &str, tag: &str, schema: &str) -> Tree {
    let types = || match tag {
        "version" => texts(["application/json"]),
        _ => texts(["application/json", "application/yaml"]),
    };
    map([
        ("consumes", types()),
        ("operationId", Tree::text(id)),
        ("produces", types()),
        ("responses", responses(&["200"], schema)),
        ("schemes", texts(["https"])),
        ("tags", texts([tag])),
    ])
}

fn responses(codes: &[&str], schema: &str) -> Tree {
    let one = |code: &&str| {
        let answer = map([
            ("description", Tree::text("It went well.")),
            ("schema", reference(schema)),
        ]);
        ((*code).into(), answer)
    };
    Tree::Map(codes.iter().map(one).collect())
}

/// One thing that can be done with objects of a kind.
struct Operation<'a> {
    kind: &'a Kind,
    id: String,
    action: &'a str,
    doc: String,
    parameters: Vec<Tree>,
    codes: &'a [&'a str],
    schema: String,
}

impl Operation<'_> {
    fn tree(self) -> Tree {
        let is_patch = self.action == "patch";
        let consumes = match is_patch {
            true => texts([
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/strategic-merge-patch+json",
                "application/apply-patch+yaml",
            ]),
            false => texts(["*/*"]),
        };
        let produces = match self.action {
            "list" | "watch" | "watchlist" => {
                texts(["application/json", "application/yaml", "application/json;stream=watch"])
            }
            _ => texts(["application/json", "application/yaml"]),
        };
        let mut operation = Map::new();
        operation.push("consumes", consumes);
        operation.push("description", Tree::text(self.doc));
        operation.push("operationId", Tree::text(self.id));
        if !self.parameters.is_empty() {
            operation.push("parameters", Tree::List(self.parameters));
        }
        operation.push("produces", produces);
        operation.push("responses", responses(self.codes, &self.schema));
        operation.push("schemes", texts(["https"]));
        operation.push("tags", texts(["tiltDev_v1alpha1"]));
        operation.push("x-kubernetes-action", Tree::text(self.action));
        operation.push("x-kubernetes-group-version-kind", kind_mark(self.kind.name));
        Tree::Map(operation)
    }
}

fn id(verb: &str, what: &str) -> String {
    format!("{verb}TiltDevV1alpha1{what}")
}

fn collection(kind: &Kind) -> Tree {
    let name = kind.name;
    let listed = Operation {
        kind,
        id: id("list", name),
        action: "list",
        doc: format!("Lists {} objects, or watches them.", name),
        parameters: shared(&[&SCOPE[..], &["watch"]].concat()),
        codes: &["200"],
        schema: name_of(&format!("{name}List")),
    };
    let mut parameters = vec![body(&name_of(name), "The object."), dry_run(), field_validation()];
    parameters.extend(shared(&["fieldManager"]));
    let created = Operation {
        kind,
        id: id("create", name),
        action: "post",
        doc: format!("Creates a {name}."),
        parameters,
        codes: &["200", "201", "202"],
        schema: name_of(name),
    };
    let mut parameters = vec![delete_body(), dry_run()];
    parameters.extend(shared(&[&SCOPE[1..], &DELETION[..]].concat()));
    let deleted = Operation {
        kind,
        id: id("delete", &format!("Collection{name}")),
        action: "deletecollection",
        doc: format!("Deletes {name} objects."),
        parameters,
        codes: &["200"],
        schema: format!("{META}Status"),
    };
    map([
        ("delete", deleted.tree()),
        ("get", listed.tree()),
        ("parameters", Tree::List(shared(&["pretty"]))),
        ("post", created.tree()),
    ])
}

fn name_parameter() -> Tree {
    map([
        ("description", Tree::text("Name of the object.")),
        ("in", Tree::text("path")),
        ("name", Tree::text("name")),
        ("required", Tree::Bool(true)),
        ("type", Tree::text("string")),
        ("uniqueItems", Tree::Bool(true)),
    ])
}

fn of_one() -> Tree {
    let mut parameters = vec![name_parameter()];
    parameters.extend(shared(&["pretty"]));
    Tree::List(parameters)
}

fn object(kind: &Kind) -> Tree {
    let mut parameters = vec![delete_body(), dry_run()];
    parameters.extend(shared(&DELETION));
    let deleted = Operation {
        kind,
        id: id("delete", kind.name),
        action: "delete",
        doc: format!("Deletes a {}.", kind.name),
        parameters,
        codes: &["200", "202"],
        schema: format!("{META}Status"),
    };
    map([
        ("delete", deleted.tree()),
        ("get", read(kind, "")),
        ("parameters", of_one()),
        ("patch", patched(kind, "")),
        ("put", replaced(kind, "")),
    ])
}

fn status(kind: &Kind) -> Tree {
    map([
        ("get", read(kind, "Status")),
        ("parameters", of_one()),
        ("patch", patched(kind, "Status")),
        ("put", replaced(kind, "Status")),
    ])
}

fn part_of(kind: &Kind, part: &str) -> String {
    match part {
        "" => format!("a {}", kind.name),
        _ => format!("the status of a {}", kind.name),
    }
}

fn read(kind: &Kind, part: &str) -> Tree {
    let operation = Operation {
        kind,
        id: id("read", &format!("{}{part}", kind.name)),
        action: "get",
        doc: format!("Reads {}.", part_of(kind, part)),
        parameters: Vec::new(),
        codes: &["200"],
        schema: name_of(kind.name),
    };
    operation.tree()
}

fn patched(kind: &Kind, part: &str) -> Tree {
    let mut parameters = vec![
        body(&format!("{META}Patch"), "The patch."),
        dry_run(),
        field_validation(),
    ];
    parameters.extend(shared(&["fieldManager", "force"]));
    let operation = Operation {
        kind,
        id: id("patch", &format!("{}{part}", kind.name)),
        action: "patch",
        doc: format!("Changes some of {}.", part_of(kind, part)),
        parameters,
        codes: &["200", "201"],
        schema: name_of(kind.name),
    };
    operation.tree()
}

fn replaced(kind: &Kind, part: &str) -> Tree {
    let mut parameters = vec![body(&name_of(kind.name), "The object."), dry_run(), field_validation()];
    parameters.extend(shared(&["fieldManager"]));
    let operation = Operation {
        kind,
        id: id("replace", &format!("{}{part}", kind.name)),
        action: "put",
        doc: format!("Replaces {}.", part_of(kind, part)),
        parameters,
        codes: &["200", "201"],
        schema: name_of(kind.name),
    };
    operation.tree()
}

fn watch(kind: &Kind, action: &str) -> Tree {
    let is_list = action == "watchlist";
    let operation = Operation {
        kind,
        id: id("watch", &format!("{}{}", kind.name, if is_list { "List" } else { "" })),
        action,
        doc: "An older path for watches.".to_owned(),
        parameters: Vec::new(),
        codes: &["200"],
        schema: format!("{META}WatchEvent"),
    };
    let mut parameters = shared(&[&SCOPE[..], &["pretty", "watch"]].concat());
    if !is_list {
        parameters.push(name_parameter());
    }
    map([("get", operation.tree()), ("parameters", Tree::List(parameters))])
}
