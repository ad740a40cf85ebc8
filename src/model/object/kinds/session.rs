//! Pure. One run of Tilt and the Tiltfiles it evaluates: Session and Tiltfile.

use super::super::schema::*;
use super::shared::*;

pub static SESSION: Kind = Kind {
    name: "Session",
    plural: "sessions",
    short: &[],
    doc: "How this run of Tilt is doing, and when it ends.",
    content: Content::Spec {
        spec: &SESSION_SPEC,
        status: &SESSION_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static SESSION_SPEC: Struct = Struct::new(
    "SessionSpec",
    &[
        text("tiltfilePath").required(),
        text("exitCondition").required(),
        maybe("ci", &CI),
    ],
);

static CI: Struct = Struct::new(
    "SessionCISpec",
    &[
        duration("k8sGracePeriod").when_set(),
        duration("timeout").when_set(),
        duration("readinessTimeout").when_set(),
    ],
);

static SESSION_STATUS: Struct = Struct::new(
    "SessionStatus",
    &[
        int64("pid").required(),
        micro_time("startTime").required(),
        many("targets", &TARGET).required(),
        flag("done").required(),
        text("error"),
    ],
);

static TARGET: Struct = Struct::new(
    "Target",
    &[
        text("name").required(),
        text("type").required(),
        texts("resources").required(),
        one("state", &TARGET_STATE).required(),
    ],
);

static TARGET_STATE: Struct = Struct::new(
    "TargetState",
    &[
        maybe("waiting", &TARGET_WAITING),
        maybe("active", &TARGET_ACTIVE),
        maybe("terminated", &TARGET_TERMINATED),
        maybe("disabled", &TARGET_DISABLED),
    ],
);

static TARGET_WAITING: Struct = Struct::new("TargetStateWaiting", &[text("waitReason").required()]);

static TARGET_ACTIVE: Struct = Struct::new(
    "TargetStateActive",
    &[
        micro_time("startTime").required(),
        flag("ready").required(),
        micro_time("lastReadyTime").required(),
    ],
);

static TARGET_TERMINATED: Struct = Struct::new(
    "TargetStateTerminated",
    &[
        micro_time("startTime").required(),
        micro_time("finishTime").required(),
        text("error"),
        text("graceStatus"),
    ],
);

static TARGET_DISABLED: Struct = Struct::new("TargetStateDisabled", &[]);

pub static TILTFILE: Kind = Kind {
    name: "Tiltfile",
    plural: "tiltfiles",
    short: &[],
    doc: "A Tiltfile that is evaluated.",
    content: Content::Spec {
        spec: &TILTFILE_SPEC,
        status: &TILTFILE_STATUS,
    },
    creatable: false,
    defaults: &[],
};

static TILTFILE_SPEC: Struct = Struct::new(
    "TiltfileSpec",
    &[
        text("path").required(),
        text_map("labels"),
        maybe("restartOn", &RESTART_ON_SPEC),
        texts("args"),
        maybe("stopOn", &STOP_ON_SPEC),
    ],
);

static TILTFILE_STATUS: Struct = Struct::new(
    "TiltfileStatus",
    &[
        maybe("waiting", &TILTFILE_WAITING),
        maybe("running", &TILTFILE_RUNNING),
        maybe("terminated", &TILTFILE_TERMINATED),
    ],
);

static TILTFILE_WAITING: Struct = Struct::new("TiltfileStateWaiting", &[text("reason")]);

static TILTFILE_RUNNING: Struct = Struct::new("TiltfileStateRunning", &[texts("reasons"), micro_time("startedAt")]);

static TILTFILE_TERMINATED: Struct = Struct::new(
    "TiltfileStateTerminated",
    &[
        texts("reasons"),
        text("error"),
        micro_time("startedAt"),
        micro_time("finishedAt"),
        int32("warningCount"),
    ],
);
