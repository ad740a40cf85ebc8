//! Pure. What starts now, and why everything else that is due does not.
//!
//! One candidate at a time: what starts is recorded before the next one is looked for, so each sees those before it.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::effect::Effect;
use crate::engine::live::{self, Course};
use crate::engine::objects::deploy::watch_target;
use crate::engine::reduce::begin;
use crate::engine::reduce::updated::cancel;
use crate::engine::say;
use crate::engine::state::{ApplyState, Cancelled, Cause, Hold, Means, Mode, Name, ResourceState, Seq, State, Update};
use crate::engine::{images, workload};
use crate::model::digest;
use crate::model::project::Target;
use crate::model::workload::Source;

/// An update that does nothing but repeat itself may do so this often.
pub const MOST_ECHOES: u32 = 6;

/// Updates that take less than this are over sooner than anybody could stop them.
const SHORT: Duration = Duration::from_secs(1);

pub fn schedule(state: &mut State, effects: &mut Vec<Effect>) {
    if state.session.ending.is_some() {
        let running: Vec<Name> = state.resources.keys().cloned().collect();
        running
            .iter()
            .for_each(|name| cancel(state, name, Cancelled::Ending, effects));
        end_deploys(state, effects);
    } else {
        evaluations(state, effects);
        supersede(state, effects);
        while let Some(name) = next(state) {
            begin::update(state, &name, effects);
        }
    }
    holds(state, effects);
}

/// What objects asked for ends, too. What is being deleted is deleted to its end.
fn end_deploys(state: &mut State, effects: &mut Vec<Effect>) {
    let of_resources: Vec<u64> = state
        .resources
        .values()
        .filter_map(|resource| Some(resource.running.as_ref()?.id))
        .collect();
    for apply in state.applies.values_mut() {
        let run = apply
            .running
            .filter(|run| !apply.is_ending && !of_resources.contains(run));
        if let Some(update) = run {
            Arc::make_mut(apply).is_ending = true;
            effects.push(Effect::CancelUpdate { update });
        }
    }
}

/// Tiltfiles do not wait for anything but themselves.
fn evaluations(state: &mut State, effects: &mut Vec<Effect>) {
    let is_due = |name: &Name| {
        let tiltfile = &state.tiltfiles[name];
        tiltfile.due.is_some() && tiltfile.running.is_none()
    };
    let due: Vec<Name> = state
        .tiltfiles
        .keys()
        .filter(|name| is_due(name))
        .map(Arc::clone)
        .collect();
    for name in due {
        begin::evaluation(state, &name, effects);
    }
}

/// What all decisions of one turn look at.
struct Running<'a> {
    count: u32,
    names: Vec<Name>,
    /// The one whose command must be alone.
    alone: Option<Name>,
    uncategorized: bool,
    departing: Vec<Name>,
    /// What is being applied, or deleted.
    deploying: Vec<(&'a Name, &'a ApplyState)>,
    evaluating: Option<Name>,
}

impl Running<'_> {
    fn of(state: &State) -> Running<'_> {
        // What changes containers in place is in nobody's way.
        let own = state
            .resources
            .iter()
            .filter_map(|(name, resource)| Some((name, resource.running.as_ref()?)))
            .filter(|(_, update)| update.means == Means::Build);
        let departing = state.departing.values().map(|(name, update)| (name, update));
        let running: Vec<(&Name, &Update)> = own.chain(departing).collect();
        let names: Vec<Name> = running.iter().map(|(name, _)| Arc::clone(name)).collect();
        let alone = running.iter().find(|(_, update)| update.alone);
        let applies = state.applies.iter().map(|(name, apply)| (name, apply.as_ref()));
        let deploying = applies.filter(|(_, apply)| apply.is_busy());
        let evaluating = state.tiltfiles.values().find(|tiltfile| tiltfile.is_busy());
        Running {
            count: names.len() as u32,
            alone: alone.map(|(name, _)| Arc::clone(name)),
            uncategorized: names.iter().any(|name| &**name == UNCATEGORIZED),
            departing: state.departing.values().map(|(name, _)| Arc::clone(name)).collect(),
            names,
            deploying: deploying.collect(),
            evaluating: evaluating.map(|tiltfile| Arc::clone(&tiltfile.name)),
        }
    }
}

const UNCATEGORIZED: &str = "uncategorized";

/// The next resource to update.
fn next(state: &State) -> Option<Name> {
    let running = Running::of(state);
    // Without a slot nothing starts but what changes containers in place.
    let is_full = running.count >= state.settings.update.max_parallel_updates;
    let eligible = |(name, resource): &(&Name, &Arc<ResourceState>)| {
        let may_start = !is_full || live::can_be(resource);
        may_start && resource.is_due() && hold(state, name, resource, &running).is_none()
    };
    let candidates = state.resources.iter().filter(eligible);
    candidates
        .min_by_key(|(name, resource)| rank(state, name, resource))
        .map(|(name, _)| Arc::clone(name))
}

