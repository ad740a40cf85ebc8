//! Pure. Objects as answers: whole, as lists, by their metadata only, or as rows of a table.

use crate::api::accept::View;
use crate::model::object::{API_VERSION, Change, Kind, Stored};
use crate::model::tree::{Map, Tree};

/// How much of an object stands in each row of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Include {
    None,
    #[default]
    Metadata,
    Object,
}

/// In which form objects are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub view: View,
    pub include: Include,
}

/// What a list says besides its items.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub version: u64,
    pub resume: Option<String>,
    pub remaining: Option<usize>,
}

const META_VERSION: &str = "meta.k8s.io/v1";

/// As upstream describes the name's column, shorter.
const NAME_HELP: &str = "Name of the object, unique for its kind. Any segment of a URL's path will do.";
const CREATED_HELP: &str = "When the object was created, as the server saw it.";

/// One object in the form that was asked for.
pub fn object(object: &Stored, form: Form) -> Tree {
    match form.view {
        View::Table => {
            let version = object.meta.version.to_string();
            table(
                meta([("resourceVersion", version)]),
                vec![row(object, form)],
                Columns::Shown,
            )
        }
        View::Partial => partial(object),
        View::Whole | View::Aggregated => object.to_json_tree(),
    }
}

pub fn list<'a>(kind: &Kind, objects: impl Iterator<Item = &'a Stored>, page: &Page, form: Form) -> Tree {
    let meta = page.meta();
    if form.view == View::Table {
        let rows = objects.map(|object| row(object, form)).collect();
        return table(meta, rows, Columns::Shown);
    }
    let is_partial = form.view == View::Partial;
    let items = objects.map(|one| if is_partial { partial(one) } else { one.to_json_tree() });
    let mut map = Map::new();
    if is_partial {
        map.push("kind", Tree::text("PartialObjectMetadataList"));
        map.push("apiVersion", Tree::text(META_VERSION));
    } else {
        map.push("kind", Tree::text(format!("{}List", kind.name)));
        map.push("apiVersion", Tree::text(API_VERSION));
    }
    map.push("metadata", meta);
    map.push("items", Tree::List(items.collect()));
    Tree::Map(map)
}

impl Page {
    fn meta(&self) -> Tree {
        let mut map = Map::new();
        if let Some(resume) = &self.resume {
            map.push("continue", Tree::text(resume.as_str()));
        }
        if let Some(remaining) = self.remaining {
            map.push(
                "remainingItemCount",
                Tree::Int(i64::try_from(remaining).unwrap_or(i64::MAX)),
            );
        }
        map.push("resourceVersion", Tree::text(self.version.to_string()));
        Tree::Map(map)
    }
}

fn meta<const N: usize>(entries: [(&'static str, String); N]) -> Tree {
    Tree::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.into(), Tree::text(value)))
            .collect(),
    )
}

fn partial(object: &Stored) -> Tree {
    let mut map = Map::new();
    map.push("kind", Tree::text("PartialObjectMetadata"));
    map.push("apiVersion", Tree::text(META_VERSION));
    map.push("metadata", object.metadata());
    Tree::Map(map)
}

/// A watch tells the columns once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    Shown,
    Known,
}

fn table(meta: Tree, rows: Vec<Tree>, columns: Columns) -> Tree {
    let mut map = Map::new();
    map.push("kind", Tree::text("Table"));
    map.push("apiVersion", Tree::text(META_VERSION));
    map.push("metadata", meta);
    map.push(
        "columnDefinitions",
        match columns {
            Columns::Shown => Tree::List(vec![
                column("Name", ("string", "name"), NAME_HELP),
                column("Created At", ("date", ""), CREATED_HELP),
            ]),
            Columns::Known => Tree::Null,
        },
    );
    map.push("rows", Tree::List(rows));
    Tree::Map(map)
}

fn column(name: &str, (kind, format): (&str, &str), help: &str) -> Tree {
    let mut map = Map::new();
    for (key, value) in [
        ("name", name),
        ("type", kind),
        ("format", format),
        ("description", help),
    ] {
        map.push(key, Tree::text(value));
    }
    map.push("priority", Tree::Int(0));
    Tree::Map(map)
}

fn row(object: &Stored, form: Form) -> Tree {
    let created = Tree::text(object.meta.created.to_seconds_text());
    let mut map = Map::new();
    map.push("cells", Tree::List(vec![Tree::text(object.name.clone()), created]));
    match form.include {
        Include::None => map.push("object", Tree::Null),
        Include::Metadata => map.push("object", partial(object)),
        Include::Object => map.push("object", object.to_json_tree()),
    }
    Tree::Map(map)
}

/// One line of a watch.
pub fn event(change: Change, object: &Stored, form: Form, columns: Columns) -> Tree {
    let name = match change {
        Change::Added => "ADDED",
        Change::Modified => "MODIFIED",
        Change::Deleted => "DELETED",
    };
    let shown = match form.view {
        View::Table => {
            let version = object.meta.version.to_string();
            table(meta([("resourceVersion", version)]), vec![row(object, form)], columns)
        }
        _ => self::object(object, form),
    };
    watch_event(name, shown)
}

pub fn watch_event(name: &str, object: Tree) -> Tree {
    let mut map = Map::new();
    map.push("type", Tree::text(name));
    map.push("object", object);
    Tree::Map(map)
}

/// What a bookmark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing happened that the watch would have told of.
    Version,
    /// All that was there at the beginning has been told.
    InitialEnd,
}

/// Up to which version a watch has told everything.
pub fn bookmark(kind: &Kind, version: u64, mark: Mark, form: Form) -> Tree {
    let mut meta = Map::new();
    if mark == Mark::InitialEnd {
        let mut annotations = Map::new();
        annotations.push("k8s.io/initial-events-end", Tree::text("true"));
        meta.push("annotations", Tree::Map(annotations));
    }
    meta.push("creationTimestamp", Tree::Null);
    meta.push("resourceVersion", Tree::text(version.to_string()));
    if form.view == View::Table {
        return watch_event("BOOKMARK", table(Tree::Map(meta), Vec::new(), Columns::Known));
    }
    let is_partial = form.view == View::Partial;
    let mut map = Map::new();
    map.push(
        "kind",
        Tree::text(if is_partial { "PartialObjectMetadata" } else { kind.name }),
    );
    map.push(
        "apiVersion",
        Tree::text(if is_partial { META_VERSION } else { API_VERSION }),
    );
    map.push("metadata", Tree::Map(meta));
    watch_event("BOOKMARK", Tree::Map(map))
}
