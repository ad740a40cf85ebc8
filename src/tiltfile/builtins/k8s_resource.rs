//! Options of Kubernetes resources.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
