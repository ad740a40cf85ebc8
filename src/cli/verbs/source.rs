//! Pure. Texts to the objects they hold: YAML or JSON, several documents, lists unfolded, each of a kind we know.

use thiserror::Error;

use crate::model::object::{KINDS, Kind};
use crate::model::tree::{Map, Tree};
use crate::model::yaml;

/// An object as it was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub kind: &'static Kind,
    pub name: String,
    pub object: Tree,
    /// File, URL, or `STDIN`.
    pub source: String,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SourceError {
    #[error("error parsing {file}: error converting YAML to JSON: {problem}")]
    Unreadable { file: String, problem: String },
    #[error(
        "error validating {file:?}: error validating data: {missing}; if you choose to ignore these errors, turn validation off with --validate=false"
    )]
    Headless { file: String, missing: &'static str },
    #[error(
        "resource mapping not found for name: {name:?} namespace: \"\" from {file:?}: no matches for kind {kind:?} in version {version:?}\n`tilt api-resources` lists the kinds that there are; their version is tilt.dev/v1alpha1"
    )]
    UnknownKind {
        file: String,
        name: String,
        kind: String,
        version: String,
    },
    #[error("error when reading {file:?}: resource name may not be empty")]
    Nameless { file: String },
}

/// Every object of a text.
pub fn objects(file: &str, text: &str) -> Result<Vec<Written>, SourceError> {
    let documents = yaml::parse_documents(text).map_err(|error| SourceError::Unreadable {
        file: file.to_owned(),
        problem: error.to_string(),
    })?;
    let mut written = Vec::new();
    for document in documents {
        unfold(file, document, &mut written)?;
    }
    Ok(written)
}

fn unfold(file: &str, document: Tree, written: &mut Vec<Written>) -> Result<(), SourceError> {
    let is_list = |tree: &Tree| {
        tree.get("kind")
            .and_then(Tree::as_text)
            .is_some_and(|kind| kind.ends_with("List"))
    };
    if !is_list(&document) {
        written.push(known(file, document)?);
        return Ok(());
    }
    // The kind of a typed list is that of its items.
    let item_kind = text(&document, "kind").trim_end_matches("List").to_owned();
    let version = text(&document, "apiVersion").to_owned();
    let items = document
        .as_map()
        .and_then(|map| map.get("items")?.as_list())
        .unwrap_or_default();
    for item in items {
        let mut item = item.clone();
        if let Some(map) = item
            .as_map_mut()
            .filter(|map| !map.contains("kind") && !item_kind.is_empty())
        {
            map.insert("kind", Tree::text(item_kind.clone()));
            map.insert("apiVersion", Tree::text(version.clone()));
        }
        unfold(file, item, written)?;
    }
    Ok(())
}

fn known(file: &str, object: Tree) -> Result<Written, SourceError> {
    let missing = match (text(&object, "apiVersion"), text(&object, "kind")) {
        ("", "") => Some("[apiVersion not set, kind not set]"),
        ("", _) => Some("apiVersion not set"),
        (_, "") => Some("kind not set"),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(SourceError::Headless {
            file: file.to_owned(),
            missing,
        });
    }
    let (version, kind) = (text(&object, "apiVersion"), text(&object, "kind"));
    let name = object
        .at(&["metadata", "name"])
        .and_then(Tree::as_text)
        .unwrap_or_default()
        .to_owned();
    let found = KINDS
        .iter()
        .find(|known| known.name == kind && version == "tilt.dev/v1alpha1");
    let Some(found) = found else {
        return Err(SourceError::UnknownKind {
            file: file.to_owned(),
            name,
            kind: kind.to_owned(),
            version: version.to_owned(),
        });
    };
    let generated = object.at(&["metadata", "generateName"]).is_some();
    if name.is_empty() && !generated {
        return Err(SourceError::Nameless { file: file.to_owned() });
    }
    Ok(Written {
        kind: found,
        name,
        object,
        source: file.to_owned(),
    })
}

fn text<'t>(tree: &'t Tree, key: &str) -> &'t str {
    tree.get(key).and_then(Tree::as_text).unwrap_or_default()
}

/// An object of a kind, from its parts.
pub fn object(kind: &Kind, name: &str, content: Map) -> Tree {
    let mut metadata = Map::new();
    metadata.push("name", Tree::text(name));
    let mut object = Map::new();
    object.push("apiVersion", Tree::text("tilt.dev/v1alpha1"));
    object.push("kind", Tree::text(kind.name));
    object.push("metadata", Tree::Map(metadata));
    object.push("spec", Tree::Map(content));
    Tree::Map(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match objects("f.yaml", text) {
            Ok(written) => written
                .iter()
                .map(|written| format!("{}/{}", written.kind.plural, written.name))
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn documents_and_lists_unfold_into_objects() {
        let a = "{apiVersion: tilt.dev/v1alpha1, kind: Cmd, metadata: {name: a}}";
        let table = [
            (format!("{a}\n---\n# nothing\n---\n{a}"), "cmds/a cmds/a"),
            (
                format!("{{apiVersion: v1, kind: List, items: [{a}, {a}]}}"),
                "cmds/a cmds/a",
            ),
            (
                "{apiVersion: tilt.dev/v1alpha1, kind: CmdList, items: [{metadata: {name: b}}]}".to_owned(),
                "cmds/b",
            ),
            (
                "kind: Cmd".to_owned(),
                "error validating \"f.yaml\": error validating data: apiVersion not set; if you choose to ignore these errors, turn validation off with --validate=false",
            ),
            (
                "{apiVersion: tilt.dev/v1alpha1, kind: Cmd}".to_owned(),
                "error when reading \"f.yaml\": resource name may not be empty",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(read(&text), expected, "{text}");
        }
        let unknown = read("{apiVersion: v1, kind: Pod, metadata: {name: p}}");
        assert!(
            unknown.contains("no matches for kind \"Pod\" in version \"v1\""),
            "{unknown}"
        );
        assert!(read("a: [").starts_with("error parsing f.yaml: error converting YAML to JSON: yaml: "));
    }
}
