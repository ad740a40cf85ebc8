//! Pure. What the web UI shows: UIResource and UISession.

use super::super::schema::*;
use super::shared::*;

pub static UI_RESOURCE: Kind = Kind {
    name: "UIResource",
    plural: "uiresources",
    short: &[],
    doc: "A resource as the web UI shows it.",
    content: Content::Spec {
        spec: &RESOURCE_SPEC,
        status: &RESOURCE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static RESOURCE_SPEC: Struct = Struct::new("UIResourceSpec", &[]);

static RESOURCE_STATUS: Struct = Struct::new(
    "UIResourceStatus",
    &[
        micro_time("lastDeployTime"),
        int32("triggerMode"),
        many("buildHistory", &BUILD_TERMINATED),
        maybe("currentBuild", &BUILD_RUNNING),
        micro_time("pendingBuildSince"),
        flag("hasPendingChanges"),
        many("endpointLinks", &LINK),
        maybe("k8sResourceInfo", &KUBERNETES),
        maybe("composeResourceInfo", &COMPOSE),
        maybe("localResourceInfo", &LOCAL),
        text("runtimeStatus"),
        text("updateStatus"),
        many("specs", &TARGET_SPEC),
        flag("queued"),
        int32("order"),
        one("disableStatus", &DISABLE_RESOURCE_STATUS),
        maybe("waiting", &WAITING),
        many("conditions", &RESOURCE_CONDITION),
    ],
);

static BUILD_TERMINATED: Struct = Struct::new(
    "UIBuildTerminated",
    &[
        text("error"),
        texts("warnings"),
        micro_time("startTime"),
        micro_time("finishTime"),
        text("spanID"),
        flag("isCrashRebuild"),
    ],
);

static BUILD_RUNNING: Struct = Struct::new("UIBuildRunning", &[micro_time("startTime"), text("spanID")]);

static LINK: Struct = Struct::new("UIResourceLink", &[text("url"), text("name")]);

static KUBERNETES: Struct = Struct::new(
    "UIResourceKubernetes",
    &[
        text("podName"),
        time("podCreationTime"),
        time("podUpdateStartTime"),
        text("podStatus"),
        text("podStatusMessage"),
        flag("allContainersReady"),
        int32("podRestarts"),
        text("spanID"),
        texts("displayNames"),
    ],
);

static COMPOSE: Struct = Struct::new("UIResourceCompose", &[text("healthStatus")]);

static LOCAL: Struct = Struct::new("UIResourceLocal", &[int64("pid"), flag("isTest")]);

static TARGET_SPEC: Struct = Struct::new(
    "UIResourceTargetSpec",
    &[text("id"), text("type"), flag("hasLiveUpdate")],
);

static DISABLE_RESOURCE_STATUS: Struct = Struct::new(
    "DisableResourceStatus",
    &[
        int32("enabledCount").required(),
        int32("disabledCount").required(),
        text("state").required(),
        many("sources", &DISABLE_SOURCE).required(),
    ],
);

static WAITING: Struct = Struct::new(
    "UIResourceStateWaiting",
    &[text("reason").required(), many("on", &WAITING_ON)],
);

static WAITING_ON: Struct = Struct::new(
    "UIResourceStateWaitingOnRef",
    &[
        text("group").required(),
        text("apiVersion").required(),
        text("kind").required(),
        text("name").required(),
    ],
);

static RESOURCE_CONDITION: Struct = Struct::new(
    "UIResourceCondition",
    &[
        text("type").required(),
        text("status").required(),
        micro_time("lastTransitionTime"),
        text("reason"),
        text("message"),
    ],
);

pub static UI_SESSION: Kind = Kind {
    name: "UISession",
    plural: "uisessions",
    short: &[],
    doc: "What the web UI shows of the whole session.",
    content: Content::Spec {
        spec: &SESSION_SPEC,
        status: &SESSION_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static SESSION_SPEC: Struct = Struct::new("UISessionSpec", &[]);

static SESSION_STATUS: Struct = Struct::new(
    "UISessionStatus",
    &[
        many("featureFlags", &FEATURE_FLAG),
        flag("needsAnalyticsNudge"),
        one("runningTiltBuild", &TILT_BUILD),
        text("suggestedTiltVersion"),
        one("versionSettings", &VERSION_SETTINGS),
        text("tiltCloudUsername"),
        text("tiltCloudTeamName"),
        text("tiltCloudSchemeHost"),
        text("tiltCloudTeamID"),
        text("fatalError"),
        time("tiltStartTime"),
        text("tiltfileKey"),
    ],
);

static FEATURE_FLAG: Struct = Struct::new("UIFeatureFlag", &[text("name"), flag("value")]);

static TILT_BUILD: Struct = Struct::new(
    "TiltBuild",
    &[text("version"), text("commitSHA"), text("date"), flag("dev")],
);

static VERSION_SETTINGS: Struct = Struct::new("VersionSettings", &[flag("checkUpdates")]);
