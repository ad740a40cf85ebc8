//! Kinds of objects that are workloads or hold images.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
