//! `tilt docker-prune`: housekeeping in the engine, once.

use crate::build::prune::{Housekeeping, Live, Mode};
use crate::cli::exit::Exit;
use crate::cli::instance::DockerPrune;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::{evaluated, output, tiltfile_args};
use crate::tiltfile::Timed;
use crate::world::dirs::Dirs;
use crate::world::docker::Engine;

pub fn run(args: &DockerPrune, here: &Surroundings) -> Result<(), Exit> {
    let request = tiltfile_args::request(&args.tiltfile, "docker-prune", Timed::No)?;
    let project = evaluated::project(request)?;
    let dirs = Dirs::from_env(|name| here.variable(name)).map_err(Exit::error)?;
    let housekeeping = Housekeeping {
        mode: match args.dry_run {
            true => Mode::DryRun,
            false => Mode::Remove,
        },
        // No object lives without a running tilt; what containers use is seen in the engine.
        ..Housekeeping::new(&project.settings.docker_prune, Live::default(), &dirs.images())
    };
    let pruned = online(async {
        let engine = Engine::connect(&here.variables).await.map_err(Exit::error)?;
        housekeeping.run(&engine, &|_| {}).await.map_err(Exit::error)
    })?;
    output::result(&pruned.text())
}
