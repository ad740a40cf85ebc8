//! HTTPS on a port of this machine's own: connections, and their end.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::certs::{Certificate, CertificateError};
use crate::api::context::{Context, Counters, Explain, Present};
use crate::api::service;
use crate::engine::handle::Handle;
use crate::world::apiconfig::Entry;

/// What a server is to be like.
#[derive(Clone)]
pub struct Options {
    /// `tilt-default`, or `tilt-<port>`.
    pub name: String,
    /// Where certificates are kept, in a folder of that name.
    pub certs: PathBuf,
    /// Who knows it may do everything.
    pub token: String,
    /// Of this program.
    pub version: String,
    /// Answers `/tilt/v1/explain/{resource}`.
    pub explain: Option<Explain>,
}

#[derive(Debug, Error)]
pub enum ServeError {
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error("cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
}

/// A server that runs until it is shut down. Dropping it leaves it running.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    /// What clients have to know, for [`crate::world::apiconfig`].
    pub entry: Entry,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

/// How long a client has to finish TLS's greeting.
const GREETING: Duration = Duration::from_secs(10);
/// How long requests may take that are under way when the server stops.
const LAST_WORDS: Duration = Duration::from_millis(500);

pub async fn serve(handle: Handle, options: Options) -> Result<Running, ServeError> {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let certificate = Certificate::make()?;
    certificate.keep(
        &options.certs.join(&options.name),
        &address.ip().to_string(),
        address.port(),
    )?;
    let entry = Entry {
        name: options.name,
        server: format!("https://{address}"),
        authority: certificate.authority.clone(),
        token: options.token.clone(),
    };
    let acceptor = TlsAcceptor::from(Arc::new(tls(certificate)?));
    let stopping = CancellationToken::new();
    let context = Context {
        handle,
        token: options.token.into(),
        address: address.to_string().into(),
        version: options.version.into(),
        explain: options.explain,
        counters: Arc::new(Counters::default()),
        stopping: stopping.clone(),
    };
    let tasks = TaskTracker::new();
    tasks.spawn(accept(listener, acceptor, context, tasks.clone()));
    Ok(Running {
        address,
        entry,
        stopping,
        tasks,
    })
}

impl Running {
    /// Ends watches, lets requests that are under way finish, and closes every connection.
    pub async fn shutdown(&self) {
        self.stopping.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn tls(certificate: Certificate) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificate.chain, certificate.key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, context: Context, tasks: TaskTracker) {
    let stopping = context.stopping.clone();
    let router = Router::new().fallback(handle).with_state(context.clone());
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection(stream, acceptor.clone(), router.clone(), context.clone()));
            }
            // There are too many open files, or the client has gone already: the next one may have more luck.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn handle(State(context): State<Context>, request: Request<Body>) -> axum::response::Response {
    service::answer(context, request).await
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, router: Router, context: Context) {
    let stopping = context.stopping.clone();
    let _present = Present::new(&context.counters, |counters| &counters.connections);
    // Answers are written whole: waiting for more to send would only cost time.
    let _ = stream.set_nodelay(true);
    let greeted = tokio::select! {
        () = stopping.cancelled() => return,
        greeted = tokio::time::timeout(GREETING, acceptor.accept(stream)) => greeted,
    };
    // A client that cannot be talked to has been told so by TLS itself.
    let Ok(Ok(stream)) = greeted else {
        return;
    };
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new());
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // How a connection ends is the client's affair.
        _ = served.as_mut() => return,
        () = stopping.cancelled() => served.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(LAST_WORDS, served).await;
}
