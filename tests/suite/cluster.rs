//! A real Kubernetes, known only by `KUBECONFIG`: whichever it is.

mod agent;
mod apply;
mod exec;
mod forward;
mod gate;
mod live;
mod pods;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use tilt::model::cluster::Facts;
use tilt::model::cluster_product::Product;
use tilt::world::cluster::{Cluster, ClusterError};
use tilt::world::kubeconfig::{self, Sources};

use crate::support;

mod logs;
mod proxy;
mod seen;
mod session;
mod track;

/// Where the cluster is, or nothing where there is none to test with.
fn sources(test: &str) -> Option<Sources> {
    let Ok(variable) = std::env::var("KUBECONFIG") else {
        support::skip(test, "KUBECONFIG names no cluster");
        return None;
    };
    Some(Sources {
        variable: Some(variable),
        home: std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default(),
        ..Sources::default()
    })
}

/// What `kubectl` says, if it is there.
fn kubectl(test: &str, args: &[&str]) -> Option<String> {
    if support::is_skipped_without("kubectl", test) {
        return None;
    }
    let output = Command::new("kubectl").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", support::stderr(&output));
    Some(support::stdout(&output))
}

async fn facts(sources: &Sources) -> Result<Facts, ClusterError> {
    let context = kubeconfig::active(sources).unwrap().expect("a context");
    let cluster = Cluster::connect(sources, &context, &BTreeMap::new()).await?;
    assert_ne!(cluster.product(), Product::None);
    cluster.facts().await
}

async fn connect(sources: &Sources) -> Cluster {
    let context = kubeconfig::active(sources).unwrap().expect("a context");
    Cluster::connect(sources, &context, &BTreeMap::new()).await.unwrap()
}

#[tokio::test]
async fn a_real_cluster_tells_of_itself_what_kubectl_says() {
    let test = "a_real_cluster_tells_of_itself_what_kubectl_says";
    let Some(sources) = sources(test) else { return };
    let facts = facts(&sources).await.unwrap();
    assert_eq!(facts.gaps, [""; 0]);
    assert!(facts.identity.server.starts_with("https://"), "{:?}", facts.identity);
    let Some(version) = kubectl(test, &["get", "--raw", "/version"]) else {
        return;
    };
    let version: serde_json::Value = serde_json::from_str(&version).unwrap();
    assert_eq!(facts.version, version["gitVersion"].as_str().unwrap());
    let told =
        "jsonpath={range .items[*]}{.status.nodeInfo.architecture} {.status.nodeInfo.containerRuntimeVersion}\n{end}";
    let nodes = kubectl(test, &["get", "nodes", "-o", told]).unwrap();
    let nodes: Vec<_> = nodes.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(facts.arch.as_deref(), nodes.first().map(|(arch, _)| *arch));
    let runtimes = nodes.iter().filter_map(|(_, runtime)| runtime.split("://").next());
    assert_eq!(facts.runtimes, runtimes.map(str::to_owned).collect::<BTreeSet<_>>());
}

#[tokio::test]
async fn a_real_cluster_refuses_somebody_it_does_not_know() {
    let test = "a_real_cluster_refuses_somebody_it_does_not_know";
    let Some(sources) = sources(test) else { return };
    let server = facts(&sources).await.unwrap().identity.server;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: stranger}}}}]\n\
         clusters: [{{name: x, cluster: {{server: '{server}', insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: stranger, user: {{token: of-my-own-making}}}}]\n"
    );
    std::fs::write(&file, text).unwrap();
    let variable = Some(file.display().to_string());
    let error = self::facts(&Sources { variable, ..sources }).await.unwrap_err();
    assert!(
        matches!(&error, ClusterError::Unauthorized { user, .. } if user == "stranger"),
        "{error}"
    );
}

#[tokio::test]
async fn a_real_cluster_whose_certificate_nobody_vouches_for_is_not_spoken_to() {
    let test = "a_real_cluster_whose_certificate_nobody_vouches_for_is_not_spoken_to";
    let Some(sources) = sources(test) else { return };
    let server = facts(&sources).await.unwrap().identity.server;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let text = format!(
        "current-context: x\ncontexts: [{{name: x, context: {{cluster: x, user: me}}}}]\n\
         clusters: [{{name: x, cluster: {{server: '{server}'}}}}]\nusers: [{{name: me, user: {{token: mine}}}}]\n"
    );
    std::fs::write(&file, text).unwrap();
    let variable = Some(file.display().to_string());
    let error = self::facts(&Sources { variable, ..sources }).await.unwrap_err();
    assert!(error.is_connection(), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
}
