//! Kubernetes objects.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
