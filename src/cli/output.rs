//! What goes out: results on standard output, everything that is said about them on standard error.

use std::fmt::Display;
use std::io::{self, Write};

use crate::cli::exit::Exit;

/// Writes a result, whole.
pub fn result(text: &str) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Whoever read our output may have had enough of it (`tilt … | head`); that it cannot be written is a failure.
pub fn written(outcome: io::Result<()>) -> Result<(), Exit> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Exit::error(format!("cannot write the result: {error}"))),
    }
}

/// Says a line on standard error.
pub fn say(line: impl Display) {
    // If nobody can hear it, there is nobody left to tell, and the work itself goes on.
    let _ = writeln!(io::stderr(), "{line}");
}
