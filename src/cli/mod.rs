//! The command line: what was asked for, done, and an exit code.

mod args;
pub mod client;
mod completion;
mod exit;
mod graph;
mod guard;
mod lsp;
mod output;
mod result;
mod runaway;
mod tiltfile_args;
mod tiltfile_result;
mod usage;
mod verbs;
mod verify_install;
mod version;

use std::process::ExitCode;

use crate::cli::args::{Alpha, Command};
use crate::cli::exit::Exit;

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
        Command::Verb(verb) => verbs::run(&verb),
        Command::Alpha {
            command: Alpha::Verb(verb),
        } => verbs::run_alpha(&verb),
        Command::Alpha {
            command: Alpha::TiltfileResult(args),
        } => tiltfile_result::run(&args, global),
        Command::Alpha {
            command: Alpha::Graph(args),
        } => graph::run(&args, global),
    }
}
