//! The project of a Tiltfile, for commands that print what happens as `tilt up` does.

use crate::cli::exit::Exit;
use crate::cli::{output, runaway, tiltfile_args, tiltfile_result};
use crate::model::duration::Duration;
use crate::model::project::{Evaluation, Project};
use crate::tiltfile::host::Level;
use crate::tiltfile::{self, Request};
use crate::world::clock;

const TILTFILE_FAILED: u8 = 1;

/// Gets a line, without its end.
pub type Lines<'a> = &'a dyn Fn(&str) -> Result<(), Exit>;

/// Evaluates; what is wrong with the Tiltfile has been said when this fails.
pub fn project(request: Request) -> Result<Project, Exit> {
    project_told(request, &|text| output::result(&format!("{text}\n")))
}

/// The same, with what is no complaint told elsewhere than on standard output.
pub fn project_told(request: Request, line: Lines<'_>) -> Result<Project, Exit> {
    let tiltfile = request.tiltfile.clone();
    let started = clock::now();
    line(&format!("Loading Tiltfile at: {}", tiltfile.display()))?;
    let guard = runaway::guard(&tiltfile, TILTFILE_FAILED).map_err(Exit::error)?;
    let evaluation = evaluate(request, line);
    drop(guard);
    match evaluation.project {
        Ok(project) => {
            let took = Duration::from_std(clock::now() - started);
            line(&format!("Successfully loaded Tiltfile ({took})"))?;
            Ok(project)
        }
        Err(failure) => {
            tiltfile_result::print_failure(&failure);
            Err(Exit::silent(TILTFILE_FAILED))
        }
    }
}

fn evaluate(request: Request, line: Lines<'_>) -> Evaluation {
    let style = tiltfile_args::style();
    tiltfile::evaluate(request, |said| match said.level {
        Level::Warn => output::say(format_args!("{} {}", style.yellow("WARNING:"), said.text)),
        Level::Error => output::say(format_args!("{} {}", style.red("ERROR:"), said.text)),
        // Whoever does not read our output has not asked for this either.
        Level::Info => drop(line(&said.text)),
    })
}
