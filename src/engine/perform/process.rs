//! Processes that are kept running: servers of resources, and Cmd objects. The next one of a key waits for the one before.

use std::collections::HashMap;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::engine::action::{Action, ProcessFact, Readiness};
use crate::engine::effect::ProcessTask;
use crate::engine::logs::SpanWriter;
use crate::engine::perform::Context;
use crate::engine::perform::update::{MOST_CHUNKS, write_all};
use crate::engine::state::Name;
use crate::world::probe::{self, Place};
use crate::world::process::serve::{self, Event, GRACE, Reports, Spec, Stop};

#[derive(Default)]
pub struct Processes(HashMap<Name, Kept>);

struct Kept {
    stop: Stop,
    /// Closed once the process and all before it have ended.
    ended: watch::Receiver<()>,
}

impl Processes {
    pub fn keep(&mut self, name: Name, task: ProcessTask, context: &Context, kill: &CancellationToken) {
        self.0.retain(|_, kept| kept.ended.has_changed().is_ok());
        let before = self.0.remove(&name).map(|kept| {
            kept.stop.politely.cancel();
            kept.ended
        });
        let stop = Stop {
            politely: CancellationToken::new(),
            at_once: kill.child_token(),
        };
        let (running, ended) = watch::channel(());
        let own = stop.clone();
        let shared = context.clone();
        let key = name.clone();
        context.tracker.spawn(async move {
            if let Some(mut before) = before {
                // It ends by being dropped, which is an error only to who waits for a value.
                while before.changed().await.is_ok() {}
            }
            run(&key, &task, &own, &shared).await;
            drop(running);
        });
        self.0.insert(name, Kept { stop, ended });
    }

    pub fn release(&mut self, name: &str) {
        if let Some(kept) = self.0.get(name) {
            kept.stop.politely.cancel();
        }
    }

    pub fn release_all(&mut self) {
        self.0.values().for_each(|kept| kept.stop.politely.cancel());
    }
}

async fn run(key: &Name, task: &ProcessTask, stop: &Stop, context: &Context) {
    let spec = Spec {
        argv: task.argv.clone(),
        dir: task.dir.clone(),
        env: context.surroundings.env(&task.env),
        grace: GRACE,
    };
    let tell = |fact| {
        context.tell(Action::Process {
            process: key.clone(),
            generation: task.generation,
            fact,
        });
    };
    let writer = context.span(&task.span);
    let (output, chunks) = mpsc::channel(MOST_CHUNKS);
    let probing = CancellationToken::new();
    let events = |event| match event {
        Event::Started { pid } => {
            tell(ProcessFact::Started { pid });
            probe(key, task, &spec, (&probing, context));
        }
        waiting => writer.info(&waiting.to_string()),
    };
    let reports = Reports {
        output: &output,
        events,
    };
    let pump = context.tracker.spawn(write_all(chunks, writer.sibling()));
    let exit = serve::run(&spec, stop, context.surroundings.guard.as_deref(), reports).await;
    probing.cancel();
    drop(output);
    if pump.await.is_err() {
        writer.error("the output of this command could not be logged");
    }
    if exit.pid.is_none() && !exit.is_stopped {
        writer.error(&exit.reason);
    }
    tell(ProcessFact::Exited {
        pid: exit.pid.unwrap_or_default(),
        code: exit.code,
        reason: exit.reason,
    });
}

/// Tells when the process is ready: at once where nothing is to be probed.
fn probe(key: &Name, task: &ProcessTask, spec: &Spec, (probing, context): (&CancellationToken, &Context)) {
    let fact = {
        let (process, generation) = (key.clone(), task.generation);
        move |ready| Action::Process {
            process: process.clone(),
            generation,
            fact: ProcessFact::Ready { ready },
        }
    };
    let Some(what) = task.probe.clone() else {
        return context.tell(fact(Readiness::Ready));
    };
    let (dir, env) = (spec.dir.clone(), spec.env.clone());
    let (probing, shared) = (probing.clone(), context.clone());
    let writer: SpanWriter = context.span(&task.span);
    context.tracker.spawn(async move {
        let place = Place {
            dir: &dir,
            env: &env,
            guard: shared.surroundings.guard.as_deref(),
        };
        let report = |change: crate::model::probe::Change| {
            writer.info(&change.line());
            let ready = match change.is_ready() {
                true => Readiness::Ready,
                false => Readiness::NotReady,
            };
            shared.tell(fact(ready));
        };
        probe::watch(&what, place, &probing, report).await;
    });
}
