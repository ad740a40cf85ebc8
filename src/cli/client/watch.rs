//! A stream of changes: one JSON object a line.

use bytes::BytesMut;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{ClientError, Status, parsed};
use crate::model::tree::Tree;

/// One change of an object, or of a row of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Added(Tree),
    Modified(Tree),
    Deleted(Tree),
}

impl Event {
    pub fn object(&self) -> &Tree {
        match self {
            Event::Added(object) | Event::Modified(object) | Event::Deleted(object) => object,
        }
    }
}

pub struct Watch {
    body: Incoming,
    read: BytesMut,
}

impl Watch {
    pub fn new(body: Incoming) -> Watch {
        Watch {
            body,
            read: BytesMut::new(),
        }
    }

    /// The next change, or nothing once the server has closed the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line = self.read.split_to(end + 1);
                if let Some(event) = event(&line)? {
                    return Ok(Some(event));
                }
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| ClientError::Broken(error.to_string()))?;
            if let Some(bytes) = frame.data_ref() {
                self.read.extend_from_slice(bytes);
            }
        }
    }
}

fn event(line: &[u8]) -> Result<Option<Event>, ClientError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let broken = || ClientError::Broken(format!("not an event: {}", String::from_utf8_lossy(line).trim_end()));
    let tree = parsed(line).ok_or_else(broken)?;
    let object = tree.get("object").cloned().ok_or_else(broken)?;
    match tree.get("type").and_then(Tree::as_text) {
        Some("ADDED") => Ok(Some(Event::Added(object))),
        Some("MODIFIED") => Ok(Some(Event::Modified(object))),
        Some("DELETED") => Ok(Some(Event::Deleted(object))),
        Some("BOOKMARK") => Ok(None),
        Some("ERROR") => Err(ClientError::Status(Box::new(Status::from_tree(500, &object)))),
        _ => Err(broken()),
    }
}
