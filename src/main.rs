//! The `tilt` program: hands its command line to `tilt::cli` and exits as told.

use std::process::ExitCode;

fn main() -> ExitCode {
    tilt::cli::main()
}
