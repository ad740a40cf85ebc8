//! Pure. Docker Compose: DockerComposeService and DockerComposeLogStream.

use super::super::schema::*;
use super::shared::*;

pub static DOCKER_COMPOSE_LOG_STREAM: Kind = Kind {
    name: "DockerComposeLogStream",
    plural: "dockercomposelogstreams",
    short: &["dclog", "dcls"],
    doc: "Streams the log of a Docker Compose service.",
    content: Content::Spec {
        spec: &LOG_STREAM_SPEC,
        status: &LOG_STREAM_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static LOG_STREAM_SPEC: Struct = Struct::new(
    "DockerComposeLogStreamSpec",
    &[
        text("service").required(),
        one("project", &PROJECT).required(),
        time("sinceTime").when_set(),
    ],
);

static LOG_STREAM_STATUS: Struct = Struct::new(
    "DockerComposeLogStreamStatus",
    &[micro_time("startedAt"), text("error")],
);

pub static DOCKER_COMPOSE_SERVICE: Kind = Kind {
    name: "DockerComposeService",
    plural: "dockercomposeservices",
    short: &["dc"],
    doc: "A service that Docker Compose runs.",
    content: Content::Spec {
        spec: &SERVICE_SPEC,
        status: &SERVICE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static SERVICE_SPEC: Struct = Struct::new(
    "DockerComposeServiceSpec",
    &[
        text("service").required(),
        one("project", &PROJECT).required(),
        texts("imageMaps"),
        maybe("disableSource", &DISABLE_SOURCE),
    ],
);

static PROJECT: Struct = Struct::new(
    "DockerComposeProject",
    &[
        texts("configPaths"),
        text("projectPath"),
        text("yaml"),
        text("name"),
        text("envFile"),
        texts("profiles"),
        flag("wait"),
    ],
);

static SERVICE_STATUS: Struct = Struct::new(
    "DockerComposeServiceStatus",
    &[
        maybe("disableStatus", &DISABLE_STATUS),
        many("portBindings", &PORT_BINDING),
        maybe("containerState", &CONTAINER_STATE),
        text("containerID"),
        text("containerName"),
        text("applyError"),
        micro_time("lastApplyStartTime"),
        micro_time("lastApplyFinishTime"),
    ],
);

static PORT_BINDING: Struct = Struct::new(
    "DockerPortBinding",
    &[int32("containerPort"), int32("hostPort"), text("hostIP")],
);

static CONTAINER_STATE: Struct = Struct::new(
    "DockerContainerState",
    &[
        text("status"),
        flag("running"),
        text("error"),
        int32("exitCode"),
        micro_time("startedAt"),
        micro_time("finishedAt"),
        text("healthStatus"),
    ],
);
