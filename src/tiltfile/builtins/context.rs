//! Which cluster, and whether it may be touched.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
