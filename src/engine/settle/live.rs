//! Pure. What follows from containers that come and go: where something of ours has to work, and which of them lack changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::effect::{AgentTask, Effect};
use crate::engine::say::span;
use crate::engine::state::{AgentPhase, AgentState, InPlace, Name, ResourceState, State};
use crate::engine::{live, workload};

pub fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    let names: Vec<Name> = state
        .resources
        .iter()
        .filter(|(_, resource)| live::can_be(resource) || resource.is_behind || resource.in_place != InPlace::default())
        .map(|(name, _)| Arc::clone(name))
        .collect();
    // Most sessions are without any, and this is asked at most turns.
    if names.is_empty() && state.lives.is_empty() && state.agents.is_empty() {
        return;
    }
    agents(state);
    containers(state, &names);
    for name in &names {
        behind(state, name, effects);
        ways(state, name);
    }
}

/// What was deployed runs once it is ready and lacks nothing.
pub fn runs(state: &mut State) {
    let now = state.now;
    let is_there = |resource: &ResourceState| {
        let is_deployed = resource.is_kubernetes() && resource.freshness.deployed.is_some();
        is_deployed && resource.workload.is_ready() && !resource.is_behind
    };
    for resource in state.resources.values_mut().filter(|resource| is_there(resource)) {
        let resource = Arc::make_mut(resource);
        if let Some(up_to) = resource.freshness.deployed.take() {
            resource.freshness.runs(up_to, now);
        }
    }
}

/// How changes get into its containers, and what became of the programs there.
fn ways(state: &mut State, name: &Name) {
    let Some(resource) = state.resource(name) else { return };
    let mut ways = InPlace {
        built_because: resource
            .in_place
            .built_because
            .clone()
            .filter(|_| live::can_be(resource)),
        ..InPlace::default()
    };
    for one in live::lives(state, resource) {
        for reached in one.reached(state, resource) {
            let Some(agent) = state.agents.get(&*reached.container.id) else {
                continue;
            };
            if let AgentPhase::Ready { fallback: Some(why) } = &agent.phase {
                ways.fallback.get_or_insert_with(|| why.clone());
            }
            if let Some(how) = &agent.app_ended {
                let container = &reached.container.name;
                ways.ended
                    .get_or_insert_with(|| format!("the program in container {container} {how}"));
            }
        }
    }
    if ways != resource.in_place
        && let Some(resource) = state.resource_mut(name)
    {
        resource.in_place = ways;
    }
}

fn agents(state: &mut State) {
    let began_with = state.session.started;
    let wanted: BTreeMap<Name, AgentTask> = match state.session.ending {
        Some(_) => BTreeMap::new(),
        None => live::agents(state)
            .into_iter()
            .map(|(id, agent)| {
                let task = AgentTask {
                    namespace: agent.reached.pod.namespace.clone(),
                    pod: agent.reached.pod.name.clone(),
                    container: agent.reached.container.name.clone(),
                    id: agent.reached.container.id.clone(),
                    roots: agent.roots,
                    pulls: agent.pulls,
                    // In older ones there may be what another session brought there.
                    since: agent.reached.container.began().filter(|began| *began >= began_with),
                    span: span(format!("liveupdate:{}", agent.resource), agent.resource),
                };
                (id, task)
            })
            .collect(),
    };
    state.agents.retain(|id, _| wanted.contains_key(id));
    for (id, task) in wanted {
        let known = state.agents.entry(id).or_default();
        if *known.task != task {
            let known: &mut AgentState = Arc::make_mut(known);
            known.task = Arc::new(task);
            // Whoever does it now is yet to come.
            known.phase = AgentPhase::Starting;
        }
    }
}

/// What is known of containers that are gone is of no use; what is new begins.
fn containers(state: &mut State, names: &[Name]) {
    let mut there: BTreeMap<Name, Vec<Box<str>>> = BTreeMap::new();
    for resource in names.iter().filter_map(|name| state.resource(name)) {
        for one in live::lives(state, resource) {
            let reached = one.reached(state, resource).into_iter();
            let ids = reached
                .map(|reached| reached.container.id.clone())
                .filter(|id| !id.is_empty());
            there.insert(Arc::clone(&one.name), ids.collect());
        }
    }
    state.lives.retain(|name, _| there.contains_key(name));
    for (name, ids) in there {
        let known = state.lives.entry(name).or_default();
        let is_same = ids.len() == known.containers.len() && ids.iter().all(|id| known.containers.contains_key(id));
        if !is_same {
            let known = Arc::make_mut(known);
            known.containers.retain(|id, _| ids.contains(id));
            for id in ids {
                known.containers.entry(id).or_default();
            }
        }
    }
}

fn behind(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let Some(resource) = state.resource(name) else { return };
    let is_behind = live::is_behind(state, resource);
    if is_behind == resource.is_behind {
        return;
    }
    if let Some(resource) = state.resource_mut(name) {
        resource.is_behind = is_behind;
    }
    workload::judge(state, name, effects);
}
