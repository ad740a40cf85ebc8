//! Port forwards of a resource: ports here that lead to whichever pod is the resource's newest.
//!
//! A port opens once and stays open. What connects while there is no pod, or while the pod does not take it yet, waits for some
//! seconds. Which pod is the newest is somebody else's business: it comes in as a value that changes.

mod board;
mod carry;
mod listen;
mod route;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use board::Board;
use route::Route;

use crate::model::port::PortForward;
use crate::model::time::Time;
use crate::world::cluster::Cluster;

/// The pod that forwards lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodTarget {
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    /// The TCP ports that its containers expose, in their order.
    pub ports: Vec<u16>,
}

/// What became of one forward, in the order of the forwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardStatus {
    /// The one that it is, where the choice was left open.
    pub local_port: u16,
    /// 0 until it is known.
    pub container_port: u16,
    pub addresses: Vec<String>,
    pub started: Option<Time>,
    /// Empty while all is well.
    pub error: String,
}

/// What a set of forwards tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Statuses(Vec<ForwardStatus>),
    /// For the log of the resource.
    Line(String),
}

/// The forwards of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwards {
    pub resource: String,
    pub forwards: Vec<PortForward>,
    /// Where those listen that name no host; `localhost` where this is empty.
    pub default_host: String,
}

impl Forwards {
    /// Forwards until it is dropped, which closes ports and connections.
    pub async fn run(
        &self,
        cluster: Cluster,
        target: watch::Receiver<Option<PodTarget>>,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) {
        let board = Arc::new(Board::new(&self.forwards, Box::new(tell)));
        let route = Arc::new(Route::new(cluster, target));
        let mut running = JoinSet::new();
        for (index, forward) in self.forwards.iter().enumerate() {
            let port = listen::Port {
                index,
                resource: self.resource.clone(),
                host: self.host(forward),
                forward: forward.clone(),
                board: Arc::clone(&board),
                route: Arc::clone(&route),
            };
            running.spawn(Arc::new(port).serve());
        }
        while running.join_next().await.is_some() {}
    }

    fn host(&self, forward: &PortForward) -> String {
        let named = [&forward.host, &self.default_host]
            .into_iter()
            .find(|host| !host.is_empty());
        named.cloned().unwrap_or_else(|| "localhost".to_owned())
    }
}
