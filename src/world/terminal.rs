//! A program in the foreground: it has our terminal until it is done, as an editor needs it.
#![expect(
    clippy::disallowed_methods,
    reason = "world/process keeps programs away from the terminal; this one is given it"
)]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::termios::{self, OptionalActions, Termios};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum TerminalError {
    #[error("nothing to run")]
    Nothing,
    #[error("cannot start `{program}`: {source}")]
    Start { program: String, source: io::Error },
    #[error("it ended with {0}")]
    Failed(ExitStatus),
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

/// Our terminal while every key goes to somebody else as it is. As it was before, once dropped.
pub struct Raw(Termios);

impl Raw {
    pub fn enter() -> io::Result<Raw> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Raw(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Whether somebody types, and reads, on a terminal.
pub fn is_one() -> bool {
    termios::isatty(io::stdin()) && termios::isatty(io::stdout())
}

/// Its columns and rows.
pub fn size() -> Option<(u16, u16)> {
    let size = termios::tcgetwinsize(io::stdout()).ok()?;
    Some((size.ws_col, size.ws_row))
}

/// What a shell would say of a program that has ended.
pub fn exit_code(status: ExitStatus) -> u8 {
    let signalled = || status.signal().map_or(1, |signal| 128 + signal);
    u8::try_from(status.code().unwrap_or_else(signalled)).unwrap_or(1)
}
