//! Pure. Whether what runs is what was saved, in words. Nothing here changes as time goes by, so that objects can say it.

use std::time::Duration;

use crate::deploy::runtime::Runtime;
use crate::engine::state::{Hold, Means, ResourceState, RuntimeStatus, UpdateStatus};
use crate::model::suggest::counted;

/// Why not everything that was saved runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// One word, as the API has it.
    pub reason: &'static str,
    /// How far behind it is, and what becomes of that.
    pub message: String,
}

/// Nothing if all runs, and is up to date and ready.
pub fn why_not(resource: &ResourceState) -> Option<Stale> {
    let (reason, what) = updating(resource).or_else(|| starting(resource))?;
    let message = match behind(resource) {
        Some(behind) => format!("{behind}, {what}"),
        None => what,
    };
    Some(Stale { reason, message })
}

/// `2 edits behind`, if it is.
pub fn behind(resource: &ResourceState) -> Option<String> {
    let behind = resource.freshness.behind();
    (behind > 0).then(|| format!("{} behind", counted(behind as usize, "edit")))
}

/// `runs edit 12, 8 ms after its save`, if it was saved in this session.
pub fn runs(resource: &ResourceState) -> Option<String> {
    let (edit, since) = resource.freshness.runs?;
    let way = match &resource.in_place.fallback {
        Some(_) => " (by tar)",
        None => "",
    };
    let took = took(since.since(edit.saved));
    Some(format!("runs edit {}, {took} after its save{way}", edit.number))
}

fn took(duration: Duration) -> String {
    let millis = duration.as_millis();
    match duration.as_secs() {
        0 => format!("{millis} ms"),
        secs @ 1..60 => format!("{secs}.{} s", millis % 1000 / 100),
        secs => format!("{} min", secs / 60),
    }
}

/// What has to happen before everything that was saved is deployed.
fn updating(resource: &ResourceState) -> Option<(&'static str, String)> {
    if !resource.enabled {
        return Some(("Disabled", "is disabled".to_owned()));
    }
    match resource.update_status() {
        UpdateStatus::InProgress => Some(running(resource)),
        UpdateStatus::Pending => Some(held(resource)),
        UpdateStatus::Error => {
            let error = resource
                .last()
                .and_then(|last| last.error.as_deref())
                .unwrap_or_default();
            Some(("Failed", format!("the last update failed: {}", first_line(error))))
        }
        UpdateStatus::None => Some(("NotStarted", told(resource, "was not started yet"))),
        // What changed waits for a trigger.
        UpdateStatus::Ok | UpdateStatus::NotApplicable if !resource.pending.files.is_empty() => {
            Some(("Saved", told(resource, "waits for an update")))
        }
        UpdateStatus::Ok | UpdateStatus::NotApplicable => None,
    }
}

fn running(resource: &ResourceState) -> (&'static str, String) {
    let means = resource.running.as_ref().map(|running| running.means);
    if matches!(means, Some(Means::Live | Means::CatchUp)) {
        return ("Updating", "changing containers".to_owned());
    }
    let verb = match resource.declared.images.is_empty() {
        true => "updating",
        false => "building",
    };
    match &resource.in_place.built_because {
        Some(why) => ("Building", format!("{verb}: {}", first_line(why))),
        None => ("Building", verb.to_owned()),
    }
}

fn held(resource: &ResourceState) -> (&'static str, String) {
    let reason = match &resource.hold {
        Some(Hold::WaitingForContainer { .. }) => "WaitingForContainer",
        _ if resource.pending.files.is_empty() => "Pending",
        _ => "Saved",
    };
    (reason, told(resource, "an update is due"))
}

/// What it waits for, where that is known.
fn told(resource: &ResourceState, otherwise: &str) -> String {
    let hold = resource.hold.as_ref().map(Hold::to_string);
    hold.unwrap_or_else(|| otherwise.to_owned())
}

/// What has to happen before what is deployed, or served, runs.
fn starting(resource: &ResourceState) -> Option<(&'static str, String)> {
    match resource.runtime_status() {
        RuntimeStatus::Ok | RuntimeStatus::NotApplicable => None,
        RuntimeStatus::Error => Some(("Failed", broken(resource))),
        RuntimeStatus::Pending | RuntimeStatus::Unknown | RuntimeStatus::None if resource.is_kubernetes() => {
            Some(("Deploying", "deployed, its pods are not ready yet".to_owned()))
        }
        RuntimeStatus::Pending | RuntimeStatus::Unknown | RuntimeStatus::None => {
            Some(("Starting", "its server is not ready yet".to_owned()))
        }
    }
}

fn broken(resource: &ResourceState) -> String {
    let of_pods = || match &resource.workload.runtime {
        Some(error @ Runtime::Error { .. }) => error.error(),
        _ => None,
    };
    match ended(resource).or_else(of_pods) {
        Some(why) => first_line(&why).to_owned(),
        None => "its server has ended".to_owned(),
    }
}

/// `the program in container app exited with code 1; the next save starts it again`.
pub fn ended(resource: &ResourceState) -> Option<String> {
    let ended = resource.in_place.ended.as_ref()?;
    Some(format!("{ended}; the next save starts it again"))
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default()
}
