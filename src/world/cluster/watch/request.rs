//! Requests whose answers go on, and small ones whose answers are only partly of interest.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::world::cluster::{Cluster, ClusterError};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// Names of objects hold nothing that means something in a path, but a few may hold what a URL may not.
pub fn escaped_name(name: &str) -> String {
    const SAFE: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_');
    percent_encoding::utf8_percent_encode(name, &SAFE).to_string()
}

pub fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The body of an answer that goes on.
pub struct Stream {
    body: Body,
    server: String,
}

impl Stream {
    /// Nothing once it is over.
    pub async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, ClusterError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) => {
                    return Err(ClusterError::Unreachable {
                        server: self.server.clone(),
                        reason: crate::world::docker::chain(&error),
                    });
                }
            }
        }
    }
}

impl Cluster {
    /// An answer that is read as it comes.
    pub(in crate::world::cluster) async fn open(&self, path: &str) -> Result<Stream, ClusterError> {
        let request = Request::get(path)
            .header("accept-encoding", "identity")
            .body(Body::empty());
        let request = request.map_err(|error| self.nonsense(&error))?;
        let answer = self.0.client.send(request).await.map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        let mut body = Stream {
            body: answer.into_body(),
            server: self.0.identity.server.clone(),
        };
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let mut text = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            if text.len() < 64 * 1024 {
                text.extend_from_slice(&chunk);
            }
        }
        let refusal: Refusal = serde_json::from_slice(&text).unwrap_or_default();
        let message = match refusal.message.as_str() {
            "" => String::from_utf8_lossy(&text).trim().to_owned(),
            message => message.to_owned(),
        };
        Err(match status {
            401 => ClusterError::Unauthorized {
                server: body.server,
                user: self.0.user.clone(),
                reason: message,
            },
            _ => self.refused(status, message),
        })
    }

    pub(in crate::world::cluster) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
        patience: Duration,
    ) -> Result<T, ClusterError> {
        let request = Request::get(path).header("accept", accept).body(Vec::new());
        let request = request.map_err(|error| self.nonsense(&error))?;
        match timeout(patience, self.0.client.request::<T>(request)).await {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.late(patience)),
        }
    }

    fn failed(&self, error: &kube::Error) -> ClusterError {
        ClusterError::of(&self.0.identity.server, &self.0.user, error)
    }

    pub fn late(&self, limit: Duration) -> ClusterError {
        ClusterError::late(&self.0.identity.server, limit)
    }

    pub(super) fn nonsense(&self, error: &(dyn std::error::Error + 'static)) -> ClusterError {
        ClusterError::Nonsense {
            server: self.0.identity.server.clone(),
            reason: crate::world::docker::chain(error),
        }
    }

    pub(super) fn refused(&self, status: u16, reason: String) -> ClusterError {
        let server = self.0.identity.server.clone();
        ClusterError::Refused { server, status, reason }
    }
}
