//! Pure. When images that a day of saving leaves behind are thrown away: after so many builds, or every so often.

use crate::engine::effect::{Effect, PruneOrder};
use crate::engine::images::live_images;
use crate::engine::state::{Mode, State};
use crate::model::time::Time;

pub fn prune(state: &mut State, effects: &mut Vec<Effect>) {
    if !is_due(state) {
        return;
    }
    state.pruning.last = Some(state.now);
    state.pruning.built_before = state.pruning.built;
    effects.push(Effect::Prune(Box::new(PruneOrder {
        settings: state.settings.docker_prune.clone(),
        keep: live_images(state),
    })));
}

/// Not while anything is built: what is new has no name yet that we could ask to keep.
fn is_due(state: &State) -> bool {
    let (settings, pruning) = (&state.settings.docker_prune, &state.pruning);
    let is_idle = state.departing.is_empty()
        && state
            .resources
            .values()
            .all(|resource| resource.running.is_none() && !resource.is_due());
    let built = pruning.built - pruning.built_before;
    let may = settings.enabled && state.session.mode == Mode::Up && state.session.ending.is_none();
    if !may || built == 0 || !is_idle {
        return false;
    }
    match settings.num_builds {
        0 => next(state).is_none_or(|next| state.now >= next),
        after => pruning.last.is_none() || built >= u64::from(after),
    }
}

/// By the clock, if that is what is asked for.
fn next(state: &State) -> Option<Time> {
    Some(state.pruning.last? + state.settings.docker_prune.interval)
}

pub fn wake_at(state: &State) -> Option<Time> {
    let (settings, pruning) = (&state.settings.docker_prune, &state.pruning);
    let waits = settings.enabled && settings.num_builds == 0 && pruning.built > pruning.built_before;
    next(state).filter(|next| waits && *next > state.now)
}
