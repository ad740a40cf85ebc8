//! Pure. What `kubectl get pods` shows in its column STATUS, read from what a pod tells of itself.

use crate::model::pod::{Container, ContainerState, Pod};

/// What is not among a pod's facts but decides the column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// `status.reason`: `Evicted`, `NodeLost`, …
    pub reason: &'a str,
    /// Names of init containers that go on running beside the others.
    pub sidecars: &'a [&'a str],
    /// Signals that ended containers, by name; 0 and absent mean none.
    pub signals: &'a [(&'a str, i32)],
}

pub fn status(pod: &Pod, hints: Hints) -> String {
    let told = [hints.reason, &pod.phase].into_iter().find(|reason| !reason.is_empty());
    let mut column = told.unwrap_or_default().to_owned();
    if gates(pod) {
        column = "SchedulingGated".to_owned();
    }
    let init = initializing(pod, hints);
    let is_initializing = init.is_some() && !is_true(pod, "Initialized");
    column = init.unwrap_or(column);
    if !is_initializing {
        column = running(pod, hints).unwrap_or(column);
    }
    match (pod.deleting, hints.reason) {
        (true, "NodeLost") => "Unknown".to_owned(),
        (true, _) if !is_over(&pod.phase) => "Terminating".to_owned(),
        _ => column,
    }
}

fn is_over(phase: &str) -> bool {
    matches!(phase, "Succeeded" | "Failed")
}

fn gates(pod: &Pod) -> bool {
    let scheduled = pod
        .conditions
        .iter()
        .find(|condition| &*condition.kind == "PodScheduled");
    scheduled.is_some_and(|condition| &*condition.reason == "SchedulingGated")
}

/// The first init container that is not over keeps the others waiting.
fn initializing(pod: &Pod, hints: Hints) -> Option<String> {
    let total = pod.init_containers.len();
    let is_sidecar = |container: &Container| hints.sidecars.contains(&&*container.name);
    for (index, container) in pod.init_containers.iter().enumerate() {
        match &container.state {
            ContainerState::Terminated { exit_code: 0, .. } => {}
            ContainerState::Running { .. } if is_sidecar(container) => {}
            ContainerState::Terminated { reason, exit_code, .. } => {
                return Some(format!("Init:{}", ended(container, reason, *exit_code, hints)));
            }
            ContainerState::Waiting { reason, .. } if !reason.is_empty() && &**reason != "PodInitializing" => {
                return Some(format!("Init:{reason}"));
            }
            // Nothing was told of it: the node has not seen the pod yet.
            ContainerState::Unknown => {}
            _ => return Some(format!("Init:{index}/{total}")),
        }
    }
    None
}

/// Of several containers the first one that has something to say.
fn running(pod: &Pod, hints: Hints) -> Option<String> {
    let said = pod.containers.iter().find_map(|container| match &container.state {
        ContainerState::Waiting { reason, .. } if !reason.is_empty() => Some(reason.to_string()),
        ContainerState::Terminated { reason, exit_code, .. } => Some(ended(container, reason, *exit_code, hints)),
        _ => None,
    });
    let some_run = pod
        .containers
        .iter()
        .any(|container| container.ready && container.is_running());
    match said {
        // One is done and others go on.
        Some(said) if said == "Completed" && some_run && is_true(pod, "Ready") => Some("Running".to_owned()),
        Some(said) if said == "Completed" && some_run => Some("NotReady".to_owned()),
        said => said,
    }
}

fn is_true(pod: &Pod, condition: &str) -> bool {
    let mut named = pod.conditions.iter().filter(|known| &*known.kind == condition);
    named.any(|condition| &*condition.status == "True")
}

fn ended(container: &Container, reason: &str, exit_code: i32, hints: Hints) -> String {
    let signal = hints
        .signals
        .iter()
        .find(|(name, signal)| **name == *container.name && *signal != 0);
    match signal {
        _ if !reason.is_empty() => reason.to_owned(),
        Some((_, signal)) => format!("Signal:{signal}"),
        None => format!("ExitCode:{exit_code}"),
    }
}

#[cfg(test)]
#[path = "column_tests.rs"]
mod tests;
