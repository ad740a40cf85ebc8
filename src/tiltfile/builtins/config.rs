//! Settings that the Tiltfile defines for its user.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
