//! Pure. Sets of fields of an object, as `fieldsV1` of Kubernetes writes them.

use std::collections::BTreeMap;

use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Field(String),
    /// The item of a list that has these key fields, as compact JSON.
    Key(String),
    /// The item of a set, as compact JSON.
    Value(String),
    Index(usize),
}

/// Fields of one value: whether it belongs to the set itself, and what of that below it does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    pub is_member: bool,
    pub below: BTreeMap<Step, Fields>,
}

impl Fields {
    /// The value itself, nothing below it.
    pub fn leaf() -> Fields {
        Fields {
            is_member: true,
            below: BTreeMap::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }

    /// Adds what belongs to a step, unless that is nothing.
    pub fn insert(&mut self, step: Step, fields: Fields) {
        if !fields.is_empty() {
            self.below.insert(step, fields);
        }
    }

    pub fn union(&self, other: &Fields) -> Fields {
        let mut all = self.clone();
        all.is_member |= other.is_member;
        for (step, fields) in &other.below {
            let known = all.below.entry(step.clone()).or_default();
            *known = known.union(fields);
        }
        all
    }

    pub fn without(&self, other: &Fields) -> Fields {
        self.select(other, |here, there| here && !there)
    }

    pub fn intersection(&self, other: &Fields) -> Fields {
        self.select(other, |here, there| here && there)
    }

    fn select(&self, other: &Fields, rule: fn(bool, bool) -> bool) -> Fields {
        let nothing = Fields::default();
        let mut left = Fields {
            is_member: rule(self.is_member, other.is_member),
            below: BTreeMap::new(),
        };
        for (step, fields) in &self.below {
            left.insert(
                step.clone(),
                fields.select(other.below.get(step).unwrap_or(&nothing), rule),
            );
        }
        left
    }

    /// Every path that belongs to the set, as a message shows it: `.spec.text`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect(&mut String::new(), &mut paths);
        paths
    }

    fn collect(&self, at: &mut String, paths: &mut Vec<String>) {
        if self.is_member {
            paths.push(at.clone());
        }
        let length = at.len();
        for (step, fields) in &self.below {
            match step {
                Step::Field(name) => at.push_str(&format!(".{name}")),
                Step::Key(key) => at.push_str(&format!("[{}]", key_shown(key))),
                Step::Value(value) => at.push_str(&format!("[={value}]")),
                Step::Index(index) => at.push_str(&format!("[{index}]")),
            }
            fields.collect(at, paths);
            at.truncate(length);
        }
    }

    pub fn to_tree(&self) -> Tree {
        let mut map = Map::new();
        if self.is_member && !self.below.is_empty() {
            map.push(".", Tree::Map(Map::new()));
        }
        for (step, fields) in &self.below {
            let key = match step {
                Step::Field(name) => format!("f:{name}"),
                Step::Key(key) => format!("k:{key}"),
                Step::Value(value) => format!("v:{value}"),
                Step::Index(index) => format!("i:{index}"),
            };
            map.push(key, fields.to_tree());
        }
        Tree::Map(map)
    }

    /// Nothing if it is no set of fields.
    pub fn from_tree(tree: &Tree) -> Option<Fields> {
        let mut fields = Fields::default();
        let entries = tree.as_map()?;
        for (key, below) in entries.iter().filter(|(key, _)| *key != ".") {
            let (kind, rest) = key.split_once(':')?;
            let step = match kind {
                "f" => Step::Field(rest.to_owned()),
                "k" => Step::Key(rest.to_owned()),
                "v" => Step::Value(rest.to_owned()),
                "i" => Step::Index(rest.parse().ok()?),
                _ => return None,
            };
            let mut below_fields = Fields::from_tree(below)?;
            let below_is_empty = below_fields.below.is_empty();
            below_fields.is_member = below_is_empty || below.get(".").is_some();
            fields.below.insert(step, below_fields);
        }
        Some(fields)
    }
}

/// `{"uid":"x"}` as `uid="x"`.
fn key_shown(key: &str) -> String {
    let inner = key
        .strip_prefix('{')
        .and_then(|key| key.strip_suffix('}'))
        .unwrap_or(key);
    inner.replacen('"', "", 2).replacen(':', "=", 1)
}

/// The step to an item of a list that is merged by a key; nothing for an item that lacks it.
pub fn key_step(item: &Tree, key: &str) -> Option<Step> {
    let mut map = Map::new();
    map.push(key, item.get(key)?.clone());
    Some(Step::Key(json::compact(&Tree::Map(map))))
}

pub fn value_step(item: &Tree) -> Step {
    Step::Value(json::compact(item))
}
