//! Docker Engine: who it is, its images, builds, commands in its containers, and what it can throw away.
//!
//! The client library makes the plain requests. What it cannot do is done here over connections of our own: the session in
//! which BuildKit asks us for files, secrets and keys, the build itself, and the streams of commands.

pub mod classic;
mod contents;
mod dial;
pub mod endpoint;
mod error;
pub mod exec;
mod image;
pub mod minikube;
mod named;
pub mod prune;
pub mod session;
pub mod solve;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use dial::Dialer;
use endpoint::{Endpoint, Host};
pub use error::DockerError;
pub(in crate::world) use error::chain;
pub use image::{Image, RegistryAuth};
use wire::Connector;

/// Until the answer to a plain request begins. Engines that are short of memory or disk take their time.
const PATIENCE: Duration = Duration::from_secs(120);

/// BuildKit is part of every engine from here on.
const BUILDKIT_SINCE: (usize, usize) = (1, 39);

/// A connection to an engine. Cheap to copy.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    docker: Docker,
    dialer: Dialer,
    endpoint: Endpoint,
    api: (usize, usize),
}

/// Who an engine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Stays the same as long as the engine keeps its store.
    pub id: String,
    pub name: String,
    pub version: String,
    pub api: String,
    pub os: String,
    /// As images name it: `amd64`, `arm64`.
    pub arch: String,
    pub store: Store,
}

/// How an engine keeps images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    #[default]
    GraphDriver,
    Containerd,
}

impl Engine {
    /// The engine that the environment names. It has answered once when this returns.
    pub async fn connect(env: &BTreeMap<String, String>) -> Result<Engine, DockerError> {
        let endpoint = Endpoint::from_environment(env)?;
        let unreachable = |reason: String| DockerError::Unreachable {
            endpoint: endpoint.url.clone(),
            reason,
        };
        let dialer = Dialer::new(&endpoint, env).map_err(|error| unreachable(error.to_string()))?;
        let client = Client::builder(TokioExecutor::new()).build(Connector(dialer.clone()));
        let send = move |request: BollardRequest| {
            let sent = client.request(request);
            async move { sent.await.map_err(bollard::errors::Error::from) }
        };
        let url = Some("http://docker");
        let docker = Docker::connect_with_custom_transport(send, url, PATIENCE.as_secs(), API_DEFAULT_VERSION)
            .map_err(|error| unreachable(error.to_string()))?;
        let asked = docker.negotiate_version().await;
        let docker = asked.map_err(|error| DockerError::of("asking for its version", &endpoint.url, &error))?;
        let api = docker.client_version();
        Ok(Engine(Arc::new(Inner {
            docker,
            dialer,
            endpoint,
            api: (api.major_version, api.minor_version),
        })))
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Whether it is an engine of this very machine.
    pub fn is_local(&self) -> bool {
        matches!(self.0.endpoint.host, Host::Unix(_))
    }

    pub fn has_buildkit(&self) -> bool {
        self.0.api >= BUILDKIT_SINCE
    }

    pub async fn about(&self) -> Result<About, DockerError> {
        let asked = self.0.docker.info().await;
        let info = asked.map_err(|error| self.error("asking about the engine", &error))?;
        let is_containerd = |rows: &Vec<Vec<String>>| {
            rows.iter().any(|row| matches!(row.as_slice(), [name, kind] if name == "driver-type" && kind.starts_with("io.containerd.snapshotter")))
        };
        Ok(About {
            id: info.id.unwrap_or_default(),
            name: info.name.unwrap_or_default(),
            version: info.server_version.unwrap_or_default(),
            api: format!("{}.{}", self.0.api.0, self.0.api.1),
            os: info.os_type.unwrap_or_default(),
            arch: architecture(&info.architecture.unwrap_or_default()).to_owned(),
            store: match info.driver_status.as_ref().is_some_and(is_containerd) {
                true => Store::Containerd,
                false => Store::GraphDriver,
            },
        })
    }

    fn error(&self, doing: &'static str, error: &bollard::errors::Error) -> DockerError {
        DockerError::of(doing, &self.0.endpoint.url, error)
    }
}

/// Kernels and images have different names for the same machine.
fn architecture(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7l" => "arm",
        other => other,
    }
}
