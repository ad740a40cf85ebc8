//! Pure. Which long-lived tasks should exist, by key. What exists and differs is replaced, what is not in here is released.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::effect::{DiscoveryTask, Effect, ForwardTask, Key, LogsTask, ProcessTask, Task};
use crate::engine::objects::status::{is_disabled, log_span};
use crate::engine::reduce::process::serve_key;
use crate::engine::say::span;
use crate::engine::spec;
use crate::engine::state::{ClusterState, DiscoveryState, Mode, ResourceState, State};
use crate::engine::workload::{forwarded, template_hashes};
use crate::model::object::Stored;
use crate::model::object::kinds::{
    CMD, FILE_WATCH, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD,
};
use crate::model::pod::Pod;
use crate::model::project::Target;
use crate::model::time::Time;

pub type Tasks = BTreeMap<Key, Task>;

#[cfg(test)]
pub fn desired(state: &State) -> Tasks {
    with_watches(state, watches(state))
}

/// The watches by themselves: they follow from objects that seldom change.
pub fn watches(state: &State) -> Tasks {
    let mut tasks = Tasks::new();
    // `tilt ci` runs everything once, so there is nothing to watch for.
    if state.session.mode != Mode::Ci {
        watched(state, &mut tasks);
    }
    tasks
}

/// Everything, where the watches are known.
pub fn with_watches(state: &State, mut tasks: Tasks) -> Tasks {
    if state.session.ending.is_some() {
        return Tasks::new();
    }
    deploys(state, &mut tasks);
    served(state, &mut tasks);
    cmds(state, &mut tasks);
    for (name, repo) in &state.repos {
        if let Some(task) = &repo.asked {
            tasks.insert(Key::Repo(Arc::clone(name)), task.clone());
        }
    }
    for (name, extension) in &state.extensions {
        if let Some(task) = &extension.asked {
            tasks.insert(Key::Extension(Arc::clone(name)), task.clone());
        }
    }
    tasks
}

fn watched(state: &State, tasks: &mut Tasks) {
    for watch in state.table.list(&FILE_WATCH) {
        if is_disabled(&state.table, &watch.spec) {
            continue;
        }
        let paths = spec::texts(&watch.spec, "watchedPaths");
        let task = Task::Watch {
            paths: paths.into_iter().map(Into::into).collect(),
            ignores: spec::ignores(&watch.spec),
        };
        tasks.insert(Key::Watch((*watch.name).into()), task);
    }
}

fn served(state: &State, tasks: &mut Tasks) {
    for (name, resource) in &state.resources {
        let (Some(serve), Target::Local(local)) = (&resource.serve, &resource.declared.target) else {
            continue;
        };
        let task = ProcessTask {
            generation: serve.process.generation,
            argv: local.serve.argv.clone(),
            dir: local.serve.dir.clone(),
            env: local.serve.env.clone(),
            probe: local.readiness_probe.clone(),
            span: span(format!("localserve:{}", serve.number), name),
        };
        tasks.insert(Key::Process(serve_key(name)), Task::Process(Box::new(task)));
    }
}

fn cmds(state: &State, tasks: &mut Tasks) {
    for (name, cmd) in &state.cmds {
        let (Some(process), Some(ran)) = (&cmd.process, &cmd.ran) else {
            continue;
        };
        let Some(object) = state.table.get(&CMD, name) else {
            continue;
        };
        let command = spec::command(ran);
        let task = ProcessTask {
            generation: process.generation,
            argv: command.argv,
            dir: command.dir,
            env: [command.env, cmd.input_env.clone()].concat(),
            probe: spec::probe(ran),
            span: log_span(object),
        };
        tasks.insert(Key::Process(Arc::clone(name)), Task::Process(Box::new(task)));
    }
}

