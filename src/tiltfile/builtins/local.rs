//! Commands that run while the Tiltfile loads.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
