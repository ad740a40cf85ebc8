//! Checkouts on disk.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
