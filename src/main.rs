//! The `tilt` program: hands its command line to `tilt::cli` and exits as told.

use std::process::ExitCode;

/// A fifth of an evaluation went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tilt::cli::main()
}
