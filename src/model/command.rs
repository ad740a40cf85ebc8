//! Pure. A command to run on this machine: what, where and with which additions to the environment.

use std::path::PathBuf;

use crate::model::quote::quoted;

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
    /// The form that a string takes in a Tiltfile: a script for the shell, without the blanks around it.
    pub fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script.trim()].map(String::from).to_vec()
    }

    pub fn is_empty(&self) -> bool {
        self.argv.is_empty()
    }

    /// How the command is shown: a shell's one line as it was written, anything else joined by spaces, with quotes around
    /// words that have spaces themselves.
    pub fn display(argv: &[String]) -> String {
        match argv {
            [shell, flag, line] if shell == "sh" && flag == "-c" && !line.contains('\n') => line.clone(),
            _ => argv.iter().map(|word| word_shown(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

fn word_shown(word: &str) -> String {
    if word.contains(' ') {
        quoted(word)
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_they_were_written() {
        let table: [(&[&str], &str); 5] = [
            (&["sh", "-c", "echo a; exit 3"], "echo a; exit 3"),
            (&["sh", "-c", "echo a\necho b"], "sh -c \"echo a\\necho b\""),
            (&["make", "-C", "my dir", "a\"b"], "make -C \"my dir\" a\"b"),
            (&["sh", "-c"], "sh -c"),
            (&[], ""),
        ];
        for (argv, shown) in table {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(Command::display(&argv), shown);
        }
        assert_eq!(
            Command::shell("\n  echo a\n  echo b\n"),
            ["sh", "-c", "echo a\n  echo b"]
        );
    }
}
