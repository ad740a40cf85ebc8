//! Pure. Stand-in.
use crate::model::pod::Pod;
use crate::model::workload::PodReadiness;
use std::sync::Arc;
pub enum Standing {
    Pending,
    Ok,
    Failed(String),
}
pub fn standing(pods: &[Arc<Pod>], readiness: PodReadiness) -> Standing {
    let Some(pod) = pods.last() else {
        return Standing::Pending;
    };
    match &*pod.phase {
        "Succeeded" => Standing::Ok,
        "Failed" => Standing::Failed(format!("Pod {:?} failed", pod.name)),
        "Running" if pod.is_ready() && readiness != PodReadiness::Succeeded => Standing::Ok,
        _ => pod
            .errors
            .first()
            .map_or(Standing::Pending, |error| Standing::Failed(error.clone())),
    }
}
pub fn rollout_lines(_: &Pod) -> Vec<String> {
    Vec::new()
}
pub fn container_port(local: u16, _: &Pod) -> u16 {
    local
}
