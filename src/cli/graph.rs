//! `tilt alpha graph`: evaluates a Tiltfile and draws what it declares.

use std::io::IsTerminal;

use crate::cli::args::{Global, TiltfileArgs};
use crate::cli::exit::Exit;
use crate::cli::{output, tiltfile_args, tiltfile_result};
use crate::tiltfile::host::Level;
use crate::tiltfile::{self, Timed};
use crate::ui::graph;
use crate::ui::style::Style;

pub fn run(args: &TiltfileArgs, global: &Global) -> Result<(), Exit> {
    let request = tiltfile_args::request(args, "alpha graph", Timed::No)?;
    let style = tiltfile_args::style();
    let evaluation = tiltfile::evaluate(request, |line| match line.level {
        Level::Warn => output::say(format_args!("{} {}", style.yellow("warning:"), line.text)),
        _ if global.verbose || global.debug => output::say(&line.text),
        _ => {}
    });
    match &evaluation.project {
        Ok(project) => {
            let style = if std::io::stdout().is_terminal() {
                style
            } else {
                Style::Plain
            };
            output::result(&graph::tree(project, style))
        }
        Err(failure) => {
            tiltfile_result::print_failure(failure);
            Err(Exit::silent(1))
        }
    }
}
