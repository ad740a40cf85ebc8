//! A command line that asks for nothing that can be run: what is wrong with it, and how it is meant.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::{output, version};
use crate::model::suggest;

/// Ends with what was asked for instead of a command, such as help, or with what is wrong.
pub fn explain(error: &clap::Error, words: &[OsString]) -> Exit {
    let asked = match error.kind() {
        ErrorKind::DisplayVersion => format!("{}\n", version::stamp()),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.to_string(),
        _ => return refuse(error, words),
    };
    output::result(&asked).err().unwrap_or_else(|| Exit::silent(0))
}

/// Says what is wrong on standard error, and how the command is used on standard output.
fn refuse(error: &clap::Error, words: &[OsString]) -> Exit {
    let (path, mut command) = named(words, &text(error, ContextKind::InvalidSubcommand));
    output::say(format_args!("Error: {}", problem(error, &path, &command)));
    let usage = command.render_usage();
    output::result(&format!("{usage}\n\nRun `{path} --help` for more.\n"))
        .err()
        .unwrap_or_else(|| Exit::silent(1))
}

/// The command that words name, as far as they name one, and what it is called.
fn named(words: &[OsString], unknown: &str) -> (String, Command) {
    let mut command = Cli::command();
    command.build();
    let mut path = command.get_name().to_owned();
    for word in words.iter().skip(1) {
        if word == unknown {
            break;
        }
        let found = word.to_str().filter(|word| *word != "help");
        if let Some(sub) = found.and_then(|word| command.find_subcommand(word)) {
            path = format!("{path} {}", sub.get_name());
            command = sub.clone();
        }
    }
    (path, command)
}

fn problem(error: &clap::Error, path: &str, command: &Command) -> String {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let unknown = text(error, ContextKind::InvalidSubcommand);
            let names = command.get_subcommands().map(Command::get_name);
            format!("unknown command \"{unknown}\" for \"{path}\"{}", meant(&unknown, names))
        }
        ErrorKind::UnknownArgument => unknown_argument(&text(error, ContextKind::InvalidArg), path, command),
        _ => without_usage(&error.to_string()),
    }
}

fn unknown_argument(unknown: &str, path: &str, command: &Command) -> String {
    if !unknown.starts_with('-') {
        return format!("unexpected argument \"{unknown}\" for \"{path}\"");
    }
    let flags: Vec<String> = command
        .get_arguments()
        .filter_map(|arg| arg.get_long())
        .map(|long| format!("--{long}"))
        .collect();
    let for_the_tiltfile = match command.get_positionals().any(|arg| arg.get_id() == "args") {
        true => format!("\n\nArguments for the Tiltfile stand after `--`: {path} -- {unknown}"),
        false => String::new(),
    };
    let meant = meant(unknown, flags.iter().map(String::as_str));
    format!("unknown flag: {unknown}{meant}{for_the_tiltfile}")
}

fn meant<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> String {
    suggest::nearest(unknown, known)
        .map(|name| format!("\n\nDid you mean this?\n\t{name}"))
        .unwrap_or_default()
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    }
}

/// The parser's own words without what stands around them.
fn without_usage(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = ["\n\nUsage: ", "\n\nFor more information"]
        .iter()
        .filter_map(|after| text.find(after))
        .min();
    text[..end.unwrap_or(text.len())].trim_end().to_owned()
}
