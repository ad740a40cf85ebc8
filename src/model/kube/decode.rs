//! Pure. From YAML or JSON text to objects: kinds are looked up, lists are taken apart.

use super::Object;
use super::schema::Schema;
use super::typed::{self, TypeError};
use crate::model::tree::Tree;
use crate::model::yaml::{self, json};

/// Why a text holds no objects, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Yaml(#[from] yaml::ConversionError),
    #[error(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type \
         struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )]
    NotAMap { found: &'static str },
    #[error(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go struct field .{field} of type string"
    )]
    NotText { field: &'static str, found: &'static str },
    #[error("Object 'Kind' is missing in '{object}'")]
    NoKind { object: Box<str> },
    #[error("decoding {kind} {name:?}: Object 'apiVersion' is missing in '{object}'")]
    NoApiVersion {
        kind: Box<str>,
        name: Box<str>,
        object: Box<str>,
    },
    #[error("decoding {kind} {name:?}: unexpected GroupVersion string: {api_version}")]
    ApiVersion {
        kind: Box<str>,
        name: Box<str>,
        api_version: Box<str>,
    },
    #[error("decoding {kind} {name:?}: {source}")]
    Field {
        kind: Box<str>,
        name: Box<str>,
        source: TypeError,
    },
}

/// A text of this many bytes takes longer to read than a thread takes to start.
const WORTH_SHARING: usize = 64 << 10;
const MOST_THREADS: usize = 8;

/// Every object of a text of YAML documents or JSON values, lists taken apart. Large texts are shared among threads.
pub fn parse(text: &str) -> Result<Vec<Object>, Error> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if threads == 1 || text.len() < WORTH_SHARING || text.trim_start().starts_with('{') {
        return parse_trees(yaml::parse_documents(text).map_err(yaml::ConversionError)?);
    }
    let documents: Vec<&str> = yaml::split_documents(text).collect();
    let share = documents.len().div_ceil(threads.min(MOST_THREADS)).max(1);
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let threads: Vec<_> = documents
            .chunks(share)
            .map(|part| scope.spawn(|| parse_part(part)))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Part>| {
            thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p))
        };
        threads.into_iter().map(join).collect()
    });
    joined(parts)
}

/// What one thread made of its documents; the outer error is that of YAML, which comes before any of an object's.
type Part = Result<Result<Vec<Object>, Error>, yaml::ConversionError>;

fn parse_part(documents: &[&str]) -> Part {
    let trees: Result<Vec<Tree>, yaml::Error> = documents.iter().map(|text| yaml::parse_one(text)).collect();
    Ok(parse_trees(trees.map_err(yaml::ConversionError)?))
}

/// The parts in their order, or the error that reading them one after the other would have met first.
fn joined(parts: Vec<Part>) -> Result<Vec<Object>, Error> {
    let parts: Result<Vec<Result<Vec<Object>, Error>>, yaml::ConversionError> = parts.into_iter().collect();
    let parts: Result<Vec<Vec<Object>>, Error> = parts?.into_iter().collect();
    Ok(parts?.into_iter().flatten().collect())
}

/// The same of documents that were already read.
pub fn parse_trees(trees: impl IntoIterator<Item = Tree>) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    for tree in trees {
        decode(tree, &mut objects)?;
    }
    Ok(objects)
}

fn decode(tree: Tree, objects: &mut Vec<Object>) -> Result<(), Error> {
    if tree.is_null() {
        return Ok(());
    }
    if tree.as_map().is_none() {
        return Err(Error::NotAMap {
            found: tree.type_name(),
        });
    }
    let (api_version, kind) = (text_field(&tree, "apiVersion")?, text_field(&tree, "kind")?);
    if kind.is_empty() {
        return Err(Error::NoKind {
            object: json::compact(&tree).into(),
        });
    }
    check_api_version(&tree, api_version, kind)?;
    if let Some(item_kind) = kind.strip_suffix("List")
        && matches!(tree.get("items"), Some(Tree::List(_) | Tree::Null) | None)
        && is_list(api_version, item_kind, &tree)
    {
        let coordinates = (Box::<str>::from(api_version), Box::<str>::from(item_kind));
        return decode_items(tree, &coordinates, objects);
    }
    match Schema::builtin().kind(api_version, kind) {
        Some(known) => objects.push(normalized(tree, known)?),
        None => objects.push(Object::custom(go_numbers(tree))),
    }
    Ok(())
}

/// `v1` `List`, the list of a built-in kind, or anything with `items` that calls itself a list.
fn is_list(api_version: &str, item_kind: &str, tree: &Tree) -> bool {
    let builtin =
        (api_version == "v1" && item_kind.is_empty()) || Schema::builtin().kind(api_version, item_kind).is_some();
    builtin || matches!(tree.get("items"), Some(Tree::List(_)))
}

fn decode_items(
    tree: Tree,
    (api_version, kind): &(Box<str>, Box<str>),
    objects: &mut Vec<Object>,
) -> Result<(), Error> {
    let Tree::Map(mut list) = tree else {
        return Ok(());
    };
    let Some(Tree::List(items)) = list.remove("items") else {
        return Ok(());
    };
    for mut item in items {
        // The items of a typed list need not repeat what the list says.
        if let (Tree::Map(map), false) = (&mut item, kind.is_empty())
            && !map.contains("kind")
        {
            map.insert("kind", Tree::Text(kind.clone()));
            map.insert("apiVersion", Tree::Text(api_version.clone()));
        }
        decode(item, objects)?;
    }
    Ok(())
}

fn text_field<'t>(tree: &'t Tree, field: &'static str) -> Result<&'t str, Error> {
    match tree.get(field) {
        None | Some(Tree::Null) => Ok(""),
        Some(Tree::Text(text)) => Ok(text),
        Some(other) => Err(Error::NotText {
            field,
            found: other.type_name(),
        }),
    }
}

fn check_api_version(tree: &Tree, api_version: &str, kind: &str) -> Result<(), Error> {
    let (kind, name) = (kind.into(), name_of(tree));
    match api_version.matches('/').count() {
        _ if api_version.is_empty() || api_version.ends_with('/') => Err(Error::NoApiVersion {
            kind,
            name,
            object: json::compact(tree).into(),
        }),
        0 | 1 => Ok(()),
        _ => Err(Error::ApiVersion {
            kind,
            name,
            api_version: api_version.into(),
        }),
    }
}

fn normalized(tree: Tree, known: super::schema::StructId) -> Result<Object, Error> {
    let (kind, name) = (
        tree.get("kind").and_then(Tree::as_text).unwrap_or_default().into(),
        name_of(&tree),
    );
    let Tree::Map(map) = tree else {
        return Ok(Object::custom(tree));
    };
    let printed = typed::normalize(map, known).map_err(|source| Error::Field { kind, name, source })?;
    Ok(Object::builtin(printed))
}

fn name_of(tree: &Tree) -> Box<str> {
    tree.at(&["metadata", "name"])
        .and_then(Tree::as_text)
        .unwrap_or_default()
        .into()
}

/// Go keeps integers beyond 64 bits as floats where no type says otherwise.
fn go_numbers(tree: Tree) -> Tree {
    match tree {
        Tree::Big(digits) => digits.parse().map(Tree::Float).unwrap_or(Tree::Big(digits)),
        Tree::List(items) => Tree::List(items.into_iter().map(go_numbers).collect()),
        Tree::Map(map) => {
            let entries = map
                .into_entries()
                .into_iter()
                .map(|(key, value)| (key, go_numbers(value)));
            Tree::Map(crate::model::tree::Map::from_entries(entries.collect()))
        }
        other => other,
    }
}
