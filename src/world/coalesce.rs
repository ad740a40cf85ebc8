//! Pure. When a burst of file events is over, so that it can be acted on as one batch.
//!
//! A single save is acted on after a few milliseconds. While events keep coming the window widens with the age of the
//! burst, so that a branch switch is one batch or a few; while a file is being written, or a repository's `index.lock`
//! held, it waits for that. All of it has a cap. Time is data here.

use std::time::{Duration, Instant};

/// How long to wait for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Silence after which a young burst is over.
    pub quiet: Duration,
    /// The most silence that is waited for, however old or large the burst.
    pub widest: Duration,
    /// However steadily events come, a burst is over after this long.
    pub longest: Duration,
    /// A file that somebody writes holds a burst back until it is closed, or no event has come and it has not grown for this long.
    pub writing: Duration,
    /// A lock of git's index holds a burst back no longer than this. A lock older than this was left behind by a crash.
    pub lock: Duration,
}

impl Default for Settle {
    fn default() -> Settle {
        Settle {
            quiet: Duration::from_millis(5),
            widest: Duration::from_millis(150),
            longest: Duration::from_secs(2),
            writing: Duration::from_millis(200),
            lock: Duration::from_secs(5),
        }
    }
}

/// From so many paths on, a burst is the work of a program and not of an editor.
const CROWD: usize = 16;
/// How often to look whether a file that was being written is closed.
const WRITING_CHECK: Duration = Duration::from_millis(5);
/// How often to look whether a lock is gone.
const LOCK_CHECK: Duration = Duration::from_millis(15);

/// Events that are not yet acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    pub first: Instant,
    pub last: Instant,
    pub paths: usize,
}

/// Whether a file of the burst is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    Closed,
    Open {
        /// When it was last seen to become larger: one long write is no event before its end.
        grown: Option<Instant>,
    },
}

/// The state of `index.lock` in the repositories that the burst is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitLock {
    Free,
    Held { age: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Act,
    /// Nothing to do before this; look again then.
    Wait(Instant),
}

impl Burst {
    pub fn new(at: Instant) -> Burst {
        Burst {
            first: at,
            last: at,
            paths: 0,
        }
    }

    /// Whether the burst is over. `lock` is asked only if nothing else holds it back.
    pub fn decide(&self, settle: &Settle, now: Instant, (files, lock): (Files, impl FnOnce() -> GitLock)) -> Decision {
        let longest = self.first + settle.longest;
        let end = (self.last + self.window(settle)).min(longest);
        if now < end {
            return Decision::Wait(end);
        }
        if let Files::Open { grown } = files {
            let last = grown.map_or(self.last, |grown| grown.max(self.last));
            let given_up = (last + settle.writing).min(longest);
            if now < given_up {
                return Decision::Wait((now + WRITING_CHECK).min(given_up));
            }
        }
        match lock() {
            GitLock::Held { age } if age < settle.lock && now < self.first + settle.lock => {
                let given_up = self.first + settle.lock;
                Decision::Wait((now + LOCK_CHECK).min(given_up))
            }
            _ => Decision::Act,
        }
    }

