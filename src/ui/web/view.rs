//! Pure. What the page is told: the whole view first, then what changed between two snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::state::State;
use crate::model::object::kinds::{CLUSTER, UI_BUTTON, UI_RESOURCE, UI_SESSION};
use crate::model::object::{Kind, Stored, Table};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// Lists of the view, and what they hold.
const LISTS: [(&str, &Kind); 3] = [
    ("uiResources", &UI_RESOURCE),
    ("uiButtons", &UI_BUTTON),
    ("clusters", &CLUSTER),
];
const SESSION: &str = "uiSession";

/// All objects of the view, and what says that it is whole. Log lines are not among it.
pub fn complete(state: &State) -> Map {
    let mut view = start(state);
    let session = state.table.list(&UI_SESSION).next();
    if let Some(session) = session {
        view.push(SESSION, session.to_json_tree());
    }
    for (key, kind) in LISTS {
        let objects = state.table.list(kind).map(|object| object.to_json_tree());
        view.push(key, Tree::List(objects.collect()));
    }
    view.push("isComplete", Tree::Bool(true));
    view
}

/// What the page has to be told to get from one snapshot to a later one; `None` if it would not notice.
pub fn delta(old: &State, new: &State) -> Option<Map> {
    let changed = changed(old, new);
    if changed.is_empty() {
        return None;
    }
    let mut view = start(new);
    let session = changed.iter().find(|object| is(object, &UI_SESSION));
    if let Some(session) = session {
        view.push(SESSION, session.to_json_tree());
    }
    for (key, kind) in LISTS {
        let objects: Vec<Tree> = changed
            .iter()
            .filter(|object| is(object, kind))
            .map(|object| object.to_json_tree())
            .collect();
        if !objects.is_empty() {
            view.push(key, Tree::List(objects));
        }
    }
    Some(view)
}

/// A browser that sees another start time is looking at another session and begins anew.
fn start(state: &State) -> Map {
    let mut view = Map::new();
    view.push("tiltStartTime", Tree::text(state.session.started.to_micros_text()));
    view
}

fn is(object: &Stored, kind: &Kind) -> bool {
    std::ptr::eq(object.kind, kind)
}

fn is_shown(object: &Stored) -> bool {
    is(object, &UI_SESSION) || LISTS.iter().any(|(_, kind)| is(object, kind))
}

/// Each object that changed, as it is now; one that is gone as it was last, with the time of its deletion.
fn changed(old: &State, new: &State) -> Vec<Arc<Stored>> {
    let Ok(events) = new.table.events_since(old.table.version()) else {
        return compared(old, new);
    };
    let mut touched: BTreeMap<(&str, &str), &Arc<Stored>> = BTreeMap::new();
    for event in events.filter(|event| is_shown(&event.object)) {
        touched.insert((event.object.kind.name, &event.object.name), &event.object);
    }
    let last = touched.into_values();
    last.map(|object| current(&new.table, object, new.now)).collect()
}

fn current(table: &Table, last: &Arc<Stored>, now: Time) -> Arc<Stored> {
    match table.get(last.kind, &last.name) {
        Some(object) => Arc::clone(object),
        None => gone(last, now),
    }
}

fn gone(object: &Stored, now: Time) -> Arc<Stored> {
    let mut object = object.clone();
    object.meta.deleted.get_or_insert(now);
    Arc::new(object)
}

/// For who fell behind so far that the events are forgotten: every object of the one against every object of the other.
fn compared(old: &State, new: &State) -> Vec<Arc<Stored>> {
    let kinds = LISTS.iter().map(|(_, kind)| *kind).chain([&UI_SESSION]);
    let mut changed = Vec::new();
    for kind in kinds.filter(|kind| !new.table.same_kind(&old.table, kind)) {
        let version = |object: &Stored| old.table.get(kind, &object.name).map(|old| old.meta.version);
        let newer = new.table.list(kind).filter(|it| version(it) != Some(it.meta.version));
        changed.extend(newer.cloned());
        let missing = old
            .table
            .list(kind)
            .filter(|it| new.table.get(kind, &it.name).is_none());
        changed.extend(missing.map(|object| gone(object, new.now)));
    }
    changed
}

/// The entries as they stand between the braces of a JSON object.
pub fn members(view: Map) -> String {
    let mut text = json::compact(&Tree::Map(view));
    text.pop();
    text.remove(0);
    text
}

/// One message of entries and log lines, each already JSON.
pub fn message(members: &str, log_list: &str) -> String {
    format!("{{{members},\"logList\":{log_list}}}")
}

/// What is sent where only log lines are new.
pub fn only_start(state: &State) -> String {
    members(start(state))
}

/// A view as it can be kept and looked at later.
pub fn snapshot(view: &str, now: Time) -> String {
    format!("{{\"createdAt\":\"{}\",\"view\":{view}}}", now.to_micros_text())
}
