//! Pure. What becomes of deploys: objects are applied and deleted, pods come and go, ports are forwarded.

use std::sync::Arc;

use crate::engine::action::{ApplyFact, ClusterFact, DiscoveryFact, UpdateOutcome};
use crate::engine::effect::{Effect, KubernetesDeploy, Span};
use crate::engine::say::{self, span};
use crate::engine::state::{
    ApplyState, ClusterState, DiscoveryState, ForwardedPort, MAIN, Name, Removal, State, StreamState,
};
use crate::engine::workload;
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::pod::Pod;
use crate::model::workload::Source;

pub fn cluster(state: &mut State, fact: ClusterFact, effects: &mut Vec<Effect>) {
    let span = span("cluster:default", MAIN);
    let now = state.now;
    let before = match &*state.cluster {
        ClusterState::Connected(connected) => Some(Arc::clone(connected)),
        ClusterState::Failed { before, .. } => before.clone(),
        ClusterState::Unknown => None,
        // There is no way back to a cluster that was replaced.
        ClusterState::Moved { .. } => return,
    };
    let next = match fact {
        ClusterFact::Connected(connected) => ClusterState::Connected(Arc::new(*connected)),
        ClusterFact::Recovered => match before {
            Some(before) => {
                effects.push(say::info(&span, "The cluster answers again"));
                ClusterState::Connected(before)
            }
            None => return,
        },
        ClusterFact::Failed { error } => {
            if state.cluster.error() != Some(error.as_str()) {
                effects.push(say::error(&span, format!("Cluster connection failed: {error}")));
            }
            let since = match &*state.cluster {
                ClusterState::Failed { since, .. } => *since,
                _ => now,
            };
            ClusterState::Failed { error, since, before }
        }
        ClusterFact::Moved { error } => {
            effects.push(say::error(&span, error.clone()));
            state.session_mut().fatal = Some(error.clone());
            ClusterState::Moved { error }
        }
    };
    state.cluster = Arc::new(next);
    // What waited for it goes on.
    state.unsettled = true;
}

/// A run begins that applies something.
pub fn begins(state: &mut State, deploy: &KubernetesDeploy, run: u64, span: &Span) {
    let known = state.applies.get(&deploy.apply).map(Arc::as_ref).cloned();
    let mut apply = known.unwrap_or_else(|| ApplyState::new(span.clone()));
    let declared = state.resource(&deploy.apply).and_then(workload::target);
    apply.sought = declared.map(|target| target.objects.clone()).unwrap_or_default();
    apply.spared = Arc::clone(&deploy.elsewhere);
    apply.running = Some(run);
    apply.span = span.clone();
    apply.timeout = deploy.timeout;
    apply.delete = match &deploy.source {
        Source::Custom { delete, .. } => Some(delete.clone()),
        Source::Yaml(_) => None,
    };
    state.applies.insert(Arc::clone(&deploy.apply), Arc::new(apply));
}

pub fn applied(state: &mut State, name: &Name, run: u64, fact: ApplyFact, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(apply) = state.apply_mut(name).filter(|apply| apply.running == Some(run)) else {
        return;
    };
    match fact {
        ApplyFact::Started => {
            apply.started = Some(now);
            apply.finished = None;
            return;
        }
        ApplyFact::Done(deployed) => {
            let left = deployed.objects.iter().chain(&deployed.surplus).cloned().collect();
            let before = std::mem::replace(&mut apply.left, left);
            apply.finished = Some(now);
            apply.error = None;
            hand_over(state, name, &before);
            drop_old_pods(state, name, &deployed);
            if let Some(apply) = state.apply_mut(name) {
                apply.deployed = Some(deployed);
            }
        }
        ApplyFact::Failed { error, left } => {
            apply.left = joined(&apply.left, left).into();
            apply.finished = Some(now);
            apply.error = Some(error);
            // Nobody knows which parts of it are there.
            if let Some(deployed) = &mut apply.deployed {
                Arc::make_mut(deployed).hash = String::new();
            }
        }
    }
    overwritten(state, name);
    state.unsettled = true;
    workload::judge(state, name, effects);
}

/// Whoever deployed the same objects before cannot rely any more on what they are.
fn overwritten(state: &mut State, by: &Name) {
    let left = Arc::clone(&state.applies[by].left);
    let is_shared = |object: &ObjectRef| left.iter().any(|other| other.is_same_object(object));
    for (_, apply) in state.applies.iter_mut().filter(|(name, _)| *name != by) {
        let known = apply.deployed.as_ref();
        if known.is_some_and(|known| !known.hash.is_empty() && known.objects.iter().any(is_shared))
            && let Some(deployed) = &mut Arc::make_mut(apply).deployed
        {
            Arc::make_mut(deployed).hash = String::new();
        }
    }
}

/// What was spared because somebody else means to deploy it is theirs from now on, or it would be nobody's if they never do.
/// What nobody wants any more stays with the one who left it.
fn hand_over(state: &mut State, from: &Name, before: &[ObjectRef]) {
    let Some(apply) = state.applies.get(from).map(Arc::clone) else {
        return;
    };
    let is_spared = |object: &&ObjectRef| {
        let is_kept = apply.left.iter().any(|left| left.is_same_object(object));
        !is_kept && apply.spared.iter().any(|spared| spared.may_be(object))
    };
    for object in before.iter().filter(is_spared) {
        let has_it = |apply: &ApplyState| apply.left.iter().any(|left| left.is_same_object(object));
        if state.applies.values().any(|apply| has_it(apply)) {
            continue;
        }
        let heir = workload::declaring(state, object).unwrap_or_else(|| Arc::clone(from));
        let span = span(format!("kubernetesapply:{heir}"), &heir);
        let heir = state.applies.entry(heir);
        let heir = Arc::make_mut(heir.or_insert_with(|| Arc::new(ApplyState::new(span))));
        heir.left = joined(&heir.left, vec![object.clone()]).into();
    }
}

