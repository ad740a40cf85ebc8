//! Steps that bring changed files into running containers.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
