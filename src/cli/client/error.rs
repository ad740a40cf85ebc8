//! What goes wrong between us and the API server, in the words of `kubectl`.

use std::error::Error;
use std::fmt::Write;

use super::Server;
use crate::model::tree::Tree;
use crate::model::yaml::json;

/// The text is complete, with `error: ` or `Error from server: ` in front.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("Error: No tilt apiserver found: {name}{}", other_servers(.others))]
    NoServer { name: String, others: Vec<String> },
    #[error("error: {0}")]
    Config(String),
    #[error("error: {0}")]
    Request(String),
    #[error(
        "The connection to the server {address} was refused - did you specify the right host or port?\nIt is listed as {name}, but nothing listens there: start it with `tilt up`, or give --port."
    )]
    Refused { address: String, name: String },
    #[error("Unable to connect to the server: {0}")]
    Unreachable(String),
    #[error("error: the connection broke: {0}")]
    Broken(String),
    #[error("error: {server} answers something else than objects")]
    Malformed { server: String },
    #[error("{}", .0.in_words())]
    Status(Box<Status>),
}

/// A refusal of the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub code: u16,
    pub reason: String,
    pub message: String,
    /// What the object is called, if it is about one.
    pub kind: String,
    pub name: String,
    /// A field and what is wrong with it.
    pub causes: Vec<(String, String)>,
}

impl ClientError {
    pub fn unreachable(server: &Server, error: &hyper_util::client::legacy::Error) -> ClientError {
        let mut texts = Vec::new();
        let mut source: Option<&(dyn Error + 'static)> = error.source();
        while let Some(cause) = source {
            let refused = cause.downcast_ref::<std::io::Error>();
            if refused.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
                return ClientError::Refused {
                    address: server.address().to_owned(),
                    name: server.name.clone(),
                };
            }
            texts.push(cause.to_string());
            source = cause.source();
        }
        ClientError::Unreachable(texts.pop().unwrap_or_else(|| error.to_string()))
    }

    pub fn status(&self) -> Option<&Status> {
        match self {
            ClientError::Status(status) => Some(status),
            _ => None,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.code == 404)
    }

    pub fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| status.reason == "Conflict")
    }

    /// The same for an object that no file holds.
    pub fn while_creating(mut self) -> ClientError {
        if let ClientError::Status(status) = &mut self {
            status.message = format!("failed to create: {}", status.message);
        }
        self
    }

    /// The same with what was being done, and to which file.
    pub fn while_doing(mut self, doing: &str, source: &str) -> ClientError {
        if let ClientError::Status(status) = &mut self {
            status.message = format!("error when {doing} {source:?}: {}", status.message);
        }
        self
    }
}

impl Status {
    pub fn of(code: u16, body: &[u8]) -> Status {
        let text = String::from_utf8_lossy(body);
        let tree = json::parse(&text).filter(|tree| tree.get("kind").and_then(Tree::as_text) == Some("Status"));
        match tree {
            Some(tree) => Status::from_tree(code, &tree),
            None => Status {
                code,
                message: match text.trim() {
                    "" => format!("the server answers {code}"),
                    text => text.to_owned(),
                },
                ..Status::default()
            },
        }
    }

    pub fn from_tree(code: u16, tree: &Tree) -> Status {
        let text = |tree: &Tree, keys: &[&str]| tree.at(keys).and_then(Tree::as_text).unwrap_or_default().to_owned();
        let causes = tree
            .at(&["details", "causes"])
            .and_then(Tree::as_list)
            .unwrap_or_default();
        Status {
            code: match tree.get("code") {
                Some(Tree::Int(code)) => u16::try_from(*code).unwrap_or_default(),
                _ => code,
            },
            reason: text(tree, &["reason"]),
            message: text(tree, &["message"]),
            kind: text(tree, &["details", "kind"]),
            name: text(tree, &["details", "name"]),
            causes: causes
                .iter()
                .map(|cause| (text(cause, &["field"]), text(cause, &["message"])))
                .collect(),
        }
    }

    fn in_words(&self) -> String {
        match self.reason.as_str() {
            "Invalid" => self.invalid(),
            "Unauthorized" => format!("error: You must be logged in to the server ({})", self.message),
            "" => format!("Error from server: {}", self.message),
            reason => format!("Error from server ({reason}): {}", self.message),
        }
    }

    fn invalid(&self) -> String {
        let mut text = match (self.kind.as_str(), self.name.as_str()) {
            ("", "") if self.causes.is_empty() => self.message.clone(),
            ("", "") => "The request is invalid".to_owned(),
            (kind, name) => format!("The {kind} {name:?} is invalid"),
        };
        let mut causes: Vec<String> = Vec::new();
        for cause in self.causes.iter().map(|(field, message)| format!("{field}: {message}")) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        match causes.as_slice() {
            [] => {}
            [cause] => text = format!("{text}: {cause}"),
            causes => {
                text.push_str(": ");
                for cause in causes {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\n* {cause}");
                }
            }
        }
        text
    }
}

fn other_servers(names: &[String]) -> String {
    let hint = "\nStart one with `tilt up`, or say which one is meant with --port.";
    match names {
        [] => hint.to_owned(),
        names => format!("{hint}\nRunning now: {}", names.join(", ")),
    }
}
