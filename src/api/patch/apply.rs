//! Pure. Server-side apply: a client says which fields it wants, and with what values; fields that others own are not taken
//! from them unless it insists, fields that it wanted before and does not want any more go.

use thiserror::Error;

use super::compare::{Difference, Form, set_by, steps, without_identity};
use super::fields::{Fields, Step};
use super::managed::{Managed, Manager, Operation};
use crate::model::object::{API_VERSION, Kind};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// What a client wants of an object.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub kind: &'static Kind,
    pub config: &'a Tree,
    pub manager: &'a Manager,
    pub strength: Strength,
    pub now: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    Polite,
    /// Takes fields from others.
    Force,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    pub manager: Manager,
    pub path: String,
}

/// Fields that others own, with other values.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{}", told(.0))]
pub struct Conflicts(pub Vec<Conflict>);

impl Conflict {
    pub fn manager_shown(&self) -> String {
        let mut shown = format!("{:?}", self.manager.name);
        if !self.manager.subresource.is_empty() {
            shown.push_str(&format!(" with subresource {:?}", self.manager.subresource));
        }
        if self.manager.operation == Operation::Update {
            shown.push_str(&format!(" using {API_VERSION}"));
        }
        shown
    }
}

fn told(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            one.manager_shown(),
            one.path
        );
    }
    let mut text = format!("Apply failed with {} conflicts: ", conflicts.len());
    let mut last = String::new();
    for conflict in conflicts {
        let manager = conflict.manager_shown();
        if manager != last {
            let lead = if last.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{lead}conflicts with {manager}:"));
            last = manager;
        }
        text.push_str(&format!("\n- {}", conflict.path));
    }
    text
}

/// The object as it becomes, and who owns what of it then. `live` is an empty object where there is none yet.
pub fn applied(live: &Tree, managed: Managed, wish: Wish) -> Result<(Tree, Managed), Conflicts> {
    let form = Form::Object(wish.kind);
    let config = without_identity(wish.config);
    let wanted = set_by(&config, wish.kind);
    let merged = merge(live, &config, form);
    let last = managed
        .of(wish.manager)
        .map(|entry| entry.fields.clone())
        .unwrap_or_default();
    let owned = wanted.union(&managed.of_others(wish.manager));
    let result = match merged {
        Tree::Map(map) => Tree::Map(pruned(map, &last, &owned, form)),
        other => other,
    };
    let difference = Difference::between(&without_identity(live), &without_identity(&result), wish.kind);
    let conflicts = conflicts(&managed, &difference.changed(), wish.manager);
    if !conflicts.is_empty() && wish.strength == Strength::Polite {
        return Err(Conflicts(conflicts));
    }
    let managed = managed
        .changed(&difference, wish.manager)
        .with(wish.manager, wanted, wish.now);
    Ok((result, managed))
}

fn conflicts(managed: &Managed, changed: &Fields, who: &Manager) -> Vec<Conflict> {
    let others = managed.0.iter().filter(|entry| entry.manager != *who);
    let of = |entry: &super::managed::Entry| {
        let manager = entry.manager.clone();
        let paths = entry.fields.intersection(changed).paths();
        paths.into_iter().map(move |path| Conflict {
            manager: manager.clone(),
            path,
        })
    };
    others.flat_map(of).collect()
}

fn merge(live: &Tree, config: &Tree, form: Form) -> Tree {
    match (config, form) {
        (Tree::Map(config), Form::Object(_) | Form::Struct(_) | Form::Entries) => {
            let mut merged = live.as_map().cloned().unwrap_or_default();
            for (name, value) in config.iter() {
                let below = merge(merged.get(name).unwrap_or(&Tree::Null), value, form.field(name));
                merged.insert(name, below);
            }
            Tree::Map(merged)
        }
        (Tree::List(config), Form::Set | Form::Keyed(_)) => {
            let mut merged = live.as_list().unwrap_or_default().to_vec();
            for (step, item) in steps(form, config) {
                let known = steps(form, &merged).iter().position(|(other, _)| *other == step);
                match known {
                    Some(index) => merged[index] = item.clone(),
                    None => merged.push(item.clone()),
                }
            }
            Tree::List(merged)
        }
        _ => config.clone(),
    }
}

/// Without what was wanted last and what nobody owns now.
fn pruned(map: Map, last: &Fields, owned: &Fields, form: Form) -> Map {
    let nothing = Fields::default();
    let entry = |(name, value): (Box<str>, Tree)| {
        let step = Step::Field(name.to_string());
        let Some(last) = last.below.get(&step) else {
            return Some((name, value));
        };
        let owned = owned.below.get(&step).unwrap_or(&nothing);
        let is_wanted_by_nobody = owned.is_empty();
        match value {
            _ if is_wanted_by_nobody && last.below.is_empty() => None,
            Tree::Map(below) => {
                let below = pruned(below, last, owned, form.field(&name));
                let is_gone = is_wanted_by_nobody && below.is_empty();
                (!is_gone).then_some((name, Tree::Map(below)))
            }
            Tree::List(items) => {
                let form = form.field(&name);
                let is_gone = |step: &Step| last.below.contains_key(step) && !owned.below.contains_key(step);
                let kept = steps(form, &items).into_iter().filter(|(step, _)| !is_gone(step));
                let kept: Vec<Tree> = kept.map(|(_, item)| item.clone()).collect();
                (!(is_wanted_by_nobody && kept.is_empty())).then_some((name, Tree::List(kept)))
            }
            value => Some((name, value)),
        }
    };
    map.into_entries().into_iter().filter_map(entry).collect()
}
