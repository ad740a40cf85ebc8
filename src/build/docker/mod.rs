//! `docker_build`.

pub mod plan;
