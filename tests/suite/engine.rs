//! What a real Docker Engine shows: images that are built, pushed, found again, cleared away.

mod custom_build;
mod docker_build;
mod registry;
mod session;
mod support;
