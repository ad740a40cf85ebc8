//! Pure. What becomes of images: they are declared, an update looks after them, their builds begin and end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::action::ImageFact;
use crate::engine::effect::{Destination, ImageStep, Make};
use crate::engine::images::{self, looked_after};
use crate::engine::live;
use crate::engine::state::{
    ImageFailure, ImageState, Made, Making, Name, ResourceState, State, Update, builds_the_same, identity,
};
use crate::model::build::ImageTarget;
use crate::model::built::Built;
use crate::model::time::Time;

/// The images are those of the resources as they are declared now. What builds something else than before starts anew.
pub fn declare(state: &mut State) {
    let wanted = declared(state);
    for (name, target) in &wanted {
        match state.image_mut(name) {
            None => {
                let added = ImageState::new(Arc::clone(target));
                state.images.insert(Arc::clone(name), Arc::new(added));
            }
            Some(known) if known.target != *target => redefine(known, target),
            Some(_) => {}
        }
    }
    let unused = |name: &Name| !wanted.contains_key(name);
    for (_, image) in state.images.iter_mut().filter(|(name, _)| unused(name)) {
        Arc::make_mut(image).reset();
    }
    state
        .images
        .retain(|name, image| !unused(name) || image.making.is_some());
}

fn redefine(known: &mut ImageState, target: &Arc<ImageTarget>) {
    if !builds_the_same(&known.target, target) {
        known.reset();
    }
    known.target = Arc::clone(target);
}

/// If several Tiltfiles define an image, the first one does.
fn declared(state: &State) -> BTreeMap<Name, Arc<ImageTarget>> {
    let mut wanted: BTreeMap<Name, Arc<ImageTarget>> = BTreeMap::new();
    for resource in state.resources.values() {
        for (name, target) in resource.images.iter().zip(&resource.declared.images) {
            wanted
                .entry(Arc::clone(name))
                .or_insert_with(|| Arc::new(target.clone()));
        }
    }
    wanted
}

/// An update begins: what it may build is its own until that has come to an end.
pub fn claim(state: &mut State, steps: &[ImageStep], update: &Update, resource: &Name) {
    let own = looked_after(steps);
    for step in steps.iter().filter(|step| own.contains(&step.image)) {
        if let Some(image) = state.image_mut(&step.image) {
            image.making = Some(making(update, resource, step.destination.clone()));
        }
    }
}

fn making(update: &Update, resource: &Name, destination: Destination) -> Making {
    Making {
        destination,
        update: update.id,
        resource: Arc::clone(resource),
        inputs_as_of: update.inputs_as_of,
        started: None,
        is_outdated: false,
    }
}

/// What the images of an update are, as far as its plan says.
pub fn planned(steps: &[ImageStep]) -> BTreeMap<Name, String> {
    let reused = steps.iter().filter_map(|step| match &step.make {
        Make::Reuse { built, .. } => Some((Arc::clone(&step.image), identity(built))),
        Make::Build { .. } | Make::Failed { .. } => None,
    });
    reused.collect()
}

/// An update has ended, one way or another: nothing is its own any more.
pub fn release(state: &mut State, update: u64) {
    let is_its = |image: &ImageState| image.making.as_ref().is_some_and(|making| making.update == update);
    let names: Vec<Name> = state
        .images
        .iter()
        .filter(|(_, image)| is_its(image))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for name in &names {
        leave(state, name);
    }
}

fn leave(state: &mut State, name: &Name) {
    let is_used = state.resources.values().any(|resource| resource.uses(name));
    if let Some(image) = state.image_mut(name) {
        image.making = None;
    }
    if !is_used {
        state.images.remove(name);
    }
}

