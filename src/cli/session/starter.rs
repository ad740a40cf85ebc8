//! A first Tiltfile for whoever has none: offered at a terminal, written only if wanted.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use crate::cli::exit::Exit;
use crate::world::replace;

const STARTER: &str = include_str!("starter.Tiltfile");

/// Asks whether to write one where there is none. Anything but yes leaves things as they are.
pub fn offer(tiltfile: &Path) -> Result<(), Exit> {
    let is_asked = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if tiltfile.exists() || !is_asked {
        return Ok(());
    }
    let asked = format!(
        "No Tiltfile found at {}\nCreate a starter Tiltfile? (y/n) ",
        tiltfile.display()
    );
    let failed = |error: std::io::Error| Exit::error(format!("no answer: {error}"));
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(asked.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => replace::replace(tiltfile, STARTER.as_bytes()).map_err(Exit::error),
        _ => Ok(()),
    }
}
