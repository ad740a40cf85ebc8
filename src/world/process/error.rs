//! Why a command did not run, or not to a good end; worded as the runtime that Tiltfiles are used to words it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::{CAPTURE_LIMIT, Output};
use crate::world::files::reason;

#[derive(Debug, Error)]
pub enum ProcessError {
    #[error("empty command")]
    Empty,
    #[error("exec: \"{program}\": executable file not found in $PATH")]
    NotFound { program: String, searched: Vec<PathBuf> },
    #[error("chdir {}: {}", dir.display(), reason(source))]
    Folder { dir: PathBuf, source: io::Error },
    #[error("fork/exec {program}: {}", reason(source))]
    Start { program: String, source: io::Error },
    #[error("exit status {code}")]
    Exit { code: i32, output: Output },
    #[error("signal: {}", signal_name(*signal))]
    Signal { signal: i32, output: Output },
    #[error("cancelled")]
    Cancelled { output: Output },
    #[error("timed out after {limit:?}")]
    TimedOut { limit: Duration, output: Output },
    #[error("more than {CAPTURE_LIMIT} bytes of output")]
    TooMuchOutput,
    #[error("waiting for the command: {}", reason(source))]
    Wait { source: io::Error },
}

impl ProcessError {
    /// What the command printed before it failed; nothing if it never ran.
    pub fn output(&self) -> Option<&Output> {
        match self {
            ProcessError::Exit { output, .. }
            | ProcessError::Signal { output, .. }
            | ProcessError::Cancelled { output }
            | ProcessError::TimedOut { output, .. } => Some(output),
            ProcessError::Empty
            | ProcessError::NotFound { .. }
            | ProcessError::Folder { .. }
            | ProcessError::Start { .. }
            | ProcessError::TooMuchOutput
            | ProcessError::Wait { .. } => None,
        }
    }
}

pub fn signal_name(signal: i32) -> String {
    let known = match signal {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        11 => "segmentation fault",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        other => return format!("signal {other}"),
    };
    known.to_owned()
}
