//! Pure. Deploying to Kubernetes and finding what came of it: KubernetesApply and KubernetesDiscovery.

use super::super::schema::*;
use super::pod::*;
use super::shared::*;

pub static KUBERNETES_APPLY: Kind = Kind {
    name: "KubernetesApply",
    plural: "kubernetesapplys",
    short: &["ka", "kapp"],
    doc: "Deploys YAML to a cluster, with the images that were built for it, and again whenever one of them changes.",
    content: Content::Spec {
        spec: &APPLY_SPEC,
        status: &APPLY_STATUS,
    },
    creatable: true,
    defaults: &[("cluster", "default")],
};

static APPLY_SPEC: Struct = Struct::new(
    "KubernetesApplySpec",
    &[
        text("yaml").doc("The objects to deploy. Give either this or `apply_cmd`."),
        texts("imageMaps").doc("Names of ImageMap objects whose images are put into the YAML."),
        many("imageLocators", &KUBERNETES_IMAGE_LOCATOR)
            .doc("Where in objects of other kinds than those built into Kubernetes images are named."),
        duration("timeout").doc("How long the deployment may take, such as `30s`."),
        maybe("kubernetesDiscoveryTemplateSpec", &KUBERNETES_DISCOVERY_TEMPLATE_SPEC)
            .doc("How to find the pods. By default, all pods that belong to the deployed objects."),
        maybe("portForwardTemplateSpec", &PORT_FORWARD_TEMPLATE_SPEC).doc("Ports to forward to the newest pod."),
        maybe("podLogStreamTemplateSpec", &POD_LOG_STREAM_TEMPLATE_SPEC).doc("Which logs of the pods to show."),
        text("discoveryStrategy").doc("`default`, or `selectors-only` to find pods by the extra selectors alone."),
        maybe("disableSource", &DISABLE_SOURCE)
            .doc("Where to look up whether this is disabled; disabling deletes what was deployed."),
        maybe("applyCmd", &KUBERNETES_APPLY_CMD)
            .doc("A command that deploys and prints what it deployed as YAML. Give either this or `yaml`."),
        maybe("restartOn", &RESTART_ON_SPEC).doc("What makes it deploy again."),
        maybe("deleteCmd", &KUBERNETES_APPLY_CMD).doc("A command that deletes what `apply_cmd` deployed."),
        text("cluster").doc("Name of the Cluster object to deploy to; `default` if not given."),
        flag("serverSideApply").doc("Whether the cluster merges the changes (server-side apply)."),
    ],
);

pub static KUBERNETES_APPLY_CMD: Struct = Struct::new(
    "KubernetesApplyCmd",
    &[
        texts("args").required().doc("The program and its arguments."),
        path("dir").always().doc("Working directory."),
        texts("env")
            .always()
            .doc("Environment variables as `KEY=VALUE`, on top of Tilt's own."),
    ],
)
.doc("A command that deploys to a cluster, or deletes from it.");

pub static KUBERNETES_IMAGE_LOCATOR: Struct = Struct::new(
    "KubernetesImageLocator",
    &[
        one("objectSelector", &OBJECT_SELECTOR)
            .required()
            .doc("Objects to look in."),
        text("path")
            .required()
            .doc("JSON path of the image, such as `{.spec.image}`."),
        maybe("object", &KUBERNETES_IMAGE_OBJECT_DESCRIPTOR)
            .doc("Names of the subfields if the path leads to an object rather than to a string."),
    ],
)
.doc("Where images are named in objects of a kind that Tilt does not know.");

pub static KUBERNETES_IMAGE_OBJECT_DESCRIPTOR: Struct = Struct::new(
    "KubernetesImageObjectDescriptor",
    &[
        text("repoField").required().doc("Field that holds the image's name."),
        text("tagField").required().doc("Field that holds the image's tag."),
    ],
)
.doc("An image that is given as an object with a field for the name and one for the tag.");

pub static KUBERNETES_DISCOVERY_TEMPLATE_SPEC: Struct = Struct::new(
    "KubernetesDiscoveryTemplateSpec",
    &[many("extraSelectors", &LABEL_SELECTOR).doc("Pods with these labels belong to it as well.")],
)
.doc("How to find the pods of what was deployed.");

static APPLY_STATUS: Struct = Struct::new(
    "KubernetesApplyStatus",
    &[
        text("resultYAML"),
        text("error"),
        micro_time("lastApplyTime"),
        micro_time("lastApplyStartTime"),
        text("appliedInputHash"),
        maybe("disableStatus", &DISABLE_STATUS),
        many("conditions", &CONDITION),
    ],
);

pub static KUBERNETES_DISCOVERY: Kind = Kind {
    name: "KubernetesDiscovery",
    plural: "kubernetesdiscoveries",
    short: &["kd", "kdisco"],
    doc: "Finds pods in a cluster and follows what becomes of them.",
    content: Content::Spec {
        spec: &DISCOVERY_SPEC,
        status: &DISCOVERY_STATUS,
    },
    creatable: true,
    defaults: &[("cluster", "default")],
};

static DISCOVERY_SPEC: Struct = Struct::new(
    "KubernetesDiscoverySpec",
    &[
        many("watches", &KUBERNETES_WATCH_REF)
            .required()
            .doc("Objects whose pods to find."),
        many("extraSelectors", &LABEL_SELECTOR).doc("Pods with these labels are found as well."),
        maybe("portForwardTemplateSpec", &PORT_FORWARD_TEMPLATE_SPEC).doc("Ports to forward to the newest pod."),
        maybe("podLogStreamTemplateSpec", &POD_LOG_STREAM_TEMPLATE_SPEC).doc("Which logs of the pods to show."),
        text("cluster").doc("Name of the Cluster object to look in; `default` if not given."),
    ],
);

pub static KUBERNETES_WATCH_REF: Struct = Struct::new(
    "KubernetesWatchRef",
    &[
        text("uid").doc("UID of the pod or of an object that it belongs to."),
        text("namespace").required().doc("Namespace to look in."),
        text("name").doc("Name of the object, for people to read."),
    ],
)
.doc("An object whose pods are to be found.");

static DISCOVERY_STATUS: Struct = Struct::new(
    "KubernetesDiscoveryStatus",
    &[
        micro_time("monitorStartTime"),
        many("pods", &POD).required(),
        maybe("waiting", &DISCOVERY_WAITING),
        maybe("running", &DISCOVERY_RUNNING),
    ],
);

static DISCOVERY_WAITING: Struct = Struct::new("KubernetesDiscoveryStateWaiting", &[text("reason").required()]);

static DISCOVERY_RUNNING: Struct =
    Struct::new("KubernetesDiscoveryStateRunning", &[micro_time("startTime").required()]);
