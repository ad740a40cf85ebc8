//! Pure. What became of looking for extension repositories and for the extensions in them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::RepoOutcome;
use crate::engine::state::{Name, RepoState, Sought, State};

/// Trying again starts with this pause, and doubles it up to the most.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

pub fn repo(state: &mut State, name: &Name, generation: u64, outcome: RepoOutcome) {
    let now = state.now;
    let known = state.repos.get_mut(name).map(Arc::make_mut);
    let Some(known) = known.filter(|known| known.generation == generation) else {
        return;
    };
    match outcome {
        RepoOutcome::Fetched { path, checkout, stale } => found(
            known,
            Sought::Repo {
                path,
                checkout,
                stale,
                at: now,
            },
        ),
        RepoOutcome::Failed { error } => missing(known, error, now),
    }
}

pub fn extension(state: &mut State, name: &Name, generation: u64, outcome: Result<PathBuf, String>) {
    let now = state.now;
    let known = state.extensions.get_mut(name).map(Arc::make_mut);
    let Some(known) = known.filter(|known| known.generation == generation) else {
        return;
    };
    match outcome {
        Ok(path) => found(known, Sought::Extension(path)),
        Err(error) => missing(known, error, now),
    }
}

fn found(known: &mut RepoState, what: Sought) {
    known.found = what;
    known.failures = 0;
    known.retry_at = None;
    known.shown = false;
}

fn missing(known: &mut RepoState, error: String, now: crate::model::time::Time) {
    let pause = FIRST_PAUSE * 2u32.saturating_pow(known.failures.min(10));
    known.found = Sought::Missing(error);
    known.failures += 1;
    known.retry_at = Some(now + pause.min(LONGEST_PAUSE));
    known.shown = false;
}
