//! Pure. What the state of pods means for the resource that they belong to.

use std::sync::Arc;

use crate::model::pod::{Pod, trouble};
use crate::model::workload::PodReadiness;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Nobody asks for pods, and there are none.
    NotApplicable,
    Pending {
        /// What it waits for, where that is more than time.
        why: Option<String>,
    },
    Ok,
    Error {
        message: String,
        /// In plain words.
        cause: Option<String>,
    },
}

/// By the pod that was created last. `is_complete` says that what was applied are Jobs that had completed before.
pub fn runtime(pods: &[Arc<Pod>], readiness: PodReadiness, is_complete: bool) -> Runtime {
    if is_complete {
        return Runtime::Ok;
    }
    let newest = pods
        .iter()
        .max_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    match newest {
        Some(pod) => of_pod(pod, readiness),
        None if readiness == PodReadiness::Ignore => Runtime::NotApplicable,
        None => Runtime::Pending { why: None },
    }
}

fn of_pod(pod: &Pod, readiness: PodReadiness) -> Runtime {
    match &*pod.phase {
        "Succeeded" => return Runtime::Ok,
        "Failed" => {
            return Runtime::Error {
                message: format!("Pod \"{}\" failed", pod.name),
                cause: pod.errors.first().cloned(),
            };
        }
        "Running" if pod.is_ready() && readiness != PodReadiness::Succeeded => return Runtime::Ok,
        _ => {}
    }
    let mut broken = pod
        .all_containers()
        .filter_map(|container| Some((container, trouble::fatal_reason(container)?)));
    match broken.next() {
        Some((container, reason)) => Runtime::Error {
            message: format!(
                "Pod {} in error state due to container {}: {reason}",
                pod.name, container.name
            ),
            cause: trouble::of_container(container),
        },
        None => Runtime::Pending {
            why: pod.errors.first().cloned(),
        },
    }
}

impl Runtime {
    /// One text of message and cause.
    pub fn error(&self) -> Option<String> {
        match self {
            Runtime::Error { message, cause: None } => Some(message.clone()),
            Runtime::Error {
                message,
                cause: Some(cause),
            } => Some(format!("{message}: {cause}")),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
