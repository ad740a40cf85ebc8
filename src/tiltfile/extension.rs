//! Where `ext://NAME` leads.

use std::path::PathBuf;

use crate::tiltfile::run::Run;

pub fn resolve(_run: &Run, name: &str) -> Result<PathBuf, String> {
    Err(format!("no extension {name}"))
}
