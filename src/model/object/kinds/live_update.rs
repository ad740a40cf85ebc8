//! Pure. LiveUpdate: changing running containers in place.

use super::super::schema::*;

pub static LIVE_UPDATE: Kind = Kind {
    name: "LiveUpdate",
    plural: "liveupdates",
    short: &[],
    doc: "Copies changed files into running containers and runs commands there.",
    content: Content::Spec {
        spec: &SPEC,
        status: &STATUS,
    },
    creatable: false,
    defaults: &[],
};

static SPEC: Struct = Struct::new(
    "LiveUpdateSpec",
    &[
        path("basePath").required(),
        one("selector", &SELECTOR).required(),
        many("sources", &SOURCE),
        texts("stopPaths"),
        many("syncs", &SYNC),
        many("execs", &EXEC),
        text("restart"),
        maybe("initialSync", &INITIAL_SYNC),
    ],
);

static SELECTOR: Struct = Struct::new(
    "LiveUpdateSelector",
    &[
        maybe("kubernetes", &KUBERNETES_SELECTOR),
        maybe("dockerCompose", &COMPOSE_SELECTOR),
    ],
);

static KUBERNETES_SELECTOR: Struct = Struct::new(
    "LiveUpdateKubernetesSelector",
    &[
        text("discoveryName").required(),
        text("applyName"),
        text("image"),
        text("containerName"),
        text("imageMapName"),
    ],
);

static COMPOSE_SELECTOR: Struct = Struct::new("LiveUpdateDockerComposeSelector", &[text("service").required()]);

static SOURCE: Struct = Struct::new("LiveUpdateSource", &[text("fileWatch"), text("imageMap")]);

static SYNC: Struct = Struct::new(
    "LiveUpdateSync",
    &[text("localPath").required(), text("containerPath").required()],
);

static EXEC: Struct = Struct::new(
    "LiveUpdateExec",
    &[
        texts("args").required(),
        texts("triggerPaths").always(),
        flag("echoOff").required(),
    ],
);

static INITIAL_SYNC: Struct = Struct::new("LiveUpdateInitialSync", &[]);

static STATUS: Struct = Struct::new(
    "LiveUpdateStatus",
    &[many("containers", &CONTAINER), maybe("failed", &FAILED)],
);

static CONTAINER: Struct = Struct::new(
    "LiveUpdateContainerStatus",
    &[
        text("containerName").required(),
        text("containerID"),
        text("podName").required(),
        text("namespace").required(),
        micro_time("lastFileTimeSynced"),
        text("lastExecError"),
        maybe("waiting", &WAITING),
    ],
);

static WAITING: Struct = Struct::new("LiveUpdateContainerStateWaiting", &[text("reason"), text("message")]);

static FAILED: Struct = Struct::new(
    "LiveUpdateStateFailed",
    &[text("reason"), text("message"), micro_time("lastTransitionTime")],
);
