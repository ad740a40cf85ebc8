//! Connections to ports of a pod.
//!
//! SPDY in a WebSocket is tried first (clusters since 1.30), then SPDY as it is, then a WebSocket for each connection: that one
//! cannot tell a pod that we have said all, so it comes last. What worked is remembered for the cluster.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::streams::{self, Channels, Gone, Greeting, Half, Incoming, Outgoing, Piece, Session, Upgrade};
use super::{Cluster, ClusterError};

/// Most of what is said about a failure.
const MOST: usize = 2048;
/// A session can end just when a connection is asked of it.
const ATTEMPTS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Tunnel,
    Spdy,
    Channels,
}

const WAYS: [Way; 3] = [Way::Tunnel, Way::Spdy, Way::Channels];

/// Which of the ways worked last.
#[derive(Default)]
pub struct Ways(AtomicUsize);

/// The ports of one pod. Connections share what leads there.
pub struct PodPorts {
    cluster: Cluster,
    path: String,
    /// Held to look and to enter only.
    sessions: Mutex<Vec<Arc<Session>>>,
    /// One makes a way, the others wait for it.
    dialing: Semaphore,
    asked: AtomicU32,
}

/// A connection to a port. It is dropped as a whole; whatever was not finished then is reset.
pub struct Connection {
    pub incoming: Incoming,
    /// Why there is no connection any more, if somebody there knows.
    pub failure: Failure,
    pub outgoing: Outgoing,
}

pub struct Failure {
    incoming: Incoming,
    text: Vec<u8>,
}

enum Dialed {
    Session(Arc<Session>),
    Connection(Connection),
}

impl Cluster {
    pub fn ports(&self, namespace: &str, pod: &str) -> PodPorts {
        PodPorts {
            cluster: self.clone(),
            path: format!("/api/v1/namespaces/{namespace}/pods/{pod}/portforward"),
            sessions: Mutex::default(),
            dialing: Semaphore::new(1),
            asked: AtomicU32::new(0),
        }
    }
}

impl Failure {
    fn new(incoming: Incoming) -> Failure {
        Failure {
            incoming,
            text: Vec::new(),
        }
    }

    /// What the cluster says, once it has said all; nothing where the connection simply ended. Cancel safe.
    pub async fn said(&mut self) -> Option<String> {
        while let Piece::Bytes(bytes) = self.incoming.next().await {
            let room = MOST - self.text.len();
            self.text.extend(bytes.iter().take(room));
        }
        let text = std::mem::take(&mut self.text);
        let said = String::from_utf8_lossy(&text).trim().to_owned();
        Some(said).filter(|said| !said.is_empty())
    }
}

impl PodPorts {
    /// A connection. Whether anything listens at the port turns out later.
    pub async fn connect(&self, port: u16) -> Result<Connection, ClusterError> {
        for _ in 0..ATTEMPTS {
            let session = match self.session(port).await? {
                Dialed::Session(session) => session,
                Dialed::Connection(connection) => return Ok(connection),
            };
            match self.open(&session, port).await {
                Ok(connection) => return Ok(connection),
                Err(Gone) => self.forget(&session),
            }
        }
        Err(ClusterError::Unreachable {
            server: self.cluster.0.identity.server.clone(),
            reason: "connections to the pod break at once".to_owned(),
        })
    }

    async fn session(&self, port: u16) -> Result<Dialed, ClusterError> {
        if let Some(session) = self.free() {
            return Ok(Dialed::Session(session));
        }
        if self.first_way() == Some(Way::Channels) {
            return self.dial(port).await;
        }
        let _turn = self.dialing.acquire().await;
        if let Some(session) = self.free() {
            return Ok(Dialed::Session(session));
        }
        let dialed = self.dial(port).await?;
        if let Dialed::Session(session) = &dialed {
            self.sessions().push(Arc::clone(session));
        }
        Ok(dialed)
    }

    fn first_way(&self) -> Option<Way> {
        WAYS.get(self.cluster.0.ways.0.load(Ordering::Relaxed)).copied()
    }

