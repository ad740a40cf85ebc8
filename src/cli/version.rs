//! `tilt version`.

use crate::cli::exit::Exit;
use crate::cli::output;

/// `v0.38.0, built 2026-11-21`: extensions take it apart at the comma.
pub fn stamp() -> String {
    let development = if cfg!(debug_assertions) { "-dev" } else { "" };
    format!(
        "v{}{development}, built {}",
        env!("CARGO_PKG_VERSION"),
        env!("TILT_BUILD_DATE")
    )
}

pub fn run() -> Result<(), Exit> {
    output::result(&format!("{}\n", stamp()))
}
