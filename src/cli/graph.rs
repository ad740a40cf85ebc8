//! `tilt alpha graph`: evaluates a Tiltfile and draws what it declares.

use std::io::IsTerminal;

use crate::cli::args::{Global, TiltfileArgs};
use crate::cli::exit::Exit;
use crate::cli::{output, runaway, tiltfile_args, tiltfile_result};
use crate::tiltfile::host::Level;
use crate::tiltfile::{self, Timed};
use crate::ui::graph;
use crate::ui::style::Style;

const TILTFILE_FAILED: u8 = 1;

pub fn run(args: &TiltfileArgs, global: &Global) -> Result<(), Exit> {
    let request = tiltfile_args::request(args, "alpha graph", Timed::No)?;
    let style = tiltfile_args::style();
    let guard = runaway::guard(&request.tiltfile, TILTFILE_FAILED).map_err(Exit::error)?;
    let evaluation = tiltfile::evaluate(request, |line| match line.level {
        Level::Warn => output::say(format_args!("{} {}", style.yellow("warning:"), line.text)),
        _ if global.verbose || global.debug => output::say(&line.text),
        _ => {}
    });
    drop(guard);
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
            Err(Exit::silent(TILTFILE_FAILED))
        }
    }
}
