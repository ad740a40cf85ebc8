//! `tilt verify-install`.

use crate::cli::exit::Exit;
use crate::cli::version;

/// Packagers run this after an installation. It sends nothing anywhere: that the binary starts is what it shows.
pub fn run() -> Result<(), Exit> {
    println!(
        "Tilt {} is installed and runs. Thank you for trying it.",
        version::stamp()
    );
    println!("Next: `tilt up` in a directory with a Tiltfile, or `tilt help` for all commands.");
    Ok(())
}