pub fn image(state: &mut State, name: &Name, update: u64, fact: ImageFact) {
    let now = state.now;
    let Some(making) = held(state, name, update) else {
        return;
    };
    let Some(image) = state.image_mut(name) else { return };
    match fact {
        ImageFact::Started => {
            let started = Some(now);
            image.making = Some(Making { started, ..making });
            image.stages = Vec::new();
        }
        ImageFact::Stages(stages) if !making.is_outdated => image.stages = stages,
        ImageFact::Stages(_) => {}
        ImageFact::Left => leave(state, name),
        ImageFact::Failed { message, class } => {
            if !making.is_outdated {
                image.failure = Some(ImageFailure {
                    message,
                    class,
                    inputs_as_of: making.inputs_as_of,
                    resource: making.resource,
                    started: making.started.unwrap_or(now),
                    finished: now,
                });
            }
            leave(state, name);
        }
        ImageFact::Built { built, bases } => {
            let identity = identity(&built);
            // Objects may wait for it.
            state.unsettled = true;
            let is_same = state.images.get(name).and_then(|image| image.identity()).as_ref() == Some(&identity);
            if !making.is_outdated {
                live::built(state, name, making.inputs_as_of, is_same);
            }
            let Some(image) = state.image_mut(name) else { return };
            if !making.is_outdated {
                made(image, making, (built, bases), now);
                state.pruning.built += 1;
            }
            leave(state, name);
            use_of(state, update, name, identity);
            outdate(state, name);
        }
    }
}

/// Only what had changed when the update began is done with.
fn made(image: &mut ImageState, making: Making, (built, bases): (Built, BTreeMap<Name, String>), now: Time) {
    image.failure = None;
    image.pending.retain(|_, seq| *seq > making.inputs_as_of);
    image.made = Some(Made {
        built,
        bases,
        destination: making.destination,
        inputs_as_of: making.inputs_as_of,
        started: making.started.unwrap_or(now),
        finished: now,
    });
}

/// What the update has of the image. One that finds an image gone builds it although it did not set out to.
fn held(state: &State, name: &Name, update: u64) -> Option<Making> {
    let image = state.images.get(name)?;
    if let Some(making) = &image.making {
        return (making.update == update).then(|| making.clone());
    }
    let is_it = |resource: &ResourceState| resource.running.as_ref().is_some_and(|running| running.id == update);
    let (resource, known) = state.resources.iter().find(|(_, resource)| is_it(resource))?;
    let running = known.running.as_ref()?;
    Some(Making {
        // Of an update that was cancelled nobody knows for what definition it builds.
        is_outdated: running.cancelled.is_some(),
        ..making(running, resource, images::destination(state, known, name))
    })
}

/// The update goes on with what was built.
fn use_of(state: &mut State, update: u64, name: &Name, identity: String) {
    let mut running = state.resources.values_mut().filter(|resource| {
        let running = resource.running.as_ref();
        running.is_some_and(|running| running.id == update)
    });
    if let Some(running) = running
        .next()
        .and_then(|resource| Arc::make_mut(resource).running.as_mut())
    {
        running.images.insert(Arc::clone(name), identity);
    }
}

/// What the images are that an update has used. One that it could not build is, for its part, what it was before.
pub fn used(state: &State, running: &Update, images: &[Name]) -> BTreeMap<Name, String> {
    let mut used = running.images.clone();
    for name in images {
        let known = state.images.get(name).and_then(|image| image.identity());
        if let (Some(known), None) = (known, used.get(name)) {
            used.insert(Arc::clone(name), known);
        }
    }
    used
}

/// Whoever used an image as it was before has to be updated.
fn outdate(state: &mut State, image: &Name) {
    let users: Vec<Name> = state
        .resources
        .iter()
        .filter(|(_, resource)| resource.uses(image) && resource.running.is_none())
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for user in users {
        compare(state, &user);
    }
}

/// Tells whether the images of a resource are those that its latest update used.
pub fn compare(state: &mut State, name: &Name) {
    let Some(resource) = state.resource(name) else { return };
    let is_outdated = resource.enabled && resource.last().is_some() && uses_others(state, resource);
    if resource.is_outdated != is_outdated
        && let Some(resource) = state.resource_mut(name)
    {
        resource.is_outdated = is_outdated;
    }
}

fn uses_others(state: &State, resource: &ResourceState) -> bool {
    resource.images.iter().any(|image| {
        let now = state.images.get(image).and_then(|image| image.identity());
        now.is_some_and(|now| resource.used.get(image) != Some(&now))
    })
}

/// A resource is switched off. What nobody watches any more cannot be trusted to be what its sources say.
pub fn disabled(state: &mut State, resource: &Name) {
    let Some(known) = state.resource(resource) else { return };
    for name in Arc::clone(&known.images).iter() {
        let is_watched = state
            .resources
            .values()
            .any(|resource| resource.enabled && resource.uses(name));
        if let Some(image) = state.image_mut(name).filter(|_| !is_watched) {
            image.reset();
        }
    }
}
