//! Pure. Pods as far as they are of interest: where they come from, what their containers do, what is wrong with them.

use crate::model::time::Time;

pub mod column;
pub mod trouble;

/// The label with the hash of a pod template: it tells pods of one version of it from those of another.
pub const TEMPLATE_HASH: &str = "tilt.dev/pod-template-hash";

/// Containers of service meshes, which others put beside ours and whose logs nobody wants to read.
pub const MESH: [&str; 4] = ["istio-init", "istio-proxy", "linkerd-proxy", "linkerd-init"];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub uid: Box<str>,
    pub name: Box<str>,
    pub namespace: Box<str>,
    pub created: Option<Time>,
    /// As the cluster has it: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: Box<str>,
    /// What `kubectl get pods` shows in its column STATUS.
    pub status: Box<str>,
    pub deleting: bool,
    pub restart: RestartPolicy,
    pub conditions: Vec<PodCondition>,
    pub init_containers: Vec<Container>,
    pub containers: Vec<Container>,
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// Of the pod template that it was made from, where we applied that.
    pub template_hash: Box<str>,
    /// What created it, if anything did.
    pub owner: Option<PodOwner>,
    /// The uid of the applied object that it comes from; empty for a pod that only a selector found.
    pub ancestor: Box<str>,
    /// What is wrong with it, in words for people.
    pub errors: Vec<String>,
}

/// Which containers of a pod are started again once they have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    #[default]
    Always,
    OnFailure,
    Never,
}

impl RestartPolicy {
    pub fn starts_again(self, exit_code: i32) -> bool {
        match self {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => exit_code != 0,
            RestartPolicy::Never => false,
        }
    }
}

/// The object that controls a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodOwner {
    pub api_version: Box<str>,
    pub kind: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    pub created: Option<Time>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodCondition {
    pub kind: Box<str>,
    /// `True`, `False` or `Unknown`.
    pub status: Box<str>,
    pub reason: Box<str>,
    pub message: Box<str>,
    pub since: Option<Time>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    pub name: Box<str>,
    /// Without the name of the runtime; empty until it was created.
    pub id: Box<str>,
    pub image: Box<str>,
    pub ready: bool,
    pub restarts: i32,
    /// The TCP ports that it declares.
    pub ports: Vec<u16>,
    pub state: ContainerState,
    /// How the run before this one ended, if there was one.
    pub last: Option<LastRun>,
}

/// How a container ended that was started again since, or will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastRun {
    /// Without the name of the runtime.
    pub id: Box<str>,
    pub reason: Box<str>,
    pub message: Box<str>,
    pub exit_code: i32,
    pub finished: Option<Time>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerState {
    /// Nothing was heard of it yet.
    #[default]
    Unknown,
    Waiting {
        reason: Box<str>,
        message: Box<str>,
    },
    Running {
        started: Option<Time>,
    },
    Terminated {
        reason: Box<str>,
        message: Box<str>,
        exit_code: i32,
        started: Option<Time>,
        finished: Option<Time>,
    },
}

impl Pod {
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    pub fn is_running(&self) -> bool {
        &*self.phase == "Running"
    }

    /// Whether all of its containers are ready.
    pub fn is_ready(&self) -> bool {
        !self.containers.is_empty() && self.containers.iter().all(|container| container.ready)
    }

    pub fn restarts(&self) -> i32 {
        self.containers.iter().map(|container| container.restarts).sum()
    }
}

impl Pod {
    /// Whether nothing will ever run in it again, whatever its containers last said.
    pub fn has_ended(&self) -> bool {
        matches!(&*self.phase, "Failed" | "Succeeded")
    }
}

impl Container {
    pub fn is_running(&self) -> bool {
        matches!(self.state, ContainerState::Running { .. })
    }

    /// When the run began that goes on now.
    pub fn began(&self) -> Option<Time> {
        match self.state {
            ContainerState::Running { started } => started,
            _ => None,
        }
    }
}
