//! Settings, secrets and hashes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::cli::result::{or_null, target};
use crate::model::duration::Duration;
use crate::model::project::{Hashes, IgnoreFile};
use crate::model::registry::Registry;
use crate::model::secret::Secret;
use crate::model::settings::{CiSettings, DockerPrune, Telemetry, UpdateSettings, VersionSettings};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct IgnoreFileJson<'p> {
    local_path: String,
    source: &'p str,
    patterns: Option<&'p [String]>,
}

pub fn ignore_file(file: &IgnoreFile) -> IgnoreFileJson<'_> {
    IgnoreFileJson {
        local_path: file.ignore.base.display().to_string(),
        source: &file.source,
        patterns: or_null(&file.ignore.patterns),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TelemetryJson<'p> {
    cmd: target::CommandJson<'p>,
    workdir: String,
    period: i64,
}

pub fn telemetry(telemetry: &Telemetry) -> TelemetryJson<'_> {
    TelemetryJson {
        cmd: target::command(&telemetry.command),
        workdir: telemetry.command.dir.display().to_string(),
        period: nanos(telemetry.period),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecretJson<'p> {
    name: &'p str,
    key: &'p str,
    value: String,
    value_encoded: String,
    replacement: String,
}

pub fn secret(secret: &Secret) -> (String, SecretJson<'_>) {
    let encoded = STANDARD.encode(&secret.value);
    let json = SecretJson {
        name: &secret.name,
        key: &secret.key,
        value_encoded: STANDARD.encode(&encoded),
        value: encoded,
        replacement: STANDARD.encode(format!("[redacted secret {}:{}]", secret.name, secret.key)),
    };
    (String::from_utf8_lossy(&secret.value).into_owned(), json)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DockerPruneJson {
    enabled: bool,
    max_age: i64,
    num_builds: u32,
    interval: i64,
    keep_recent: u32,
}

pub fn docker_prune(prune: &DockerPrune) -> DockerPruneJson {
    DockerPruneJson {
        enabled: prune.enabled,
        max_age: prune.max_age.nanos(),
        num_builds: prune.num_builds,
        interval: nanos(prune.interval),
        keep_recent: prune.keep_recent,
    }
}

/// 0: nothing said, 1: out, 2: in.
pub fn analytics(choice: Option<bool>) -> u8 {
    match choice {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionJson {
    check_updates: bool,
}

pub fn version(settings: &VersionSettings) -> VersionJson {
    VersionJson {
        check_updates: settings.check_updates,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateJson<'p> {
    suppress_unused_image_warnings: Option<&'p [String]>,
}

pub fn update(settings: &UpdateSettings) -> UpdateJson<'_> {
    UpdateJson {
        suppress_unused_image_warnings: or_null(&settings.suppress_unused_image_warnings),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct WatchJson<'p> {
    ignores: Option<Vec<IgnoreFileJson<'p>>>,
}

pub fn watch(ignores: &[IgnoreFile]) -> WatchJson<'_> {
    WatchJson {
        ignores: or_null(ignores).map(|ignores| ignores.iter().map(ignore_file).collect()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryJson<'p> {
    host: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    host_from_container_runtime: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    single_name: &'p str,
}

pub fn registry(registry: &Registry) -> RegistryJson<'_> {
    RegistryJson {
        host: &registry.host,
        host_from_container_runtime: &registry.host_from_cluster,
        single_name: &registry.single_name,
    }
}

#[derive(Serialize)]
pub struct HashesJson<'p> {
    #[serde(rename = "TiltfileSHA256")]
    tiltfile: &'p str,
    #[serde(rename = "AllFilesSHA256")]
    all_files: &'p str,
}

pub fn hashes(hashes: &Hashes) -> HashesJson<'_> {
    HashesJson {
        tiltfile: &hashes.tiltfile,
        all_files: &hashes.all_files,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CiJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    k8s_grace_period: Option<String>,
    timeout: String,
    readiness_timeout: String,
}

pub fn ci(settings: &CiSettings) -> CiJson {
    let show = |duration| Duration::from_std(duration).to_string();
    CiJson {
        k8s_grace_period: settings.k8s_grace_period.map(show),
        timeout: show(settings.timeout),
        readiness_timeout: show(settings.readiness_timeout),
    }
}

fn nanos(duration: std::time::Duration) -> i64 {
    Duration::from_std(duration).nanos()
}