fn joined(known: &[ObjectRef], more: Vec<ObjectRef>) -> Vec<ObjectRef> {
    let mut joined: Vec<ObjectRef> = more;
    for object in known {
        if !joined.iter().any(|other| other.is_same_object(object)) {
            joined.push(object.clone());
        }
    }
    joined
}

/// Pods of what was deployed before say nothing about what is deployed now.
fn drop_old_pods(state: &mut State, name: &Name, deployed: &Deployed) {
    let hashes = workload::template_hashes(deployed);
    let Some(discovery) = state.discoveries.get_mut(name) else {
        return;
    };
    let is_of_it =
        |pod: &Arc<Pod>| hashes.is_empty() || pod.template_hash.is_empty() || hashes.contains(&pod.template_hash);
    if !discovery.pods.iter().all(is_of_it) {
        Arc::make_mut(discovery).pods.retain(is_of_it);
    }
}

/// A run has ended that belongs to no resource: what an object asked for, or a deletion.
pub fn ended(state: &mut State, run: u64, outcome: &UpdateOutcome, effects: &mut Vec<Effect>) {
    let is_its = |apply: &ApplyState| apply.running == Some(run) || apply.removal == Removal::Running(run);
    let found = state.applies.iter().find(|(_, apply)| is_its(apply));
    let Some(name) = found.map(|(name, _)| Arc::clone(name)) else {
        return;
    };
    state.unsettled = true;
    let Some(apply) = state.apply_mut(&name) else { return };
    if apply.running == Some(run) {
        apply.running = None;
        // What a resource's update failed at is the resource's business.
        if let UpdateOutcome::Failed(failure) = outcome
            && apply.ran.is_some()
        {
            apply.error.get_or_insert_with(|| failure.message.clone());
        }
        return;
    }
    match outcome {
        UpdateOutcome::Done => {
            apply.removal = Removal::None;
            let before = std::mem::replace(&mut apply.left, Arc::from([]));
            apply.deployed = None;
            apply.started = None;
            apply.finished = None;
            apply.error = None;
            apply.ran = None;
            hand_over(state, &name, &before);
        }
        UpdateOutcome::Cancelled | UpdateOutcome::FellBack | UpdateOutcome::Again => half_removed(apply),
        UpdateOutcome::Failed(failure) => {
            half_removed(apply);
            effects.push(say::error(
                &apply.span,
                format!("Not everything was deleted: {}", failure.message),
            ));
        }
    }
    workload::judge(state, &name, effects);
}

/// Nobody knows which parts of it are there still, so whoever wants it again has all of it applied.
fn half_removed(apply: &mut ApplyState) {
    apply.removal = Removal::Failed;
    apply.ran = None;
    if let Some(deployed) = &mut apply.deployed {
        Arc::make_mut(deployed).hash = String::new();
    }
}

pub fn discovered(state: &mut State, name: &Name, generation: u64, fact: DiscoveryFact, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(known) = state
        .discoveries
        .get_mut(name)
        .filter(|known| known.generation == generation)
    else {
        return;
    };
    let known = Arc::make_mut(known);
    match fact {
        DiscoveryFact::Started => {
            known.started.get_or_insert(now);
            known.error = None;
        }
        DiscoveryFact::Recovered => known.error = None,
        DiscoveryFact::Failed { error } => {
            if known.error.as_ref() != Some(&error) {
                let span = span(format!("monitor:{name}"), name);
                effects.push(say::warn(&span, format!("Cannot see its pods: {error}")));
            }
            known.error = Some(error);
        }
        DiscoveryFact::Pods(pods) => {
            known.started.get_or_insert(now);
            known.error = None;
            known.pods = pods;
            rollout(state, name, effects);
        }
    }
    state.unsettled = true;
    workload::judge(state, name, effects);
}

/// Tells what is new of how the newest pod comes up.
fn rollout(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let Some(resource) = state.resource(name).map(|resource| resource.name().to_owned()) else {
        return;
    };
    let Some(known) = state.discoveries.get_mut(name) else {
        return;
    };
    let Some(pod) = known.pods.last().cloned() else { return };
    let place = known.told.iter().position(|(told, _)| *told == pod.uid);
    let mut rollout = place.map(|place| known.told[place].1.clone()).unwrap_or_default();
    let lines = rollout.lines(&pod);
    if lines.is_empty() {
        return;
    }
    let span = span(format!("monitor:{resource}:{}", pod.name), &resource);
    effects.push(say::info(&span, lines.join("\n")));
    let known: &mut DiscoveryState = Arc::make_mut(known);
    let pods = &known.pods;
    known
        .told
        .retain(|(told, _)| *told != pod.uid && pods.iter().any(|pod| pod.uid == *told));
    known.told.push((pod.uid.clone(), rollout));
}

pub fn logs(state: &mut State, name: &Name, stream: StreamState) {
    if let Some(known) = state.streams.get_mut(name)
        && **known != stream
    {
        *known = Arc::new(stream);
    }
}

pub fn forward(state: &mut State, name: &Name, ports: Vec<ForwardedPort>) {
    let known = Arc::make_mut(state.forwards.entry(Arc::clone(name)).or_default());
    if known.ports != ports {
        known.ports = ports;
        state.unsettled = true;
        workload::relink(state, name);
    }
}