/// What was never built goes first: local resources, then objects of no resource, then what needs no image. Then what was
/// triggered, in that order; then what changed, the earliest change first.
fn rank(state: &State, name: &Name, resource: &ResourceState) -> (u8, u8, Seq, usize) {
    let queued = state.queue.iter().position(|queued| queued == name);
    if !resource.started_once && resource.due.is_some() && resource.starts_by_itself() {
        let kind = match &resource.declared.target {
            Target::Local(_) => 0,
            _ if &**name == UNCATEGORIZED => 1,
            Target::Kubernetes(_) if resource.declared.images.is_empty() => 2,
            _ => 3,
        };
        return (0, kind, Seq(0), 0);
    }
    if let Some(place) = queued {
        return (1, 0, Seq(0), place);
    }
    let earliest = resource.pending.files.values().min().copied().unwrap_or_default();
    (2, 0, earliest, 0)
}

/// Why a resource that is due may not start.
fn hold(state: &State, name: &Name, resource: &ResourceState, running: &Running<'_>) -> Option<Hold> {
    if !resource.enabled {
        return Some(Hold::Disabled);
    }
    if state.session.ending.is_some() {
        return Some(Hold::ShuttingDown);
    }
    if resource.running.is_none() && !running.departing.contains(name) {
        match live::course(state, resource) {
            Course::Live(_) => return None,
            Course::Wait(hold) => return Some(hold),
            Course::Build | Course::Stop(_) => {}
        }
    }
    if let Some(tiltfile) = &running.evaluating {
        return Some(Hold::TiltfileReload {
            tiltfile: Arc::clone(tiltfile),
        });
    }
    if resource.running.is_some() {
        return None;
    }
    if resource.echo.times >= MOST_ECHOES && resource.requested.is_none() && resource.due.is_none() {
        return Some(Hold::Loop {
            files: resource.pending.files.keys().cloned().collect(),
            times: resource.echo.times,
        });
    }
    if running.departing.contains(name) {
        return Some(Hold::StillEnding);
    }
    if let Some(hold) = busy(resource, running) {
        return Some(hold);
    }
    if let Some(hold) = tried_again(state, resource) {
        return Some(hold);
    }
    if let Some((image, making)) = images::made_elsewhere(state, resource) {
        return Some(Hold::BuildingImage {
            image: Arc::clone(image),
            on: Arc::clone(&making.resource),
        });
    }
    if let Some(hold) = deploying(state, name, resource, running) {
        return Some(hold);
    }
    let waits_for = unready_deps(state, name, resource);
    if !waits_for.is_empty() {
        return Some(Hold::WaitingForDeps { on: waits_for });
    }
    if is_watch_starting(state, name, resource) {
        return Some(Hold::StartingWatch);
    }
    let most = state.settings.update.max_parallel_updates;
    (running.count >= most).then_some(Hold::NoSlot { most })
}

/// What keeps a resource from being deployed to its cluster.
fn deploying(state: &State, name: &Name, resource: &ResourceState, running: &Running<'_>) -> Option<Hold> {
    let target = workload::target(resource)?;
    let apply = state.applies.get(name);
    if workload::is_in_the_way(&running.deploying, name, target) {
        return Some(Hold::StillEnding);
    }
    if apply.is_some_and(|apply| apply.is_busy()) {
        return Some(Hold::StillEnding);
    }
    match state.cluster.connected() {
        Some(_) => None,
        None => Some(Hold::WaitingForCluster {
            error: state.cluster.error().map(str::to_owned),
        }),
    }
}

/// A failure for what lies outside the project is waited out, unless there is another reason to try again now.
fn tried_again(state: &State, resource: &ResourceState) -> Option<Hold> {
    let retry = resource.retry;
    let at = retry.at.filter(|at| state.now < *at)?;
    let failures = retry.failures;
    (!resource.is_asked_for()).then_some(Hold::Retry { failures, at })
}

/// An update that begins before its files are watched might miss a save in between. A watch that fails is not waited for.
fn is_watch_starting(state: &State, name: &Name, resource: &ResourceState) -> bool {
    let watched = match &resource.declared.target {
        Target::Local(local) => !local.deps.is_empty(),
        Target::Kubernetes(target) => matches!(&target.source, Source::Custom { deps, .. } if !deps.is_empty()),
        Target::Compose(_) => false,
    };
    if state.session.mode == Mode::Ci {
        return false;
    }
    if images::is_watch_starting(state, resource) {
        return true;
    }
    if !watched || resource.started_once {
        return false;
    }
    let target = match resource.is_kubernetes() {
        true => watch_target(name),
        false => format!("local:{name}"),
    };
    let watch = digest::object_name(&target);
    let known = state.watches.get(watch.as_str());
    known.is_none_or(|watch| watch.started.is_none() && watch.error.is_none())
}

