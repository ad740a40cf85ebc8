//! `tilt verify-install`.

use crate::cli::exit::Exit;
use crate::cli::{output, version};

/// Packagers run this after an installation. It sends nothing anywhere: that the binary starts is what it shows.
pub fn run() -> Result<(), Exit> {
    output::result(&format!(
        "Tilt {} is installed and runs. Thank you for trying it.\n\
         Next: `tilt alpha graph` in a directory with a Tiltfile, or `tilt help` for all commands.\n",
        version::stamp()
    ))
}
