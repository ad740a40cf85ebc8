//! Images built from a Dockerfile.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
