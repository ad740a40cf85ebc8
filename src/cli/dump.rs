//! `tilt dump`: the insides of a session, and documents that this program has about itself.

mod cli_docs;

use std::fs;
use std::path::Path;

use crate::api::openapi;
use crate::build::tag;
use crate::cli::exit::Exit;
use crate::cli::instance::Dump;
use crate::cli::output;
use crate::cli::verbs::args::Connection;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::WebClient;
use crate::model::image::Reference;
use crate::model::tree::Tree;
use crate::model::yaml::json;
use crate::tiltfile::analysis::stubs;
use crate::world::docker::Engine;
use crate::world::files;

pub fn run(command: &Dump, here: &Surroundings) -> Result<(), Exit> {
    match command {
        Dump::Engine(connection) => online(asked("/api/dump/engine", connection, here)),
        Dump::Webview(connection) => online(asked("/api/view", connection, here)),
        Dump::Logstore(connection) => online(log_list(connection, here)),
        Dump::Openapi => output::result(&format!("{}\n", openapi::v2())),
        Dump::ImageDeployRef(args) => online(image_deploy_ref(&args.image, here)),
        Dump::ApiDocs(folder) => written(&here.path(&folder.dir), &stubs::all()),
        Dump::CliDocs(folder) => written(&here.path(&folder.dir), &cli_docs::all()),
    }
}

async fn asked(path: &str, connection: &Connection, here: &Surroundings) -> Result<(), Exit> {
    let tree = WebClient::new(connection, here)?.get_tree(path).await?;
    print(&tree)
}

async fn log_list(connection: &Connection, here: &Surroundings) -> Result<(), Exit> {
    let view = WebClient::new(connection, here)?.get_tree("/api/view").await?;
    print(view.get("logList").unwrap_or(&Tree::Null))
}

fn print(tree: &Tree) -> Result<(), Exit> {
    output::result(&format!("{}\n", json::pretty(tree)))
}

async fn image_deploy_ref(image: &str, here: &Surroundings) -> Result<(), Exit> {
    let name = Reference::parse(image).map_err(|error| Exit::error(format!("`{image}` names no image: {error}")))?;
    let engine = Engine::connect(&here.variables).await.map_err(Exit::error)?;
    let found = engine.image(&name.familiar()).await.map_err(Exit::error)?;
    let found = found.ok_or_else(|| Exit::error(format!("Docker has no image `{image}`")))?;
    let name = name.without_tag().with_tag(&tag::of_content(&found.id));
    let name = name.map_err(Exit::error)?;
    engine.tag(&found.id, &name).await.map_err(Exit::error)?;
    output::result(&name.familiar())
}

/// Writes files by their path below a folder, and says which.
fn written(folder: &Path, files: &[(String, String)]) -> Result<(), Exit> {
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        let outcome = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        outcome
            .map_err(|error| Exit::error(format!("cannot write `{}`: {}", path.display(), files::reason(&error))))?;
    }
    output::say(format_args!("Wrote {} files to {}", files.len(), folder.display()));
    Ok(())
}
