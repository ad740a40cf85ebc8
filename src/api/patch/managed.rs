//! Pure. Who set which field: `metadata.managedFields`.

use super::compare::{Difference, without_identity};
use super::fields::Fields;
use crate::model::object::{API_VERSION, Kind};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// One client, as it changes objects in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    pub name: String,
    pub operation: Operation,
    /// Empty but for `status`.
    pub subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Apply,
    Update,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub manager: Manager,
    pub time: Option<Time>,
    pub fields: Fields,
}

/// All that is known of an object's fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed(pub Vec<Entry>);

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

impl Managed {
    /// Nothing if one of the entries makes no sense.
    pub fn from_trees(trees: &[Tree]) -> Option<Managed> {
        trees.iter().map(Entry::from_tree).collect::<Option<_>>().map(Managed)
    }

    pub fn to_trees(&self) -> Vec<Tree> {
        self.0.iter().map(Entry::to_tree).collect()
    }

    /// A client may hand the list back changed: what it says counts, if it can be read. A single empty entry clears it.
    pub fn given(given: &[Tree], live: &[Tree]) -> Managed {
        let is_reset = matches!(given, [only] if only.as_map().is_some_and(Map::is_empty));
        if is_reset {
            return Managed::default();
        }
        let read = Some(given)
            .filter(|given| !given.is_empty())
            .and_then(Managed::from_trees);
        read.or_else(|| Managed::from_trees(live)).unwrap_or_default()
    }

    pub fn of(&self, manager: &Manager) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.manager == *manager)
    }

    /// What all others set.
    pub fn of_others(&self, manager: &Manager) -> Fields {
        let others = self.0.iter().filter(|entry| entry.manager != *manager);
        others.fold(Fields::default(), |all, entry| all.union(&entry.fields))
    }

    /// After a client made one object of another: what it changed is its own now.
    pub fn updated(self, (old, new): (&Tree, &Tree), kind: &'static Kind, who: &Manager, now: Time) -> Managed {
        let difference = Difference::between(&without_identity(old), &without_identity(new), kind);
        let known = self.of(who).map(|entry| entry.fields.clone()).unwrap_or_default();
        let own = known.without(&difference.removed).union(&difference.changed());
        self.changed(&difference, who).with(who, own, now)
    }

    /// Others lose what was changed and what is gone.
    pub fn changed(mut self, difference: &Difference, who: &Manager) -> Managed {
        let lost = difference.changed().union(&difference.removed);
        for entry in self.0.iter_mut().filter(|entry| entry.manager != *who) {
            entry.fields = entry.fields.without(&lost);
        }
        self.0.retain(|entry| !entry.fields.is_empty());
        self
    }

    /// The time is that of the last change of the set.
    pub fn with(mut self, who: &Manager, fields: Fields, now: Time) -> Managed {
        let known = self.0.iter().position(|entry| entry.manager == *who);
        match known {
            Some(index) if fields.is_empty() => drop(self.0.remove(index)),
            Some(index) if self.0[index].fields == fields => {}
            Some(index) => {
                self.0[index].fields = fields;
                self.0[index].time = Some(now);
            }
            None if fields.is_empty() => {}
            None => self.0.push(Entry {
                manager: who.clone(),
                time: Some(now),
                fields,
            }),
        }
        self
    }
}

impl Entry {
    fn from_tree(tree: &Tree) -> Option<Entry> {
        let text = |key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        if !matches!(text("fieldsType"), "FieldsV1") {
            return None;
        }
        Some(Entry {
            manager: Manager {
                name: text("manager").to_owned(),
                operation,
                subresource: text("subresource").to_owned(),
            },
            time: Time::parse(text("time")),
            fields: tree
                .get("fieldsV1")
                .map_or(Some(Fields::default()), Fields::from_tree)?,
        })
    }

    fn to_tree(&self) -> Tree {
        let mut map = Map::new();
        map.push("apiVersion", Tree::text(API_VERSION));
        map.push("fieldsType", Tree::text("FieldsV1"));
        map.push("fieldsV1", self.fields.to_tree());
        map.push("manager", Tree::text(self.manager.name.as_str()));
        map.push("operation", Tree::text(self.manager.operation.name()));
        if !self.manager.subresource.is_empty() {
            map.push("subresource", Tree::text(self.manager.subresource.as_str()));
        }
        if let Some(time) = self.time {
            map.push("time", Tree::text(time.to_seconds_text()));
        }
        Tree::Map(map)
    }
}
