//! Paths and the environment.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
