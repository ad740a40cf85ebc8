//! Pure. How an image gets to where it runs: through which registry, by which way, for which machine.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::build::{OutputMode, Recipe};
use crate::model::built::Delivery;
use crate::model::cluster::Registries;
use crate::model::cluster_product::Product;
use crate::model::registry::Registry;

#[cfg(test)]
mod tests;

/// The registry that images are named after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub registry: Registry,
    pub origin: Origin,
    /// For the log.
    pub lines: Vec<Line>,
}

/// Who wanted this registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// There is none: images keep their names.
    #[default]
    Nobody,
    /// The Tiltfile, by `default_registry()`.
    Tiltfile,
    /// The cluster, which has it beside itself.
    Cluster,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Note(String),
    Warning(String),
}

/// The registry in use: one that the cluster has itself wins over one that the Tiltfile declares, since it is near and
/// the same Tiltfile then suits clusters with and without one.
pub fn registry(found: &Registries, declared: Option<&Registry>, product: Product) -> Chosen {
    let declared = declared.filter(|registry| !registry.host.is_empty());
    let mut lines = Vec::new();
    if let Some(hosting) = found.local() {
        let registry = hosting.registry();
        match registry.validate() {
            Ok(()) => {
                lines.push(Line::Note(detected(&registry)));
                if let Some(declared) = declared {
                    let host = &declared.host;
                    let text = format!("default_registry('{host}') is not used: the cluster's own registry wins");
                    lines.push(Line::Note(text));
                }
                return Chosen {
                    registry,
                    origin: Origin::Cluster,
                    lines,
                };
            }
            Err(error) => {
                let text = format!("The cluster's local registry is not used, its name is no good: {error}");
                lines.push(Line::Warning(text));
            }
        }
    }
    if let Some(registry) = declared {
        return Chosen {
            registry: registry.clone(),
            origin: Origin::Tiltfile,
            lines,
        };
    }
    lines.extend(missing(found, product).map(Line::Note));
    Chosen {
        lines,
        ..Chosen::default()
    }
}

fn detected(registry: &Registry) -> String {
    let Registry {
        host,
        host_from_cluster,
        ..
    } = registry;
    match host_from_cluster.is_empty() || host_from_cluster == host {
        true => format!("Auto-detected local registry from environment: {host}"),
        false => {
            format!("Auto-detected local registry from environment: {host} (from the cluster: {host_from_cluster})")
        }
    }
}

/// What to say where a registry could be and is not.
fn missing(found: &Registries, product: Product) -> Option<String> {
    if let Some(help) = found.help() {
        return Some(format!(
            "The cluster has no local image registry; with one, updates are faster. How to add it: {help}"
        ));
    }
    let no_microk8s = product == Product::Microk8s && found.microk8s.is_none();
    no_microk8s.then(|| {
        "MicroK8s runs without its image registry; with it, updates are faster: microk8s enable registry".to_owned()
    })
}

/// Who runs an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Other images are made from it, and that is all.
    Nobody,
    /// Docker Compose, in the engine that built it.
    Compose,
    Kubernetes,
}

/// Between the engine that builds and the cluster that runs.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    pub product: Product,
    /// The cluster's name in the kubeconfig.
    pub cluster: &'a str,
    /// What runs containers on its nodes.
    pub runtimes: &'a BTreeSet<String>,
    pub engine: BuildEngine<'a>,
    pub registry: &'a Chosen,
}

/// The engine that builds.
#[derive(Clone, Copy, Debug)]
pub struct BuildEngine<'a> {
    pub url: &'a str,
    /// The minikube cluster that it runs in, if it does.
    pub minikube: Option<&'a str>,
}

/// Set by `minikube docker-env`, to the name of the cluster.
pub const MINIKUBE_ENGINE: &str = "MINIKUBE_ACTIVE_DOCKERD";

