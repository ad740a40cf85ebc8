//! Pure. Cmd: a process on this machine, with its readiness probe.

use super::super::schema::*;
use super::shared::*;

pub static CMD: Kind = Kind {
    name: "Cmd",
    plural: "cmds",
    short: &[],
    doc: "Runs a process on this machine.",
    content: Content::Spec {
        spec: &CMD_SPEC,
        status: &CMD_STATUS,
    },
    creatable: true,
    defaults: &[],
};

static CMD_SPEC: Struct = Struct::new(
    "CmdSpec",
    &[
        texts("args").doc("The program and its arguments."),
        path("dir")
            .here_when_absent()
            .doc("Working directory. The Tiltfile's directory if not given."),
        texts("env").doc("Environment variables as `KEY=VALUE`, on top of Tilt's own."),
        maybe("readinessProbe", &PROBE)
            .doc("How to find out whether the process is ready. It is ready at once if not given."),
        maybe("restartOn", &RESTART_ON_SPEC).doc("What stops the process and starts it again."),
        maybe("startOn", &START_ON_SPEC).doc("What to wait for before the first start."),
        maybe("disableSource", &DISABLE_SOURCE).doc("Where to look up whether the command is disabled."),
    ],
);

static CMD_STATUS: Struct = Struct::new(
    "CmdStatus",
    &[
        maybe("waiting", &CMD_STATE_WAITING),
        maybe("running", &CMD_STATE_RUNNING),
        maybe("terminated", &CMD_STATE_TERMINATED),
        flag("ready"),
        maybe("disableStatus", &DISABLE_STATUS),
    ],
);

static CMD_STATE_WAITING: Struct = Struct::new("CmdStateWaiting", &[text("reason")]);

static CMD_STATE_RUNNING: Struct = Struct::new("CmdStateRunning", &[int32("pid").required(), micro_time("startedAt")]);

static CMD_STATE_TERMINATED: Struct = Struct::new(
    "CmdStateTerminated",
    &[
        int32("pid").required(),
        int32("exitCode").required(),
        micro_time("startedAt"),
        micro_time("finishedAt"),
        text("reason"),
    ],
);

pub static PROBE: Struct = Struct::new(
    "Probe",
    &[
        inline("handler", &HANDLER).doc("What to try: a command, an HTTP request or a TCP connection."),
        int32("initialDelaySeconds").doc("Seconds from the start to the first try."),
        int32("timeoutSeconds").doc("Seconds after which a try has failed; 1 if not given."),
        int32("periodSeconds").doc("Seconds from one try to the next; 10 if not given."),
        int32("successThreshold").doc("Successful tries in a row that make it ready; 1 if not given."),
        int32("failureThreshold").doc("Failed tries in a row that make it unready; 3 if not given."),
    ],
)
.doc("Checks from time to time whether a process is ready.");

pub static HANDLER: Struct = Struct::new(
    "Handler",
    &[
        maybe("exec", &EXEC_ACTION).doc("Runs a command; ready if it exits with 0."),
        maybe("httpGet", &HTTP_GET_ACTION).doc("Sends an HTTP request; ready if the status is from 200 to 399."),
        maybe("tcpSocket", &TCP_SOCKET_ACTION).doc("Opens a TCP connection; ready if that succeeds."),
    ],
)
.doc("What a probe tries. Give exactly one.");

pub static EXEC_ACTION: Struct = Struct::new(
    "ExecAction",
    &[texts("command").doc("The program and its arguments; no shell is involved.")],
)
.doc("Runs a command.");

pub static HTTP_GET_ACTION: Struct = Struct::new(
    "HTTPGetAction",
    &[
        text("path").doc("Path of the URL."),
        int32("port").required().doc("Port, from 1 to 65535."),
        text("host").doc("Host; localhost if not given."),
        text("scheme").doc("`HTTP` or `HTTPS`; `HTTP` if not given."),
        many("httpHeaders", &HTTP_HEADER).doc("Headers to send along."),
    ],
)
.doc("Sends an HTTP GET request.");

pub static HTTP_HEADER: Struct = Struct::new(
    "HTTPHeader",
    &[
        text("name").required().doc("Name of the header."),
        text("value").required().doc("Its value."),
    ],
)
.doc("A header of an HTTP request.");

pub static TCP_SOCKET_ACTION: Struct = Struct::new(
    "TCPSocketAction",
    &[
        int32("port").required().doc("Port, from 1 to 65535."),
        text("host").doc("Host; localhost if not given."),
    ],
)
.doc("Opens a TCP connection.");
