//! Pure. Tiltfiles as objects, and as the resources that the user interfaces show for them.

use std::sync::Arc;

use crate::engine::objects::resource::{Condition, build, conditions};
use crate::engine::objects::status::{Before, put_status};
use crate::engine::objects::{RESOURCE, map, micros, object, set, texts, tree};
use crate::engine::state::{Cause, MAIN, State, TiltfileState};
use crate::model::object::Owner;
use crate::model::object::kinds::{TILTFILE, UI_RESOURCE};
use crate::model::tree::{Map, Tree};

/// The Tiltfiles as they were shown last.
pub type Shown = Vec<Arc<TiltfileState>>;

/// Tells whether anything changed.
pub fn project(state: &mut State, shown: &mut Shown) -> bool {
    let tiltfiles: Shown = state.tiltfiles.values().map(Arc::clone).collect();
    let is_same = shown.len() == tiltfiles.len() && shown.iter().zip(&tiltfiles).all(|(a, b)| Arc::ptr_eq(a, b));
    if is_same {
        return false;
    }
    for tiltfile in &tiltfiles {
        put_status(state, &TILTFILE, &tiltfile.name, |_| object_status(tiltfile));
        show(state, tiltfile);
        put_status(state, &UI_RESOURCE, &tiltfile.name, |before| {
            resource_status(tiltfile, before)
        });
    }
    *shown = tiltfiles;
    true
}

/// The resource of a Tiltfile is there as long as its object.
fn show(state: &mut State, tiltfile: &TiltfileState) {
    if state.table.get(&UI_RESOURCE, &tiltfile.name).is_some() {
        return;
    }
    let Some(owner) = state.table.get(&TILTFILE, &tiltfile.name).cloned() else {
        return;
    };
    let mut shown = object(
        &UI_RESOURCE,
        &tiltfile.name,
        Map::new(),
        [(RESOURCE, tiltfile.name.as_ref())],
    );
    if let Some(labels) = owner.spec.get("labels").and_then(Tree::as_map) {
        shown.meta.labels = labels.clone();
    }
    shown.meta.owners = vec![Owner::controller(&owner)];
    state.table.put(shown, state.now);
}

fn reasons(causes: &[Cause]) -> Tree {
    texts(causes.iter().map(|cause| match cause {
        Cause::Files(_) => "Files Changed".to_owned(),
        other => other.to_string(),
    }))
}

fn object_status(tiltfile: &TiltfileState) -> Map {
    if let Some(running) = &tiltfile.running {
        let mut running_state = map([("startedAt", micros(running.started))]);
        if !is_first(&running.causes) {
            running_state.push("reasons", reasons(&running.causes));
        }
        return map([("running", Tree::Map(running_state))]);
    }
    if let Some((causes, _, _)) = &tiltfile.due {
        let reason = if is_first(causes) { "" } else { "changed" };
        return map([("waiting", tree([("reason", Tree::text(reason))]))]);
    }
    let Some(last) = tiltfile.history.front() else {
        return Map::new();
    };
    let mut ended = Map::new();
    if !is_first(&last.causes) {
        ended.push("reasons", reasons(&last.causes));
    }
    set(&mut ended, "error", last.error.as_deref().map(Tree::text));
    ended.push("startedAt", micros(last.started));
    ended.push("finishedAt", micros(last.finished));
    ended.push("warningCount", Tree::Int(tiltfile.warnings as i64));
    map([("terminated", Tree::Map(ended))])
}

fn is_first(causes: &[Cause]) -> bool {
    matches!(causes, [] | [Cause::Initial])
}

fn resource_status(tiltfile: &TiltfileState, before: &Before) -> Map {
    let last = tiltfile.history.front();
    let (word, reason) = match last {
        _ if tiltfile.running.is_some() => ("in_progress", Some("UpdatePending")),
        _ if tiltfile.due.is_some() => ("pending", Some("UpdatePending")),
        Some(record) if record.error.is_some() => ("error", Some("UpdateError")),
        Some(_) => ("ok", None),
        None => ("none", Some("Unknown")),
    };
    let mut status = Map::new();
    let succeeded = last.filter(|record| record.error.is_none());
    set(
        &mut status,
        "lastDeployTime",
        succeeded.map(|record| micros(record.finished)),
    );
    if !tiltfile.history.is_empty() {
        status.push("buildHistory", Tree::List(tiltfile.history.iter().map(build).collect()));
    }
    if let Some(running) = &tiltfile.running {
        let span = Tree::text(&*running.span);
        status.push(
            "currentBuild",
            tree([("startTime", micros(running.started)), ("spanID", span)]),
        );
    }
    set(
        &mut status,
        "pendingBuildSince",
        tiltfile.due.as_ref().map(|(_, _, since)| micros(*since)),
    );
    status.push("runtimeStatus", Tree::text("not_applicable"));
    status.push("updateStatus", Tree::text(word));
    status.push("order", Tree::Int(i64::from(&*tiltfile.name == MAIN)));
    status.push(
        "disableStatus",
        tree([("state", Tree::text("Enabled")), ("sources", Tree::Null)]),
    );
    let shown = ["UpToDate", "Ready", "Fresh"].map(|kind| Condition {
        kind,
        reason,
        message: String::new(),
    });
    status.push("conditions", conditions(&shown, before));
    status
}
