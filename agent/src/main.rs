//! The agent's command line: `serve` on standard input and output, `supervise` a program, `restart` it, or tell
//! the `version` or its own `size`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|word| word.to_str()) {
        Some("version") => {
            println!("tilt-agent {} {}", env!("CARGO_PKG_VERSION"), tilt_agent::wire::VERSION);
            ExitCode::SUCCESS
        }
        Some("size") => size(),
        Some("restart") => restart(),
        Some("serve") => tilt_agent::serve::main(args),
        Some("supervise") => tilt_agent::supervise::main(args),
        _ => {
            eprintln!("usage: tilt-agent serve | supervise … | restart | version | size");
            ExitCode::from(2)
        }
    }
}

/// Of the file that this runs from: whoever put it there knows how large it should be.
fn size() -> ExitCode {
    let path = std::env::args_os().next().unwrap_or_default();
    match std::fs::metadata(&path) {
        Ok(file) => {
            println!("{}", file.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("`{}`: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

/// Starts the container's process again, for people and scripts.
fn restart() -> ExitCode {
    match tilt_agent::supervise::client::restart() {
        Ok(pid) => {
            println!("restarted as process {pid}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