    /// Tries the ways in turn, beginning with the one that worked last.
    async fn dial(&self, port: u16) -> Result<Dialed, ClusterError> {
        let known = self.cluster.0.ways.0.load(Ordering::Relaxed);
        let mut first_error = None;
        for index in (0..WAYS.len()).map(|step| (known + step) % WAYS.len()) {
            match self.dial_by(WAYS[index], port).await {
                Ok(dialed) => {
                    self.cluster.0.ways.0.store(index, Ordering::Relaxed);
                    return Ok(dialed);
                }
                // Proxies, old servers and roles that allow only some methods refuse one way and not another.
                Err(error @ (ClusterError::Refused { .. } | ClusterError::Nonsense { .. })) => {
                    first_error = Some(telling(first_error, error));
                }
                Err(error) => return Err(error),
            }
        }
        Err(first_error.unwrap_or_else(|| ClusterError::Unreachable {
            server: self.cluster.0.identity.server.clone(),
            reason: "no way leads to the pod".to_owned(),
        }))
    }

    async fn dial_by(&self, way: Way, port: u16) -> Result<Dialed, ClusterError> {
        let cluster = &*self.cluster.0;
        let upgrade = Upgrade {
            cluster,
            path: &self.path,
        };
        match way {
            Way::Tunnel => streams::tunnel(&upgrade).await.map(Dialed::Session),
            Way::Spdy => streams::spdy(&upgrade, "portforward.k8s.io").await.map(Dialed::Session),
            Way::Channels => {
                let path = format!("{}?ports={port}", self.path);
                let upgrade = Upgrade { cluster, path: &path };
                channels(&upgrade).await.map(Dialed::Connection)
            }
        }
    }

    async fn open(&self, session: &Arc<Session>, port: u16) -> Result<Connection, Gone> {
        let request = self.asked.fetch_add(1, Ordering::Relaxed).to_string();
        let headers = |kind: &str| {
            vec![
                ("streamtype", kind.to_owned()),
                ("port", port.to_string()),
                ("requestid", request.clone()),
            ]
        };
        let failure = session.ask(headers("error"), Half::Ended).await?;
        let data = session.ask(headers("data"), Half::Open).await?;
        let (failure, _) = failure.taken().await?;
        let (incoming, outgoing) = data.taken().await?;
        Ok(Connection {
            incoming,
            failure: Failure::new(failure),
            outgoing,
        })
    }

    fn free(&self) -> Option<Arc<Session>> {
        self.sessions().iter().find(|session| session.is_free()).cloned()
    }

    fn forget(&self, session: &Arc<Session>) {
        self.sessions().retain(|known| !Arc::ptr_eq(known, session));
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Session>>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|session| !session.is_over());
        sessions
    }
}

/// The answer of somebody who knows pods rather than of somebody who does not know the protocol.
fn telling(first: Option<ClusterError>, error: ClusterError) -> ClusterError {
    let is_vague = |error: &ClusterError| match error {
        ClusterError::Refused { status, .. } => !matches!(status, 403 | 404),
        _ => true,
    };
    match first {
        Some(first) if !is_vague(&first) || is_vague(&error) => first,
        _ => error,
    }
}

async fn channels(upgrade: &Upgrade<'_>) -> Result<Connection, ClusterError> {
    let (socket, protocol) = streams::web_socket(upgrade, "v4.channel.k8s.io").await?;
    let mut channels = Channels::start(socket, 2, Greeting::Port, &protocol);
    let outgoing = channels.outgoing(0);
    match (channels.incoming(0), channels.incoming(1)) {
        (Some(incoming), Some(failure)) => Ok(Connection {
            incoming,
            failure: Failure::new(failure),
            outgoing,
        }),
        _ => Err(ClusterError::Nonsense {
            server: upgrade.cluster.identity.server.clone(),
            reason: "two channels were asked for".to_owned(),
        }),
    }
}
