//! Pure. What becomes of live updates: changes go into containers, and what works for us there comes and goes.

use std::sync::Arc;

use crate::engine::action::{AgentFact, Class, LiveFact, UpdateFailure, UpdateOutcome};
use crate::engine::effect::{Effect, LiveOrder, LiveTo, Scope};
use crate::engine::live::Stopped;
use crate::engine::say::{self, span};
use crate::engine::state::{AgentPhase, Cause, LiveFailure, Means, Name, Sending, Seq, State, Update};

/// An update sets out to change containers.
pub fn begins(state: &mut State, orders: &[LiveOrder], update: &Update) {
    let last_file = state.now;
    for order in orders {
        let live = Arc::make_mut(state.lives.entry(Arc::clone(&order.live)).or_default());
        for to in &order.containers {
            let known = live.containers.entry(to.container.clone()).or_default();
            known.sending = Some(Sending {
                update: update.id,
                up_to: up_to(update, to).max(known.synced.unwrap_or_default()),
                last_file: Some(last_file).filter(|_| !to.sent.is_empty()),
            });
            // From now on it may be in there.
            live.sent.extend(to.sent.clone());
        }
    }
}

/// What a container has once it has what is sent to it. Catching up brings in what others have, and leaves out what nobody has yet.
fn up_to(update: &Update, to: &LiveTo) -> Seq {
    let newest = to.sent.values().map(|sent| sent.seq).max();
    match (update.means, &to.scope, newest) {
        (Means::CatchUp, Scope::Files(_), Some(newest)) => newest,
        _ => update.inputs_as_of,
    }
}

/// An update has to build since containers cannot be changed in place.
pub fn stopped(state: &mut State, stops: Vec<Stopped>, span: &crate::engine::effect::Span, effects: &mut Vec<Effect>) {
    for stop in stops {
        effects.push(say::warn(
            span,
            format!("LiveUpdate {:?} {}: {}", stop.live, stop.reason, stop.message),
        ));
        fail(state, &stop.live, stop.reason, stop.message);
    }
}

pub fn fail(state: &mut State, live: &Name, reason: &'static str, message: String) {
    let at = state.now;
    let live = Arc::make_mut(state.lives.entry(Arc::clone(live)).or_default());
    live.failed = Some(LiveFailure { reason, message, at });
}

pub fn live(state: &mut State, (live, update): (&Name, u64), container: &str, fact: LiveFact) {
    if let LiveFact::Failed { reason, message } = fact {
        return fail(state, live, reason, message);
    }
    let Some(known) = state.lives.get_mut(live) else { return };
    let Some(patched) = Arc::make_mut(known).containers.get_mut(container) else {
        return;
    };
    let Some(sending) = patched.sending.take_if(|sending| sending.update == update) else {
        return;
    };
    patched.synced = Some(sending.up_to);
    patched.last_file = sending.last_file.or(patched.last_file);
    patched.is_begun = true;
    patched.left = None;
    patched.exec_error = match fact {
        LiveFact::ExecFailed { error } => Some(error),
        LiveFact::Synced | LiveFact::Failed { .. } => None,
    };
    state.unpatched = true;
}

/// An update has ended. What it did not bring in is still missing. Gives back where that is so.
pub fn ended(state: &mut State, update: u64, (outcome, is_stopped): (&UpdateOutcome, bool)) -> Vec<Name> {
    let is_left = match outcome {
        UpdateOutcome::FellBack => true,
        UpdateOutcome::Cancelled => is_stopped,
        UpdateOutcome::Done | UpdateOutcome::Failed(_) | UpdateOutcome::Again => false,
    };
    let is_its = |sending: &Option<Sending>| sending.as_ref().is_some_and(|sending| sending.update == update);
    let mut lives = Vec::new();
    for (name, live) in &mut state.lives {
        if live.containers.values().any(|known| is_its(&known.sending)) {
            lives.push(Arc::clone(name));
            for known in Arc::make_mut(live).containers.values_mut() {
                let sending = known.sending.take_if(|sending| sending.update == update);
                if let Some(sending) = sending.filter(|_| is_left) {
                    known.left = Some(sending.up_to);
                }
            }
        }
    }
    if matches!(outcome, UpdateOutcome::Again | UpdateOutcome::FellBack) {
        state.unpatched = true;
    }
    lives
}

