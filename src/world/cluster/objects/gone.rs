//! Waiting until an object is gone, by watching it.

use std::time::Duration;

use http_body_util::BodyExt;

use super::request::{Call, escaped};
use super::{Address, ObjectError};
use crate::model::tree::Tree;
use crate::model::yaml::json;
use crate::world::cluster::{Cluster, ClusterError, Inner};

/// Between two looks, where watching is not allowed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a watch came to.
enum Seen {
    Gone,
    /// It ended, as watches do.
    Nothing,
}

impl Cluster {
    /// Returns when this incarnation of the object is gone: deleted, or replaced by another one of its name.
    pub async fn gone(&self, address: &Address, uid: &str) -> Result<(), ObjectError> {
        let mut may_watch = true;
        loop {
            let live = match self.get(address).await {
                Ok(live) => live,
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.is_passing() => {
                    tokio::time::sleep(error.retry_after().unwrap_or(LOOK_AGAIN)).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if text(&live, "uid") != uid {
                return Ok(());
            }
            if !may_watch {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            match watch(&self.0, address, &live).await {
                Ok(Seen::Gone) => return Ok(()),
                Ok(Seen::Nothing) => {}
                Err(error)
                    if error
                        .refusal()
                        .is_some_and(|refusal| matches!(refusal.status, 403 | 405)) =>
                {
                    may_watch = false;
                }
                // The next look tells what is wrong, if it is still wrong.
                Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            }
        }
    }
}

async fn watch(cluster: &Inner, address: &Address, live: &Tree) -> Result<Seen, ObjectError> {
    let target = format!(
        "{}?watch=true&fieldSelector=metadata.name%3D{}&resourceVersion={}",
        address.collection(),
        escaped(&address.name),
        escaped(text(live, "resourceVersion")),
    );
    let mut body = cluster.open(Call::get(&target)).await?.into_body();
    let mut rest = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| cluster.failed(&error))?;
        rest.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            if let Some(seen) = event(cluster, &line, text(live, "uid"))? {
                return Ok(seen);
            }
        }
    }
    Ok(Seen::Nothing)
}

fn event(cluster: &Inner, line: &[u8], uid: &str) -> Result<Option<Seen>, ObjectError> {
    let event = json::parse(&String::from_utf8_lossy(line)).ok_or_else(|| {
        ObjectError::Cluster(ClusterError::Nonsense {
            server: cluster.identity.server.clone(),
            reason: "an event of a watch is no JSON".to_owned(),
        })
    })?;
    let object = event.get("object").unwrap_or(&Tree::Null);
    Ok(match event.get("type").and_then(Tree::as_text) {
        Some("DELETED") if text(object, "uid") == uid => Some(Seen::Gone),
        Some("ADDED" | "MODIFIED") if text(object, "uid") != uid => Some(Seen::Gone),
        Some("ERROR") => Some(Seen::Nothing),
        _ => None,
    })
}

fn text<'t>(object: &'t Tree, field: &str) -> &'t str {
    object
        .at(&["metadata", field])
        .and_then(Tree::as_text)
        .unwrap_or_default()
}
