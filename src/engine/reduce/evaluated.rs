//! Pure. An evaluation ended: what it declares replaces what the same Tiltfile declared before, and nothing else. What is
//! declared as it was before is left alone: an equal project changes nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::engine::action::Class;
use crate::engine::effect::Effect;
use crate::engine::objects;
use crate::engine::reduce::image;
use crate::engine::reduce::updated::cancel;
use crate::engine::say::{self, span};
use crate::engine::state::{
    Cancelled, Cause, Evaluating, MAIN, Name, Record, ResourceState, Retry, State, TiltfileState, Workload,
    builds_the_same, image_maps,
};
use crate::engine::workload;
use crate::model::build::ImageTarget;
use crate::model::duration::Duration;
use crate::model::project::{Evaluation, Project, Resource, Target};
use crate::model::settings::ScrubSecrets;

/// How many evaluations are remembered.
const HISTORY: usize = 2;

pub fn evaluated(state: &mut State, name: &Name, run: u64, evaluation: Evaluation, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(tiltfile) = state.tiltfile_mut(name) else {
        return;
    };
    if tiltfile.running.as_ref().is_none_or(|running| running.run != run) {
        return;
    }
    let Some(running) = tiltfile.running.take() else { return };
    tiltfile.warnings = evaluation.warnings;
    tiltfile.path_set(&evaluation);
    let outcome = evaluation
        .project
        .map_err(|failure| objects::text::failure(&failure))
        .and_then(|project| accept(state, name, project, effects));
    report(state, name, &running, &outcome, effects);
    if let Some(tiltfile) = state.tiltfile_mut(name) {
        tiltfile.history.push_front(Record {
            started: running.started,
            finished: now,
            span: running.span,
            class: outcome.as_ref().err().map(|_| Class::User),
            error: outcome.err(),
            causes: running.causes,
            warnings: Vec::new(),
        });
        tiltfile.history.truncate(HISTORY);
    }
    objects::declared::config_watch(state, name);
}

impl TiltfileState {
    /// After a failure, what earlier evaluations read is watched on: the mistake may be in any of it.
    fn path_set(&mut self, evaluation: &Evaluation) {
        let mut files = evaluation.config_files.clone();
        if evaluation.project.is_err() {
            files.append(&mut self.config_files);
        }
        files.sort();
        files.dedup();
        self.config_files = files;
    }
}

fn report(state: &State, name: &Name, running: &Evaluating, outcome: &Result<(), String>, effects: &mut Vec<Effect>) {
    let span = span(Arc::clone(&running.span), name);
    effects.push(match outcome {
        Ok(()) => {
            let took = Duration::from_std(state.now.since(running.started));
            say::info(&span, format!("Successfully loaded Tiltfile ({took})"))
        }
        Err(error) => say::error(&span, error.clone()),
    });
}

/// Takes a project over, or says why it cannot be without touching anything.
fn accept(state: &mut State, name: &Name, project: Project, effects: &mut Vec<Effect>) -> Result<(), String> {
    check(state, name, &project)?;
    let project = Arc::new(project);
    if &**name == MAIN {
        state.settings = Arc::new(project.settings.clone());
        state.session_mut().ci = project.settings.ci.clone();
    }
    if !project.secrets.is_empty() && state.settings.scrub_secrets == ScrubSecrets::On {
        effects.push(Effect::Scrub(project.secrets.clone()));
    }
    let before = state.tiltfile_mut(name).and_then(|tiltfile| {
        let before = tiltfile.project.replace(Arc::clone(&project));
        let resets = std::mem::take(&mut tiltfile.resets_toggles);
        before.filter(|before| !resets && before.enabled == project.enabled)
    });
    let toggles = match before {
        Some(_) => objects::declared::Toggles::Keep,
        None => objects::declared::Toggles::Reset,
    };
    take_over(state, name, &project, effects);
    objects::declared::replace(state, name, &project, toggles);
    Ok(())
}

fn check(state: &State, name: &Name, project: &Project) -> Result<(), String> {
    if &**name == MAIN && project.resources.is_empty() {
        let text = "No resources found. Check out https://docs.tilt.dev/tutorial.html to get started!";
        return Err(text.to_owned());
    }
    let foreign = |resource: &Resource| {
        let known = state.resources.get(resource.name.as_str())?;
        (known.tiltfile != *name).then(|| (resource.name.clone(), Arc::clone(&known.tiltfile)))
    };
    if let Some((resource, other)) = project.resources.iter().find_map(foreign) {
        return Err(format!(
            "Resource defined in two tiltfiles: {resource} (in {other} and in {name})\n\
             Give one of them another name; what was there before stays as it is."
        ));
    }
    if let Some(resource) = project
        .resources
        .iter()
        .find(|resource| state.tiltfiles.contains_key(resource.name.as_str()))
    {
        return Err(format!("Resource {:?} has the name of a Tiltfile", resource.name));
    }
    objects::declared::check(state, name, project)
}

