//! Settings of the session.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
