//! Pure. Images: CmdImage, DockerImage and ImageMap.

use super::super::schema::*;
use super::shared::*;

pub static CMD_IMAGE: Kind = Kind {
    name: "CmdImage",
    plural: "cmdimages",
    short: &[],
    doc: "An image that a command of the user builds.",
    content: Content::Spec {
        spec: &CMD_IMAGE_SPEC,
        status: &CMD_IMAGE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static CMD_IMAGE_SPEC: Struct = Struct::new(
    "CmdImageSpec",
    &[
        text("ref").required(),
        texts("args"),
        path("dir"),
        texts("env"),
        texts("imageMaps"),
        text("outputMode"),
        text("outputTag"),
        path("outputsImageRefTo"),
        text("cluster"),
        text("clusterNeeds"),
    ],
);

static CMD_IMAGE_STATUS: Struct = Struct::new(
    "CmdImageStatus",
    &[
        text("ref"),
        maybe("waiting", &CMD_IMAGE_WAITING),
        maybe("building", &CMD_IMAGE_BUILDING),
        maybe("completed", &CMD_IMAGE_COMPLETED),
    ],
);

static CMD_IMAGE_WAITING: Struct = Struct::new("CmdImageStateWaiting", &[text("reason")]);

static CMD_IMAGE_BUILDING: Struct = Struct::new("CmdImageStateBuilding", &[text("reason"), micro_time("startedAt")]);

static CMD_IMAGE_COMPLETED: Struct = Struct::new(
    "CmdImageStateCompleted",
    &[
        text("reason"),
        text("error"),
        micro_time("startedAt"),
        micro_time("finishedAt"),
    ],
);

pub static DOCKER_IMAGE: Kind = Kind {
    name: "DockerImage",
    plural: "dockerimages",
    short: &[],
    doc: "An image that Docker builds from a Dockerfile.",
    content: Content::Spec {
        spec: &DOCKER_IMAGE_SPEC,
        status: &DOCKER_IMAGE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static DOCKER_IMAGE_SPEC: Struct = Struct::new(
    "DockerImageSpec",
    &[
        text("ref").required(),
        text("dockerfileContents"),
        path("context"),
        many("contextIgnores", &IGNORE_DEF),
        texts("args"),
        text("target"),
        texts("sshAgentConfigs"),
        texts("secrets"),
        text("network"),
        flag("pull"),
        texts("cacheFrom"),
        text("platform"),
        texts("extraTags"),
        texts("imageMaps"),
        text("cluster"),
        text("clusterNeeds"),
        texts("extraHosts"),
    ],
);

static DOCKER_IMAGE_STATUS: Struct = Struct::new(
    "DockerImageStatus",
    &[
        text("ref"),
        maybe("waiting", &DOCKER_IMAGE_WAITING),
        maybe("building", &DOCKER_IMAGE_BUILDING),
        maybe("completed", &DOCKER_IMAGE_COMPLETED),
        many("stageStatuses", &DOCKER_IMAGE_STAGE),
    ],
);

static DOCKER_IMAGE_WAITING: Struct = Struct::new("DockerImageStateWaiting", &[text("reason")]);

static DOCKER_IMAGE_BUILDING: Struct =
    Struct::new("DockerImageStateBuilding", &[text("reason"), micro_time("startedAt")]);

static DOCKER_IMAGE_COMPLETED: Struct = Struct::new(
    "DockerImageStateCompleted",
    &[
        text("reason"),
        text("error"),
        micro_time("startedAt"),
        micro_time("finishedAt"),
    ],
);

static DOCKER_IMAGE_STAGE: Struct = Struct::new(
    "DockerImageStageStatus",
    &[
        text("name").required(),
        flag("cached"),
        micro_time("startedAt").when_set(),
        micro_time("finishedAt").when_set(),
        text("error"),
    ],
);

pub static IMAGE_MAP: Kind = Kind {
    name: "ImageMap",
    plural: "imagemaps",
    short: &["im"],
    doc: "Hands a built image from what builds it to what deploys it.",
    content: Content::Spec {
        spec: &IMAGE_MAP_SPEC,
        status: &IMAGE_MAP_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static IMAGE_MAP_SPEC: Struct = Struct::new(
    "ImageMapSpec",
    &[
        text("selector").required(),
        flag("matchExact"),
        flag("matchInEnvVars"),
        maybe("overrideCommand", &IMAGE_MAP_OVERRIDE_COMMAND),
        maybe("overrideArgs", &IMAGE_MAP_OVERRIDE_ARGS),
    ],
);

static IMAGE_MAP_OVERRIDE_COMMAND: Struct = Struct::new("ImageMapOverrideCommand", &[texts("command").required()]);

static IMAGE_MAP_OVERRIDE_ARGS: Struct = Struct::new("ImageMapOverrideArgs", &[texts("args").required()]);

static IMAGE_MAP_STATUS: Struct = Struct::new(
    "ImageMapStatus",
    &[
        text("image"),
        text("imageFromCluster"),
        text("imageFromLocal"),
        micro_time("buildStartTime").when_set(),
    ],
);
