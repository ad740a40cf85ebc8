//! From a request to a connection that speaks something else than HTTP, over the same way as any other request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt, future};
use http_body_util::BodyExt;
use hyper::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_util::io::{CopyToBytes, SinkWriter, StreamReader};

use super::Session;
use crate::world::cluster::{ClusterError, Inner};
use crate::world::docker::chain;

/// SPDY in a WebSocket.
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// Until a connection has become something else. The cluster may have to wake a pod's node for it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of what a server says when it refuses.
const MOST: usize = 4096;

/// Where a connection goes.
pub struct Upgrade<'a> {
    pub cluster: &'a Inner,
    /// With its query.
    pub path: &'a str,
}

/// SPDY as it is, which speaks one of these protocols.
pub async fn spdy(upgrade: &Upgrade<'_>, protocols: &str) -> Result<Arc<Session>, ClusterError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(upgrade.path)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "SPDY/3.1")
        .header(STREAM_PROTOCOL, protocols);
    let (_, upgraded) = upgrade.ask(request).await?;
    let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
    Ok(Session::start(reader, writer))
}

/// SPDY in a WebSocket.
pub async fn tunnel(upgrade: &Upgrade<'_>) -> Result<Arc<Session>, ClusterError> {
    let (socket, _) = web_socket(upgrade, TUNNEL).await?;
    let (sink, stream) = socket.split();
    let bytes = stream.filter_map(|message| {
        future::ready(match message {
            Ok(Message::Binary(bytes)) => Some(Ok(bytes)),
            // Whoever sends words in here does not speak this protocol; pings are answered below.
            Ok(_) => None,
            Err(error) => Some(Err(io::Error::other(error))),
        })
    });
    let sink = sink
        .sink_map_err(io::Error::other)
        .with(|bytes: Bytes| future::ready(Ok::<_, io::Error>(Message::Binary(bytes))));
    Ok(Session::start(
        StreamReader::new(bytes),
        SinkWriter::new(CopyToBytes::new(sink)),
    ))
}

/// A WebSocket, and which of the protocols it speaks.
pub async fn web_socket(
    upgrade: &Upgrade<'_>,
    protocols: &str,
) -> Result<(WebSocketStream<TokioIo<Upgraded>>, String), ClusterError> {
    let request = Request::builder()
        .method(Method::GET)
        .uri(upgrade.path)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, STANDARD.encode(uuid::Uuid::new_v4().as_bytes()))
        .header(SEC_WEBSOCKET_PROTOCOL, protocols);
    let (response, upgraded) = upgrade.ask(request).await?;
    let chosen = response.headers.get(SEC_WEBSOCKET_PROTOCOL);
    let chosen = chosen.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !protocols.split(", ").any(|protocol| protocol == chosen) {
        return Err(upgrade.nonsense(format!(
            "a WebSocket that speaks `{chosen}` where `{protocols}` was asked for"
        )));
    }
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
    Ok((socket, chosen.to_owned()))
}

impl Upgrade<'_> {
    async fn ask(
        &self,
        request: hyper::http::request::Builder,
    ) -> Result<(hyper::http::response::Parts, Upgraded), ClusterError> {
        match timeout(PATIENCE, self.become_other(request)).await {
            Ok(upgraded) => upgraded,
            Err(_) => Err(ClusterError::late(&self.cluster.identity.server, PATIENCE)),
        }
    }

    async fn become_other(
        &self,
        request: hyper::http::request::Builder,
    ) -> Result<(hyper::http::response::Parts, Upgraded), ClusterError> {
        let request = request
            .body(Body::empty())
            .map_err(|error| self.nonsense(format!("no request: {error}")))?;
        let wrong = |error| ClusterError::of(&self.cluster.identity.server, &self.cluster.user, &error);
        let mut response = self.cluster.client.send(request).await.map_err(wrong)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refusal(response).await);
        }
        let upgraded = hyper::upgrade::on(&mut response).await;
        let upgraded = upgraded.map_err(|error| self.nonsense(chain(&error)))?;
        Ok((response.into_parts().0, upgraded))
    }

    async fn refusal(&self, response: Response<Body>) -> ClusterError {
        let status = response.status();
        let mut body = response.into_body();
        let mut said = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            said.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            if said.len() > MOST {
                break;
            }
        }
        let reason = reason(&said).unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
        let server = self.cluster.identity.server.clone();
        match status.as_u16() {
            401 => ClusterError::Unauthorized {
                server,
                user: self.cluster.user.clone(),
                reason,
            },
            status => ClusterError::Refused { server, status, reason },
        }
    }

    fn nonsense(&self, reason: String) -> ClusterError {
        ClusterError::Nonsense {
            server: self.cluster.identity.server.clone(),
            reason,
        }
    }
}

/// The message of a `Status`, else the first line of whatever it is.
fn reason(said: &[u8]) -> Option<String> {
    let status: Option<serde_json::Value> = serde_json::from_slice(said).ok();
    let message = status.and_then(|status| status["message"].as_str().map(str::to_owned));
    let first = || {
        let text = String::from_utf8_lossy(said);
        text.lines().next().map(|line| line.trim().to_owned())
    };
    message.or_else(first).filter(|reason| !reason.is_empty())
}
