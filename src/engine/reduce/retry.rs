//! Pure. Updates that failed for what lies outside the project are tried again by themselves, a few times, ever later.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::{Class, UpdateFailure};
use crate::engine::effect::Effect;
use crate::engine::say::{self, span};
use crate::engine::state::{Cause, Mode, ResourceState, Retry};
use crate::model::duration::Duration as Shown;

const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(15)];

/// How often. Who waits for the end of `tilt ci` is told of trouble sooner.
pub fn most(mode: Mode) -> usize {
    match mode {
        Mode::Ci => 2,
        Mode::Up | Mode::Objects => PAUSES.len(),
    }
}

/// An update that was recorded just now failed, or did not.
pub fn plan(resource: &mut ResourceState, failure: Option<&UpdateFailure>, most: usize, effects: &mut Vec<Effect>) {
    let before = std::mem::take(&mut resource.retry);
    let is_outside = failure.is_some_and(|failure| failure.class == Class::Environment);
    let Some(last) = resource.last().filter(|_| is_outside) else {
        return;
    };
    let span = span(Arc::clone(&last.span), resource.name());
    let pause = PAUSES.iter().take(most).nth(before.failures as usize);
    let text = match pause {
        Some(pause) => format!(
            "Trying again in {} ({} of {most})",
            Shown::from_std(*pause),
            before.failures + 1
        ),
        None => format!(
            "Not trying again by itself: save a file, or run `tilt trigger {}`",
            resource.name()
        ),
    };
    effects.push(say::warn(&span, text));
    let at = pause.zip(Some(last.finished)).map(|(pause, now)| now + *pause);
    resource.retry = Retry {
        failures: before.failures + 1,
        at,
    };
}

/// An update begins. Counting starts again with everything that is not only a repetition.
pub fn begins(resource: &mut ResourceState, causes: &[Cause]) {
    resource.retry.at = None;
    if causes != [Cause::Retry] {
        resource.retry = Retry::default();
    }
}
