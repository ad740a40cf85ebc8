//! Resources, which this format calls manifests.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::result::{image, or_null, target};
use crate::model::project::{Resource, Target, TriggerMode};

/// Objects that belong to no workload end up in a resource of this name; its images print as null, not as an empty list.
const UNCATEGORIZED: &str = "uncategorized";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Manifest<'p> {
    name: &'p str,
    image_targets: Option<Vec<image::ImageTargetJson<'p>>>,
    deploy_target: target::TargetJson<'p>,
    trigger_mode: u8,
    resource_dependencies: Option<&'p [String]>,
    source_tiltfile: &'p str,
    labels: BTreeMap<&'p str, &'p str>,
}

pub fn manifest<'p>(resource: &'p Resource, now: &'p str) -> Manifest<'p> {
    let has_images = !matches!(resource.target, Target::Local(_)) && resource.name != UNCATEGORIZED;
    let images = || {
        resource
            .images
            .iter()
            .map(|image| image::image_target(image, &resource.name))
            .collect()
    };
    Manifest {
        name: &resource.name,
        image_targets: has_images.then(images),
        deploy_target: target::target(resource, now),
        trigger_mode: trigger_mode(resource.trigger),
        resource_dependencies: or_null(&resource.deps),
        source_tiltfile: &resource.source,
        labels: resource
            .labels
            .iter()
            .map(|label| (label.as_str(), label.as_str()))
            .collect(),
    }
}

fn trigger_mode(mode: TriggerMode) -> u8 {
    match mode {
        TriggerMode::Auto => 0,
        TriggerMode::ManualWithAutoInit => 1,
        TriggerMode::Manual => 2,
        TriggerMode::AutoWithManualInit => 3,
    }
}
