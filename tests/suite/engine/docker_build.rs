//! `docker_build` on a real engine: what every option does, what is sent, and when nothing is built at all.

mod bad_input;
mod classic;
mod content;
mod fresh;
mod options;
pub mod project;
mod registries;
mod reuse;
mod secrets;
mod stopping;
