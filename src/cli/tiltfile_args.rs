//! From flags to an evaluation: which file, in which surroundings.

#![expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]

use std::collections::BTreeMap;
use std::io::IsTerminal;

use crate::cli::args::TiltfileArgs;
use crate::cli::exit::Exit;
use crate::model::path;
use crate::tiltfile::{Limits, Purpose, Request, Timed};
use crate::ui::style::Style;

/// What the commands that evaluate a Tiltfile have in common.
pub fn request(args: &TiltfileArgs, subcommand: &str, timings: Timed) -> Result<Request, Exit> {
    let here = std::env::current_dir().map_err(|error| Exit::error(format!("no current directory: {error}")))?;
    let environment = environment();
    Ok(Request {
        tiltfile: path::join(&here, &args.file),
        args: args.args.clone(),
        subcommand: subcommand.to_owned(),
        purpose: Purpose::default(),
        environment,
        command_line: std::env::args().collect(),
        executable: std::env::current_exe().unwrap_or_default(),
        kube_context: args.context.clone(),
        kube_namespace: args.namespace.clone(),
        pinned: None,
        timings,
        limits: Limits::default(),
        cancel: Default::default(),
    })
}

/// Our own environment, as far as it is text.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Colours on standard error, where a person reads it and has not asked for none.
pub fn style() -> Style {
    match std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        true => Style::Colour,
        false => Style::Plain,
    }
}

/// The same for standard output.
pub fn stdout_style() -> Style {
    match std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        true => Style::Colour,
        false => Style::Plain,
    }
}

/// Whether the terminal can show text again where text was.
pub fn shows_cursor() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind != "dumb")
}

/// A variable of our own environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
