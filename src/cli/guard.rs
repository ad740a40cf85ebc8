//! `tilt __guard`: not for people. The process that ends our children when we cannot; see `world/guard`.

use std::process::ExitCode;

use crate::world::guard::{WORD, watch};

/// Guards to the end if this process was started for that. Asked before anything else, because there is one guard for
/// every Tilt that runs, and it costs what was loaded until here.
pub fn run_if_asked() -> Option<ExitCode> {
    if std::env::args_os().nth(1)? != WORD {
        return None;
    }
    // Nobody reads what it could say.
    Some(watch::run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
}
