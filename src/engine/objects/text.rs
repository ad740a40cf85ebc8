//! Pure. Failures and durations as the texts that objects and logs hold.

use crate::model::report::Failure;

/// An evaluation's failure, as a log shows it.
pub fn failure(failure: &Failure) -> String {
    failure.traceback()
}
