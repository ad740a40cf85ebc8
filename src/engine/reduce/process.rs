//! Pure. What becomes of processes that are kept running.

use std::sync::Arc;

use crate::engine::action::{ProcessFact, Readiness};
use crate::engine::effect::Effect;
use crate::engine::say::{self, span};
use crate::engine::state::{Name, Phase, ProcessState, Serve, State, next};
use crate::model::command::{Command, Echo};
use crate::model::project::Target;
use crate::model::time::Time;

/// The name under which a resource's process is kept; one that differs from every Cmd object's.
pub fn serve_key(resource: &str) -> Name {
    format!("serve/{resource}").into()
}

/// Starts what a resource serves, after the one before it has ended.
pub fn serve(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(resource) = state.resource(name) else { return };
    let Target::Local(local) = &resource.declared.target else {
        return;
    };
    if local.serve.is_empty() {
        return;
    }
    let command = local.serve.clone();
    let number = next(&mut state.counters.serves);
    let generation = next(&mut state.counters.generations);
    if command.echo == Echo::On {
        let span = span(format!("localserve:{number}"), name);
        effects.push(say::info(
            &span,
            format!("Running cmd: {}", Command::display(&command.argv)),
        ));
    }
    if let Some(resource) = state.resource_mut(name) {
        resource.serve = Some(Serve {
            cmd: format!("{name}-serve-{number}").into(),
            number,
            process: ProcessState::new(generation, now),
        });
    }
}

pub fn process(state: &mut State, key: &Name, generation: u64, fact: ProcessFact, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(process) = process_mut(state, key) else { return };
    // What an older generation still has to say is of no interest any more.
    if process.generation != generation {
        return;
    }
    take(process, fact, now);
    let is_ready = process.is_ready();
    let exit = match &process.phase {
        Phase::Exited { code, .. } => Some(*code),
        Phase::Starting | Phase::Running { .. } => None,
    };
    let served = key.strip_prefix("serve/").and_then(|name| state.resource_mut(name));
    let Some(resource) = served else { return };
    resource.ever_ready |= is_ready;
    if is_ready && let Some(up_to) = resource.freshness.deployed.take() {
        resource.freshness.runs(up_to, now);
    }
    if let (Some(code), Some(serve)) = (exit, &resource.serve) {
        let span = span(format!("localserve:{}", serve.number), resource.name());
        effects.push(say::error(&span, format!("Server exited with exit code {code}")));
    }
}

fn process_mut<'a>(state: &'a mut State, key: &str) -> Option<&'a mut ProcessState> {
    match key.strip_prefix("serve/") {
        Some(resource) => {
            let serve = state.resource_mut(resource)?.serve.as_mut()?;
            Some(&mut serve.process)
        }
        None => Arc::make_mut(state.cmds.get_mut(key)?).process.as_mut(),
    }
}

fn take(process: &mut ProcessState, fact: ProcessFact, now: Time) {
    match fact {
        ProcessFact::Started { pid } => process.phase = Phase::Running { pid, started: now },
        ProcessFact::Ready { ready } => {
            process.readiness = ready;
            if ready == Readiness::Ready {
                process.ready_at = Some(now);
            }
        }
        ProcessFact::Exited { pid, code, reason } => {
            let started = match process.phase {
                Phase::Running { started, .. } => started,
                _ => process.asked,
            };
            process.readiness = Readiness::NotReady;
            process.phase = Phase::Exited {
                pid,
                code,
                reason,
                started,
                finished: now,
            };
        }
    }
}
