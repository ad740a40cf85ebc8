//! A small HTTP client: one GET, one connection, a deadline. For asking something near whether it is well, not for
//! browsing: redirects are told, not followed, and connections are not kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

mod trust;

pub use trust::Trust;

#[derive(Clone, Debug)]
pub struct Request {
    /// `http://…` or `https://…`.
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// From the first packet to the last byte of the answer.
    pub limit: Duration,
    /// A longer body is cut off here.
    pub most: usize,
    pub trust: Trust,
}

#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    /// Where a redirect leads, as the server wrote it.
    pub fn location(&self) -> Option<&str> {
        let is_redirect = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        self.headers.get(LOCATION).filter(|_| is_redirect)?.to_str().ok()
    }
}

#[derive(Debug, Error)]
pub enum HttpError {
    #[error("`{url}` is not a URL of a web server")]
    Url { url: String },
    #[error("header `{name}` cannot be sent")]
    Header { name: String },
    #[error("connecting to {host}:{port}: {}", crate::world::files::reason(source))]
    Connect {
        host: String,
        port: u16,
        source: std::io::Error,
    },
    #[error("TLS with {host}: {source}")]
    Tls { host: String, source: std::io::Error },
    #[error("reading the certificate authority: {source}")]
    Authority { source: rustls::Error },
    #[error("talking to {host}: {source}")]
    Talk { host: String, source: hyper::Error },
    #[error("reading the answer: {0}")]
    Body(String),
    #[error("no answer within {limit:?}")]
    TimedOut { limit: Duration },
}

/// Fetches one URL.
pub async fn get(request: &Request) -> Result<Response, HttpError> {
    let limit = request.limit;
    match timeout(limit, fetch(request)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(HttpError::TimedOut { limit }),
    }
}

/// A connection to a port. `localhost` is this machine, whatever a resolver makes of it, and asks none.
pub async fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = match host {
        // A server may listen on either; a refusal on loopback takes no time.
        "localhost" | "" => match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => stream,
            Err(error) => TcpStream::connect(("::1", port)).await.map_err(|_| error)?,
        },
        other => TcpStream::connect((other, port)).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A request's URL, taken apart.
struct Place {
    host: String,
    port: u16,
    is_secure: bool,
    /// Path and query.
    path: Uri,
    /// As it stands in the URL.
    authority: String,
}

impl Place {
    fn of(url: &str) -> Option<Place> {
        let uri: Uri = url.parse().ok()?;
        let is_secure = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        Some(Place {
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            is_secure,
            path: uri.path_and_query().map_or("/", |path| path.as_str()).parse().ok()?,
            authority: authority.as_str().rsplit('@').next()?.to_owned(),
        })
    }
}

async fn fetch(request: &Request) -> Result<Response, HttpError> {
    let place = Place::of(&request.url).ok_or_else(|| HttpError::Url {
        url: request.url.clone(),
    })?;
    let message = message(&place, &request.headers)?;
    let stream = connect(&place.host, place.port)
        .await
        .map_err(|source| HttpError::Connect {
            host: place.host.clone(),
            port: place.port,
            source,
        })?;
    if !place.is_secure {
        return talk(stream, &place, message, request.most).await;
    }
    let failed = |source| HttpError::Tls {
        host: place.host.clone(),
        source,
    };
    let config = request
        .trust
        .config()
        .map_err(|source| HttpError::Authority { source })?;
    let name = place.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(std::io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(&config))
        .connect(name, stream)
        .await
        .map_err(failed)?;
    talk(stream, &place, message, request.most).await
}

fn message(place: &Place, headers: &[(String, String)]) -> Result<hyper::Request<Empty<Bytes>>, HttpError> {
    let refused = |name: &str| HttpError::Header { name: name.to_owned() };
    let mut request = hyper::Request::new(Empty::new());
    *request.uri_mut() = place.path.clone();
    let host = HeaderValue::from_str(&place.authority).map_err(|_| refused("Host"))?;
    request.headers_mut().insert(HOST, host);
    for (name, value) in headers {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused(name))?;
        let value = HeaderValue::from_str(value).map_err(|_| refused(name))?;
        // A second value for a name is a second header, but there is one host only.
        if key == HOST {
            request.headers_mut().insert(key, value);
        } else {
            request.headers_mut().append(key, value);
        }
    }
    Ok(request)
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place,
    message: hyper::Request<Empty<Bytes>>,
    most: usize,
) -> Result<Response, HttpError> {
    let failed = |source| HttpError::Talk {
        host: place.authority.clone(),
        source,
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let exchange = async {
        let answer = sender.send_request(message).await.map_err(failed)?;
        let (head, body) = answer.into_parts();
        Ok(Response {
            status: StatusCode::as_u16(&head.status),
            headers: head.headers,
            body: collect(body, most).await?,
        })
    };
    // The connection is what moves the bytes. It ends before the exchange only if it fails, and then the exchange is told.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

async fn collect(body: Incoming, most: usize) -> Result<Bytes, HttpError> {
    let mut body = Limited::new(body, most);
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => all.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Err(error) if error.is::<LengthLimitError>() => break,
            Err(error) => return Err(HttpError::Body(error.to_string())),
        }
    }
    Ok(all.into())
}

#[cfg(test)]
mod tests;