impl<'a> BuildEngine<'a> {
    /// The engine at this URL, which was reached with these variables.
    pub fn of(url: &'a str, env: &'a BTreeMap<String, String>) -> BuildEngine<'a> {
        let minikube = env.get(MINIKUBE_ENGINE).map(String::as_str);
        BuildEngine {
            url,
            minikube: minikube.filter(|cluster| !cluster.is_empty()),
        }
    }
}

/// What has to be done with a built image.
pub fn delivery(recipe: &Recipe, audience: Audience, route: &Route) -> Delivery {
    let is_ours = match recipe {
        Recipe::Docker(_) | Recipe::Pack(_) => true,
        // Any other mode says that the command has pushed it.
        Recipe::Custom(recipe) => recipe.output_mode == OutputMode::LocalDocker,
        Recipe::Compose(_) => false,
    };
    if !is_ours || audience != Audience::Kubernetes || shares_engine(route) {
        return Delivery::Stay;
    }
    match is_loaded(route) {
        true => Delivery::KindLoad {
            cluster: kind_name(route.cluster).to_owned(),
        },
        false => Delivery::Push,
    }
}

/// Whether the cluster runs its containers in the very engine that builds.
pub fn shares_engine(route: &Route) -> bool {
    if route.engine.minikube.is_some() || route.product == Product::Minikube {
        return route.product == Product::Minikube && route.engine.minikube == Some(route.cluster);
    }
    let by_choice = match route.product {
        Product::DockerDesktop | Product::Orbstack => true,
        Product::RancherDesktop | Product::Colima => route.runtimes.contains("docker"),
        Product::None
        | Product::Unknown
        | Product::Gke
        | Product::Eks
        | Product::Minikube
        | Product::Microk8s
        | Product::Crc
        | Product::Krucible
        | Product::Kind
        | Product::K3d => false,
    };
    by_choice && is_on_this_machine(route.engine.url) && owner(route.engine.url).is_none_or(|it| it == route.product)
}

/// A kind cluster gets images copied in, unless it has a registry of its own: a distant one would be slower, and its
/// nodes have no credentials for it.
fn is_loaded(route: &Route) -> bool {
    let is_near = route.registry.origin == Origin::Cluster || !route.registry.registry.host_from_cluster.is_empty();
    route.product == Product::Kind && !is_near
}

/// The name that `kind` knows a cluster by; kubeconfigs have `kind-` before it.
fn kind_name(cluster: &str) -> &str {
    cluster.strip_prefix("kind-").unwrap_or(cluster)
}

fn is_on_this_machine(url: &str) -> bool {
    match url.split_once("://") {
        Some(("unix", _)) => true,
        Some(("tcp" | "http" | "https", rest)) => {
            let authority = rest.split('/').next().unwrap_or_default();
            let host = match authority.strip_prefix('[') {
                Some(rest) => rest.split(']').next(),
                None => authority.split(':').next(),
            };
            matches!(host, Some("localhost" | "127.0.0.1" | "::1"))
        }
        _ => false,
    }
}

/// Whose engine it is, as far as the place of its socket tells: several may run on one machine.
fn owner(url: &str) -> Option<Product> {
    const FOLDERS: [(&str, Product); 5] = [
        ("/.colima/", Product::Colima),
        ("/.config/colima/", Product::Colima),
        ("/.orbstack/", Product::Orbstack),
        ("/.rd/", Product::RancherDesktop),
        ("/.docker/", Product::DockerDesktop),
    ];
    let socket = url.strip_prefix("unix://")?;
    let found = FOLDERS.iter().find(|(folder, _)| socket.contains(folder));
    found.map(|(_, product)| *product)
}

/// The machine to build for, if that is not left to the builder.
pub fn platform(explicit: &str, env: &BTreeMap<String, String>, node_arch: Option<&str>) -> Option<String> {
    let set = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    let from_env = || env.get("DOCKER_DEFAULT_PLATFORM").and_then(|value| set(value));
    let of_nodes = || node_arch.and_then(set).map(|arch| format!("linux/{arch}"));
    set(explicit).or_else(from_env).or_else(of_nodes)
}
