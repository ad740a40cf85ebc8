//! Pure. Settings that a Tiltfile makes for the whole session.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::command::Command;
use crate::model::duration::Duration as GoDuration;
use crate::model::project::IgnoreFile;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub update: UpdateSettings,
    pub docker_prune: DockerPrune,
    pub ci: CiSettings,
    pub version: VersionSettings,
    pub watch_ignores: Vec<IgnoreFile>,
    pub features: BTreeMap<String, bool>,
    pub team: String,
    pub telemetry: Telemetry,
    pub analytics: Option<bool>,
    pub scrub_secrets: ScrubSecrets,
    pub default_registry: Option<crate::model::registry::Registry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateSettings {
    pub max_parallel_updates: u32,
    pub k8s_upsert_timeout: Duration,
    pub suppress_unused_image_warnings: Vec<String>,
    pub server_side_apply: ServerSideApply,
    /// Every update waits until what it depends on is up to date, not only the first one until it was ready once.
    pub wait_for_current_deps: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerSideApply {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerPrune {
    pub enabled: bool,
    /// A negative one makes everything old.
    pub max_age: GoDuration,
    /// Zero: by interval only.
    pub num_builds: u32,
    pub interval: Duration,
    pub keep_recent: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CiSettings {
    pub k8s_grace_period: Option<Duration>,
    pub timeout: Duration,
    pub readiness_timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionSettings {
    pub check_updates: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    pub command: Command,
    pub period: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScrubSecrets {
    #[default]
    On,
    Off,
}

impl Default for UpdateSettings {
    fn default() -> UpdateSettings {
        UpdateSettings {
            max_parallel_updates: 3,
            k8s_upsert_timeout: Duration::from_secs(30),
            suppress_unused_image_warnings: Vec::new(),
            server_side_apply: ServerSideApply::Auto,
            wait_for_current_deps: false,
        }
    }
}

impl Default for DockerPrune {
    fn default() -> DockerPrune {
        DockerPrune {
            enabled: true,
            max_age: GoDuration::from_secs(6 * 3600),
            num_builds: 0,
            interval: Duration::from_secs(3600),
            keep_recent: 2,
        }
    }
}

impl Default for CiSettings {
    fn default() -> CiSettings {
        CiSettings {
            k8s_grace_period: None,
            timeout: Duration::from_secs(30 * 60),
            readiness_timeout: Duration::from_secs(5 * 60),
        }
    }
}

impl Default for VersionSettings {
    fn default() -> VersionSettings {
        VersionSettings { check_updates: true }
    }
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry {
            command: Command::default(),
            period: Duration::from_secs(60),
        }
    }
}
