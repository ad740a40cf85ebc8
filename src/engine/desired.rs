//! Pure. Which long-lived tasks should exist, by key. What exists and differs is replaced, what is not in here is released.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::effect::{DiscoveryTask, Effect, ForwardTask, Key, LogsTask, ProcessTask, Task};
use crate::engine::objects::status::{is_disabled, log_span};
use crate::engine::reduce::process::serve_key;
use crate::engine::say::span;
use crate::engine::spec;
use crate::engine::state::{ClusterState, DiscoveryState, Mode, ResourceState, State};
use crate::engine::touched::{Names, Seen};
use crate::engine::workload::{forwarded, template_hashes};
use crate::model::object::kinds::{
    CMD, CONFIG_MAP, FILE_WATCH, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD,
};
use crate::model::object::{Kind, Stored, Table};
use crate::model::pod::Pod;
use crate::model::project::Target;
use crate::model::time::Time;

pub type Tasks = BTreeMap<Key, Task>;

#[cfg(test)]
pub fn desired(state: &State) -> Tasks {
    let all = Seen::default().touched(state);
    let scope = Scope {
        watches: true,
        deploys: &all,
    };
    scope.tasks(state)
}

/// What is kept, and what there was when it was made out.
#[derive(Debug, Default)]
pub struct Kept {
    tasks: Tasks,
    table: Option<Table>,
    deploys: Seen,
    reach: Reach,
}

impl Kept {
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Brings it up to date with the state. What cannot have changed is not made out again: watches follow from objects that
    /// seldom change, and deploys are many.
    pub fn follow(&mut self, state: &State, effects: &mut Vec<Effect>) {
        let reach = reach(state);
        let known = self.table.as_ref().filter(|_| reach == self.reach);
        let is_same = |kind: &Kind| known.is_some_and(|known| known.same_kind(&state.table, kind));
        let seen = match known {
            Some(_) => std::mem::take(&mut self.deploys),
            None => Seen::default(),
        };
        let mut touched = seen.touched(state);
        if known.is_none() {
            touched.extend(self.tasks.keys().filter_map(Key::deploy).map(Box::from));
        }
        let scope = Scope {
            watches: ![&FILE_WATCH, &CONFIG_MAP].into_iter().all(is_same),
            deploys: &touched,
        };
        let wanted = scope.tasks(state);
        difference(&mut self.tasks, wanted, |key| scope.has(key), effects);
        self.table = Some(state.table.clone());
        self.deploys = Seen::of(state);
        self.reach = reach;
    }
}

/// How far the state lets tasks be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    /// Nothing is any more.
    #[default]
    Nothing,
    /// What needs no cluster.
    Here,
    /// Until it was reached for the first time there is nothing to look at.
    Cluster,
    Everything,
}

fn reach(state: &State) -> Reach {
    if state.session.ending.is_some() {
        return Reach::Nothing;
    }
    let is_for_it = |resource: &Arc<ResourceState>| resource.enabled && resource.is_kubernetes();
    let kinds = [&KUBERNETES_APPLY, &KUBERNETES_DISCOVERY, &POD_LOG_STREAM, &PORT_FORWARD];
    let is_needed = state.resources.values().any(is_for_it)
        || kinds.iter().any(|kind| state.table.list(kind).next().is_some())
        || !state.applies.is_empty();
    match &*state.cluster {
        _ if !is_needed => Reach::Here,
        ClusterState::Moved { .. } => Reach::Here,
        ClusterState::Unknown | ClusterState::Failed { before: None, .. } => Reach::Cluster,
        ClusterState::Connected(_) | ClusterState::Failed { .. } => Reach::Everything,
    }
}

/// The part of all tasks that is made out.
struct Scope<'a> {
    watches: bool,
    deploys: &'a Names,
}

impl Scope<'_> {
    fn has(&self, key: &Key) -> bool {
        match key {
            Key::Watch(_) => self.watches,
            key => key.deploy().is_none_or(|name| self.deploys.contains(name)),
        }
    }

    fn tasks(&self, state: &State) -> Tasks {
        let mut tasks = Tasks::new();
        let reach = reach(state);
        if reach == Reach::Nothing {
            return tasks;
        }
        // `tilt ci` runs everything once, so there is nothing to watch for.
        if self.watches && state.session.mode != Mode::Ci {
            watched(state, &mut tasks);
        }
        if matches!(reach, Reach::Cluster | Reach::Everything) {
            tasks.insert(Key::Cluster, Task::Cluster);
        }
        if reach == Reach::Everything {
            self.deploys.iter().for_each(|name| deploy(state, name, &mut tasks));
            agents(state, &mut tasks);
        }
        others(state, &mut tasks);
        tasks
    }
}

impl Key {
    /// The name of the object that it is kept for, where it is one of those that deploys consist of.
    fn deploy(&self) -> Option<&str> {
        match self {
            Key::Discovery(name) | Key::PodLogs(name) | Key::Forward(name) => Some(name),
            Key::Watch(_) | Key::Process(_) | Key::Repo(_) | Key::Extension(_) | Key::Cluster | Key::Agent(_) => None,
        }
    }
}

/// What there are so few of that all of them are made out each time.
fn others(state: &State, tasks: &mut Tasks) {
    served(state, tasks);
    cmds(state, tasks);
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
}

fn agents(state: &State, tasks: &mut Tasks) {
    for (id, agent) in &state.agents {
        tasks.insert(Key::Agent(Arc::clone(id)), Task::Agent(Arc::clone(&agent.task)));
    }
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

/// The pods that objects of this name ask for, their logs and their ports.
fn deploy(state: &State, name: &str, tasks: &mut Tasks) {
    if let Some(object) = state.table.get(&KUBERNETES_DISCOVERY, name) {
        if let Some((name, known)) = state.discoveries.get_key_value(name) {
            let task = Task::Discovery(Box::new(discovery(state, object, known)));
            tasks.insert(Key::Discovery(Arc::clone(name)), task);
        }
        if let Some(task) = forward_of(state, object) {
            tasks.insert(Key::Forward(name.into()), Task::Forward(Box::new(task)));
        }
    }
    if let Some(object) = state.table.get(&POD_LOG_STREAM, name) {
        tasks.insert(Key::PodLogs(name.into()), Task::PodLogs(Box::new(logs(object))));
    }
    if let Some(object) = state.table.get(&PORT_FORWARD, name) {
        let mut owners = object.meta.owners.iter();
        if !owners.any(|owner| &*owner.kind == KUBERNETES_DISCOVERY.name) {
            tasks.insert(Key::Forward(name.into()), Task::Forward(Box::new(forward(object))));
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

/// The orders that turn what is kept into what is desired, as far as that was made out.
fn difference(kept: &mut Tasks, wanted: Tasks, is_meant: impl Fn(&Key) -> bool, effects: &mut Vec<Effect>) {
    kept.retain(|key, _| {
        let stays = !is_meant(key) || wanted.contains_key(key);
        if !stays {
            effects.push(Effect::Release { key: key.clone() });
        }
        stays
    });
    for (key, task) in wanted {
        if kept.get(&key).is_none_or(|known| !is_same(known, &task)) {
            effects.push(Effect::Keep {
                key: key.clone(),
                task: task.clone(),
            });
        }
        kept.insert(key, task);
    }
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
