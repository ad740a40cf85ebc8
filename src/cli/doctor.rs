//! `tilt doctor`: what this program finds on this machine. Nothing here fails: what does not work is what it reports.

mod instances;
mod machine;
mod tools;

use std::thread;

use crate::cli::exit::Exit;
use crate::cli::instance::Doctor;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::{analytics, output, version};
use crate::world::dirs::Dirs;

/// A heading, and what belongs under it.
pub struct Section {
    title: &'static str,
    lines: Vec<(&'static str, String)>,
}

pub fn run(args: &Doctor, here: &Surroundings) -> Result<(), Exit> {
    let dirs = Dirs::from_env(|name| here.variable(name)).map_err(Exit::error)?;
    // Each of them waits for others, so they wait at the same time.
    let (docker, kubernetes, instances) = thread::scope(|scope| {
        let docker = scope.spawn(|| tools::docker(here));
        let instances = scope.spawn(|| instances::section(&dirs, here));
        let kubernetes = tools::kubernetes(args.context.as_deref(), &dirs, here);
        (docker.join(), kubernetes, instances.join())
    });
    let broken = |_| Exit::error("a probe panicked; this is a bug in tilt");
    let sections = [
        docker.map_err(broken)?,
        kubernetes,
        machine::limits(),
        machine::folders(&dirs),
        instances.map_err(broken)?,
    ];
    let mut text = format!("Tilt: {}\nSystem: {}\n", version::stamp(), machine::system());
    text.push_str("---\n");
    sections.iter().for_each(|section| text.push_str(&section.shown()));
    text.push_str("---\nThanks for seeing the Tilt Doctor!\nPlease send the info above when filing bug reports.\n\n");
    text.push_str(&format!(
        "Analytics: {} (this tilt sends nothing, whatever the mode)\n",
        analytics::choice(here)?
    ));
    output::result(&text)
}

impl Section {
    fn shown(&self) -> String {
        let lines = self.lines.iter().map(|(name, value)| format!("- {name}: {value}\n"));
        format!("{}\n{}", self.title, lines.collect::<String>())
    }
}
