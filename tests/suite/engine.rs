//! What a real Docker Engine shows: images that are built, pushed, found again, cleared away.

mod agent;
mod build_command;
mod commands;
mod custom_build;
mod docker_build;
mod faults;
mod live_hostile;
mod live_tree;
mod prune;
mod registry;
mod session;
mod session_images;
mod supervise;
mod support;
