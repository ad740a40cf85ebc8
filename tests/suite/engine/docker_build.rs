//! `docker_build` on a real engine: what every option does, what is sent, and when nothing is built at all.

mod project;
mod reuse;
