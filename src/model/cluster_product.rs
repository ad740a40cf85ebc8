//! Pure. Which kind of Kubernetes cluster a context points at, told from names and paths alone.
//!
//! It matters for safety: a cluster made for development may be written to without asking, any other may not. So an
//! unknown cluster is never taken for a development one.

use crate::model::path;

#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// No context at all, hence nothing that could be harmed.
    #[default]
    None,
    Unknown,
    Gke,
    Eks,
    Minikube,
    DockerDesktop,
    Microk8s,
    Crc,
    Krucible,
    Kind,
    K3d,
    RancherDesktop,
    Colima,
    Orbstack,
}

/// What a kubeconfig says about the cluster of the active context.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    pub cluster: &'a str,
    /// The certificate authority's file, if it is a file.
    pub authority: &'a str,
    /// The kubeconfig file that the context was read from.
    pub origin: &'a str,
    pub home: &'a str,
}

/// Cluster names by how they begin. Minikube's names are free to choose, so this is a start and not the whole answer.
const PREFIXES: [(&str, Product); 13] = [
    ("minikube", Product::Minikube),
    ("docker-for-desktop-cluster", Product::DockerDesktop),
    ("docker-desktop", Product::DockerDesktop),
    ("gke", Product::Gke),
    ("arn:aws:eks:", Product::Eks),
    ("kind-", Product::Kind),
    ("microk8s", Product::Microk8s),
    ("api-crc-testing", Product::Crc),
    ("krucible-", Product::Krucible),
    ("k3d-", Product::K3d),
    ("rancher-desktop", Product::RancherDesktop),
    ("colima", Product::Colima),
    ("orbstack", Product::Orbstack),
];

impl Product {
    /// A cluster that exists to be developed against, on this machine.
    pub fn is_dev(self) -> bool {
        match self {
            Product::Minikube
            | Product::DockerDesktop
            | Product::Microk8s
            | Product::Crc
            | Product::Krucible
            | Product::Kind
            | Product::K3d
            | Product::RancherDesktop
            | Product::Colima
            | Product::Orbstack => true,
            Product::None | Product::Unknown | Product::Gke | Product::Eks => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Product::None => "none",
            Product::Unknown => "unknown",
            Product::Gke => "gke",
            Product::Eks => "eks",
            Product::Minikube => "minikube",
            Product::DockerDesktop => "docker-desktop",
            Product::Microk8s => "microk8s",
            Product::Crc => "crc",
            Product::Krucible => "krucible",
            Product::Kind => "kind",
            Product::K3d => "k3d",
            Product::RancherDesktop => "rancher-desktop",
            Product::Colima => "colima",
            Product::Orbstack => "orbstack",
        }
    }
}

/// Judges the cluster of a context; `Product::None` is the caller's answer when there is no context.
pub fn detect(hints: Hints) -> Product {
    by_name(hints.cluster)
        .or_else(|| by_path(hints))
        .unwrap_or(Product::Unknown)
}

fn by_name(cluster: &str) -> Option<Product> {
    // `orbstack-prod` could be anybody's, while the product itself knows one name only.
    if let Some((_, product)) = PREFIXES.iter().find(|(prefix, _)| cluster.starts_with(prefix)) {
        return (*product != Product::Orbstack || cluster == "orbstack").then_some(*product);
    }
    match cluster {
        "kind" => Some(Product::Kind),
        other if other.ends_with(".eksctl.io") => Some(Product::Eks),
        _ => None,
    }
}

fn by_path(hints: Hints) -> Option<Product> {
    let below = |folder: &str, file: &str| {
        !hints.home.is_empty() && !file.is_empty() && path::is_within(path::join(hints.home, folder), file)
    };
    if below(".config/k3d", hints.origin) {
        Some(Product::K3d)
    } else if below(".minikube", hints.authority) {
        Some(Product::Minikube)
    } else if path::base_name(hints.origin).starts_with("kind-config-") {
        Some(Product::Kind)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(cluster: &str) -> Product {
        detect(Hints {
            cluster,
            home: "/home/u",
            ..Hints::default()
        })
    }

    #[test]
    fn a_product_is_known_by_its_clusters_name() {
        for (cluster, product) in [
            ("minikube", Product::Minikube),
            ("minikube-2", Product::Minikube),
            ("docker-desktop", Product::DockerDesktop),
            ("docker-for-desktop-cluster", Product::DockerDesktop),
            ("microk8s-cluster", Product::Microk8s),
            ("api-crc-testing:6443", Product::Crc),
            ("krucible-abc", Product::Krucible),
            ("k3d-dev", Product::K3d),
            ("rancher-desktop", Product::RancherDesktop),
            ("colima-x", Product::Colima),
            ("kind", Product::Kind),
            ("kind-dev", Product::Kind),
            ("orbstack", Product::Orbstack),
        ] {
            assert_eq!(named(cluster), product, "{cluster}");
            assert!(product.is_dev(), "{cluster}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_for_development_is_not() {
        for (cluster, product) in [
            ("gke_project_zone_prod", Product::Gke),
            ("arn:aws:eks:eu-west-1:1:cluster/prod", Product::Eks),
            ("prod.eu-west-1.eksctl.io", Product::Eks),
            ("production", Product::Unknown),
            ("kindness", Product::Unknown),
            ("orbstack-prod", Product::Unknown),
            ("my-minikube", Product::Unknown),
            ("k3s", Product::Unknown),
            ("", Product::Unknown),
        ] {
            assert_eq!(named(cluster), product, "{cluster}");
            assert!(!product.is_dev(), "{cluster}");
        }
        assert!(!Product::None.is_dev());
    }

    #[test]
    fn paths_tell_a_product_whose_clusters_are_named_freely() {
        let home = "/home/u";
        let with = |authority, origin| {
            detect(Hints {
                cluster: "mine",
                authority,
                origin,
                home,
            })
        };
        assert_eq!(
            with("/home/u/.minikube/ca.crt", "/home/u/.kube/config"),
            Product::Minikube
        );
        assert_eq!(with("", "/home/u/.config/k3d/kubeconfig-dev.yaml"), Product::K3d);
        assert_eq!(with("", "/tmp/kind-config-dev"), Product::Kind);
        assert_eq!(
            with("/home/u/.minikubes/ca.crt", "/home/u/.kube/config"),
            Product::Unknown
        );
        assert_eq!(with("/home/u/.minikube/../ca.crt", ""), Product::Unknown);
        assert_eq!(with("", ""), Product::Unknown);
    }

    #[test]
    fn the_clusters_name_outweighs_the_paths() {
        let hints = Hints {
            cluster: "gke_x",
            authority: "/h/.minikube/ca.crt",
            origin: "/tmp/kind-config-1",
            home: "/h",
        };
        assert_eq!(detect(hints), Product::Gke);
    }
}
