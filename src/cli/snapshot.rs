//! `tilt snapshot create`: the state of a session as a file.

use std::fs;

use crate::cli::exit::Exit;
use crate::cli::instance::SnapshotCreate;
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::WebClient;
use crate::world::files;

pub async fn create(args: &SnapshotCreate, here: &Surroundings) -> Result<(), Exit> {
    let client = WebClient::new(&args.connection, here)?;
    let snapshot = client.get("/api/snapshot/local").await?;
    let Some(file) = &args.file else {
        return output::result(&String::from_utf8_lossy(&snapshot));
    };
    let path = here.path(file);
    fs::write(&path, &snapshot)
        .map_err(|error| Exit::error(format!("cannot write `{}`: {}", file.display(), files::reason(&error))))
}
