//! Pure. An update ended: its record, what it saw is no longer pending, and what it serves starts.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::{Class, UpdateFailure, UpdateOutcome};
use crate::engine::effect::Effect;
use crate::engine::reduce::process::serve;
use crate::engine::reduce::{deploy, image, live, retry};
use crate::engine::say::{self, span};
use crate::engine::state::{Cancelled, Cause, CommandRun, Means, Name, Record, ResourceState, State, Update};
use crate::model::time::Time;

/// How many records a resource keeps.
const HISTORY: usize = 2;

/// From so many losses in a row on, it is the update itself that whoever should bring it in dies of.
const LOSSES: u32 = 10;

/// A learned duration follows the latest one by this part of the difference.
const LEARNING: u32 = 3;

pub fn updated(state: &mut State, update: u64, outcome: UpdateOutcome, effects: &mut Vec<Effect>) {
    let is_it = |resource: &ResourceState| resource.running.as_ref().is_some_and(|running| running.id == update);
    let found = state.resources.iter().find(|(_, resource)| is_it(resource));
    let is_stopped = found
        .and_then(|(_, resource)| resource.running.as_ref()?.cancelled)
        .is_some_and(|why| why == Cancelled::Stopped);
    let found = found.map(|(name, _)| Arc::clone(name));
    // A resource that is gone meanwhile has nobody to tell.
    state.departing.remove(&update);
    image::release(state, update);
    deploy::ended(state, update, &outcome, effects);
    let lives = live::ended(state, update, (&outcome, is_stopped));
    let Some(name) = found else { return };
    let outcome = lasting(state, (&name, lives), outcome);
    let now = state.now;
    let used = state
        .resource(&name)
        .and_then(|resource| Some(image::used(state, resource.running.as_ref()?, &resource.images)));
    let most = retry::most(state.session.mode);
    let Some(resource) = state.resource_mut(&name) else {
        return;
    };
    let Some(running) = resource.running.take() else { return };
    match (running.cancelled, outcome) {
        (Some(Cancelled::Superseded), UpdateOutcome::Cancelled) => superseded(resource, &running, effects),
        (Some(Cancelled::Redefined | Cancelled::Disabled | Cancelled::Ending), UpdateOutcome::Cancelled) => {}
        (_, UpdateOutcome::FellBack) => {
            let failure = live::fell_back(state, &name, &running, effects);
            if let Some((failure, resource)) = failure.zip(state.resource_mut(&name)) {
                finish(resource, running, Some(&failure), now, effects);
            }
        }
        (_, UpdateOutcome::Again) => {
            if resource.requested.is_none() {
                resource.requested = running.requested;
            }
            image::compare(state, &name);
        }
        (_, outcome) => {
            let failure = failure(outcome);
            let (means, is_done) = (running.means, failure.is_none());
            let before = running.clone();
            if means == Means::Build {
                resource.used = used.unwrap_or_default();
            }
            finish(resource, running, failure.as_ref(), now, effects);
            retry::plan(resource, failure.as_ref(), most, effects);
            image::compare(state, &name);
            if is_done && means == Means::Build {
                live::deployed(state, &name, &before);
            }
            state.unpatched = true;
            if is_done {
                ready(state, &name);
            }
            if failure.is_none() {
                serve(state, &name, effects);
            }
        }
    }
}

/// An update that is lost again and again is one that has to do without.
fn lasting(state: &mut State, (name, lives): (&Name, Vec<Name>), outcome: UpdateOutcome) -> UpdateOutcome {
    let Some(resource) = state.resource_mut(name) else {
        return outcome;
    };
    resource.losses = match outcome {
        UpdateOutcome::Again => resource.losses + 1,
        _ => 0,
    };
    if resource.losses < LOSSES || lives.is_empty() {
        return outcome;
    }
    resource.losses = 0;
    let message = format!("{LOSSES} times in a row the container's agent was lost during this update");
    for live in lives {
        live::fail(state, &live, "UpdateFailed", message.clone());
    }
    UpdateOutcome::FellBack
}

/// Whoever waits for a resource that needs nothing more to be ready need not wait any longer.
fn ready(state: &mut State, name: &Name) {
    let is_ready =
        |resource: &ResourceState| resource.is_ready_once_updated() && !crate::engine::live::is_behind(state, resource);
    if state.resource(name).is_some_and(is_ready)
        && let Some(resource) = state.resource_mut(name)
    {
        resource.ever_ready = true;
    }
}