/// What a resource deploys was built anew and deployed: nothing that happened before speaks against live updates.
pub fn deployed(state: &mut State, resource: &Name, running: &Update) {
    let as_of = running.inputs_as_of;
    let Some(resource) = state.resource(resource) else {
        return;
    };
    let mut needed = crate::engine::live::needed(state, resource, as_of);
    let images = resource.declared.images.iter();
    let names: Vec<Name> = images.map(|image| image.object_name(resource.name()).into()).collect();
    for name in names {
        let Some(live) = state.lives.get_mut(&name) else {
            continue;
        };
        let live = Arc::make_mut(live);
        live.failed = None;
        for (id, known) in &mut live.containers {
            known.is_given_up = state.agents.get(&**id).is_some_and(|agent| agent.is_out_of_reach());
        }
        if let Some(needed) = needed.remove(&name) {
            live.base = as_of;
            live.sent.retain(|_, sent| sent.seq > as_of);
            for (path, sent) in needed {
                live.sent.entry(path).or_insert(sent);
            }
        }
    }
    state.unpatched = true;
}

pub fn agent(state: &mut State, container: &Name, fact: AgentFact, effects: &mut Vec<Effect>) {
    let Some(agent) = state.agents.get_mut(container) else {
        return;
    };
    let agent = Arc::make_mut(agent);
    let about = &agent.task.span;
    let of = format!("container {} of pod {}", agent.task.container, agent.task.pod);
    match fact {
        AgentFact::Lost => agent.phase = AgentPhase::Starting,
        AgentFact::Ready { fallback } => {
            if let Some(why) = &fallback {
                let text = format!("Live updates of {of} go by tar, as slow as that is: {why}");
                effects.push(say::warn(about, text));
            }
            agent.phase = AgentPhase::Ready { fallback };
            agent.app_ended = None;
        }
        AgentFact::Delayed { error } => {
            let phase = AgentPhase::Delayed { error: error.clone() };
            // What cannot be reached cannot be until it is.
            if agent.is_out_of_reach() {
                return;
            }
            if agent.phase != phase {
                effects.push(say::warn(
                    about,
                    format!("Changes wait for {of}, which cannot be reached so far: {error}"),
                ));
            }
            agent.phase = phase;
        }
        AgentFact::Failed { error } => {
            let phase = AgentPhase::Failed { error: error.clone() };
            if agent.phase != phase {
                effects.push(say::warn(
                    about,
                    format!("Nothing can be changed in place in {of}: {error}"),
                ));
            }
            agent.phase = phase;
        }
        AgentFact::AppEnded { how } => {
            effects.push(say::error(
                about,
                format!("The program in {of} {how}; the next change starts it again"),
            ));
            agent.app_ended = Some(how);
        }
        AgentFact::AppStarted => agent.app_ended = None,
    }
    state.unpatched = true;
}

/// An update could not do without a build after all. Gives back why a build is of no use either: there was one for it, and what came
/// of that cannot be brought up to date in the same way.
pub fn fell_back(
    state: &mut State,
    resource: &Name,
    running: &Update,
    effects: &mut Vec<Effect>,
) -> Option<UpdateFailure> {
    let span = span(Arc::clone(&running.span), resource);
    let failures = crate::engine::live::failures(state, resource);
    let told = failures
        .iter()
        .map(|(live, failure)| format!("LiveUpdate {live:?} {}: {}", failure.reason, failure.message));
    let told: Vec<String> = told.collect();
    let resource = state.resource_mut(resource)?;
    let latest = resource.history.front();
    let was_built_for_it = latest.is_some_and(|latest| latest.causes.contains(&Cause::FellBack));
    if running.means == Means::CatchUp && was_built_for_it {
        return Some(UpdateFailure {
            class: Class::User,
            message: format!("{}; a build has not helped", told.join("; ")),
            exit: None,
        });
    }
    effects.extend(told.into_iter().map(|text| say::warn(&span, text)));
    resource.due.get_or_insert(Cause::FellBack);
    None
}
