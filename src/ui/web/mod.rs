//! The web port: what a browser and the command line ask over HTTP, and the websocket that tells a page what changes.
//!
//! It shows snapshots and passes on what people ask for; it decides nothing. Safe by construction: it listens on this machine
//! only unless told otherwise; every request goes through [`access`], whatever its path; what changes something is a POST or
//! PUT of JSON with the session's token. A client that is slow waits for itself alone: what it missed is told in one message.

mod access;
mod button;
mod dump;
mod guard;
mod logs;
mod neighbour;
mod page;
mod request;
mod routes;
mod socket;
mod view;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::{TcpListener, lookup_host};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::engine::handle::Handle;
use crate::engine::logs::Logs;
use crate::engine::state::State;
use crate::engine::store;
use crate::model::yaml::json;

use access::{Access, Denied};
pub use access::{COOKIE as TOKEN_COOKIE, HEADER as TOKEN_HEADER};
pub use logs::{LogFeed, LogPage, LogsUnreadable};

/// How long requests and pages may take to end at the end.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Options {
    /// Name or address to listen on; `localhost` unless somebody asks for more.
    pub host: String,
    /// 0 takes any that is free.
    pub port: u16,
    /// The session's token: whoever has it may do everything.
    pub token: String,
    pub auth: Auth,
    /// Further names by which browsers may call this machine.
    pub allowed_hosts: Vec<String>,
    /// The file that remembers whether somebody wants to be counted; nobody is, whatever it says.
    pub analytics_choice: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    #[default]
    Token,
    /// `TILT_DISABLE_HUD_AUTH=1`. Hosts and origins are checked all the same.
    Nothing,
}

impl Options {
    pub fn new(port: u16, token: impl Into<String>) -> Options {
        Options {
            host: "localhost".to_owned(),
            port,
            token: token.into(),
            auth: Auth::Token,
            allowed_hosts: Vec::new(),
            analytics_choice: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The wording begins as upstream's does.
    #[error(
        "Tilt cannot start because you already have another process on port {port}{}\n\
         To run a second Tilt beside it, give it a port of its own: `tilt up --port {}`",
        .holder.shown(),
        next(*.port)
    )]
    PortTaken { port: u16, holder: Holder },
    #[error("the web server cannot find out what `{host}` is: {source}")]
    Host { host: String, source: std::io::Error },
    #[error("the web server cannot listen on `{host}`, port {port}: {source}")]
    Listen {
        host: String,
        port: u16,
        source: std::io::Error,
    },
}

/// Who has a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Tilt,
    Unknown,
}

impl Holder {
    fn shown(self) -> &'static str {
        match self {
            Holder::Tilt => ", which is a Tilt",
            Holder::Unknown => "",
        }
    }
}

fn next(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(port - 1)
}

/// A session as it is now, as JSON that can be kept and looked at later.
pub fn snapshot(state: &State, logs: &Logs) -> Result<String, LogsUnreadable> {
    let most = socket::MOST_LOG_BYTES;
    let page = LogFeed::read(logs, LogFeed::back(logs, most as u64), most)?;
    let view = view::message(&view::members(view::complete(state)), &json::compact(&page.list));
    Ok(view::snapshot(&view, store::now()))
}

/// A web server that runs. It goes on when this is dropped; [`Running::stop`] ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells pages to go and waits for them, but not for long.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        // Who does not go in time is cut off when the program ends.
        let _ = tokio::time::timeout(PATIENCE, self.tasks.wait()).await;
    }
}

/// What all requests need.
struct Site {
    handle: Handle,
    logs: Arc<dyn LogFeed>,
    access: Access,
    /// What a websocket has to name: a page elsewhere can open one, but cannot read this.
    csrf: String,
    analytics_choice: Option<PathBuf>,
    deltas: socket::Deltas,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Listens, and serves until it is stopped.
pub async fn serve(handle: Handle, logs: impl LogFeed, options: Options) -> Result<Running, ServeError> {
    let listener = listen(&options.host, options.port).await?;
    let address = listener.local_addr().map_err(|source| ServeError::Listen {
        host: options.host.clone(),
        port: options.port,
        source,
    })?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let token = (options.auth == Auth::Token).then_some(options.token);
    let site = Site {
        handle,
        logs: Arc::new(logs),
        access: Access::new(&options.host, &options.allowed_hosts, token),
        csrf: uuid::Uuid::new_v4().to_string(),
        analytics_choice: options.analytics_choice,
        deltas: socket::Deltas::default(),
        stop: stop.clone(),
        tasks: tasks.clone(),
    };
    let router = routes::router(Arc::new(site));
    // Small messages should not wait for more. Where that cannot be set they do.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tasks.spawn(async move { server.await });
    Ok(Running { address, stop, tasks })
}

/// Only the first address is tried, IPv4 before IPv6: if another process has it, a second one would hide that.
async fn listen(host: &str, port: u16) -> Result<TcpListener, ServeError> {
    let named = host.trim_start_matches('[').trim_end_matches(']');
    let unknown = |source| ServeError::Host {
        host: host.to_owned(),
        source,
    };
    let found = lookup_host((named, port)).await.map_err(unknown)?;
    let nothing = || unknown(std::io::Error::from(std::io::ErrorKind::NotFound));
    let address = found.min_by_key(SocketAddr::is_ipv6).ok_or_else(nothing)?;
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(source) if source.kind() == std::io::ErrorKind::AddrInUse => {
            let holder = neighbour::holder(address).await;
            Err(ServeError::PortTaken { port, holder })
        }
        Err(source) => Err(ServeError::Listen {
            host: host.to_owned(),
            port,
            source,
        }),
    }
}

#[cfg(test)]
mod tests;
