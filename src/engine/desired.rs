//! Pure. Which long-lived tasks should exist, by key. What exists and differs is replaced, what is not in here is released.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::effect::{Effect, Key, ProcessTask, Task};
use crate::engine::objects::status::{is_disabled, log_span};
use crate::engine::reduce::process::serve_key;
use crate::engine::say::span;
use crate::engine::spec;
use crate::engine::state::{Mode, State};
use crate::model::object::kinds::{CMD, FILE_WATCH};
use crate::model::project::Target;

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
        _ => known == wanted,
    }
}
