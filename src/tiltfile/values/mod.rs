//! Values that only a Tiltfile knows: what its functions return beside strings, lists and dicts.
//!
//! Each is plain data below a Starlark face; none reads files or runs anything.

pub mod action;
pub mod blob;
pub mod environ;
pub mod git_repo;
pub mod record;
pub mod step;
pub mod token;
pub mod tree;
