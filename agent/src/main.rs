//! The agent's command line: `serve` on standard input and output, `supervise` a program, `restart` it, or tell
//! the `version`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(|word| word.to_str()) {
        Some("version") => {
            println!("tilt-agent {} {}", env!("CARGO_PKG_VERSION"), tilt_agent::wire::VERSION);
            ExitCode::SUCCESS
        }
        Some("restart") => restart(),
        Some("serve") => tilt_agent::serve::main(args),
        Some("supervise") => tilt_agent::supervise::main(args),
        _ => {
            eprintln!("usage: tilt-agent serve | supervise … | restart | version");
            ExitCode::from(2)
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
