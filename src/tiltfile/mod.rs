//! Evaluates a Tiltfile to a `Project`: plain values, no Starlark inside.
//!
//! `evaluate` is the front door. It never applies, builds or watches anything; what it runs are the commands that the Tiltfile asks
//! for while it loads (`local`, `helm`, `docker compose config`, …), and what it read is listed in the answer, failed or not.

// Starlark's derive macros write `unsafe impl`s for lifetimes. Nothing here is unsafe by hand, which the tidy test checks.
#![allow(unsafe_code)]

pub mod analysis;
pub mod builtins;
pub mod bundled;
pub mod call;
mod convert;
mod declared;
mod diagnostic;
pub mod extension;
pub mod function;
pub mod globals;
pub mod host;
mod loader;
mod print;
mod run;
mod signature;
mod source;
mod stack;
#[cfg(test)]
pub mod testing;
mod timing;
mod values;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};

pub use timing::Timed;

use crate::model::project::{Evaluation, Hashes};
use crate::model::report::Failure;
use crate::tiltfile::host::{Environment, Host, LogLine};
use crate::tiltfile::run::Run;
use crate::world::kubeconfig::{Context, Sources};
use crate::world::process::Cancel;

/// What is to be evaluated, and in which surroundings.
#[derive(Clone, Debug)]
pub struct Request {
    /// Absolute.
    pub tiltfile: PathBuf,
    /// Arguments behind the command's own flags, for `config.parse()`.
    pub args: Vec<String>,
    /// `up`, `ci`, `down`, `alpha tiltfile-result`, …
    pub subcommand: String,
    pub purpose: Purpose,
    pub environment: Environment,
    /// `sys.argv` and `sys.executable`.
    pub command_line: Vec<String>,
    pub executable: PathBuf,
    /// `--context` and `--namespace`, where given.
    pub kube_context: Option<String>,
    pub kube_namespace: Option<String>,
    /// The context of the session that wants this; without one, whichever is active.
    pub pinned: Option<Arc<Context>>,
    pub timings: Timed,
    pub limits: Limits,
    /// Ends the commands that the Tiltfile runs, and with them the evaluation.
    pub cancel: Cancel,
}

impl Request {
    /// Where its kubeconfig comes from.
    pub fn kubeconfig(&self) -> Sources {
        let variable = |name: &str| self.environment.get(name).cloned();
        Sources {
            variable: variable("KUBECONFIG"),
            home: variable("HOME").unwrap_or_default().into(),
            context: self.kube_context.clone(),
            namespace: self.kube_namespace.clone(),
        }
    }
}

/// What the project is wanted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Its resources: images that none of them uses are not built, which is a warning.
    #[default]
    Resources,
    /// Its images, used or not. Nothing is deployed, so no cluster is too good for it.
    Images,
}

/// How much a Tiltfile may use before it counts as a runaway.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls and turns of loops.
    pub steps: u64,
    pub heap_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 50_000_000,
            heap_bytes: 512 << 20,
        }
    }
}

/// The interpreter recurses on the native stack; its pages are used only when touched.
const STACK_BYTES: usize = 512 << 20;

/// A Tiltfile that logs faster than anybody reads waits.
const MOST_UNREAD_LINES: usize = 1000;

/// Evaluates on a thread of its own; log lines arrive at `log` while it runs.
pub fn evaluate(request: Request, log: impl Fn(LogLine)) -> Evaluation {
    let (sender, lines) = mpsc::sync_channel(MOST_UNREAD_LINES);
    let broken = {
        let tiltfile = request.tiltfile.clone();
        move |message: &str| broken(tiltfile, message)
    };
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name("tiltfile".to_owned())
            .stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, move || {
            let log = Box::new(move |line| {
                // The receiver lives until this thread is done.
                let _ = sender.send(line);
            });
            evaluate_here(request, log)
        });
        match thread {
            Ok(thread) => {
                lines.iter().for_each(&log);
                thread
                    .join()
                    .unwrap_or_else(|_| broken("the evaluator panicked; this is a bug in tilt"))
            }
            Err(error) => broken(&format!("no thread for the evaluator: {error}")),
        }
    })
}

fn evaluate_here(request: Request, log: Box<dyn Fn(LogLine)>) -> Evaluation {
    let host = Host::new(request.environment.clone(), log);
    let globals = globals::build(&request, &host);
    let run = Run::new(request, host, globals);
    let project = convert::project(&run);
    Evaluation {
        project,
        config_files: run.host.watched(),
        hashes: convert::hashes(&run),
        warnings: run.warnings.get(),
        timings: run.timings.take(),
    }
}

/// An evaluation of which nothing is left; a change of the Tiltfile tries again.
fn broken(tiltfile: PathBuf, message: &str) -> Evaluation {
    Evaluation {
        project: Err(Failure::whole(message)),
        config_files: vec![tiltfile],
        hashes: Hashes::default(),
        warnings: 0,
        timings: Vec::new(),
    }
}
