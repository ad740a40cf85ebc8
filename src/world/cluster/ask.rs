//! The questions to a cluster, all at once.

use std::collections::BTreeSet;
use std::future::Future;

use hyper::Request;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Service};
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::time::timeout;

use super::{ClusterError, Inner};
use crate::model::cluster::{Facts, HOSTING_DOCUMENT, Hosting, Registries};
use crate::model::cluster_product::Product;

const HOSTING_NAMESPACE: &str = "kube-public";
const HOSTING_NAME: &str = "local-registry-hosting";
const MICROK8S_NAMESPACE: &str = "container-registry";
const MICROK8S_NAME: &str = "registry";
const MICROK8S_PORT: u16 = 32000;

/// Clusters of thousands of nodes are no reason to read megabytes: some tell enough of all.
const NODES: u32 = 50;

/// What became of one question.
enum Heard<T> {
    Told(T),
    /// There is no such thing, or it is not for our eyes.
    NotTold,
    Failed(ClusterError),
}

pub async fn facts(cluster: &Inner) -> Result<Facts, ClusterError> {
    let (version, nodes, hosted, microk8s) = tokio::join!(
        hear(cluster, version(&cluster.client)),
        hear(cluster, nodes(&cluster.client)),
        hear(cluster, hosted(&cluster.client)),
        hear(cluster, microk8s(cluster)),
    );
    let mut gaps = Vec::new();
    let version = match version {
        Heard::Told(version) => version,
        Heard::NotTold => String::new(),
        // Whoever does not even tell a version is not there.
        Heard::Failed(error) => return Err(error),
    };
    let nodes = told(nodes, "its nodes", &mut gaps)?.unwrap_or_default();
    let document = told(hosted, "its local registry", &mut gaps)?.flatten();
    let hosted = document.and_then(|document| match Hosting::parse(&document) {
        Ok(hosting) => Some(hosting),
        Err(reason) => {
            let place = format!("{HOSTING_NAMESPACE}/{HOSTING_NAME}");
            gaps.push(format!("ConfigMap `{place}`, key `{HOSTING_DOCUMENT}`: {reason}"));
            None
        }
    });
    let microk8s = told(microk8s, "the registry of MicroK8s", &mut gaps)?.flatten();
    Ok(Facts {
        identity: cluster.identity.clone(),
        version,
        arch: nodes.first().and_then(arch),
        runtimes: nodes.iter().filter_map(runtime).collect::<BTreeSet<_>>(),
        registries: Registries {
            hosted,
            microk8s: microk8s.map(Hosting::at_node_port),
            annotated: nodes.iter().find_map(annotated),
        },
        gaps,
    })
}

/// An answer that we can do without. That we are not known is no gap: it holds for everything that will be asked.
fn told<T>(heard: Heard<T>, what: &str, gaps: &mut Vec<String>) -> Result<Option<T>, ClusterError> {
    match heard {
        Heard::Told(answer) => Ok(Some(answer)),
        Heard::NotTold => Ok(None),
        Heard::Failed(error @ (ClusterError::Unauthorized { .. } | ClusterError::Credentials { .. })) => Err(error),
        Heard::Failed(error) => {
            gaps.push(format!("asking for {what}: {error}"));
            Ok(None)
        }
    }
}

async fn hear<T>(cluster: &Inner, question: impl Future<Output = Result<T, kube::Error>>) -> Heard<T> {
    let server = &cluster.identity.server;
    match timeout(cluster.patience, question).await {
        Ok(Ok(answer)) => Heard::Told(answer),
        Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => Heard::NotTold,
        Ok(Err(error)) => Heard::Failed(ClusterError::of(server, &cluster.user, &error)),
        Err(_) => Heard::Failed(ClusterError::late(server, cluster.patience)),
    }
}

async fn version(client: &Client) -> Result<String, kube::Error> {
    let request = Request::get("/version")
        .body(Vec::new())
        .map_err(kube::Error::HttpError)?;
    // The library's type wants fields that not every server has.
    let answer: serde_json::Value = client.request(request).await?;
    Ok(answer["gitVersion"].as_str().unwrap_or_default().to_owned())
}

async fn nodes(client: &Client) -> Result<Vec<Node>, kube::Error> {
    let some = ListParams::default().limit(NODES);
    let listed = Api::<Node>::all(client.clone()).list(&some).await?;
    Ok(listed.items)
}

async fn hosted(client: &Client) -> Result<Option<String>, kube::Error> {
    let maps = Api::<ConfigMap>::namespaced(client.clone(), HOSTING_NAMESPACE);
    let map = maps.get(HOSTING_NAME).await?;
    Ok(map.data.and_then(|mut data| data.remove(HOSTING_DOCUMENT)))
}

/// The port of each node behind which the registry add-on is. Elsewhere a service of this name is not ours to use.
async fn microk8s(cluster: &Inner) -> Result<Option<u16>, kube::Error> {
    if cluster.product != Product::Microk8s {
        return Ok(None);
    }
    let services = Api::<Service>::namespaced(cluster.client.clone(), MICROK8S_NAMESPACE);
    let service = services.get(MICROK8S_NAME).await?;
    let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
    let port = ports.iter().find_map(|port| port.node_port);
    Ok(Some(
        port.and_then(|port| u16::try_from(port).ok()).unwrap_or(MICROK8S_PORT),
    ))
}

fn arch(node: &Node) -> Option<String> {
    let told = node.status.as_ref()?.node_info.as_ref()?;
    Some(told.architecture.clone()).filter(|arch| !arch.is_empty())
}

/// `docker://20.10.24` without the version.
fn runtime(node: &Node) -> Option<String> {
    let told = &node.status.as_ref()?.node_info.as_ref()?.container_runtime_version;
    let (name, _) = told.split_once("://")?;
    Some(name.to_owned())
}

fn annotated(node: &Node) -> Option<Hosting> {
    let annotations = node.metadata.annotations.as_ref()?;
    Hosting::annotated(|name| annotations.get(name).map(String::as_str))
}
