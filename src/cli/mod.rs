//! The command line: what was asked for, done, and an exit code.

mod analytics;
mod args;
mod arguments;
mod build;
pub mod client;
mod completion;
mod docker;
mod docker_prune;
mod doctor;
mod down;
mod dump;
mod evaluated;
mod exit;
mod explain_build;
mod graph;
mod guard;
mod instance;
mod logs;
mod lsp;
mod output;
mod result;
mod runaway;
mod session;
mod shell;
mod snapshot;
mod switches;
mod tiltfile_args;
mod tiltfile_result;
mod tree_view;
mod trigger;
mod usage;
mod verbs;
mod verify_install;
mod version;
mod web_client;

use std::process::ExitCode;

use crate::cli::args::{Alpha, Command};
use crate::cli::exit::Exit;
use crate::cli::instance::Instance;
use crate::cli::verbs::surroundings::Surroundings;

/// Runs the command of this process's command line.
pub fn main() -> ExitCode {
    if let Some(code) = guard::run_if_asked() {
        return code;
    }
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit.finish(),
    };
    let outcome = match cli.command {
        Some(command) => run(command, &cli.global),
        None => args::print_help(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.finish(),
    }
}

fn run(command: Command, global: &args::Global) -> Result<(), Exit> {
    match command {
        Command::Version => version::run(),
        Command::Completion(args) => completion::run(&args),
        Command::VerifyInstall => verify_install::run(),
        Command::Lsp { command } => lsp::run(&command),
        Command::Up(args) => session::up(*args, global),
        Command::Ci(args) => session::ci(*args, global),
        Command::Build(args) => build::run(&args),
        Command::Verb(verb) => verbs::run(&verb),
        Command::Instance(command) => instance::run(command),
        Command::Alpha {
            command: Alpha::TreeView(args),
        } => instance::tree_view(&args),
        Command::Alpha {
            command: Alpha::ExplainBuild(args),
        } => instance::run(Instance::ExplainBuild(args)),
        Command::Alpha {
            command: Alpha::Verb(verb),
        } => verbs::run_alpha(&verb),
        Command::Alpha {
            command: Alpha::Shell(args),
        } => verbs::online(async { shell::run(&args, &Surroundings::ours()?).await }),
        Command::Alpha {
            command: Alpha::Updog(args),
        } => session::updog(args),
        Command::Alpha {
            command: Alpha::TiltfileResult(args),
        } => tiltfile_result::run(&args, global),
        Command::Alpha {
            command: Alpha::Graph(args),
        } => graph::run(&args, global),
    }
}
