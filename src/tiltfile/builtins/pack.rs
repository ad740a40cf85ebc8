//! Images built with Cloud Native Buildpacks.

use crate::tiltfile::function::Builtin;

pub const FUNCTIONS: &[Builtin] = &[];
