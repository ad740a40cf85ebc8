//! Pure. When a readiness probe is tried next, and what a row of tries says about readiness.

use std::time::Duration;

use crate::model::local::Probe;

/// The pause before the second try; each further one is twice as long.
const QUICKEST: Duration = Duration::from_millis(10);

/// A probe's numbers, as Kubernetes understands them: what is not set, or makes no sense, has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub initial_delay: Duration,
    pub period: Duration,
    pub timeout: Duration,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

impl Timing {
    pub fn of(probe: &Probe) -> Timing {
        let or = |number: i32, default: u32| u32::try_from(number).ok().filter(|n| *n > 0).unwrap_or(default);
        let seconds = |number, default| Duration::from_secs(or(number, default).into());
        Timing {
            initial_delay: seconds(probe.initial_delay_secs, 0),
            period: seconds(probe.period_secs, 10),
            timeout: seconds(probe.timeout_secs, 1),
            success_threshold: or(probe.success_threshold, 1),
            failure_threshold: or(probe.failure_threshold, 3),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
}

/// Readiness has changed; this is also how a row of failures at the very start is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub outcome: Outcome,
    /// What the try that made the difference had to say.
    pub output: String,
}

impl Change {
    pub fn is_ready(&self) -> bool {
        self.outcome == Outcome::Success
    }

    /// The line for the log.
    pub fn line(&self) -> String {
        let word = match self.outcome {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
        };
        format!("[readiness probe: {word}] {}", self.output.trim_end())
            .trim_end()
            .to_owned()
    }
}

/// Tries counted against the thresholds.
#[derive(Clone, Debug)]
pub struct Readiness {
    timing: Timing,
    /// What was reported last; nothing yet at the start.
    known: Option<Outcome>,
    last: Option<Outcome>,
    row: u32,
}

impl Readiness {
    pub fn new(timing: Timing) -> Readiness {
        Readiness {
            timing,
            known: None,
            last: None,
            row: 0,
        }
    }

    /// Counts a try; true if it changes what is known.
    pub fn record(&mut self, outcome: Outcome) -> bool {
        self.row = if self.last == Some(outcome) {
            self.row.saturating_add(1)
        } else {
            1
        };
        self.last = Some(outcome);
        let threshold = match outcome {
            Outcome::Success => self.timing.success_threshold,
            Outcome::Failure => self.timing.failure_threshold,
        };
        if self.row < threshold || self.known == Some(outcome) {
            return false;
        }
        self.known = Some(outcome);
        true
    }
}

/// When to try. Times are measured from the first try.
///
/// Upstream waits a whole period between tries, so a server that needs 50 ms to come up is known to be ready after 10 s.
/// Until the first success we also try in between, at growing distances up to a period. What fails in between is not
/// counted: `failure_threshold` failures still take as many periods as the user was promised.
#[derive(Clone, Debug)]
pub struct Pace {
    period: Duration,
    pause: Duration,
    has_succeeded: bool,
}

/// The next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    pub at: Duration,
    pub kind: TurnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKind {
    /// One a period: whatever comes of it is counted.
    Regular,
    /// In between: only a success is counted.
    Eager,
}

impl Pace {
    pub fn new(timing: Timing) -> Pace {
        Pace {
            period: timing.period,
            pause: QUICKEST,
            has_succeeded: false,
        }
    }

    /// The turn after a try that ended at `now` with `outcome`. Turns that a slow try has used up are left out.
    pub fn next(&mut self, now: Duration, outcome: Outcome) -> Turn {
        self.has_succeeded |= outcome == Outcome::Success;
        let turns = now.as_nanos() / self.period.as_nanos().max(1) + 1;
        let regular = self.period.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX));
        let eager = now.saturating_add(self.pause);
        if self.has_succeeded || eager >= regular {
            return Turn {
                at: regular,
                kind: TurnKind::Regular,
            };
        }
        self.pause = self.pause.saturating_mul(2).min(self.period);
        Turn {
            at: eager,
            kind: TurnKind::Eager,
        }
    }
}

#[cfg(test)]
mod tests;
