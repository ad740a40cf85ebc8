//! Connections to an engine: a socket of this machine, TCP with or without TLS, or a shell on another machine.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;

use crate::world::docker::endpoint::{Endpoint, Host, Tls};
use crate::world::docker::error::{DockerError, chain};
use crate::world::http::{self, Trust};
use crate::world::process::pipe;

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Clone)]
pub struct Dialer {
    host: Host,
    url: String,
    tls: Option<TlsConnector>,
    env: Arc<BTreeMap<String, String>>,
}

impl Dialer {
    pub fn new(endpoint: &Endpoint, env: &BTreeMap<String, String>) -> io::Result<Dialer> {
        let tls = match &endpoint.host {
            Host::Tcp { tls: Some(tls), .. } => Some(TlsConnector::from(Arc::new(config(tls)?))),
            _ => None,
        };
        Ok(Dialer {
            host: endpoint.host.clone(),
            url: endpoint.url.clone(),
            tls,
            env: Arc::new(env.clone()),
        })
    }

    /// A connection, or why there is none.
    pub async fn open(&self) -> Result<Box<dyn Stream>, DockerError> {
        self.dial().await.map_err(|error| DockerError::Unreachable {
            endpoint: self.url.clone(),
            reason: chain(&error),
        })
    }

    pub async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        match &self.host {
            Host::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Host::Tcp { name, port, .. } => {
                let stream = http::connect(name, *port).await?;
                let Some(tls) = &self.tls else {
                    return Ok(Box::new(stream));
                };
                let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
                Ok(Box::new(tls.connect(name, stream).await?))
            }
            Host::Ssh { destination, port } => {
                let mut argv = vec![
                    "ssh".to_owned(),
                    "-o".to_owned(),
                    "ConnectTimeout=30".to_owned(),
                    "-T".to_owned(),
                ];
                if let Some(port) = port {
                    argv.extend(["-p".to_owned(), port.to_string()]);
                }
                let rest = ["--", destination, "docker", "system", "dial-stdio"];
                argv.extend(rest.map(str::to_owned));
                Ok(Box::new(pipe::open(&argv, &self.env).map_err(io::Error::other)?))
            }
        }
    }
}

fn config(tls: &Tls) -> io::Result<ClientConfig> {
    let mut config = match (&tls.authority, tls.skip_verify) {
        (_, true) | (None, false) => (*Trust::Anybody.config().map_err(io::Error::other)?).clone(),
        (Some(authority), false) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in certificates(authority)? {
                roots.add(certificate).map_err(io::Error::other)?;
            }
            let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?;
            versions.with_root_certificates(roots).with_no_client_auth()
        }
    };
    if let Some((certificate, key)) = &tls.identity {
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        let key = ring::default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(io::Error::other)?;
        let certified = rustls::sign::CertifiedKey::new(certificates(certificate)?, key);
        config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
    }
    Ok(config)
}

fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(file, &error))?;
    read.map(|certificate| certificate.map_err(|error| unreadable(file, &error)))
        .collect()
}

fn unreadable(file: &Path, error: &rustls_pki_types::pem::Error) -> io::Error {
    io::Error::other(format!("{}: {error}", file.display()))
}
