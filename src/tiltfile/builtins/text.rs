//! Quoting, links.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