/// Nothing that it saw counts as seen.
fn superseded(resource: &mut ResourceState, running: &Update, effects: &mut Vec<Effect>) {
    resource.was_superseded = true;
    resource.due.get_or_insert(Cause::Superseded);
    let span = span(Arc::clone(&running.span), resource.name());
    effects.push(say::info(&span, "Files changed again: starting over"));
}

fn failure(outcome: UpdateOutcome) -> Option<UpdateFailure> {
    match outcome {
        UpdateOutcome::Done => None,
        UpdateOutcome::Failed(failure) => Some(failure),
        UpdateOutcome::FellBack | UpdateOutcome::Again => None,
        UpdateOutcome::Cancelled => Some(UpdateFailure {
            class: Class::User,
            message: "build canceled".to_owned(),
            exit: None,
        }),
    }
}

fn finish(
    resource: &mut ResourceState,
    running: Update,
    failure: Option<&UpdateFailure>,
    now: Time,
    effects: &mut Vec<Effect>,
) {
    resource.was_superseded = false;
    if running.means != Means::CatchUp {
        consume(resource, &running);
    }
    remember(resource, &running, failure, now);
    if running.means == Means::Build {
        resource.is_broken = failure.is_some();
    }
    if let Some(failure) = failure {
        let span = span(Arc::clone(&running.span), resource.name());
        effects.push(say::error(&span, format!("Build Failed: {}", failure.message)));
    } else {
        resource.last_deploy = Some(now);
        if running.means == Means::Build {
            resource.usual = Some(learned(resource.usual, now.since(running.started)));
        }
        fresh(resource, &running, now);
    }
    resource.history.push_front(Record {
        started: running.started,
        finished: now,
        span: running.span,
        error: failure.map(|failure| failure.message.clone()),
        class: failure.map(|failure| failure.class),
        causes: running.causes,
        warnings: Vec::new(),
    });
    resource.history.truncate(HISTORY);
}

/// What was saved runs once what is deployed, or served, is ready; what is brought into containers runs there at once.
fn fresh(resource: &mut ResourceState, running: &Update, now: Time) {
    match running.means {
        Means::Build if resource.is_kubernetes() || resource.serves() => {
            resource.freshness.deployed = Some(running.inputs_as_of);
        }
        Means::Build | Means::Live => resource.freshness.runs(running.inputs_as_of, now),
        Means::CatchUp => {}
    }
}

/// What the update's Cmd object shows.
fn remember(resource: &mut ResourceState, running: &Update, failure: Option<&UpdateFailure>, now: Time) {
    let Some(pid) = running.pid else { return };
    let exit = failure.map(|failure| failure.exit.clone().unwrap_or((1, failure.message.clone())));
    let (code, reason) = exit.unwrap_or_default();
    resource.last_command = Some(CommandRun {
        pid,
        code,
        reason,
        started: running.started,
        finished: now,
    });
}

/// Only what had changed when the update began is done with; a save in between stays pending.
fn consume(resource: &mut ResourceState, running: &Update) {
    resource.seen_up_to = running.inputs_as_of;
    resource.pending.files.retain(|_, seq| *seq > running.inputs_as_of);
    if resource.pending.files.is_empty() {
        resource.pending.since = None;
    }
}

fn learned(usual: Option<Duration>, latest: Duration) -> Duration {
    match usual {
        Some(usual) => (usual * (LEARNING - 1) + latest) / LEARNING,
        None => latest,
    }
}

/// The command of an update runs as this process.
pub fn runs(state: &mut State, update: u64, pid: i32) {
    let is_it = |resource: &ResourceState| resource.running.as_ref().is_some_and(|running| running.id == update);
    let found = state.resources.values_mut().find(|resource| is_it(resource));
    if let Some(running) = found.and_then(|resource| Arc::make_mut(resource).running.as_mut()) {
        running.pid = Some(pid);
    }
}

/// Asks a running update to end, once.
pub fn cancel(state: &mut State, name: &Name, why: Cancelled, effects: &mut Vec<Effect>) {
    let Some(running) = state.resource_mut(name).and_then(|resource| resource.running.as_mut()) else {
        return;
    };
    if running.cancelled.is_none() {
        running.cancelled = Some(why);
        effects.push(Effect::CancelUpdate { update: running.id });
    }
}
