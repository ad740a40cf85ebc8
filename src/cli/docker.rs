//! `tilt docker -- ARGS`: the docker command in the environment in which we reach the engine.

use crate::cli::exit::Exit;
use crate::cli::instance::Docker;
use crate::cli::output;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::world::docker::Engine;
use crate::world::process;

pub fn run(args: &Docker, here: &Surroundings) -> Result<(), Exit> {
    let engine = online(async { Engine::connect(&here.variables).await.map_err(Exit::error) })?;
    let additions = additions(&engine, here);
    let shown = additions.iter().map(|(name, value)| format!("{name}={value} "));
    let argv: Vec<String> = std::iter::once("docker".to_owned())
        .chain(args.args.iter().cloned())
        .collect();
    output::say(format_args!(
        "Running Docker command as:\n{}{}\n---",
        shown.collect::<String>(),
        argv.join(" ")
    ));
    let mut env = here.variables.clone();
    env.extend(additions);
    Err(Exit::error(process::replace(&argv, &env)))
}

/// What we add to our own environment.
fn additions(engine: &Engine, here: &Surroundings) -> Vec<(String, String)> {
    let builder = if engine.has_buildkit() { "1" } else { "0" };
    let builder = ("DOCKER_BUILDKIT".to_owned(), builder.to_owned());
    let endpoint = engine.endpoint().variables(&here.variables);
    std::iter::once(builder).chain(endpoint).collect()
}
