//! What can go wrong between us and what runs in a container.

use thiserror::Error;

use super::batch::{Cause, Problem};
use crate::world::cluster::ClusterError;
use crate::world::docker::DockerError;

/// Why nothing of ours works in a container.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Docker(#[from] DockerError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("the container is not running")]
    NotRunning,
    #[error("the container does not answer: {doing} took longer than {seconds} s")]
    Late { doing: &'static str, seconds: u64 },
    /// It starts or ends just now, or the engine has other troubles with it.
    #[error("no command can be run in the container now: {reason}")]
    Disturbed { reason: String },
    /// The image has nothing to bring files in with.
    #[error("no way into the container: {}", .tried.join("; "))]
    NoWay { tried: Vec<String> },
}

impl StartError {
    /// What somebody could do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StartError::NoWay { .. } => Some(
                "add a shell or `tar` to the image, make a synced directory writable, or let tilt add its agent when it builds the image",
            ),
            StartError::Docker(error) => error.hint(),
            StartError::Cluster(_)
            | StartError::NotRunning
            | StartError::Late { .. }
            | StartError::Disturbed { .. } => None,
        }
    }

    /// Whoever leads into containers is away, and says nothing of this one.
    pub fn is_connection(&self) -> bool {
        match self {
            StartError::Docker(error) => error.is_connection(),
            // Of a node, or of one container on it, the cluster may well say 500.
            StartError::Cluster(ClusterError::Refused { status, .. }) => matches!(status, 429 | 502..=504),
            StartError::Cluster(error) => error.is_connection(),
            _ => false,
        }
    }

    /// Trying again may help.
    pub fn is_passing(&self) -> bool {
        match self {
            // The container is not there, not as it should be, or the engine is not.
            StartError::Docker(DockerError::Refused { status, .. }) => matches!(status, 404 | 409 | 500..),
            StartError::Docker(error) => error.is_connection(),
            StartError::Cluster(ClusterError::Kubeconfig { .. } | ClusterError::Refused { status: 403, .. }) => false,
            // Pods that begin or end are refused in many ways, and people log in again.
            StartError::Cluster(_) => true,
            StartError::NotRunning | StartError::Late { .. } | StartError::Disturbed { .. } => true,
            StartError::NoWay { .. } => false,
        }
    }
}

/// Why a container did not become what it was told to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ApplyError {
    /// Nobody is there any more. Whether the last order was carried out is not known.
    #[error("the container's agent is gone: {reason}")]
    Gone { reason: String },
    /// The container said no; nothing has changed in it unless a problem says so.
    #[error("{}", told(.problems))]
    Refused { problems: Vec<Problem> },
    /// A local file changed while it was read: whoever waits for it to settle and tries again will do better.
    #[error("`{path}` changes while it is read")]
    Changed { path: String },
    #[error("a local file cannot be read: `{path}`: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("`{path}` cannot be written here: {reason}")]
    Unwritable { path: String, reason: String },
    #[error("the container's agent does not answer: {doing} took longer than {seconds} s")]
    Deadline { doing: &'static str, seconds: u64 },
    /// What answers does not keep to what was agreed on.
    #[error("the container's agent makes no sense: {reason}")]
    Protocol { reason: String },
    /// The container's own program: what is wrong is in the project.
    #[error("{reason}")]
    CannotStart { reason: String },
    /// The way that we reached this container cannot do that.
    #[error("without an agent in the container there is no {what}")]
    Unsupported { what: &'static str },
    #[error("cancelled")]
    Cancelled,
}

impl ApplyError {
    /// The stream is of no use any more: a new agent must be started.
    pub fn is_over(&self) -> bool {
        matches!(
            self,
            ApplyError::Gone { .. } | ApplyError::Protocol { .. } | ApplyError::Deadline { .. }
        )
    }

    pub fn hint(&self) -> Option<&'static str> {
        let ApplyError::Refused { problems } = self else {
            return None;
        };
        match problems.first()?.cause {
            Cause::Denied => Some("does the container's user own the synced directory?"),
            Cause::ReadOnly => Some("is the synced directory on a file system that the container may write to?"),
            Cause::Full => Some("the container's disk is full"),
            Cause::NoProgram => Some("add it to the image"),
            Cause::Outside | Cause::Other => None,
        }
    }
}

const TOLD: usize = 3;

fn told(problems: &[Problem]) -> String {
    let mut told: Vec<String> = problems.iter().take(TOLD).map(Problem::to_string).collect();
    if problems.len() > TOLD {
        told.push(format!("and {} more", problems.len() - TOLD));
    }
    told.join("; ")
}
