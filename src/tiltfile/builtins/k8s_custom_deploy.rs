//! Deploys by a command.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