/// The resources of one Tiltfile are replaced, in its order; those of others stay where they are.
fn take_over(state: &mut State, name: &Name, project: &Arc<Project>, effects: &mut Vec<Effect>) {
    let declared: Vec<&Resource> = project.resources.iter().collect();
    let is_declared = |resource: &str| declared.iter().any(|one| one.name == resource);
    let gone: Vec<Name> = state
        .resources
        .iter()
        .filter(|(resource, known)| known.tiltfile == *name && !is_declared(resource))
        .map(|(resource, _)| Arc::clone(resource))
        .collect();
    for resource in &gone {
        remove(state, resource, effects);
    }
    for resource in &project.resources {
        let key: Name = resource.name.as_str().into();
        match state.resources.contains_key(&key) {
            true => redefine(state, &key, resource, effects),
            false => {
                let added = ResourceState::new(Arc::new(resource.clone()), Arc::clone(name));
                state.resources.insert(Arc::clone(&key), Arc::new(added));
                workload::relink(state, &key);
            }
        }
    }
    order(state);
    image::declare(state);
}

/// A resource that nobody declares any more: what it runs ends, what is kept for it is released by not being desired.
pub fn remove(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    cancel(state, name, Cancelled::Redefined, effects);
    let gone = state.resources.shift_remove(name);
    if let Some(running) = gone.and_then(|gone| gone.running.clone()) {
        state.departing.insert(running.id, (Arc::clone(name), running));
    }
    state.queue.retain(|queued| queued != name);
}

fn redefine(state: &mut State, name: &Name, resource: &Resource, effects: &mut Vec<Effect>) {
    let Some(known) = state.resource(name) else { return };
    if *known.declared == *resource {
        return;
    }
    let invalid = invalidates(&known.declared, resource);
    if invalid {
        cancel(state, name, Cancelled::Redefined, effects);
    }
    let Some(known) = state.resource_mut(name) else { return };
    if known.declared.trigger != resource.trigger {
        known.trigger_mode = resource.trigger;
    }
    // Pods say nothing about what is no longer deployed to Kubernetes.
    if std::mem::discriminant(&known.declared.target) != std::mem::discriminant(&resource.target) {
        known.workload = Workload::default();
    }
    known.declared = Arc::new(resource.clone());
    known.images = image_maps(resource);
    if invalid {
        known.due = Some(if known.started_once {
            Cause::Config
        } else {
            Cause::Initial
        });
        known.usual = None;
        known.retry = Retry::default();
        known.is_outdated = false;
        known.history = VecDeque::new();
        if !known.serves() {
            known.serve = None;
        }
    }
    workload::judge(state, name, effects);
    workload::relink(state, name);
}

/// Whether what runs no longer is what is declared. What only changes when something runs does not count.
fn invalidates(known: &Resource, new: &Resource) -> bool {
    match (&known.target, &new.target) {
        (Target::Local(known), Target::Local(new)) => {
            known.update != new.update || known.serve != new.serve || known.readiness_probe != new.readiness_probe
        }
        (Target::Kubernetes(one), Target::Kubernetes(other)) => {
            let is_same = one.source == other.source
                && one.image_maps == other.image_maps
                && one.image_locators == other.image_locators;
            // How it is found, judged, shown and forwarded is not deployed.
            !is_same || images_differ(known, new)
        }
        (known_target, new_target) => known_target != new_target || images_differ(known, new),
    }
}

/// Whether the images are others, or deployed otherwise. How they are updated in place does not matter to what runs.
fn images_differ(known: &Resource, new: &Resource) -> bool {
    let is_same = |(known, new): (&ImageTarget, &ImageTarget)| {
        let deployed = |image: &ImageTarget| {
            let words = (image.entrypoint.clone(), image.container_args.clone());
            (words, image.match_in_env_vars)
        };
        builds_the_same(known, new) && deployed(known) == deployed(new)
    };
    known.images.len() != new.images.len() || !known.images.iter().zip(&new.images).all(is_same)
}

/// Tiltfile by Tiltfile, and within one in its order.
fn order(state: &mut State) {
    let mut ordered = IndexMap::with_capacity(state.resources.len());
    let projects = state
        .tiltfiles
        .values()
        .filter_map(|tiltfile| tiltfile.project.clone())
        .collect::<Vec<_>>();
    let names = projects.iter().flat_map(|project| project.resources.iter());
    for resource in names {
        if let Some((name, known)) = state.resources.swap_remove_entry(resource.name.as_str()) {
            ordered.insert(name, known);
        }
    }
    ordered.extend(std::mem::take(&mut state.resources));
    state.resources = ordered;
}
