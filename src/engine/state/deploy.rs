//! Pure. What is in the cluster because of us, and what is seen of it there.

use std::sync::Arc;
use std::time::Duration;

use crate::deploy::rollout::Rollout;
use crate::deploy::runtime::Runtime;
use crate::engine::effect::Span;
use crate::engine::state::Seq;
use crate::model::command::Command;
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::pod::Pod;
use crate::model::time::Time;
use crate::model::tree::Map;

/// What stands behind one KubernetesApply.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplyState {
    /// Where its lines go.
    pub span: Span,
    /// What the latest apply that went well left in the cluster.
    pub deployed: Option<Arc<Deployed>>,
    /// Everything that may be in the cluster because of it, also of applies that failed half-way.
    pub left: Arc<[ObjectRef]>,
    /// What the latest run was to apply, as far as it is declared.
    pub sought: Vec<ObjectRef>,
    /// What the latest run was not to delete, since others deploy it or mean to.
    pub spared: Arc<[ObjectRef]>,
    /// What deletes it, where a command deployed it.
    pub delete: Option<Command>,
    pub timeout: Duration,
    pub started: Option<Time>,
    pub finished: Option<Time>,
    pub error: Option<String>,
    /// The run that applies it now.
    pub running: Option<u64>,
    /// Whether that run was asked to end.
    pub is_ending: bool,
    pub removal: Removal,
    /// Of one that nobody but its object asks for: what of its spec the latest run was for, and up to where triggers count.
    pub ran: Option<Map>,
    pub handled: Seq,
}

/// Whether what it left is being deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Removal {
    #[default]
    None,
    Running(u64),
    /// It is not tried again until it is asked for again.
    Failed,
}

impl ApplyState {
    pub fn new(span: Span) -> ApplyState {
        ApplyState {
            span,
            deployed: None,
            left: Arc::from([]),
            sought: Vec::new(),
            spared: Arc::from([]),
            delete: None,
            timeout: Duration::from_secs(30),
            started: None,
            finished: None,
            error: None,
            running: None,
            is_ending: false,
            removal: Removal::None,
            ran: None,
            handled: Seq(0),
        }
    }

    /// Whether something is being applied, or deleted.
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || matches!(self.removal, Removal::Running(_))
    }

    /// What a command deployed nobody knows but the command: it may have ended half-way, or told of nothing.
    pub fn has_left_something(&self) -> bool {
        let is_by_command = self.delete.as_ref().is_some_and(|delete| !delete.is_empty());
        !self.left.is_empty() || (is_by_command && self.started.is_some())
    }
}

/// What a KubernetesDiscovery sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiscoveryState {
    /// What its spec asked for when it was begun, and the number of that beginning.
    pub generation: u64,
    pub asked: Map,
    pub begun: Option<Time>,
    pub started: Option<Time>,
    /// Oldest first.
    pub pods: Vec<Arc<Pod>>,
    pub error: Option<String>,
    /// What was told of pods that come up, by their uids.
    pub told: Vec<(Box<str>, Rollout)>,
}

/// What a PodLogStream says of the containers whose logs it reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamState {
    pub containers: Vec<ContainerStream>,
    pub error: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerStream {
    pub name: String,
    pub active: bool,
    pub terminated: bool,
    pub error: String,
}

/// What a PortForward says of its ports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForwardState {
    pub ports: Vec<ForwardedPort>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForwardedPort {
    pub local: u16,
    pub container: u16,
    pub addresses: Vec<String>,
    pub started: Option<Time>,
    pub error: String,
}

/// How the pods of a resource do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// Nothing before the first deploy.
    pub runtime: Option<Runtime>,
    /// Oldest first.
    pub pods: Vec<Arc<Pod>>,
    /// Since when it is as it is.
    pub since: Option<Time>,
    pub last_ready: Option<Time>,
    /// Where its ports can be reached: addresses, with the names that are shown for them.
    pub links: Vec<(String, String)>,
}

impl Workload {
    /// The one that counts: the newest.
    pub fn pod(&self) -> Option<&Pod> {
        self.pods.last().map(Arc::as_ref)
    }

    pub fn is_ready(&self) -> bool {
        matches!(self.runtime, Some(Runtime::Ok | Runtime::NotApplicable))
    }
}
