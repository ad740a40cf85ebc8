//! Pure. The objects that one evaluation declared.

use thiserror::Error;

use super::Object;
use crate::model::tree::{Map, Tree};

/// Objects by kind and name, in the order of their declaration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectSet(Vec<Object>);

#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{plural} {name:?} already registered")]
pub struct AlreadyRegistered {
    pub plural: &'static str,
    pub name: Box<str>,
}

impl ObjectSet {
    pub fn new() -> ObjectSet {
        ObjectSet::default()
    }

    /// Adds an object. Declaring the same again changes nothing; declaring something else of that name is refused.
    pub fn register(&mut self, object: Object) -> Result<(), AlreadyRegistered> {
        match self.get(object.kind.plural, &object.name) {
            Some(known) if *known == object => Ok(()),
            Some(_) => Err(AlreadyRegistered {
                plural: object.kind.plural,
                name: object.name,
            }),
            None => {
                self.0.push(object);
                Ok(())
            }
        }
    }

    pub fn get(&self, plural: &str, name: &str) -> Option<&Object> {
        self.0
            .iter()
            .find(|object| object.kind.plural == plural && &*object.name == name)
    }

    pub fn get_mut(&mut self, plural: &str, name: &str) -> Option<&mut Object> {
        self.0
            .iter_mut()
            .find(|object| object.kind.plural == plural && &*object.name == name)
    }

    /// Adds an object, or replaces the one of its kind and name.
    pub fn set(&mut self, object: Object) {
        match self.get_mut(object.kind.plural, &object.name) {
            Some(known) => *known = object,
            None => self.0.push(object),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Object> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `ObjectSet` of `tilt alpha tiltfile-result`: kinds and names in alphabetical order.
    pub fn to_json_tree(&self) -> Tree {
        let mut kinds = Map::new();
        for object in &self.0 {
            let key = object.kind.group_resource();
            if !kinds.contains(&key) {
                kinds.push(key.as_str(), Tree::Map(Map::new()));
            }
            if let Some(of_kind) = kinds.get_mut(&key).and_then(Tree::as_map_mut) {
                of_kind.push(object.name.clone(), object.to_json_tree());
            }
        }
        kinds.sort();
        kinds
            .iter_mut()
            .filter_map(|(_, of_kind)| of_kind.as_map_mut())
            .for_each(Map::sort);
        Tree::Map(kinds)
    }
}
