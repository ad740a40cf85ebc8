//! Pure. `tilt_config.json`: values of settings, by name.

use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

use crate::model::suggest::did_you_mean;
use crate::model::tree::{Map, Tree};
use crate::tiltfile::declared::config::{Kind, Setting};

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    #[error("error parsing json from {}: {problem}", path.display())]
    Json { path: PathBuf, problem: String },
    #[error("{} specified unknown setting name '{name}'{meant}", path.display())]
    Unknown { path: PathBuf, name: String, meant: String },
    #[error("{} specified invalid value for setting {name}: {problem}", path.display())]
    Value {
        path: PathBuf,
        name: String,
        problem: String,
    },
}

/// What each setting was given, in the order of the settings.
pub fn read(settings: &[Setting], path: &Path, bytes: &[u8]) -> Result<Vec<Option<Tree>>, FileError> {
    let failed = |problem: String| FileError::Json {
        path: path.to_owned(),
        problem,
    };
    let first = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>().next();
    let document = match first {
        Some(document) => document.map_err(|error| failed(error.to_string()))?,
        None => return Err(failed("the file is empty".to_owned())),
    };
    let map = match tree(document) {
        Tree::Map(map) => map,
        Tree::Null => Map::new(),
        other => {
            return Err(failed(format!("expected an object, found {}", described(&other))));
        }
    };
    let mut given = vec![None; settings.len()];
    for (name, found) in map.iter() {
        let index = settings
            .iter()
            .position(|setting| setting.name == name)
            .ok_or_else(|| FileError::Unknown {
                path: path.to_owned(),
                name: name.to_owned(),
                meant: did_you_mean(name, settings.iter().map(|setting| setting.name.as_str())),
            })?;
        let value = value(settings[index].kind, found).map_err(|problem| FileError::Value {
            path: path.to_owned(),
            name: name.to_owned(),
            problem,
        })?;
        given[index] = Some(value);
    }
    Ok(given)
}

/// `null` gives a setting its zero value.
fn value(kind: Kind, found: &Tree) -> Result<Tree, String> {
    match (kind, found) {
        (Kind::Texts, Tree::Null) => Ok(Tree::List(Vec::new())),
        (Kind::Text, Tree::Null) => Ok(Tree::text("")),
        (Kind::Flag, Tree::Null) => Ok(Tree::Bool(false)),
        (Kind::Texts, Tree::List(items)) => match items.iter().find(|item| item.as_text().is_none()) {
            Some(other) => Err(format!("expected string, got {}", described(other))),
            None => Ok(found.clone()),
        },
        (Kind::Texts, _) => Err(format!("expected array, found {}", described(found))),
        (Kind::Text, Tree::Text(_)) | (Kind::Flag, Tree::Bool(_)) | (Kind::Document, _) => Ok(found.clone()),
        (Kind::Text, _) => Err(format!("expected string, found {}", described(found))),
        (Kind::Flag, _) => Err(format!("expected bool, found {}", described(found))),
    }
}

fn described(tree: &Tree) -> String {
    match tree {
        Tree::Text(_) | Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) => {
            format!("{} {}", tree.type_name(), crate::model::yaml::json::compact(tree))
        }
        _ => tree.type_name().to_owned(),
    }
}

pub fn tree(value: Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Tree::Int(whole),
            (None, Some(float)) if !number.is_u64() => Tree::Float(float),
            _ => Tree::Big(number.to_string().into()),
        },
        Value::String(text) => Tree::text(text),
        Value::Array(items) => Tree::List(items.into_iter().map(tree).collect()),
        Value::Object(entries) => Tree::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), tree(value)))
                .collect(),
        ),
    }
}
