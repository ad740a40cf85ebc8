//! The client of a session's web port: what `trigger`, `logs`, `args`, `dump` and `snapshot` ask, with the token of the
//! settings folder.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::cli::exit::Exit;
use crate::cli::verbs::args::Connection;
use crate::cli::verbs::surroundings::Surroundings;
use crate::model::tree::Tree;
use crate::model::yaml::json;
use crate::ui::web::TOKEN_HEADER;
use crate::world::dirs::Dirs;
use crate::world::files;

/// Why the web port did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(
        "no tilt listens on {address}\nStart one with `tilt up`, or say which one is meant with --port (or TILT_PORT)."
    )]
    NoServer { address: String },
    #[error("cannot talk to the tilt on {address}: {reason}")]
    Broken { address: String, reason: String },
    #[error(
        "the tilt on {address} does not let us in: {reason}\n\
         It was started with another settings folder, or by somebody else: use the same HOME and TILT_DEV_DIR."
    )]
    Forbidden { address: String, reason: String },
    /// The words in which upstream's commands tell it.
    #[error("({code}): {text}")]
    Refused { code: u16, text: String },
    #[error("what answers on {address} is no tilt: {reason}")]
    NotTilt { address: String, reason: String },
}

impl From<WebError> for Exit {
    fn from(error: WebError) -> Exit {
        Exit::error(error)
    }
}

pub struct WebClient {
    http: Client<HttpConnector, Full<Bytes>>,
    /// `localhost:10350`.
    address: String,
    token: Option<String>,
}

impl WebClient {
    pub fn new(connection: &Connection, here: &Surroundings) -> Result<WebClient, Exit> {
        let dirs = Dirs::from_env(|name| here.variable(name)).map_err(Exit::error)?;
        // Without one the server says itself what it thinks of that.
        let token = match files::read_text(&dirs.settings.join("token")) {
            Ok(token) => Some(token.trim().to_owned()),
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(Exit::error(error)),
        };
        Ok(WebClient {
            http: Client::builder(TokioExecutor::new()).build_http(),
            address: format!("{}:{}", in_brackets(&connection.host), connection.port),
            token,
        })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub async fn get(&self, path: &str) -> Result<Bytes, WebError> {
        self.send(Method::GET, path, None).await
    }

    pub async fn get_tree(&self, path: &str) -> Result<Tree, WebError> {
        let bytes = self.get(path).await?;
        self.tree(&String::from_utf8_lossy(&bytes))
    }

    /// The answer's text.
    pub async fn post(&self, path: &str, body: &Tree) -> Result<String, WebError> {
        let bytes = self.send(Method::POST, path, Some(json::compact(body))).await?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// What the page is shown, as it changes; `log_bytes` is how much log comes with the first message.
    pub async fn view(&self, log_bytes: usize) -> Result<Views, WebError> {
        let csrf = self.get("/api/websocket_token").await?;
        let csrf = String::from_utf8_lossy(&csrf).trim().to_owned();
        let uri = format!("ws://{}/ws/view?csrf={csrf}&log_bytes={log_bytes}", self.address);
        let request = uri.into_client_request().map_err(|error| self.broken(&error))?;
        let stream = TcpStream::connect(&self.address).await;
        let stream = stream.map_err(|error| self.broken(&error))?;
        // The first message holds all the log that was asked for, in one frame.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let opened = client_async_with_config(request, stream, Some(config)).await;
        let (socket, _) = opened.map_err(|error| self.broken(&error))?;
        Ok(Views {
            socket,
            address: self.address.clone(),
        })
    }

    async fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Bytes, WebError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("user-agent", concat!("tilt/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(TOKEN_HEADER, token);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())));
        let request = request.map_err(|error| self.broken(&error))?;
        let response = self.http.request(request).await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let code = response.status();
        let collected = response.into_body().collect().await;
        let bytes = collected.map_err(|error| self.broken(&error))?.to_bytes();
        match code {
            code if code.is_success() => Ok(bytes),
            StatusCode::FORBIDDEN => Err(WebError::Forbidden {
                address: self.address.clone(),
                reason: said(&bytes),
            }),
            code => Err(WebError::Refused {
                code: code.as_u16(),
                text: said(&bytes),
            }),
        }
    }

    fn tree(&self, text: &str) -> Result<Tree, WebError> {
        json::parse(text).ok_or_else(|| WebError::NotTilt {
            address: self.address.clone(),
            reason: "it does not answer in JSON".to_owned(),
        })
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> WebError {
        match error.is_connect() {
            true => WebError::NoServer {
                address: self.address.clone(),
            },
            false => self.broken(&innermost(error)),
        }
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> WebError {
        WebError::Broken {
            address: self.address.clone(),
            reason: error.to_string(),
        }
    }
}

/// What the page is shown, message by message.
pub struct Views {
    socket: WebSocketStream<TcpStream>,
    address: String,
}

impl Views {
    /// The next message; nothing once the session has said goodbye.
    pub async fn next(&mut self) -> Result<Option<Tree>, WebError> {
        loop {
            let broken = |reason: String| WebError::Broken {
                address: self.address.clone(),
                reason,
            };
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let tree = json::parse(&text).ok_or_else(|| broken("it does not answer in JSON".to_owned()))?;
                    return Ok(Some(tree));
                }
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(Error::ConnectionClosed)) => return Ok(None),
                Some(Err(error)) => return Err(broken(error.to_string())),
            }
        }
    }
}

/// An IPv6 address as it stands in a URL.
fn in_brackets(host: &str) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

fn said(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// The outer errors only say that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
