//! Pure. What to read next of a container: which of its runs, and whether it goes on.

use crate::model::pod::{Container, ContainerState, LastRun, Pod};
use crate::model::time::Time;

/// What is known of a container's runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The latest run; empty until there was one.
    pub id: Box<str>,
    pub has_ended: bool,
    pub last: Option<LastRun>,
    /// There is no such pod any more.
    pub is_gone: bool,
}

/// What was read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The run that is being read; empty between two.
    pub reading: Box<str>,
    /// The last one that was read to its end.
    pub done: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to read before something changes.
    Wait,
    /// Everything was read, and nothing will come any more.
    End,
    /// The latest run, from its beginning.
    Begin,
    /// The run before, from its beginning, before the latest one.
    BeginPrevious,
    /// The run that is being read, and what it goes on to print.
    Follow,
    /// The rest of the run that is being read: it has ended.
    ReadRest,
    /// The same, but another has begun since.
    ReadRestOfPrevious,
    /// The rest of it is out of reach.
    GiveUp,
}

pub fn next(progress: &Progress, now: &Now, since: Option<Time>) -> Step {
    let is_last = |id: &str| now.last.as_ref().is_some_and(|last| *last.id == *id);
    match &*progress.reading {
        "" if now.is_gone => Step::End,
        "" if now.id.is_empty() || now.id == progress.done => Step::Wait,
        "" if has_missed_one(progress, now, since) => Step::BeginPrevious,
        "" => Step::Begin,
        _ if now.is_gone => Step::GiveUp,
        reading if *now.id == *reading && now.has_ended => Step::ReadRest,
        reading if *now.id == *reading => Step::Follow,
        reading if is_last(reading) => Step::ReadRestOfPrevious,
        _ => Step::GiveUp,
    }
}

/// Whether a run began and ended between two looks, or before the first look but in our time.
fn has_missed_one(progress: &Progress, now: &Now, since: Option<Time>) -> bool {
    let Some(last) = &now.last else { return false };
    if last.id.is_empty() || last.id == now.id || last.id == progress.done {
        return false;
    }
    let second = |time: Time| time.micros().div_euclid(1_000_000);
    let is_ours = since
        .zip(last.finished)
        .is_some_and(|(since, finished)| second(finished) >= second(since));
    !progress.done.is_empty() || is_ours
}

pub fn now(pod: &Pod, name: &str) -> Now {
    let container = pod.all_containers().find(|container| *container.name == *name);
    container.map(of_container).unwrap_or_default()
}

fn of_container(container: &Container) -> Now {
    let last = container.last.clone();
    let latest_of_none = || last.as_ref().map(|last| last.id.clone()).unwrap_or_default();
    Now {
        // Between two runs some clusters still name the one that ended, some name none.
        id: match container.id.is_empty() {
            true => latest_of_none(),
            false => container.id.clone(),
        },
        has_ended: match &container.state {
            ContainerState::Running { .. } => false,
            ContainerState::Terminated { .. } => true,
            ContainerState::Waiting { .. } | ContainerState::Unknown => last.is_some(),
        },
        last,
        is_gone: false,
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
