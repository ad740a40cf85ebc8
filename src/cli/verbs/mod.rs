//! The verbs on objects of a running tilt, with the meaning, the output and the errors of `kubectl`: one file a command.
//!
//! Thinking stands in pure files (`targets`, `source`, `selector`, `last_applied`, `generate`, `condition`, `page`, `ui::print`); the files of the commands
//! ask the server and print. Kinds are compiled in, so a command costs the one request that it is about.

mod api_resources;
mod apply;
pub mod args;
mod condition;
mod create;
mod delete;
mod describe;
mod edit;
pub mod editor;
mod explain;
pub mod flags;
mod fresh;
mod generate;
mod generators;
mod get;
mod input;
mod last_applied;
mod page;
mod patch;
mod report;
mod select;
mod selector;
mod sort;
mod source;
pub mod surroundings;
mod targets;
mod wait;

use std::ffi::OsString;
use std::future::Future;
use std::path::PathBuf;

use args::{AlphaVerb, Verb};
use surroundings::Surroundings;

use crate::cli::exit::Exit;
use crate::engine::logs::SpanWriter;

/// Applies files to the server of a port, as `tilt apply -f` does, and says in the log what could not be.
pub async fn apply_files(files: Vec<PathBuf>, port: u16, log: SpanWriter) {
    #[derive(clap::Parser)]
    struct Words {
        #[command(flatten)]
        apply: args::Apply,
    }
    let mut words: Vec<OsString> = vec!["apply".into(), "--port".into(), port.to_string().into()];
    for file in files {
        words.extend(["-f".into(), file.into_os_string()]);
    }
    let outcome = async {
        let words = <Words as clap::Parser>::try_parse_from(words).map_err(Exit::error)?;
        apply::run(&words.apply, &Surroundings::ours()?).await
    };
    if let Err(exit) = outcome.await {
        log.error(exit.message().unwrap_or("the objects could not be applied"));
    }
}

pub fn run(verb: &Verb) -> Result<(), Exit> {
    match verb {
        Verb::Explain(args) => explain::run(args),
        Verb::ApiResources(args) => api_resources::run(args),
        Verb::Get(args) => online(get::run(args, &Surroundings::ours()?)),
        Verb::Describe(args) => online(describe::run(args, &Surroundings::ours()?)),
        Verb::Apply(args) => online(apply::run(args, &Surroundings::ours()?)),
        Verb::Create(args) => online(create::run(args, &Surroundings::ours()?)),
        Verb::Delete(args) => online(delete::run(args, &Surroundings::ours()?)),
        Verb::Edit(args) => online(edit::run(args, &Surroundings::ours()?)),
        Verb::Patch(args) => online(patch::run(args, &Surroundings::ours()?)),
        Verb::Wait(args) => online(wait::run(args, &Surroundings::ours()?)),
    }
}

pub fn run_alpha(verb: &AlphaVerb) -> Result<(), Exit> {
    match verb {
        AlphaVerb::Get(args) => online(get::run(args, &Surroundings::ours()?)),
        AlphaVerb::ApiResources(args) => api_resources::run(args),
    }
}

/// Runs to its end on this thread: a command of a few milliseconds wants no others.
pub fn online<T>(command: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Exit::error(format!("cannot wait for events: {error}")))?;
    runtime.block_on(command)
}
