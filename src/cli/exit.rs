//! How a command ends when it does not end well.

use std::process::ExitCode;

use crate::cli::output;

/// A failed command: what to say on standard error, and the exit code.
#[derive(Debug)]
pub struct Exit {
    code: u8,
    message: Option<String>,
}

impl Exit {
    /// An error of the command's own, in the one form that all commands share.
    pub fn error(message: impl std::fmt::Display) -> Exit {
        Exit {
            code: 1,
            message: Some(format!("Error: {message}")),
        }
    }

    /// An error that is worded to its end: that of a verb of `kubectl`.
    pub fn verbatim(message: impl std::fmt::Display) -> Exit {
        Exit {
            code: 1,
            message: Some(message.to_string()),
        }
    }

    /// The command has said everything itself.
    pub fn silent(code: u8) -> Exit {
        Exit { code, message: None }
    }

    /// What would be said, for a command that goes on.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub fn finish(self) -> ExitCode {
        if let Some(message) = &self.message {
            output::say(message);
        }
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message.as_deref().unwrap_or_default())
    }
}

impl From<anyhow::Error> for Exit {
    fn from(error: anyhow::Error) -> Exit {
        Exit::error(format!("{error:#}"))
    }
}
