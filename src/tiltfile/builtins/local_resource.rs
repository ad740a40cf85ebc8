//! Resources that run on this machine.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
