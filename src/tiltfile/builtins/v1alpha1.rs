//! Objects of the API, and the structs that they are made of.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
