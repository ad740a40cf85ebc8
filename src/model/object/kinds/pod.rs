//! Pure. Pods and what is done with them: their state, PodLogStream and PortForward.

use super::super::schema::*;

pub static POD_LOG_STREAM: Kind = Kind {
    name: "PodLogStream",
    plural: "podlogstreams",
    short: &["pls"],
    doc: "Streams the logs of a pod.",
    content: Content::Spec {
        spec: &POD_LOG_STREAM_SPEC,
        status: &POD_LOG_STREAM_STATUS,
    },
    creatable: false,
    defaults: &[("cluster", "default")],
};

static POD_LOG_STREAM_SPEC: Struct = Struct::new(
    "PodLogStreamSpec",
    &[
        text("pod"),
        text("namespace"),
        time("sinceTime").when_set(),
        texts("onlyContainers"),
        texts("ignoreContainers"),
        text("cluster"),
    ],
);

pub static POD_LOG_STREAM_TEMPLATE_SPEC: Struct = Struct::new(
    "PodLogStreamTemplateSpec",
    &[
        time("sinceTime")
            .when_set()
            .doc("RFC 3339 time; earlier lines are left out."),
        texts("onlyContainers").doc("Containers whose logs to show; all if not given."),
        texts("ignoreContainers").doc("Containers whose logs to leave out."),
    ],
)
.doc("Which logs of the pods to show.");

static POD_LOG_STREAM_STATUS: Struct = Struct::new(
    "PodLogStreamStatus",
    &[many("containerStatuses", &CONTAINER_LOG), text("error")],
);

static CONTAINER_LOG: Struct = Struct::new(
    "ContainerLogStreamStatus",
    &[text("name"), flag("active"), flag("terminated"), text("error")],
);

pub static PORT_FORWARD: Kind = Kind {
    name: "PortForward",
    plural: "portforwards",
    short: &["pf"],
    doc: "Forwards local ports to a pod.",
    content: Content::Spec {
        spec: &PORT_FORWARD_SPEC,
        status: &PORT_FORWARD_STATUS,
    },
    creatable: false,
    defaults: &[("cluster", "default")],
};

static PORT_FORWARD_SPEC: Struct = Struct::new(
    "PortForwardSpec",
    &[
        text("podName").required(),
        text("namespace"),
        many("forwards", &FORWARD).required(),
        text("cluster"),
    ],
);

pub static PORT_FORWARD_TEMPLATE_SPEC: Struct = Struct::new(
    "PortForwardTemplateSpec",
    &[many("forwards", &FORWARD).required().doc("The ports to forward.")],
)
.doc("Ports to forward to a pod once there is one.");

pub static FORWARD: Struct = Struct::new(
    "Forward",
    &[
        int32("localPort").doc("Port on this machine; a free one if not given."),
        int32("containerPort")
            .required()
            .doc("Port of the pod, from 1 to 65535."),
        text("host")
            .always()
            .doc("Address on this machine to listen on; localhost if not given."),
        text("name").doc("Name for the link in the web UI."),
        text("path").doc("Path to append to the link in the web UI."),
    ],
)
.doc("A local port and the port of the pod that it leads to.");

static PORT_FORWARD_STATUS: Struct = Struct::new("PortForwardStatus", &[many("forwardStatuses", &FORWARD_STATUS)]);

static FORWARD_STATUS: Struct = Struct::new(
    "ForwardStatus",
    &[
        int32("localPort").required(),
        int32("containerPort").required(),
        texts("addresses").required(),
        micro_time("startedAt"),
        text("error"),
    ],
);

pub static POD: Struct = Struct::new(
    "Pod",
    &[
        text("uid").required(),
        text("name").required(),
        text("namespace").required(),
        time("createdAt").required(),
        text("phase").required(),
        flag("deleting").required(),
        many("conditions", &POD_CONDITION),
        many("initContainers", &CONTAINER),
        many("containers", &CONTAINER).required(),
        text("ancestorUID"),
        text("podTemplateSpecHash"),
        text("status").required(),
        texts("errors").required(),
        maybe("owner", &POD_OWNER),
    ],
);

static POD_OWNER: Struct = Struct::new(
    "PodOwner",
    &[
        text("name").required(),
        text("apiVersion").required(),
        text("kind").required(),
        time("creationTimestamp"),
    ],
);

static POD_CONDITION: Struct = Struct::new(
    "PodCondition",
    &[
        text("type").required(),
        text("status").required(),
        time("lastTransitionTime"),
        text("reason"),
        text("message"),
    ],
);

static CONTAINER: Struct = Struct::new(
    "Container",
    &[
        text("name").required(),
        text("id").required(),
        flag("ready").required(),
        text("image").required(),
        int32("restarts").required(),
        one("state", &CONTAINER_STATE).required(),
        ints("ports").required(),
    ],
);

static CONTAINER_STATE: Struct = Struct::new(
    "ContainerState",
    &[
        one("waiting", &CONTAINER_WAITING).required().null_when_unset(),
        one("running", &CONTAINER_RUNNING).required().null_when_unset(),
        one("terminated", &CONTAINER_TERMINATED).required().null_when_unset(),
    ],
);

static CONTAINER_WAITING: Struct = Struct::new("ContainerStateWaiting", &[text("reason").required()]);

static CONTAINER_RUNNING: Struct = Struct::new("ContainerStateRunning", &[time("startedAt").required()]);

static CONTAINER_TERMINATED: Struct = Struct::new(
    "ContainerStateTerminated",
    &[
        time("startedAt").required(),
        time("finishedAt").required(),
        text("reason"),
        int32("exitCode").required(),
    ],
);
