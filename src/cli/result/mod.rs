//! An evaluation in the JSON form that upstream's `tilt alpha tiltfile-result` prints, for scripts and for comparison.
//!
//! The names here are that format's, not ours; nothing else in the program uses them.

mod image;
mod resource;
mod settings;
mod target;
mod tree;

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use crate::cli::result::tree::Json;
use crate::model::project::{Evaluation, Project};
use crate::model::tree::Tree;
use crate::world::clock::{self, SystemTime};

/// Writes the result of a successful evaluation, four spaces deep.
pub fn write(evaluation: &Evaluation, out: &mut impl Write) -> std::io::Result<()> {
    let Ok(project) = &evaluation.project else {
        return Ok(());
    };
    let now = timestamp(clock::today());
    let objects = project.objects.to_json_tree();
    let document = document(evaluation, project, &objects, &now);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    document.serialize(&mut serializer)?;
    writeln!(out)
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'p> {
    manifests: Vec<resource::Manifest<'p>>,
    enabled_manifests: &'p [String],
    tiltignore: settings::IgnoreFileJson<'p>,
    config_files: Vec<String>,
    feature_flags: &'p BTreeMap<String, bool>,
    #[serde(rename = "TeamID")]
    team_id: &'p str,
    telemetry_settings: settings::TelemetryJson<'p>,
    secrets: BTreeMap<String, settings::SecretJson<'p>>,
    error: Option<()>,
    docker_prune_settings: settings::DockerPruneJson,
    analytics_opt: u8,
    version_settings: settings::VersionJson,
    update_settings: settings::UpdateJson<'p>,
    watch_settings: settings::WatchJson<'p>,
    default_registry: Option<settings::RegistryJson<'p>>,
    object_set: Json<'p>,
    hashes: settings::HashesJson<'p>,
    #[serde(rename = "CISettings")]
    ci_settings: settings::CiJson,
}

fn document<'p>(evaluation: &'p Evaluation, project: &'p Project, objects: &'p Tree, now: &'p str) -> Document<'p> {
    let settings = &project.settings;
    Document {
        manifests: project
            .resources
            .iter()
            .map(|resource| resource::manifest(resource, now))
            .collect(),
        enabled_manifests: &project.enabled,
        tiltignore: settings::ignore_file(&project.tiltignore),
        config_files: evaluation
            .config_files
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        feature_flags: &settings.features,
        team_id: &settings.team,
        telemetry_settings: settings::telemetry(&settings.telemetry),
        secrets: project.secrets.iter().map(settings::secret).collect(),
        error: None,
        docker_prune_settings: settings::docker_prune(&settings.docker_prune),
        analytics_opt: settings::analytics(settings.analytics),
        version_settings: settings::version(&settings.version),
        update_settings: settings::update(&settings.update),
        watch_settings: settings::watch(&settings.watch_ignores),
        default_registry: settings.default_registry.as_ref().map(settings::registry),
        object_set: Json(objects),
        hashes: settings::hashes(&evaluation.hashes),
        ci_settings: settings::ci(&settings.ci),
    }
}

/// A list that Go would print as null when it holds nothing.
fn or_null<T>(items: &[T]) -> Option<&[T]> {
    (!items.is_empty()).then_some(items)
}

/// Seconds in UTC, as Kubernetes writes times.
fn timestamp(time: SystemTime) -> String {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    crate::model::time::of_seconds(i64::try_from(seconds).unwrap_or(0))
}
