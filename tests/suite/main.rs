//! The one integration binary: what a user, an editor or a script sees of `tilt`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests run programs and read the environment themselves"
)]

mod api;
mod cli;
mod cluster;
mod engine;
mod extensions;
mod fuzz;
mod guard;
mod instance;
mod lsp;
mod session;
mod support;
mod tidy;
mod tiltfile_result;
mod verbs;
