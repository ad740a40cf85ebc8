//! The clock: the one place that asks the machine for the time.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the clock is read for everybody else"
)]

pub use std::time::{Duration, Instant, SystemTime};

/// For measuring how long something takes.
pub fn now() -> Instant {
    Instant::now()
}

/// The date and time of day.
pub fn today() -> SystemTime {
    SystemTime::now()
}
