//! `tilt analytics`: the choice whether one's use of tilt may be counted. Nothing is counted, whatever it is.

use std::fs;
use std::path::PathBuf;

use crate::cli::exit::Exit;
use crate::cli::instance::{Analytics, AnalyticsCommand, Choice};
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;
use crate::world::dirs::Dirs;
use crate::world::files;

/// The file of the choice, below the settings folder; the web page sets it too.
const FILE: &str = "analytics/user/choice.txt";

pub fn run(args: &Analytics, here: &Surroundings) -> Result<(), Exit> {
    let file = file(here)?;
    match &args.command {
        None => output::result(&format!(
            "analytics mode: {}\nThis tilt sends nothing, whatever the mode. The choice is kept for other versions, in {}\n",
            choice(here)?,
            file.display()
        )),
        Some(AnalyticsCommand::Opt { choice }) => {
            let word = match choice {
                Choice::In => "opt-in",
                Choice::Out => "opt-out",
                Choice::Default => "default",
            };
            let folder = file.parent().unwrap_or(&file);
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, word));
            written.map_err(|error| {
                Exit::error(format!("cannot write `{}`: {}", file.display(), files::reason(&error)))
            })?;
            output::result(&format!("analytics mode: {word}\n"))
        }
    }
}

/// `opt-in`, `opt-out` or `default`.
pub fn choice(here: &Surroundings) -> Result<String, Exit> {
    match files::read_text(&file(here)?) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Err(error) if !error.is_missing() => Err(Exit::error(error)),
        _ => Ok("default".to_owned()),
    }
}

fn file(here: &Surroundings) -> Result<PathBuf, Exit> {
    let dirs = Dirs::from_env(|name| here.variable(name)).map_err(Exit::error)?;
    Ok(dirs.settings.join(FILE))
}
