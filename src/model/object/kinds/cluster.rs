//! Pure. Cluster: what containers run on.

use super::super::schema::*;

pub static CLUSTER: Kind = Kind {
    name: "Cluster",
    plural: "clusters",
    short: &[],
    doc: "A Kubernetes cluster or a Docker Engine that runs containers.",
    content: Content::Spec {
        spec: &CLUSTER_SPEC,
        status: &CLUSTER_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static CLUSTER_SPEC: Struct = Struct::new(
    "ClusterSpec",
    &[
        maybe("connection", &CONNECTION),
        maybe("defaultRegistry", &REGISTRY_HOSTING),
    ],
);

static CONNECTION: Struct = Struct::new(
    "ClusterConnection",
    &[
        maybe("kubernetes", &KUBERNETES_CONNECTION),
        maybe("docker", &DOCKER_CONNECTION),
    ],
);

static KUBERNETES_CONNECTION: Struct =
    Struct::new("KubernetesClusterConnection", &[text("context"), text("namespace")]);

static DOCKER_CONNECTION: Struct = Struct::new("DockerClusterConnection", &[text("host")]);

static REGISTRY_HOSTING: Struct = Struct::new(
    "RegistryHosting",
    &[
        text("host").required(),
        text("hostFromClusterNetwork"),
        text("hostFromContainerRuntime"),
        text("help"),
        text("singleName"),
    ],
);

static CLUSTER_STATUS: Struct = Struct::new(
    "ClusterStatus",
    &[
        text("arch"),
        text("error"),
        micro_time("connectedAt").when_set(),
        maybe("registry", &REGISTRY_HOSTING),
        maybe("connection", &CONNECTION_STATUS),
        text("version"),
    ],
);

static CONNECTION_STATUS: Struct = Struct::new(
    "ClusterConnectionStatus",
    &[maybe("kubernetes", &KUBERNETES_CONNECTION_STATUS)],
);

static KUBERNETES_CONNECTION_STATUS: Struct = Struct::new(
    "KubernetesClusterConnectionStatus",
    &[
        text("context").required(),
        text("namespace").required(),
        text("cluster").required(),
        text("product"),
        text("configPath"),
    ],
);