    /// The silence to wait for: half of the time that the burst has gone on, and more where many files are touched.
    fn window(&self, settle: &Settle) -> Duration {
        let age = self.last.saturating_duration_since(self.first) / 2;
        let crowd = settle.quiet * u32::try_from(self.paths / CROWD).unwrap_or(u32::MAX).min(10);
        (settle.quiet + age.max(crowd)).min(settle.widest.max(settle.quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(amount: u64) -> Duration {
        Duration::from_millis(amount)
    }

    fn free() -> (Files, impl FnOnce() -> GitLock) {
        (Files::Closed, || GitLock::Free)
    }

    fn open() -> (Files, impl FnOnce() -> GitLock) {
        (Files::Open { grown: None }, || GitLock::Free)
    }

    /// A fixed point in time from which tests count.
    fn start() -> Instant {
        crate::world::clock::now()
    }

    fn burst(start: Instant, last: u64, paths: usize) -> Burst {
        Burst {
            first: start,
            last: start + ms(last),
            paths,
        }
    }

    #[test]
    fn the_window_widens_with_age_and_number_up_to_its_cap() {
        let (zero, settle) = (start(), Settle::default());
        // last event, paths, when it is over
        let table = [
            (0, 1, 5),
            (2, 3, 8),
            (0, 32, 15),
            (0, 5_000, 55),
            (100, 100, 155),
            (1_000, 5_000, 1_150),
            (1_999, 5_000, 2_000),
        ];
        for (last, paths, over) in table {
            let burst = burst(zero, last, paths);
            let before = burst.decide(&settle, zero + ms(over - 1), free());
            assert_eq!(before, Decision::Wait(zero + ms(over)), "{last} ms, {paths} paths");
            assert_eq!(burst.decide(&settle, zero + ms(over), free()), Decision::Act);
        }
    }

    #[test]
    fn a_steady_stream_is_acted_on_by_the_cap() {
        let (zero, settle) = (start(), Settle::default());
        let last = burst(zero, 2_005, 10_000);
        assert_eq!(last.decide(&settle, zero + ms(2_005), free()), Decision::Act);
    }

    #[test]
    fn a_file_that_is_being_written_holds_a_burst_back_until_it_is_closed_or_left_alone() {
        let (zero, settle) = (start(), Settle::default());
        let one = burst(zero, 0, 1);
        let decide = |at| one.decide(&settle, zero + ms(at), open());
        assert_eq!(decide(4), Decision::Wait(zero + ms(5)));
        assert_eq!(decide(5), Decision::Wait(zero + ms(10)));
        assert_eq!(decide(198), Decision::Wait(zero + ms(200)));
        assert_eq!(decide(200), Decision::Act);
        let grown = (
            Files::Open {
                grown: Some(zero + ms(150)),
            },
            || GitLock::Free,
        );
        assert_eq!(
            one.decide(&settle, zero + ms(349), grown),
            Decision::Wait(zero + ms(350))
        );
        assert_eq!(one.decide(&settle, zero + ms(350), grown), Decision::Act);
        assert_eq!(one.decide(&settle, zero + ms(5), free()), Decision::Act);
        let steady = burst(zero, 1_990, 1);
        assert_eq!(
            steady.decide(&settle, zero + ms(1_999), open()),
            Decision::Wait(zero + ms(2_000))
        );
        assert_eq!(steady.decide(&settle, zero + ms(2_000), open()), Decision::Act);
    }

    #[test]
    fn a_lock_holds_a_settled_burst_back_until_it_is_free_or_the_cap_is_reached() {
        let (zero, settle) = (start(), Settle::default());
        let burst = burst(zero, 0, 1);
        let held = |age| (Files::Closed, move || GitLock::Held { age: ms(age) });
        assert_eq!(
            burst.decide(&settle, zero + ms(5), held(1)),
            Decision::Wait(zero + ms(20))
        );
        assert_eq!(burst.decide(&settle, zero + ms(5), free()), Decision::Act);
        let late = burst.decide(&settle, zero + ms(4_995), held(4_995));
        assert_eq!(late, Decision::Wait(zero + ms(5_000)));
        assert_eq!(burst.decide(&settle, zero + ms(5_000), held(4_999)), Decision::Act);
    }

    #[test]
    fn a_lock_that_a_crash_left_behind_holds_nothing_back() {
        let (zero, settle) = (start(), Settle::default());
        let stale = (Files::Closed, || GitLock::Held { age: ms(60_000) });
        assert_eq!(burst(zero, 0, 1).decide(&settle, zero + ms(5), stale), Decision::Act);
    }

    #[test]
    fn a_lock_is_not_looked_at_while_events_come() {
        let (zero, settle) = (start(), Settle::default());
        let unasked = (Files::Closed, || panic!("too early"));
        let decision = burst(zero, 0, 1).decide(&settle, zero + ms(4), unasked);
        assert_eq!(decision, Decision::Wait(zero + ms(5)));
    }
}
