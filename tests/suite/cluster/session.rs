//! Sessions that deploy: the real binary, a real cluster, and what becomes of both.

mod demo;
mod edits;
mod failures;
pub mod faults;
mod live_tree;
mod pinned;
mod recovery;
mod restricted;
pub mod stage;
pub mod wall;
