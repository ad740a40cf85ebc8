//! Pure. A resource that runs on this machine: a command to its end, a process that keeps running, or both.

use std::path::PathBuf;

use crate::model::command::Command;
use crate::model::filter::Ignore;
use crate::model::link::Link;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LocalTarget {
    /// `None` where only a serve command was given.
    pub update: Option<Command>,
    pub serve: Command,
    pub links: Vec<Link>,
    pub deps: Vec<PathBuf>,
    pub watch_ignores: Vec<Ignore>,
    pub allow_parallel: bool,
    pub readiness_probe: Option<Probe>,
}

/// How readiness of a served process is found out; unset numbers take Kubernetes' defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub action: ProbeAction,
    pub initial_delay_secs: i32,
    pub timeout_secs: i32,
    pub period_secs: i32,
    pub success_threshold: i32,
    pub failure_threshold: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeAction {
    Exec(Vec<String>),
    HttpGet {
        host: String,
        port: i32,
        /// `HTTP` or `HTTPS`; the first if empty.
        scheme: String,
        path: String,
        /// Sent along, in this order. A Tiltfile has no way to give them, a `Cmd` object has.
        headers: Vec<(String, String)>,
    },
    TcpSocket {
        host: String,
        port: i32,
    },
}
