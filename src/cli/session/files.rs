//! Where a session keeps its things, and what it leaves in the list of running servers.

use std::path::PathBuf;

use crate::world::apiconfig::{self, ConfigError, Entry};
use crate::world::dirs::Dirs;

/// The listed server; taken off the list when dropped, also by a panic.
pub struct Listed {
    config: PathBuf,
    entry: Entry,
}

impl Listed {
    pub fn add(config: PathBuf, entry: Entry) -> Result<Listed, ConfigError> {
        apiconfig::add(&config, &entry)?;
        Ok(Listed { config, entry })
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Err(error) = apiconfig::remove(&self.config, &self.entry) {
            crate::cli::output::say(format_args!("Warning: the server is still listed: {error}"));
        }
    }
}

/// The name by which a second command finds the instance of a port.
pub fn server_name(port: u16) -> String {
    crate::cli::client::Connect { port }.name()
}

/// The file in which servers list themselves.
pub fn config(dirs: &Dirs, variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    match variable("TILT_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => dirs.settings.join("config"),
    }
}
