//! Requests to an engine that the client library does not make: those that turn a connection into something else.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;

use crate::world::docker::dial::{Dialer, Stream};
use crate::world::docker::error::DockerError;

/// Opens connections for the client library.
#[derive(Clone)]
pub struct Connector(pub Dialer);

impl tower_service::Service<Uri> for Connector {
    type Response = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _to: Uri) -> Self::Future {
        let dialer = self.0.clone();
        Box::pin(async move { Ok(Wire(TokioIo::new(dialer.dial().await?))) })
    }
}

/// A connection as the client library wants it.
pub struct Wire(TokioIo<Box<dyn Stream>>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Makes a plain request that the client library has no words for. Gives the body of the answer.
pub async fn ask(dialer: &Dialer, method: Method, path: &str, doing: &'static str) -> Result<Bytes, DockerError> {
    let broken = |error: &(dyn std::error::Error + 'static)| DockerError::Broken {
        doing,
        reason: super::error::chain(error),
    };
    let stream = dialer.open().await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "docker")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| broken(&error))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    // The answer is whole before the connection may end.
    let (answer, _) = tokio::join!(answer, connection);
    let (status, body): (StatusCode, Bytes) = answer.map_err(|error: hyper::Error| broken(&error))?;
    if status.is_success() {
        return Ok(body);
    }
    Err(DockerError::Refused {
        doing,
        status: status.as_u16(),
        message: message(&body),
    })
}

/// A connection, and what it is to become.
pub struct Upgrade<'a> {
    pub path: &'a str,
    pub protocol: &'a str,
    pub headers: &'a [(&'a str, String)],
    pub body: Bytes,
}

impl<'a> Upgrade<'a> {
    /// HTTP/2.
    pub fn h2c(path: &'a str, headers: &'a [(&'a str, String)]) -> Upgrade<'a> {
        Upgrade {
            path,
            protocol: "h2c",
            headers,
            body: Bytes::new(),
        }
    }
}

/// A connection that nobody puts words around any more.
pub type Raw = Box<dyn Stream>;

/// The connection below an upgraded one, and what was read of it already.
pub fn raw(upgraded: Upgraded) -> (Raw, Bytes) {
    match upgraded.downcast::<TokioIo<Box<dyn Stream>>>() {
        Ok(parts) => (parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => (Box::new(TokioIo::new(upgraded)), Bytes::new()),
    }
}

/// Asks the engine to speak something else on a connection from now on.
pub async fn upgrade(dialer: &Dialer, upgrade: &Upgrade<'_>, doing: &'static str) -> Result<Upgraded, DockerError> {
    let broken = |error: &(dyn std::error::Error + 'static)| DockerError::Broken {
        doing,
        reason: super::error::chain(error),
    };
    let stream = dialer.open().await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(upgrade.path)
        .header(HOST, "docker")
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, upgrade.protocol);
    for (name, value) in upgrade.headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(Full::new(upgrade.body.clone()))
        .map_err(|error| broken(&error))?;
    // The connection's task ends with the upgraded stream, whoever holds that.
    let driven = tokio_util::task::TaskTracker::new();
    driven.spawn(connection.with_upgrades());
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| broken(&error))?;
        return Err(DockerError::Refused {
            doing,
            status,
            message: message(&body.to_bytes()),
        });
    }
    hyper::upgrade::on(response).await.map_err(|error| broken(&error))
}

/// What a refusal says.
fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let said: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let message = said.as_ref().and_then(|said| said["message"].as_str());
    message.unwrap_or(text.trim()).to_owned()
}
