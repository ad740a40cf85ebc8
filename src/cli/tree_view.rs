//! `tilt alpha tree-view`: the resources of a session as a tree of what waits for what.

use crate::cli::exit::Exit;
use crate::cli::instance::TreeView;
use crate::cli::verbs::surroundings::Surroundings;
use crate::cli::web_client::WebClient;
use crate::cli::{output, tiltfile_args};
use crate::model::tree::Tree;
use crate::ui::tree::{self, Extent, Node, Options, Repeats};
use crate::ui::view::Sign;

pub async fn run(args: &TreeView, here: &Surroundings) -> Result<(), Exit> {
    let client = WebClient::new(&args.connection, here)?;
    let engine = client.get_tree("/api/dump/engine").await?;
    let options = Options {
        extent: if args.blockers { Extent::Blockers } else { Extent::All },
        repeats: if args.dedupe { Repeats::Once } else { Repeats::Whole },
        style: tiltfile_args::stdout_style(),
    };
    output::result(&tree::tree(&nodes(&engine), options))
}

fn nodes(engine: &Tree) -> Vec<Node> {
    let names = texts(engine.get("definitionOrder"));
    let node = |name: String| {
        let resource = engine.at(&["resources", &name])?;
        Some(Node {
            deps: texts(resource.get("deps")),
            status: sign(resource),
            hold: resource
                .at(&["hold", "text"])
                .and_then(Tree::as_text)
                .map(str::to_owned),
            waits_for: texts(resource.at(&["hold", "on"])),
            name,
        })
    };
    names.into_iter().filter_map(node).collect()
}

fn sign(resource: &Tree) -> Sign {
    let standing = resource.get("standing").and_then(Tree::as_text);
    match standing.unwrap_or_default() {
        "Failing" => Sign::Failing,
        "Busy" => Sign::Busy,
        "Ready" => Sign::Ready,
        "Off" => Sign::Off,
        _ => Sign::Waiting,
    }
}

fn texts(list: Option<&Tree>) -> Vec<String> {
    let items = list.and_then(Tree::as_list).unwrap_or_default();
    items.iter().filter_map(Tree::as_text).map(str::to_owned).collect()
}
