//! Features that can be switched on and off by name.

use std::collections::BTreeMap;

use crate::model::suggest::did_you_mean;
use crate::tiltfile::host::Environment;
use crate::tiltfile::run::Run;

/// A feature, and whether it is on when nobody says anything.
struct Feature {
    name: &'static str,
    on: bool,
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Active,
    /// What it once switched is now always as it is.
    Obsolete,
}

const FEATURES: [Feature; 11] = [
    feature("bulk_disable_resources", false, Status::Obsolete),
    feature("cluster_refresh", false, Status::Active),
    feature("disable_resources", true, Status::Obsolete),
    feature("events", true, Status::Obsolete),
    feature("facets", true, Status::Obsolete),
    feature("labels", true, Status::Obsolete),
    feature("live_update_v2", true, Status::Obsolete),
    feature("multiple_containers_per_pod", true, Status::Obsolete),
    feature("offline_snapshot_creation", true, Status::Obsolete),
    feature("snapshots", true, Status::Active),
    feature("update_history", false, Status::Obsolete),
];

const fn feature(name: &'static str, on: bool, status: Status) -> Feature {
    Feature { name, on, status }
}

/// Every feature: as the Tiltfile has it, else as `TILT_FLAG_<NAME>` has it, else as it is by default.
pub fn all(said: &BTreeMap<String, bool>, environment: &Environment) -> BTreeMap<String, bool> {
    let state = |feature: &Feature| {
        let variable = environment.get(&format!("TILT_FLAG_{}", feature.name.to_uppercase()));
        let from_environment = match variable.map(String::as_str) {
            Some("1") => true,
            Some("0") => false,
            _ => feature.on,
        };
        said.get(feature.name).copied().unwrap_or(from_environment)
    };
    FEATURES
        .iter()
        .map(|feature| (feature.name.to_owned(), state(feature)))
        .collect()
}

pub fn set(run: &Run, name: &str, on: bool) -> Result<(), String> {
    let feature = FEATURES.iter().find(|feature| feature.name == name);
    match feature.map(|feature| feature.status) {
        None => {
            let active = FEATURES.iter().filter(|feature| feature.status == Status::Active);
            let meant = did_you_mean(name, active.map(|feature| feature.name));
            return Err(format!("Unknown feature flag: {name}{meant}"));
        }
        Some(Status::Obsolete) => run.warn(format!("Obsolete feature flag: {name}")),
        Some(Status::Active) => {
            run.declared.borrow_mut().settings.features.insert(name.to_owned(), on);
        }
    }
    Ok(())
}
