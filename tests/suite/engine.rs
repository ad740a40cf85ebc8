//! What a real Docker Engine shows: images that are built, pushed, found again, cleared away.

mod custom_build;
mod session;
mod support;
