//! Pure. What must be true: after every step, and once nothing is left to happen.

use crate::engine::desired::desired;
use crate::engine::objects::status::{Projected, project};
use crate::engine::settle::{Settled, settle};
use crate::engine::sim::world::World;
use crate::engine::sim::{cluster, images, live};
use crate::engine::state::{Hold, Means, Phase};
use crate::engine::step::Loop;

pub fn always(engine: &Loop, world: &World) -> Result<(), String> {
    let state = &engine.state;
    let own = state.resources.values().filter_map(|one| one.running.as_ref());
    let departing = state.departing.values().map(|(_, update)| update);
    let running: Vec<_> = own
        .chain(departing)
        .filter(|update| update.means == Means::Build)
        .collect();
    if running.len() as u32 > world.most {
        return Err(format!("{} updates run, {} may", running.len(), world.most));
    }
    let alone = running.iter().filter(|update| update.alone).count();
    if alone > 0 && running.len() > 1 {
        return Err("a command that must be alone is not".to_owned());
    }
    images::claims(state)?;
    for (name, resource) in &state.resources {
        if resource.is_due() && resource.hold.is_none() {
            return Err(format!("{name} is due, does not run, and nobody knows why"));
        }
        let deps = resource.declared.deps.iter().filter_map(|dep| state.resource(dep));
        let waits = deps.filter(|dep| !dep.ever_ready).count();
        // A reload may add a dependency to what runs already.
        let starts = resource
            .running
            .as_ref()
            .is_some_and(|running| running.started == state.now);
        if starts && !resource.ever_succeeded() && waits > 0 {
            return Err(format!("{name} starts before what it depends on"));
        }
    }
    Ok(())
}

pub fn kept(engine: &Loop) -> Result<(), String> {
    match *engine.kept() == desired(&engine.state) {
        true => Ok(()),
        false => Err("what is kept is not what is desired".to_owned()),
    }
}

pub fn at_rest(engine: &Loop, world: &World) -> Result<(), String> {
    let state = &engine.state;
    kept(engine)?;
    if state.tiltfiles.values().any(|tiltfile| tiltfile.is_busy()) {
        return Err("a Tiltfile is evaluated for ever".to_owned());
    }
    if world.asked != world.answered {
        return Err("somebody was never answered".to_owned());
    }
    for (name, resource) in &state.resources {
        let waits_for_somebody = matches!(
            resource.hold,
            Some(
                Hold::WaitingForDeps { .. }
                    | Hold::Manual { .. }
                    | Hold::ManualInit
                    | Hold::Disabled
                    | Hold::Loop { .. }
            )
        );
        if resource.is_due() && !waits_for_somebody && !live::waits_for_ever(resource) {
            return Err(format!("{name} is due at rest: {:?}", resource.hold));
        }
        if resource.running.is_some() {
            return Err(format!("{name} runs for ever"));
        }
    }
    changes(engine, world)?;
    processes(engine, world)?;
    images::check(&world.images, state)?;
    cluster::check(&world.cluster, &world.images.deployed, state)?;
    live::check(&world.containers, state)?;
    objects(engine)
}

/// The latest save of everything that follows its files was seen by an update.
fn changes(engine: &Loop, world: &World) -> Result<(), String> {
    for (name, saved) in &world.saved {
        let Some(resource) = engine.state.resource(name) else {
            continue;
        };
        let is_pending = resource.pending.files.values().any(|seq| seq >= saved);
        // An update that is due for another reason will see it too.
        let was_seen = resource.seen_up_to >= *saved || resource.due.is_some();
        if resource.enabled && !is_pending && !was_seen {
            return Err(format!("a save of {name} was lost"));
        }
        if resource.enabled && is_pending && resource.hold.is_none() {
            return Err(format!("a save of {name} waits for nothing"));
        }
    }
    Ok(())
}

fn processes(engine: &Loop, world: &World) -> Result<(), String> {
    let state = &engine.state;
    let served = state.resources.values().filter_map(|resource| resource.serve.as_ref());
    let count = served.clone().count() + state.cmds.values().filter(|cmd| cmd.process.is_some()).count();
    if count != world.processes.len() {
        return Err(format!(
            "{} processes are kept, {count} are wanted",
            world.processes.len()
        ));
    }
    let mut generations = served.map(|serve| serve.process.generation);
    if let Some(wrong) = generations.find(|generation| !world.processes.values().any(|one| one == generation)) {
        return Err(format!("generation {wrong} does not run"));
    }
    let starting = state.resources.values().filter_map(|resource| resource.serve.as_ref());
    match starting.into_iter().any(|serve| serve.process.phase == Phase::Starting) {
        true => Err("a process starts for ever".to_owned()),
        false => Ok(()),
    }
}

/// What was skipped because it had not changed had not.
fn objects(engine: &Loop) -> Result<(), String> {
    let mut again = engine.state.clone();
    let before = again.table.version();
    project(&mut again, &mut Projected::default());
    let serves: Vec<&str> = again
        .table
        .list(&crate::model::object::kinds::CMD)
        .filter(|cmd| cmd.annotation("tilt.dev/owner-kind").is_some())
        .map(|cmd| &*cmd.name)
        .collect();
    let wanted = again
        .resources
        .values()
        .filter(|resource| resource.serve.is_some())
        .count();
    if serves.len() != wanted {
        return Err(format!("{wanted} processes are served, objects are {serves:?}"));
    }
    if again.table.version() != before {
        return Err("the objects are not what the state is".to_owned());
    }
    settle(&mut again, &mut Settled::default(), &mut Vec::new());
    match again.table.version() == before {
        true => Ok(()),
        false => Err("the objects are not what follows from the state".to_owned()),
    }
}
