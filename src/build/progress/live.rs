//! Pure. A step as a live view shows it.

use std::time::Duration;

use crate::model::time::Time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveStep {
    pub name: String,
    pub state: StepState,
    /// What it has counted so far, or else the last thing it printed.
    pub detail: String,
    /// One of the builder's own, which says nothing to who wrote the Dockerfile.
    pub is_internal: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Waiting,
    /// Since when, by our clock.
    Running {
        since: Time,
    },
    Cached,
    Done {
        took: Duration,
    },
    Failed {
        took: Duration,
    },
    /// Another one failed meanwhile.
    Canceled,
}
