//! What a session leaves in the list of running servers.

use std::path::PathBuf;

use crate::cli::output;
use crate::world::apiconfig::{self, ApiConfigError, Entry};

/// A listed server, until it is taken off the list. One that was killed stays; the next one of its name replaces it.
pub struct Listed {
    config: PathBuf,
    entry: Entry,
}

impl Listed {
    pub async fn add(config: PathBuf, entry: Entry) -> Result<Listed, ApiConfigError> {
        apiconfig::add(&config, &entry).await?;
        Ok(Listed { config, entry })
    }

    pub async fn remove(self) {
        if let Err(error) = apiconfig::remove(&self.config, &self.entry).await {
            output::say(format_args!("Warning: the server is still listed: {error}"));
        }
    }
}