/// What runs beside it keeps it from starting.
fn busy(resource: &ResourceState, running: &Running<'_>) -> Option<Hold> {
    if let Some(on) = &running.alone {
        return Some(Hold::WaitingForLocal { on: Arc::clone(on) });
    }
    if resource.runs_alone() && !running.names.is_empty() {
        return Some(Hold::IsUnparallelizable {
            on: running.names.clone(),
        });
    }
    let is_kubernetes = matches!(resource.declared.target, Target::Kubernetes(_));
    (is_kubernetes && running.uncategorized).then_some(Hold::WaitingForUncategorized)
}

/// Dependencies hold the first update only; with `wait_for_current_deps` they hold every one until they are up to date.
fn unready_deps(state: &State, name: &Name, resource: &ResourceState) -> Vec<Name> {
    let current = state.settings.update.wait_for_current_deps;
    if resource.ever_succeeded() && !current {
        return Vec::new();
    }
    let deps = resource.declared.deps.iter().filter(|dep| ***dep != **name);
    let blocks = |dep: &&String| {
        let Some(dep) = state.resource(dep) else { return false };
        !dep.ever_ready || (current && dep.enabled && dep.is_behind())
    };
    deps.filter(blocks).map(|dep| dep.as_str().into()).collect()
}

/// Gives up updates that a newer save made pointless, where starting over is sooner done than finishing and starting over.
fn supersede(state: &mut State, effects: &mut Vec<Effect>) {
    let names: Vec<Name> = state
        .resources
        .iter()
        .filter(|(_, resource)| is_superseded(state, resource))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for name in names {
        cancel(state, &name, Cancelled::Superseded, effects);
    }
}

fn is_superseded(state: &State, resource: &ResourceState) -> bool {
    let (Some(running), Some(usual)) = (&resource.running, resource.usual) else {
        return false;
    };
    let only_files = running
        .causes
        .iter()
        .all(|cause| matches!(cause, Cause::Files(_) | Cause::Superseded));
    let is_newer = resource.pending.files.values().any(|seq| *seq > running.inputs_as_of);
    // What the update writes itself is no reason to give it up.
    let is_foreign = || {
        let newer = resource
            .pending
            .files
            .iter()
            .filter(|(_, seq)| **seq > running.inputs_as_of);
        newer.into_iter().all(|(path, _)| running.files.contains(path))
    };
    let elapsed = state.now.since(running.started);
    only_files
        && running.means == Means::Build
        && is_newer
        && is_foreign()
        && resource.follows_files()
        && running.cancelled.is_none()
        && !resource.was_superseded
        && usual >= SHORT
        && elapsed * 2 < usual
}

/// Writes down why things wait. What has no reason to change is not touched.
fn holds(state: &mut State, effects: &mut Vec<Effect>) {
    let running = Running::of(state);
    let found: Vec<(Name, Option<Hold>)> = state
        .resources
        .iter()
        .map(|(name, resource)| (Arc::clone(name), explain(state, name, resource, &running)))
        .filter(|(name, hold)| state.resources[name].hold != *hold)
        .collect();
    for (name, hold) in found {
        if let Some(resource) = state.resource_mut(&name) {
            effects.extend(hold.as_ref().and_then(|hold| warning(resource, hold)));
            resource.hold = hold;
        }
    }
}

/// Nobody would look for a reason if what they save now and then just did nothing.
fn warning(resource: &ResourceState, hold: &Hold) -> Option<Effect> {
    let is_new = matches!(hold, Hold::Loop { .. }) && !matches!(resource.hold, Some(Hold::Loop { .. }));
    let last = resource.last().filter(|_| is_new)?;
    let span = say::span(Arc::clone(&last.span), resource.name());
    Some(say::warn(
        &span,
        format!("Not updating again: {} {hold}", resource.name()),
    ))
}

fn explain(state: &State, name: &Name, resource: &ResourceState, running: &Running<'_>) -> Option<Hold> {
    if resource.is_due() {
        return hold(state, name, resource, running);
    }
    if !resource.enabled {
        return Some(Hold::Disabled);
    }
    if !resource.started_once && resource.running.is_none() {
        return Some(Hold::ManualInit);
    }
    let files = resource.pending.files.len();
    (files > 0 && !resource.follows_files()).then_some(Hold::Manual { files })
}

impl ResourceState {
    /// Whether an update should run, were there nothing in its way.
    pub fn is_due(&self) -> bool {
        if self.running.is_some() || !self.enabled {
            return false;
        }
        self.retry.at.is_some() || self.is_asked_for()
    }

    /// Whether there is a reason for an update, but for the failure of the last one.
    fn is_asked_for(&self) -> bool {
        let begins = self.due.is_some() && (self.starts_by_itself() || self.started_once);
        let changed = self.is_changed() && self.follows_files();
        self.requested.is_some() || begins || changed || self.is_behind
    }

    /// Whether an update of it went well in this session.
    pub fn ever_succeeded(&self) -> bool {
        self.last_deploy.is_some()
    }

    /// Whether what runs is not what the sources say.
    fn is_behind(&self) -> bool {
        self.running.is_some() || self.is_due() || self.last().is_some_and(|last| last.error.is_some())
    }
}
