//! Pure. Tiltfile objects: each is evaluated, whoever made it. One that is gone takes with it what it declared.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::effect::Effect;
use crate::engine::objects::declared;
use crate::engine::reduce::{evaluate, evaluated, image};
use crate::engine::spec::{text, texts};
use crate::engine::state::{Cause, Name, State, TiltfileState};
use crate::model::object::Stored;
use crate::model::object::kinds::{KINDS, TILTFILE, UI_BUTTON};

pub fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    let objects: Vec<Arc<Stored>> = state.table.list(&TILTFILE).cloned().collect();
    let is_there = |name: &Name| objects.iter().any(|object| *object.name == **name);
    let gone: Vec<Name> = state.tiltfiles.keys().filter(|name| !is_there(name)).cloned().collect();
    for name in gone {
        remove(state, &name, effects);
    }
    for object in &objects {
        one(state, object);
    }
}

fn one(state: &mut State, object: &Stored) {
    let name: Name = (*object.name).into();
    let path = PathBuf::from(text(&object.spec, "path"));
    let args = texts(&object.spec, "args");
    let Some(known) = state.tiltfile_mut(&name) else {
        let tiltfile = TiltfileState::new(&name, path, args);
        state.tiltfiles.insert(Arc::clone(&name), Arc::new(tiltfile));
        if state.table.get(&UI_BUTTON, &format!("{name}-stopbuild")).is_none() {
            state.table.put(declared::stop(&name, None), state.now);
        }
        evaluate(state, &name, Cause::Initial);
        return;
    };
    if known.args != args || known.path != path {
        let is_other_file = known.path != path;
        known.args = args;
        known.path = path;
        known.resets_toggles = true;
        if is_other_file {
            known.config_files.clear();
        }
        evaluate(state, &name, Cause::Args);
    }
}

/// Resources, objects and the evaluation itself end together.
fn remove(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    state.tiltfiles.shift_remove(name);
    let resources: Vec<Name> = state
        .resources
        .iter()
        .filter(|(_, resource)| resource.tiltfile == *name)
        .map(|(resource, _)| Arc::clone(resource))
        .collect();
    for resource in &resources {
        evaluated::remove(state, resource, effects);
    }
    image::declare(state);
    for kind in KINDS {
        let owned: Vec<Box<str>> = state
            .table
            .list(kind)
            .filter(|object| object.is_owned_by(&TILTFILE, name))
            .map(|object| object.name.clone())
            .collect();
        for object in owned {
            state.table.remove(kind, &object);
        }
    }
    state.table.remove(&UI_BUTTON, &format!("{name}-stopbuild"));
}
