//! What BuildKit may ask us for while it builds: files of the context, secrets, keys for ssh, credentials of registries.
//!
//! The engine turns a connection of ours around: on it we are the server and BuildKit calls. It asks for a folder by naming
//! what it has of it already, so that only differences travel.

mod auth;
mod filesync;
mod health;
mod secrets;
mod source;
mod ssh;
mod wanted;

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::stream;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use bollard_buildkit_proto::health::health_server::HealthServer;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard_buildkit_proto::moby::filesync::packet::file_sync_server::FileSyncServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::SshServer;

use crate::world::docker::wire;
use crate::world::docker::{DockerError, Engine};
pub use filesync::{Sent, Trouble};
pub use secrets::{SecretError, SecretSource};
pub use source::{Content, Kind, Meta, Source, Texts};
pub use ssh::{Agents, SshError};

/// As much as fits between two looks of BuildKit's at what it got.
const WINDOW: u32 = 4 << 20;

/// What is offered in one session.
pub struct Offer {
    /// Who shares what BuildKit keeps of the folders: the same key finds the files of the session before.
    pub shared_key: String,
    /// By the names under which BuildKit asks for them.
    pub folders: BTreeMap<&'static str, Arc<dyn Source>>,
    pub secrets: BTreeMap<String, SecretSource>,
    pub agents: Agents,
    /// Where credentials of registries are looked for.
    pub env: Arc<BTreeMap<String, String>>,
}

/// A session that is open. BuildKit loses it when this is dropped.
pub struct Session {
    pub id: String,
    sent: Arc<Sent>,
    trouble: Slot,
    _open: DropGuard,
}

impl Session {
    pub async fn open(engine: &Engine, offer: Offer) -> Result<Session, DockerError> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut headers = vec![
            ("X-Docker-Expose-Session-Uuid", id.clone()),
            ("X-Docker-Expose-Session-Name", "tilt".to_owned()),
            ("X-Docker-Expose-Session-Sharedkey", offer.shared_key.clone()),
        ];
        let method = |name: &str| ("X-Docker-Expose-Session-Grpc-Method", name.to_owned());
        headers.extend(METHODS.iter().map(|name| method(name)));
        let io = wire::upgrade(
            &engine.0.dialer,
            &wire::Upgrade::h2c("/session", &headers),
            "opening a build session",
        )
        .await?;
        let open = CancellationToken::new();
        let session = Session {
            id,
            sent: Arc::default(),
            trouble: Arc::default(),
            _open: open.clone().drop_guard(),
        };
        session.serve(Turned(TokioIo::new(io)), offer, open);
        Ok(session)
    }

    fn serve(&self, io: Turned, offer: Offer, closed: CancellationToken) {
        let files = filesync::Files::new(offer.folders, Arc::clone(&self.sent), Arc::clone(&self.trouble));
        let served = Server::builder()
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .add_service(FileSyncServer::new(files))
            .add_service(SecretsServer::new(secrets::Vault(offer.secrets)))
            .add_service(SshServer::new(ssh::Forwarder(offer.agents)))
            .add_service(AuthServer::new(auth::Desk(offer.env)))
            .add_service(HealthServer::new(health::Alive))
            .serve_with_incoming(stream::iter([Ok::<_, io::Error>(io)]));
        // Ends with the connection, or with us.
        TaskTracker::new().spawn(async move {
            tokio::select! {
                // How the connection ended shows in how the build ended.
                _ = served => {}
                () = closed.cancelled() => {}
            }
        });
    }

    /// What went over so far.
    pub fn sent(&self) -> (u64, u64) {
        self.sent.get()
    }

    /// Why a folder could not be sent, if one could not.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble.lock().ok()?.clone()
    }
}

/// A mutex, because BuildKit asks for several folders at once; it is held for an assignment only.
type Slot = Arc<Mutex<Option<Trouble>>>;

/// What this end of the connection answers.
const METHODS: [&str; 7] = [
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
    "/moby.filesync.v1.Auth/Credentials",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// A connection on which the roles have been exchanged.
struct Turned(TokioIo<Upgraded>);

impl Connected for Turned {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Turned {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Turned {
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
