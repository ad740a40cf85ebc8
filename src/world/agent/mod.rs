//! The agent that works inside containers: the program itself, how it gets there, and what is said to it over one stream
//! that stays open.
//!
//! Nothing that a container says is trusted: what it sends is bounded, whatever makes no sense ends the session, and
//! everything that is waited for has a deadline. Where the agent cannot run, `tar` does what it can, one command at a time.

mod batch;
mod content;
mod convert;
mod embedded;
mod error;
mod install;
mod link;
mod packed;
mod place;
mod resident;
mod script;
mod send;
mod session;
mod tar;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Cause, Change, Content, Exit, Fetched, Kind, Listed, Problem, Root, Stream};
pub use embedded::{program, programs};
pub use error::{ApplyError, StartError};
pub use place::{Ended, Held, Input, Output, Place, Pod, Said};
pub use session::{About, Agent, News, Staged, Way};
pub use tilt_agent::glob::Globs;
