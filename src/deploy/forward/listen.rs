//! The near side of a forward: its port, open for as long as the forward is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::board::Board;
use super::carry;
use super::route::Route;
use super::{ForwardStatus, PodTarget};
use crate::deploy::ports::{self, Choice};
use crate::model::port::PortForward;
use crate::model::time::Time;
use crate::world::{clock, files, sockets};

/// Between attempts to open a port, doubled until the longest is reached.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(15);
/// How often another free port is tried where one of a host's addresses has it already.
const DRAWS: usize = 16;

/// One forward.
pub struct Port {
    pub index: usize,
    pub resource: String,
    pub host: String,
    pub forward: PortForward,
    pub board: Arc<Board>,
    pub route: Arc<Route>,
}

impl Port {
    pub async fn serve(self: Arc<Self>) {
        let listeners = self.open().await;
        let mut running = JoinSet::new();
        for listener in listeners {
            running.spawn(Arc::clone(&self).accept(listener));
        }
        running.spawn(Arc::clone(&self).follow());
        while running.join_next().await.is_some() {}
    }

    /// Opens the port, however long somebody else has it.
    async fn open(&self) -> Vec<TcpListener> {
        let mut pause = SHORTEST;
        loop {
            match bind(&self.host, self.forward.local).await {
                Ok(listeners) => {
                    self.opened(&listeners);
                    return listeners;
                }
                Err(error) => self.fail(&self.unopened(error).await),
            }
            tokio::time::sleep(pause).await;
            pause = LONGEST.min(pause * 2);
        }
    }

    fn opened(&self, listeners: &[TcpListener]) {
        let addresses: Vec<_> = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .collect();
        let port = addresses.first().map_or(self.forward.local, |address| address.port());
        self.board.change(self.index, |status| {
            *status = ForwardStatus {
                local_port: port,
                container_port: status.container_port,
                addresses: addresses.iter().map(|address| address.ip().to_string()).collect(),
                started: Some(now()),
                error: String::new(),
            }
        });
        if self.forward.local == 0 {
            self.board
                .line(format!("Port forward: listens on {}:{port}", self.host));
        }
    }

    async fn unopened(&self, error: io::Error) -> String {
        let (host, port) = (&self.host, self.forward.local);
        if error.kind() != io::ErrorKind::AddrInUse {
            return format!("cannot listen on {host}:{port}: {}", files::reason(&error));
        }
        let holder = tokio::task::spawn_blocking(move || sockets::holder(port)).await;
        match holder.ok().flatten() {
            Some(holder) => format!(
                "port {port} on {host} is taken by `{}` (process {})",
                holder.name, holder.pid
            ),
            None => format!("port {port} on {host} is taken by another program"),
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((local, _)) => drop(connections.spawn(carry::carry(local, Arc::clone(&self)))),
                    Err(error) => {
                        // No descriptors are left, say: the next attempt may do better.
                        self.fail(&format!("cannot take a connection: {}", files::reason(&error)));
                        tokio::time::sleep(SHORTEST).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    /// Tells where the forward leads while that changes.
    async fn follow(self: Arc<Self>) {
        let mut target = self.route.target();
        let mut said = None;
        loop {
            if let Some(choice) = self.choice(&target) {
                let container = choice.container;
                self.board
                    .change(self.index, |status| status.container_port = container);
                if let Some(note) = choice.note.filter(|note| said.as_ref() != Some(note)) {
                    self.board.line(note.clone());
                    said = Some(note);
                }
            }
            if target.changed().await.is_err() {
                return;
            }
        }
    }

    fn choice(&self, target: &watch::Receiver<Option<PodTarget>>) -> Option<Choice> {
        ports::container_port(&self.forward, &target.borrow().as_ref()?.ports)
    }

    pub fn fail(&self, error: &str) {
        self.board.fail(self.index, error, || {
            let status = self.board.local_port(self.index);
            let (resource, container) = (&self.resource, self.forward.container);
            let there = if container == 0 {
                String::new()
            } else {
                format!(" -> {container}")
            };
            format!("Reconnecting... Error port-forwarding {resource} ({status}{there}): {error}")
        });
    }
}

fn now() -> Time {
    let since = clock::today().duration_since(clock::SystemTime::UNIX_EPOCH);
    Time::from_micros(since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

/// All addresses of a host, with one port. An address of a kind that this machine does not have is left out.
async fn bind(host: &str, port: u16) -> io::Result<Vec<TcpListener>> {
    let addresses = addresses(host).await?;
    let mut draws = 0;
    loop {
        draws += 1;
        match bind_all(&addresses, port).await {
            // The port that was free for the first address is not for another.
            Err(error) if port == 0 && draws < DRAWS && error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
}

async fn bind_all(addresses: &[IpAddr], port: u16) -> io::Result<Vec<TcpListener>> {
    let mut bound: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for address in addresses {
        let port = match bound.first() {
            Some(first) => first.local_addr()?.port(),
            None => port,
        };
        match TcpListener::bind((*address, port)).await {
            Ok(listener) => bound.push(listener),
            Err(error) if is_absent(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if bound.is_empty() => Err(error),
        _ => Ok(bound),
    }
}

/// Whether this machine has no such address, as one without IPv6.
fn is_absent(error: &io::Error) -> bool {
    let is_unknown_kind = error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    is_unknown_kind || error.kind() == io::ErrorKind::AddrNotAvailable
}

async fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if host == "localhost" {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return Ok(vec![address]);
    }
    let mut found: Vec<IpAddr> = lookup_host((host, 0)).await?.map(|address| address.ip()).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
