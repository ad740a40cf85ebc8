//! YAML and JSON.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
