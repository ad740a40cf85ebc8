//! `tilt-agent supervise`: runs a command as the first process of a container, and starts it again when it is told to.
//!
//! It is a proper init: it collects every orphan, passes signals on to the command's process group and ends with the
//! command's exit code. It is told to start the command again over a socket ([`client`]; the resident agent does so), or by
//! a write to a file. It needs nothing of the container: no shell, no folder, nothing writable.
//!
//! Everything happens in one thread that waits in one place, so no two things happen at once.

#![allow(
    clippy::disallowed_methods,
    reason = "a program of its own: it starts a process and reads the clock where it needs to"
)]

use std::ffi::OsString;
use std::process::ExitCode;

pub mod client;
mod name;
mod options;
mod peers;
mod policy;
mod restart_file;
mod run;
pub(crate) mod signals;

pub use policy::End;

const USAGE: &str = "usage: tilt-agent supervise [--exit-policy adaptive|restart|continue] [--restart-file FILE] \
[--grace SECONDS] [--socket NAME] -- COMMAND [ARGUMENT…]";

/// Runs the command that the arguments name until the container should end; the code is for this process to end with.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = match options::parse(args) {
        Ok(options) => options,
        Err(reason) => {
            say(&format!("{reason}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    match run::Supervisor::new(options).and_then(run::Supervisor::run) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("cannot supervise: {error}"));
            ExitCode::from(125)
        }
    }
}

/// To the container's log, in which the application's own lines are too.
fn say(line: &str) {
    use std::io::Write;
    // A log that cannot be written to is no reason to end somebody's application.
    let _ = writeln!(std::io::stderr(), "tilt: {line}");
}
