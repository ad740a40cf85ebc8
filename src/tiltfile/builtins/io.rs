//! Files and folders.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
