//! Tables: registry, way and platform for the clusters that people have.

use super::*;
use crate::model::build::{ComposeRecipe, CustomRecipe};
use crate::model::cluster::Hosting;

const SOCKET: &str = "unix:///var/run/docker.sock";

fn declared(host: &str) -> Registry {
    Registry {
        host: host.to_owned(),
        ..Registry::default()
    }
}

fn hosted(document: &str) -> Registries {
    Registries {
        hosted: Some(Hosting::parse(document).unwrap()),
        ..Registries::default()
    }
}

fn said(chosen: &Chosen) -> Vec<&str> {
    let texts = chosen.lines.iter().map(|line| match line {
        Line::Note(text) | Line::Warning(text) => text.as_str(),
    });
    texts.collect()
}

#[test]
fn the_clusters_own_registry_wins_over_the_declared_one() {
    let found = hosted("{host: 'localhost:5000', hostFromContainerRuntime: 'reg:5000'}");
    let chosen = registry(&found, Some(&declared("gcr.io/x")), Product::Kind);
    assert_eq!(chosen.origin, Origin::Cluster);
    assert_eq!(chosen.registry.host, "localhost:5000");
    assert_eq!(chosen.registry.host_from_cluster, "reg:5000");
    assert_eq!(
        said(&chosen),
        [
            "Auto-detected local registry from environment: localhost:5000 (from the cluster: reg:5000)",
            "default_registry('gcr.io/x') is not used: the cluster's own registry wins"
        ]
    );
    let chosen = registry(&hosted("host: 'localhost:5000'"), None, Product::Kind);
    assert_eq!(
        said(&chosen),
        ["Auto-detected local registry from environment: localhost:5000"]
    );
}

#[test]
fn without_a_registry_of_the_cluster_the_declared_one_is_used() {
    let chosen = registry(&Registries::default(), Some(&declared("gcr.io/x")), Product::Gke);
    assert_eq!(
        (chosen.origin, chosen.registry.host.as_str()),
        (Origin::Tiltfile, "gcr.io/x")
    );
    assert_eq!(chosen.lines, []);
    let chosen = registry(&Registries::default(), Some(&declared("")), Product::Gke);
    assert_eq!(chosen, Chosen::default());
}

#[test]
fn a_registry_that_is_suggested_but_absent_is_spoken_of() {
    let found = hosted("help: 'https://example.com/how'");
    let chosen = registry(&found, None, Product::Unknown);
    assert_eq!(chosen.origin, Origin::Nobody);
    assert_eq!(
        said(&chosen),
        [
            "The cluster has no local image registry; with one, updates are faster. How to add it: https://example.com/how"
        ]
    );
    assert_eq!(
        said(&registry(&found, Some(&declared("gcr.io/x")), Product::Unknown)),
        [""; 0]
    );
    let chosen = registry(&Registries::default(), None, Product::Microk8s);
    assert!(said(&chosen)[0].ends_with("microk8s enable registry"), "{chosen:?}");
}

#[test]
fn a_registry_whose_name_cannot_begin_an_image_is_warned_of_and_not_used() {
    let chosen = registry(
        &hosted("host: 'http://a b'"),
        Some(&declared("gcr.io/x")),
        Product::Kind,
    );
    assert_eq!(chosen.registry.host, "gcr.io/x");
    assert!(
        matches!(&chosen.lines[..], [Line::Warning(text)] if text.contains("http://a b")),
        "{:?}",
        chosen.lines
    );
}

fn docker() -> Recipe {
    Recipe::Docker(Box::default())
}

fn custom(output_mode: OutputMode) -> Recipe {
    Recipe::Custom(CustomRecipe {
        output_mode,
        ..CustomRecipe::default()
    })
}

fn kind_load(cluster: &str) -> Delivery {
    Delivery::KindLoad {
        cluster: cluster.to_owned(),
    }
}

struct Case {
    product: Product,
    cluster: &'static str,
    runtime: &'static str,
    engine: BuildEngine<'static>,
    chosen: Chosen,
}

fn case(product: Product, cluster: &'static str, runtime: &'static str, url: &'static str) -> Case {
    let engine = BuildEngine { url, minikube: None };
    Case {
        product,
        cluster,
        runtime,
        engine,
        chosen: Chosen::default(),
    }
}

impl Case {
    fn way(&self, recipe: &Recipe, audience: Audience) -> Delivery {
        let runtimes = BTreeSet::from([self.runtime.to_owned()]);
        let route = Route {
            product: self.product,
            cluster: self.cluster,
            runtimes: &runtimes,
            engine: self.engine,
            registry: &self.chosen,
        };
        delivery(recipe, audience, &route)
    }

    fn deployed(&self) -> Delivery {
        self.way(&docker(), Audience::Kubernetes)
    }
}

