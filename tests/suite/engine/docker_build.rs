//! `docker_build` on a real engine: what every option does, what is sent, and when nothing is built at all.

pub mod project;
mod reuse;
