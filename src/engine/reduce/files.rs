//! Pure. Files that changed: noted for the watch, and pending for whatever the watch belongs to.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::WatchFact;
use crate::engine::effect::Effect;
use crate::engine::reduce::evaluate;
use crate::engine::say;
use crate::engine::state::{Batch, Cause, MAIN, Name, ResourceState, Seq, State, WatchState};
use crate::model::object::kinds::FILE_WATCH;
use crate::model::time::Time;

/// How many batches a FileWatch shows.
const MOST_BATCHES: usize = 20;

/// What an update wrote last is reported a moment after its end. This is for what does not say when it was written.
const AFTERGLOW: Duration = Duration::from_millis(40);

pub fn changed(state: &mut State, changes: Vec<(Name, Vec<PathBuf>)>, written: Option<Time>) {
    for (watch, paths) in changes.into_iter().filter(|(_, paths)| !paths.is_empty()) {
        note(state, &watch, &paths);
        let Some(target) = target(state, &watch) else { continue };
        match target.split_once(':') {
            Some(("configs", tiltfile)) => evaluate(state, tiltfile, Cause::Files(paths)),
            Some(("local" | "k8s", resource)) => {
                let (seq, now) = (state.seq, state.now);
                if let Some(resource) = state.resource_mut(resource) {
                    pend(resource, paths, (seq, now, written));
                }
            }
            Some(("image", image)) => of_image(state, image, &paths, written),
            _ => {}
        }
    }
}

/// An image is out of date, and with it every resource that uses it, as it is or in another one.
fn of_image(state: &mut State, name: &str, paths: &[PathBuf], written: Option<Time>) {
    let (seq, now) = (state.seq, state.now);
    let Some(image) = state.image_mut(name) else { return };
    image.pending.extend(paths.iter().map(|path| (path.clone(), seq)));
    let users: Vec<Name> = state
        .resources
        .iter()
        .filter(|(_, resource)| resource.enabled && resource.uses(name))
        .map(|(name, _)| Arc::clone(name))
        .collect();
    for user in users {
        if let Some(user) = state.resource_mut(&user) {
            pend(user, paths.to_vec(), (seq, now, written));
        }
    }
}

/// What the watch is for, as its annotation says it.
fn target(state: &State, watch: &str) -> Option<String> {
    let object = state.table.get(&FILE_WATCH, watch)?;
    object.annotation("tilt.dev/target-id").map(str::to_owned)
}

fn note(state: &mut State, watch: &Name, paths: &[PathBuf]) {
    let (seq, at) = (state.seq, state.now);
    let noted = Arc::make_mut(state.watches.entry(Arc::clone(watch)).or_default());
    noted.last = Some(seq);
    noted.batches.push(Batch {
        at,
        paths: paths.to_vec(),
    });
    let surplus = noted.batches.len().saturating_sub(MOST_BATCHES);
    noted.batches.drain(..surplus);
    // Objects may ask for a deploy whenever it changes.
    state.unsettled = true;
}

fn pend(resource: &mut ResourceState, paths: Vec<PathBuf>, (seq, now, written): (Seq, Time, Option<Time>)) {
    if is_own_doing(resource, now, written) {
        resource.echo.files.extend(paths.iter().cloned());
    } else {
        resource.echo = Default::default();
    }
    resource.pending.since.get_or_insert(now);
    resource.freshness.saved(seq, now);
    resource.pending.files.extend(paths.into_iter().map(|path| (path, seq)));
}

/// Whether a change may come from the resource's own update: it runs, or it ran when the files were written.
fn is_own_doing(resource: &ResourceState, now: Time, written: Option<Time>) -> bool {
    let Some(last) = resource.last() else {
        return resource.running.is_some();
    };
    let before_its_end = match written {
        Some(written) => written <= last.finished,
        None => now.since(last.finished) < AFTERGLOW,
    };
    resource.running.is_some() || before_its_end
}

pub fn watch(state: &mut State, watch: &Name, fact: WatchFact, effects: &mut Vec<Effect>) {
    let now = state.now;
    let known = Arc::make_mut(state.watches.entry(Arc::clone(watch)).or_default());
    match fact {
        WatchFact::Started => {
            known.started.get_or_insert(now);
            known.error = None;
        }
        WatchFact::Recovered => {
            known.error = None;
            effects.push(say::info(&global(), format!("Watching files again: {watch}")));
        }
        WatchFact::Failed { error } => {
            if known.error.as_ref() != Some(&error) {
                effects.push(say::warn(&global(), format!("Cannot watch files ({watch}): {error}")));
            }
            known.error = Some(error);
        }
    }
}

fn global() -> crate::engine::effect::Span {
    crate::engine::effect::Span {
        id: "filewatch".into(),
        resource: MAIN.into(),
    }
}

impl WatchState {
    pub fn last_event(&self) -> Option<Time> {
        self.batches.last().map(|batch| batch.at)
    }
}
