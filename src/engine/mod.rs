//! The control loop: one task owns the state, facts come in as actions, decisions go out as effects.
//!
//! `reduce` takes in one action; `settle` and `schedule` decide what follows from the state as it is then, `desired` says which
//! long-lived tasks should exist. All of them are pure: they see no clock, no file and no process, so a simulator can drive
//! them. A performer carries effects out and answers with actions. Everybody else reads snapshots and asks through a handle.

pub mod action;
mod apply;
pub mod ci;
mod course;
mod desired;
pub mod effect;
pub mod fresh;
pub mod handle;
pub mod images;
pub mod live;
pub mod logs;
pub mod objects;
pub mod perform;
mod prune;
mod reduce;
mod say;
mod schedule;
mod settle;
#[cfg(test)]
pub mod sim;
mod spec;
pub mod state;
pub mod step;
pub mod store;
#[cfg(test)]
pub mod tests;
mod touched;
mod workload;
