//! Which objects a command is about: those that its words name, its labels select, or its files hold.

use super::args::Files;
use super::input;
use super::report::{refusal, text_at};
use super::surroundings::Surroundings;
use super::targets::targets;
use crate::cli::client::{Accept, Client, ClientError, Selection};
use crate::cli::exit::Exit;
use crate::model::object::Kind;
use crate::model::tree::Tree;

/// What is said where neither words nor files say what is meant.
pub const NOTHING_NAMED: &str = "You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'";

/// What a command line says about it.
pub struct Which<'a> {
    pub what: &'a [String],
    pub files: &'a Files,
    pub selection: Selection,
    /// What the command does with kinds that stand without names.
    pub bare_kinds: BareKinds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareKinds {
    MeanAll,
    AreRefused,
}

/// One object by name; it need not exist.
#[derive(Clone, Debug)]
pub struct Named {
    pub kind: &'static Kind,
    pub name: String,
    /// As the server or the file had it, where it was read anyway.
    pub object: Option<Tree>,
    /// The file that named it.
    pub source: Option<String>,
}

impl Named {
    /// The object as it is now.
    pub async fn fetch(&self, client: &Client) -> Result<Tree, ClientError> {
        match &self.object {
            Some(object) if self.source.is_none() => Ok(object.clone()),
            _ => client.get(self.kind, &self.name, Accept::Objects).await,
        }
    }

    /// `uiresources/web`.
    pub fn plural_name(&self) -> String {
        format!("{}/{}", self.kind.plural, self.name)
    }
}

/// Everything that is meant, in order.
pub async fn gather(which: &Which<'_>, client: Option<&Client>, here: &Surroundings) -> Result<Vec<Named>, Exit> {
    if which.files.are_given() {
        if !which.what.is_empty() {
            return Err(refusal(
                "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well",
            ));
        }
        return from_files(which, here).await;
    }
    let mut found = Vec::new();
    for target in targets(which.what).map_err(refusal)? {
        match (target.name, client) {
            (Some(name), _) => found.push(Named {
                kind: target.kind,
                name: name.to_owned(),
                object: None,
                source: None,
            }),
            (None, Some(client)) if which.bare_kinds == BareKinds::MeanAll || which.selection.is_given() => {
                found.extend(listed(client, target.kind, &which.selection).await?);
            }
            (None, _) => return Err(refusal("resource(s) were provided, but no name was specified")),
        }
    }
    if which.selection.is_given() && found.iter().any(|named| named.object.is_none()) {
        return Err(refusal("name cannot be provided when a selector is specified"));
    }
    Ok(found)
}

async fn from_files(which: &Which<'_>, here: &Surroundings) -> Result<Vec<Named>, Exit> {
    let written = input::objects(which.files, here).await?;
    Ok(written
        .into_iter()
        .map(|written| Named {
            kind: written.kind,
            name: written.name,
            object: Some(written.object),
            source: Some(written.source),
        })
        .collect())
}

pub async fn listed(client: &Client, kind: &'static Kind, selection: &Selection) -> Result<Vec<Named>, ClientError> {
    let list = client.list(kind, selection, Accept::Objects).await?;
    let items = list.get("items").and_then(Tree::as_list).unwrap_or_default();
    Ok(items.iter().map(|item| named(kind, item)).collect())
}

fn named(kind: &'static Kind, item: &Tree) -> Named {
    let mut object = item.clone();
    if let Some(map) = object.as_map_mut().filter(|map| !map.contains("kind")) {
        map.push("apiVersion", Tree::text("tilt.dev/v1alpha1"));
        map.push("kind", Tree::text(kind.name));
    }
    Named {
        kind,
        name: text_at(&object, &["metadata", "name"]).to_owned(),
        object: Some(object),
        source: None,
    }
}
