//! `tilt trigger`: asks a session to update a resource.

use crate::cli::exit::Exit;
use crate::cli::instance::Trigger;
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::WebClient;
use crate::model::tree::{Map, Tree};

/// Says that it was asked on the command line.
const FROM_CLI: i64 = 32;

pub async fn run(args: &Trigger, here: &Surroundings) -> Result<(), Exit> {
    let client = WebClient::new(&args.connection, here)?;
    let mut body = Map::new();
    let names = vec![Tree::text(args.resource.as_str())];
    body.push("manifest_names", Tree::List(names));
    body.push("build_reason", Tree::Int(FROM_CLI));
    let answer = client.post("/api/trigger", &Tree::Map(body)).await?;
    // What could not be done, and is no error of the request's, comes as a text.
    if !answer.is_empty() {
        return Err(Exit::error(answer));
    }
    output::result(&format!(
        "Successfully triggered update for resource: {:?}\n",
        args.resource
    ))
}
