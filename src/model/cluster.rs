//! Pure. What is known of a Kubernetes cluster, and how it looks as the object `Cluster`.

use std::collections::BTreeSet;

use crate::model::cluster_product::Product;
use crate::model::registry::Registry;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::model::yaml;

/// What a cluster tells of itself. What it may not or will not tell stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub identity: Identity,
    /// As it names it: `v1.33.1`.
    pub version: String,
    /// Of its first node, as images name it: `amd64`.
    pub arch: Option<String>,
    /// What runs containers on its nodes, without versions: `docker`, `containerd`.
    pub runtimes: BTreeSet<String>,
    pub registries: Registries,
    /// What could not be found out, and why; for the log. What we are not allowed to see is not among it.
    pub gaps: Vec<String>,
}

/// What tells one cluster from another, whatever contexts are called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity {
    pub server: String,
    /// A digest of the certificates that it is checked against; empty without any.
    pub authority: String,
}

/// Registries that are said to belong to the cluster, by who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    /// The agreed place: the ConfigMap `local-registry-hosting`.
    pub hosted: Option<Hosting>,
    pub microk8s: Option<Hosting>,
    pub annotated: Option<Hosting>,
}

/// A local registry, by the names that it has in different places (KEP-1755).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosting {
    /// As this machine reaches it. Empty where there is none yet, but a text that tells how to get one.
    pub host: String,
    pub from_container_runtime: String,
    pub from_cluster_network: String,
    pub help: String,
}

/// The document that the ConfigMap holds.
pub const HOSTING_DOCUMENT: &str = "localRegistryHosting.v1";

const ANNOTATED: &str = "tilt.dev/registry";
const ANNOTATED_FROM_CLUSTER: &str = "tilt.dev/registry-from-cluster";
const ANNOTATED_BY_KIND: &str = "kind.x-k8s.io/registry";

impl Registries {
    /// The registry to use, if the cluster has one.
    pub fn local(&self) -> Option<&Hosting> {
        self.told().find(|hosting| !hosting.host.is_empty())
    }

    /// How to get a registry, where somebody says that there could be one.
    pub fn help(&self) -> Option<&str> {
        self.told()
            .map(|hosting| hosting.help.as_str())
            .find(|help| !help.is_empty())
    }

    fn told(&self) -> impl Iterator<Item = &Hosting> {
        [&self.hosted, &self.microk8s, &self.annotated].into_iter().flatten()
    }
}

impl Hosting {
    /// From the document of the ConfigMap. Fields of later versions are left alone.
    pub fn parse(document: &str) -> Result<Hosting, String> {
        let tree = yaml::parse_one(document).map_err(|error| error.to_string())?;
        if !matches!(tree, Tree::Map(_) | Tree::Null) {
            return Err(format!("expected an object, found {}", tree.type_name()));
        }
        let field = |name: &str| match tree.get(name) {
            None | Some(Tree::Null) => Ok(String::new()),
            Some(Tree::Text(text)) => Ok(text.trim().to_owned()),
            Some(other) => Err(format!("`{name}` is no text but {}", other.type_name())),
        };
        Ok(Hosting {
            host: field("host")?,
            from_container_runtime: field("hostFromContainerRuntime")?,
            from_cluster_network: field("hostFromClusterNetwork")?,
            help: field("help")?,
        })
    }

    /// From what is written onto a node.
    pub fn annotated<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> Option<Hosting> {
        let told = |name: &str| annotation(name).filter(|value| !value.is_empty());
        let host = told(ANNOTATED).or_else(|| told(ANNOTATED_BY_KIND))?;
        let from_cluster = told(ANNOTATED_FROM_CLUSTER).filter(|_| told(ANNOTATED).is_some());
        Some(Hosting {
            host: host.to_owned(),
            from_container_runtime: from_cluster.unwrap_or_default().to_owned(),
            ..Hosting::default()
        })
    }

    /// The add-on of MicroK8s, behind the same port of each node.
    pub fn at_node_port(port: u16) -> Hosting {
        let host = format!("localhost:{port}");
        Hosting {
            from_container_runtime: host.clone(),
            from_cluster_network: host.clone(),
            host,
            help: String::new(),
        }
    }

    pub fn registry(&self) -> Registry {
        Registry {
            host: self.host.clone(),
            host_from_cluster: self.from_container_runtime.clone(),
            single_name: String::new(),
        }
    }
}

/// A connection as the object `Cluster` shows it.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    pub context: &'a str,
    pub cluster: &'a str,
    /// Empty where the context names none.
    pub namespace: &'a str,
    pub product: Product,
    /// The kubeconfig that holds nothing but this context.
    pub config_path: &'a str,
    pub connected_at: Time,
}

/// `spec` of the object `default`: the active context, and the registry that the Tiltfile declares.
pub fn spec(declared: Option<&Registry>) -> Tree {
    let connection = map([("kubernetes", Tree::Map(Map::new()))]);
    let registry = declared.filter(|registry| !registry.host.is_empty()).map(|registry| {
        texts([
            ("host", &registry.host),
            ("hostFromContainerRuntime", &registry.host_from_cluster),
            ("singleName", &registry.single_name),
        ])
    });
    map([("connection", connection)]
        .into_iter()
        .chain(registry.map(|registry| ("defaultRegistry", registry))))
}

/// `status` of a cluster that answers.
pub fn status(facts: &Facts, connection: &Connection) -> Tree {
    let mut kubernetes = Map::new();
    kubernetes.push("cluster", Tree::text(connection.cluster));
    push_text(&mut kubernetes, "configPath", connection.config_path);
    kubernetes.push("context", Tree::text(connection.context));
    kubernetes.push("namespace", Tree::text(connection.namespace));
    push_text(&mut kubernetes, "product", connection.product.name());
    let mut status = Map::new();
    push_text(&mut status, "arch", facts.arch.as_deref().unwrap_or_default());
    status.push("connectedAt", Tree::text(connection.connected_at.to_micros_text()));
    status.push("connection", map([("kubernetes", Tree::Map(kubernetes))]));
    if let Some(local) = facts.registries.local() {
        status.push("registry", hosting(local));
    }
    push_text(&mut status, "version", &facts.version);
    Tree::Map(status)
}

/// `status` of a cluster that does not.
pub fn failed_status(error: &str) -> Tree {
    map([("error", Tree::text(error))])
}

fn hosting(hosting: &Hosting) -> Tree {
    texts([
        ("help", &hosting.help),
        ("host", &hosting.host),
        ("hostFromClusterNetwork", &hosting.from_cluster_network),
        ("hostFromContainerRuntime", &hosting.from_container_runtime),
    ])
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Tree)>) -> Tree {
    let entries = entries.into_iter().map(|(name, value)| (name.into(), value));
    Tree::Map(Map::from_entries(entries.collect()))
}

fn texts<'a>(entries: impl IntoIterator<Item = (&'a str, &'a String)>) -> Tree {
    let mut map = Map::new();
    for (name, value) in entries {
        push_text(&mut map, name, value);
    }
    Tree::Map(map)
}

fn push_text(map: &mut Map, name: &str, value: &str) {
    if !value.is_empty() {
        map.push(name, Tree::text(value));
    }
}

#[cfg(test)]
mod tests;
