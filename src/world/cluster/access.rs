//! From kubeconfig files to a client that is logged in.

use std::collections::BTreeMap;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

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
    let client = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
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
