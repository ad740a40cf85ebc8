//! Kustomizations rendered to YAML.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