#[test]
fn an_image_stays_where_the_cluster_uses_the_engine_that_built_it() {
    use Product::*;
    for (product, runtime, url, expected) in [
        (DockerDesktop, "docker", SOCKET, Delivery::Stay),
        (
            DockerDesktop,
            "containerd",
            "unix:///home/u/.docker/run/docker.sock",
            Delivery::Stay,
        ),
        (DockerDesktop, "docker", "tcp://localhost:2375", Delivery::Stay),
        (DockerDesktop, "docker", "tcp://[::1]:2375", Delivery::Stay),
        (DockerDesktop, "docker", "tcp://build.example.com:2376", Delivery::Push),
        (DockerDesktop, "docker", "ssh://me@box", Delivery::Push),
        (
            DockerDesktop,
            "docker",
            "unix:///home/u/.colima/default/docker.sock",
            Delivery::Push,
        ),
        (
            Orbstack,
            "docker",
            "unix:///home/u/.orbstack/run/docker.sock",
            Delivery::Stay,
        ),
        (
            Orbstack,
            "docker",
            "unix:///home/u/.docker/run/docker.sock",
            Delivery::Push,
        ),
        (
            RancherDesktop,
            "docker",
            "unix:///home/u/.rd/docker.sock",
            Delivery::Stay,
        ),
        (
            RancherDesktop,
            "containerd",
            "unix:///home/u/.rd/docker.sock",
            Delivery::Push,
        ),
        (RancherDesktop, "docker", SOCKET, Delivery::Stay),
        (
            Colima,
            "docker",
            "unix:///home/u/.colima/default/docker.sock",
            Delivery::Stay,
        ),
        (
            Colima,
            "docker",
            "unix:///home/u/.config/colima/default/docker.sock",
            Delivery::Stay,
        ),
        (
            Colima,
            "containerd",
            "unix:///home/u/.colima/default/docker.sock",
            Delivery::Push,
        ),
        (Minikube, "docker", SOCKET, Delivery::Push),
        (K3d, "containerd", SOCKET, Delivery::Push),
        (Microk8s, "containerd", SOCKET, Delivery::Push),
        (Gke, "containerd", SOCKET, Delivery::Push),
        (Unknown, "docker", SOCKET, Delivery::Push),
    ] {
        assert_eq!(
            case(product, "c", runtime, url).deployed(),
            expected,
            "{product:?} {runtime} {url}"
        );
    }
}

#[test]
fn minikube_shares_its_engine_with_whoever_builds_in_it() {
    let env = BTreeMap::from([(MINIKUBE_ENGINE.to_owned(), "dev".to_owned())]);
    let engine = BuildEngine::of("tcp://192.168.49.2:2376", &env);
    assert_eq!(engine.minikube, Some("dev"));
    for (product, cluster, expected) in [
        (Product::Minikube, "dev", Delivery::Stay),
        (Product::Minikube, "other", Delivery::Push),
        (Product::DockerDesktop, "dev", Delivery::Push),
    ] {
        let mut case = case(product, cluster, "docker", SOCKET);
        case.engine.minikube = Some("dev");
        assert_eq!(case.deployed(), expected, "{product:?} {cluster}");
    }
}

#[test]
fn a_kind_cluster_gets_images_copied_in_unless_it_has_a_registry() {
    let plain = |cluster| case(Product::Kind, cluster, "containerd", SOCKET);
    for (cluster, name) in [
        ("kind-dev", "dev"),
        ("kind", "kind"),
        ("kind-kind", "kind"),
        ("mine", "mine"),
    ] {
        assert_eq!(plain(cluster).deployed(), kind_load(name), "{cluster}");
    }
    let with = |registry: Registry, origin| Case {
        chosen: Chosen {
            registry,
            origin,
            lines: Vec::new(),
        },
        ..plain("kind-dev")
    };
    assert_eq!(
        with(declared("localhost:5000"), Origin::Cluster).deployed(),
        Delivery::Push
    );
    assert_eq!(
        with(declared("gcr.io/x"), Origin::Tiltfile).deployed(),
        kind_load("dev")
    );
    let two_names = Registry {
        host_from_cluster: "reg:5000".to_owned(),
        ..declared("localhost:5000")
    };
    assert_eq!(with(two_names, Origin::Tiltfile).deployed(), Delivery::Push);
}

#[test]
fn what_nobody_deploys_or_somebody_else_pushes_stays() {
    let distant = case(Product::Gke, "gke_x", "containerd", SOCKET);
    let compose = Recipe::Compose(ComposeRecipe::default());
    for (recipe, audience, expected) in [
        (docker(), Audience::Kubernetes, Delivery::Push),
        (docker(), Audience::Nobody, Delivery::Stay),
        (docker(), Audience::Compose, Delivery::Stay),
        (compose, Audience::Kubernetes, Delivery::Stay),
        (custom(OutputMode::LocalDocker), Audience::Kubernetes, Delivery::Push),
        (
            custom(OutputMode::LocalDockerAndRemote),
            Audience::Kubernetes,
            Delivery::Stay,
        ),
        (custom(OutputMode::Remote), Audience::Kubernetes, Delivery::Stay),
    ] {
        assert_eq!(distant.way(&recipe, audience), expected, "{recipe:?} {audience:?}");
    }
}

#[test]
fn the_platform_is_what_was_asked_for_else_what_the_nodes_are() {
    for (explicit, variable, arch, expected) in [
        ("linux/arm/v7", "linux/arm64", Some("amd64"), Some("linux/arm/v7")),
        ("", "linux/arm64", Some("amd64"), Some("linux/arm64")),
        ("", "", Some("amd64"), Some("linux/amd64")),
        ("", "", Some(""), None),
        ("", "", None, None),
    ] {
        let env = BTreeMap::from([("DOCKER_DEFAULT_PLATFORM".to_owned(), variable.to_owned())]);
        let platform = platform(explicit, &env, arch);
        assert_eq!(platform.as_deref(), expected, "{explicit} {variable} {arch:?}");
    }
    assert_eq!(
        platform("", &BTreeMap::new(), Some("arm64")).as_deref(),
        Some("linux/arm64")
    );
}
