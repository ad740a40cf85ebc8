//! From kubeconfig files to a client that is logged in.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{self, Poll};

use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower_layer::Layer;
use tower_service::Service;

use super::{ClusterError, error, proxy};
use crate::model::cluster::Identity;
use crate::model::digest;
use crate::world::docker::chain;
use crate::world::kubeconfig::{Context, Sources};

pub async fn open(
    sources: &Sources,
    context: &Context,
    env: &BTreeMap<String, String>,
) -> Result<(Client, Identity), ClusterError> {
    let config = configure(sources, context, env).await?;
    let authority = config.root_cert.as_ref().map(|certificates| certificates.concat());
    let identity = Identity {
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        authority: authority.map(|bytes| digest::sha256_hex(&bytes)).unwrap_or_default(),
    };
    // A credential plugin runs in here, and blocks.
    let client = tokio::task::spawn_blocking(move || client(config)).await;
    let client = client.map_err(|error| broken(context, error.to_string()))?;
    let client = client.map_err(|error| match error::credentials(&error) {
        Some(reason) => ClusterError::Credentials {
            user: context.user.clone(),
            reason,
        },
        None => broken(context, chain(&error)),
    })?;
    Ok((client, identity))
}

/// A client whose connections send what they are given at once: what is said to containers is small and not always answered,
/// and the library's own connections would keep it back until the server has acknowledged what went before.
fn client(config: Config) -> kube::Result<Client> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let plain = legacy::Client::builder(TokioExecutor::new()).build(connector);
    let service = config.extra_headers_layer()?.layer(Plain(plain));
    let namespace = config.default_namespace.clone();
    Ok(match config.auth_layer()? {
        Some(auth) => Client::new(config.base_uri_layer().layer(auth.layer(service)), namespace),
        None => Client::new(config.base_uri_layer().layer(service), namespace),
    })
}

/// Requests as they are, with errors as the layers around them want them.
#[derive(Clone)]
struct Plain(legacy::Client<HttpsConnector<HttpConnector>, Body>);

impl Service<Request<Body>> for Plain {
    type Response = Response<Incoming>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _context: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let sent = self.0.request(request);
        Box::pin(async move { Ok(sent.await?) })
    }
}

async fn configure(
    sources: &Sources,
    context: &Context,
    env: &BTreeMap<String, String>,
) -> Result<Config, ClusterError> {
    let wrong = |error: kube::config::KubeconfigError| broken(context, chain(&error));
    let merged = merged(sources).map_err(wrong)?;
    let declared = declared_proxy(&merged, &context.cluster);
    let options = KubeConfigOptions {
        context: Some(context.name.clone()),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(merged, &options).await.map_err(wrong)?;
    // Whoever asks knows how long it may take, and hears what the server says about trying again.
    config.default_retry = false;
    // The library reads our process's own environment, and takes NO_PROXY for a list of proxies.
    config.proxy_url = proxy::of(&config.cluster_url, declared.as_deref(), env)
        .map_err(|url| broken(context, format!("proxy `{url}` is no URL")))?;
    Ok(config)
}

fn merged(sources: &Sources) -> Result<Kubeconfig, kube::config::KubeconfigError> {
    let mut merged = Kubeconfig::default();
    for file in sources.files().iter().filter(|file| file.exists()) {
        merged = merged.merge(Kubeconfig::read_from(file)?)?;
    }
    Ok(merged)
}

fn declared_proxy(kubeconfig: &Kubeconfig, name: &str) -> Option<String> {
    let entry = kubeconfig.clusters.iter().find(|entry| entry.name == name)?;
    let url = entry.cluster.as_ref()?.proxy_url.clone();
    url.filter(|url| !url.is_empty())
}

fn broken(context: &Context, reason: String) -> ClusterError {
    ClusterError::Kubeconfig {
        context: context.name.clone(),
        reason,
    }
}