/// The cluster as long as anything is for it, the pods that objects ask for, their logs and their ports.
fn deploys(state: &State, tasks: &mut Tasks) {
    let is_for_it = |resource: &Arc<ResourceState>| resource.enabled && resource.is_kubernetes();
    let kinds = [&KUBERNETES_APPLY, &KUBERNETES_DISCOVERY, &POD_LOG_STREAM, &PORT_FORWARD];
    let is_needed = state.resources.values().any(is_for_it)
        || kinds.iter().any(|kind| state.table.list(kind).next().is_some())
        || !state.applies.is_empty();
    if !is_needed || matches!(*state.cluster, ClusterState::Moved { .. }) {
        return;
    }
    tasks.insert(Key::Cluster, Task::Cluster);
    // Until it was reached for the first time there is nothing to look at.
    if matches!(
        *state.cluster,
        ClusterState::Unknown | ClusterState::Failed { before: None, .. }
    ) {
        return;
    }
    for object in state.table.list(&KUBERNETES_DISCOVERY) {
        if let Some(known) = state.discoveries.get(&*object.name) {
            let task = Task::Discovery(Box::new(discovery(state, object, known)));
            tasks.insert(Key::Discovery((*object.name).into()), task);
        }
        if let Some(task) = forward_of(state, object) {
            tasks.insert(Key::Forward((*object.name).into()), Task::Forward(Box::new(task)));
        }
    }
    for object in state.table.list(&POD_LOG_STREAM) {
        tasks.insert(
            Key::PodLogs((*object.name).into()),
            Task::PodLogs(Box::new(logs(object))),
        );
    }
    for object in state.table.list(&PORT_FORWARD) {
        let is_own = object
            .meta
            .owners
            .iter()
            .any(|owner| &*owner.kind == KUBERNETES_DISCOVERY.name);
        if !is_own {
            tasks.insert(
                Key::Forward((*object.name).into()),
                Task::Forward(Box::new(forward(object))),
            );
        }
    }
}

fn discovery(state: &State, object: &Stored, known: &DiscoveryState) -> DiscoveryTask {
    let template = state
        .applies
        .get(&*object.name)
        .and_then(|apply| apply.deployed.as_ref());
    let about = log_span(object);
    DiscoveryTask {
        generation: known.generation,
        wanted: spec::wanted(
            &object.spec,
            template.map(|deployed| template_hashes(deployed)).unwrap_or_default(),
        ),
        since: state.session.started,
        span: span(format!("events:{}", about.resource), &about.resource),
    }
}

fn logs(object: &Stored) -> LogsTask {
    LogsTask {
        pod: spec::text(&object.spec, "pod").to_owned(),
        namespace: spec::text(&object.spec, "namespace").to_owned(),
        since: Time::parse(spec::text(&object.spec, "sinceTime")),
        only: spec::texts(&object.spec, "onlyContainers"),
        ignore: spec::texts(&object.spec, "ignoreContainers"),
        span: log_span(object),
    }
}

/// The ports of whichever pod of a discovery counts.
fn forward_of(state: &State, object: &Stored) -> Option<ForwardTask> {
    let template = spec::map(&object.spec, "portForwardTemplateSpec")?;
    if !state.session.forwards_ports || state.session.mode == Mode::Ci {
        return None;
    }
    let known = state.discoveries.get(&*object.name)?;
    let pod = forwarded(&known.pods);
    let about = log_span(object);
    Some(ForwardTask {
        ports: spec::forwards(template),
        target: pod.map(Arc::clone),
        span: about,
    })
}

/// The ports of one pod that somebody named.
fn forward(object: &Stored) -> ForwardTask {
    let pod = Pod {
        name: spec::text(&object.spec, "podName").into(),
        namespace: spec::text(&object.spec, "namespace").into(),
        ..Pod::default()
    };
    ForwardTask {
        ports: spec::forwards(&object.spec),
        target: Some(Arc::new(pod)),
        span: log_span(object),
    }
}

/// The orders that turn what is kept into what is desired.
pub fn difference(kept: &mut Tasks, wanted: Tasks, effects: &mut Vec<Effect>) {
    for key in kept.keys().filter(|key| !wanted.contains_key(key)) {
        effects.push(Effect::Release { key: key.clone() });
    }
    for (key, task) in &wanted {
        if kept.get(key).is_none_or(|known| !is_same(known, task)) {
            effects.push(Effect::Keep {
                key: key.clone(),
                task: task.clone(),
            });
        }
    }
    *kept = wanted;
}

/// A process that runs is not touched by a definition that is for the next one.
fn is_same(known: &Task, wanted: &Task) -> bool {
    match (known, wanted) {
        (Task::Process(known), Task::Process(wanted)) => known.generation == wanted.generation,
        (Task::Discovery(known), Task::Discovery(wanted)) => known.generation == wanted.generation,
        // A pod is the same one whatever becomes of it.
        (Task::Forward(known), Task::Forward(wanted)) => {
            let pod = |task: &ForwardTask| {
                task.target
                    .as_ref()
                    .map(|pod| (pod.namespace.clone(), pod.name.clone()))
            };
            known.ports == wanted.ports && pod(known) == pod(wanted)
        }
        _ => known == wanted,
    }
}
