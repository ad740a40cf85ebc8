//! Sessions that deploy: the real binary, a real cluster, and what becomes of both.

mod demo;
mod edits;
mod failures;
mod faults;
mod pinned;
mod recovery;
mod restricted;
mod stage;
mod wall;
