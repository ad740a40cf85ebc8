//! Which API server is meant, and how it is reached: from the file in which running servers list themselves.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ClientError;
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::dirs::Dirs;
use crate::world::files;

/// The port whose server is the default one.
const DEFAULT_PORT: u16 = 10350;

/// How a command was told which instance it should talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect {
    pub port: u16,
}

/// One server, as it listed itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    pub name: String,
    /// Without a slash at its end.
    pub url: String,
    /// Certificates of those who may have signed the server's.
    pub roots: Vec<u8>,
    pub token: Option<String>,
}

impl Connect {
    /// What the server of this port is called.
    pub fn name(self) -> String {
        match self.port {
            DEFAULT_PORT => "tilt-default".to_owned(),
            port => format!("tilt-{port}"),
        }
    }
}

impl Server {
    /// Looks the server up in `$TILT_CONFIG`, or in `config` of the settings folder.
    pub fn find(connect: Connect, variable: impl Fn(&str) -> Option<String>) -> Result<Server, ClientError> {
        let path = match variable("TILT_CONFIG").filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => {
                let dirs = Dirs::from_env(variable).map_err(|error| ClientError::Config(error.to_string()))?;
                dirs.settings.join("config")
            }
        };
        match files::read_text(&path) {
            Ok(text) => Server::read(&text, &connect.name()),
            Err(error) if error.is_missing() => Err(ClientError::NoServer {
                name: connect.name(),
                others: Vec::new(),
            }),
            Err(error) => Err(ClientError::Config(error.to_string())),
        }
    }

    /// The server of a name in the text of such a file.
    pub fn read(text: &str, name: &str) -> Result<Server, ClientError> {
        let tree =
            yaml::parse_one(text).map_err(|error| ClientError::Config(format!("error loading config: {error}")))?;
        let context = named(&tree, "contexts", name).and_then(|entry| entry.get("context"));
        let of = |context: &Tree, key: &str| context.get(key).and_then(Tree::as_text).unwrap_or(name).to_owned();
        let cluster = context.and_then(|context| named(&tree, "clusters", &of(context, "cluster"))?.get("cluster"));
        let user = context.and_then(|context| named(&tree, "users", &of(context, "user"))?.get("user"));
        let Some(url) = cluster.and_then(|cluster| cluster.get("server")?.as_text()) else {
            return Err(ClientError::NoServer {
                name: name.to_owned(),
                others: others(&tree),
            });
        };
        Ok(Server {
            name: name.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            roots: roots(cluster)?,
            token: user.and_then(|user| user.get("token")?.as_text()).map(str::to_owned),
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.split_once("://").map_or(&self.url, |(_, rest)| rest)
    }
}

fn roots(cluster: Option<&Tree>) -> Result<Vec<u8>, ClientError> {
    let Some(encoded) = cluster.and_then(|cluster| cluster.get("certificate-authority-data")?.as_text()) else {
        return Ok(Vec::new());
    };
    let wrong = |error: base64::DecodeError| ClientError::Config(format!("certificate-authority-data: {error}"));
    STANDARD.decode(encoded).map_err(wrong)
}

fn named<'t>(tree: &'t Tree, list: &str, name: &str) -> Option<&'t Tree> {
    let entries = tree.get(list)?.as_list()?;
    entries
        .iter()
        .find(|entry| entry.get("name").and_then(Tree::as_text) == Some(name))
}

/// The servers that the file does list, with the flag that means each.
fn others(tree: &Tree) -> Vec<String> {
    let contexts = tree.get("contexts").and_then(Tree::as_list).unwrap_or_default();
    let names = contexts.iter().filter_map(|context| context.get("name")?.as_text());
    names
        .map(|name| match name.strip_prefix("tilt-") {
            Some("default") => format!("{name} (--port {DEFAULT_PORT})"),
            Some(port) => format!("{name} (--port {port})"),
            None => name.to_owned(),
        })
        .collect()
}
