//! Ends a command whose Tiltfile takes the machine's memory.
//!
//! The interpreter counts memory between statements; a single call of a string method can build
//! gigabytes in between and cannot be interrupted. For those there is only the process to end.

use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::cli::output;
use crate::world::memory;

/// Well above what an evaluation can hold that keeps the interpreter's own limit.
const MOST_RESIDENT: u64 = 2 << 30;

/// Short against the time in which a call fills memory.
const INTERVAL: Duration = Duration::from_millis(10);

/// Watches until it is dropped.
#[must_use]
pub struct Guard {
    _watched: Sender<()>,
}

/// Ends the process with `code` when it grows as only a runaway Tiltfile makes it grow.
pub fn guard(tiltfile: &Path, code: u8) -> std::io::Result<Guard> {
    let tiltfile = tiltfile.to_owned();
    let (watched, ended) = mpsc::channel();
    std::thread::Builder::new().name("memory".to_owned()).spawn(move || {
        while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            match memory::resident() {
                Some(bytes) if bytes > MOST_RESIDENT => end(&tiltfile, code),
                Some(_) => {}
                None => return,
            }
        }
    })?;
    Ok(Guard { _watched: watched })
}

fn end(tiltfile: &Path, code: u8) -> ! {
    output::say(format_args!(
        "Error: {}: a call takes more memory than a Tiltfile may use ({} GiB).\n\
         Look for a `join`, `replace`, `format` or `+` that makes a very large value.",
        tiltfile.display(),
        MOST_RESIDENT >> 30
    ));
    std::process::exit(i32::from(code))
}
