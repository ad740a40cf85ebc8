//! Pure. What is true of the whole session.

use std::path::PathBuf;
use std::time::Duration;

use crate::build::Reuse;
use crate::engine::action::StopReason;
use crate::model::settings::CiSettings;
use crate::model::time::Time;

#[derive(Clone, Debug)]
pub struct Session {
    pub mode: Mode,
    pub pid: i64,
    pub started: Time,
    /// Absolute.
    pub tiltfile: PathBuf,
    pub args: Vec<String>,
    pub build: Build,
    pub web: Option<WebAddress>,
    /// `--timeout`, which goes before what the Tiltfile says.
    pub timeout: Option<Duration>,
    pub ci: CiSettings,
    /// What images built earlier are good for: nothing with `--no-cache`.
    pub reuse: Reuse,
    /// Whether ports of pods are forwarded: not with `--disable-port-forwards`.
    pub forwards_ports: bool,
    /// Whether running containers are changed in place: not with `--update-mode=image`.
    pub updates_live: bool,
    pub ending: Option<Ending>,
    pub outcome: Option<Outcome>,
    /// When it was clear how a session ends that ends by itself: what has ended is heard out first.
    pub clear_since: Option<Time>,
    /// What stops the whole session, for the user interfaces.
    pub fatal: Option<String>,
}

/// Whether files are watched, or everything runs once to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Up,
    Ci,
    /// The API and its objects only: no Tiltfile.
    Objects,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    pub version: String,
    pub date: String,
    pub dev: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress {
    pub host: String,
    pub port: u16,
}

/// Nothing starts any more, and what runs is being ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub reason: StopReason,
    pub since: Time,
}

/// How a session that ends by itself went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure(String),
}

impl Session {
    /// Where ports of pods are opened unless the Tiltfile says so.
    pub fn forward_host(&self) -> &str {
        let web = self.web.as_ref().map(|web| web.host.as_str());
        web.filter(|host| !host.is_empty()).unwrap_or("localhost")
    }
}
