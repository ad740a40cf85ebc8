//! What needs a Docker Engine: a real one, whatever else it is used for meanwhile.

mod commands;
mod custom_build;
mod prune;
mod support;
