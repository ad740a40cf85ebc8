//! Pure. A command to run on this machine: what, where and with which additions to the environment.

use std::path::PathBuf;

/// An argument vector with its directory and environment; an empty vector means that there is nothing to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub dir: PathBuf,
    /// `NAME=value`, sorted by name; laid over the environment that Tilt itself gives to local commands.
    pub env: Vec<String>,
    /// The command line stays out of the log.
    pub echo: Echo,
}

/// Whether a command line is shown before it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echo {
    #[default]
    On,
    Off,
}

impl Command {
    /// The form that a string takes in a Tiltfile: a line for the shell.
    pub fn shell(line: &str) -> Vec<String> {
        ["sh", "-c", line].map(String::from).to_vec()
    }

    pub fn is_empty(&self) -> bool {
        self.argv.is_empty()
    }

    /// How the command is shown: a shell line as it was written, anything else joined by spaces.
    pub fn display(argv: &[String]) -> String {
        match argv {
            [shell, flag, line] if shell == "sh" && flag == "-c" => line.clone(),
            _ => argv.join(" "),
        }
    }
}
