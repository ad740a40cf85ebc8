//! Instances that list themselves as running, and whether they are.

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use super::Section;
use crate::cli::verbs::surroundings::Surroundings;
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::apiconfig;
use crate::world::dirs::Dirs;
use crate::world::files;

/// They are on this machine.
const PATIENCE: Duration = Duration::from_millis(500);

pub fn section(dirs: &Dirs, here: &Surroundings) -> Section {
    let file = apiconfig::place(here.variable("TILT_CONFIG").as_deref(), &dirs.settings);
    let text = match files::read_text(&file) {
        Err(error) if error.is_missing() => Ok(String::new()),
        other => other.map_err(|error| error.to_string()),
    };
    let servers = text.and_then(|text| servers(&text));
    Section {
        title: "Running instances",
        lines: match servers {
            Ok(servers) if servers.is_empty() => vec![("None", format!("nothing is listed in {}", file.display()))],
            Ok(servers) => looked_at(&servers),
            Err(error) => vec![("Unknown", format!("error: {error}"))],
        },
    }
}

/// Names and URLs.
fn servers(text: &str) -> Result<Vec<(String, String)>, String> {
    let tree = yaml::parse_one(text).map_err(|error| error.to_string())?;
    let clusters = tree.get("clusters").and_then(Tree::as_list).unwrap_or_default();
    let server = |cluster: &Tree| {
        let name = cluster.get("name")?.as_text()?;
        Some((
            name.to_owned(),
            cluster.at(&["cluster", "server"])?.as_text()?.to_owned(),
        ))
    };
    Ok(clusters.iter().filter_map(server).collect())
}

fn looked_at(servers: &[(String, String)]) -> Vec<(&'static str, String)> {
    thread::scope(|scope| {
        let looks = servers.iter().map(|(_, url)| scope.spawn(|| answers(url)));
        let looks: Vec<_> = looks.collect();
        let line = |((name, url), look): (&(String, String), thread::ScopedJoinHandle<bool>)| {
            let found = match look.join() {
                Ok(true) => "running",
                _ => "listed, but nothing answers: it was killed",
            };
            ("Instance", format!("{name}, {url}: {found}"))
        };
        servers.iter().zip(looks).map(line).collect()
    })
}

fn answers(url: &str) -> bool {
    let address = url.split_once("://").map_or(url, |(_, rest)| rest);
    let address: Option<SocketAddr> = address.trim_end_matches('/').parse().ok();
    address.is_some_and(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}
