//! A program in the foreground: it has our terminal until it is done, as an editor needs it.
#![expect(
    clippy::disallowed_methods,
    reason = "world/process keeps programs away from the terminal; this one is given it"
)]

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum TerminalError {
    #[error("nothing to run")]
    Nothing,
    #[error("cannot start `{program}`: {source}")]
    Start { program: String, source: io::Error },
    #[error("it ended with {0}")]
    Failed(std::process::ExitStatus),
}

/// Runs a program to its end with our standard streams.
pub fn run(argv: &[String], dir: &Path, env: &BTreeMap<String, String>) -> Result<(), TerminalError> {
    let (program, args) = argv.split_first().ok_or(TerminalError::Nothing)?;
    let status = Command::new(program)
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(env)
        .status();
    let status = status.map_err(|source| TerminalError::Start {
        program: program.clone(),
        source,
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(TerminalError::Failed(status))
    }
}
