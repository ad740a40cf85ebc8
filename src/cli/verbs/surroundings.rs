//! Where a command runs: its environment, its folder, and the server that it talks to.

#![expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::Connection;
use crate::cli::client::{Client, Server};
use crate::cli::exit::Exit;
use crate::model::path;

pub struct Surroundings {
    pub variables: BTreeMap<String, String>,
    pub here: PathBuf,
}

impl Surroundings {
    /// Those of this process.
    pub fn ours() -> Result<Surroundings, Exit> {
        let here = std::env::current_dir().map_err(|error| Exit::error(format!("no current directory: {error}")))?;
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Ok(Surroundings {
            variables: std::env::vars_os().filter_map(text).collect(),
            here,
        })
    }

    pub fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    /// A path of the command line, absolute.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        path::join(&self.here, path)
    }

    pub fn client(&self, connection: &Connection) -> Result<Client, Exit> {
        let server = Server::find(connection.connect(), |name| self.variable(name))?;
        Ok(Client::new(server)?)
    }
}
