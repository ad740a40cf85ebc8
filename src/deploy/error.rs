//! Why something could not be deployed, watched, forwarded or deleted, by what somebody was doing.

use thiserror::Error;

use crate::world::cluster::ClusterError;

#[derive(Clone, Debug, Error)]
pub enum DeployError {
    #[error("build canceled")]
    Cancelled,
    #[error(transparent)]
    Cluster(ClusterError),
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Their YAML, command or rights.
    User,
    /// Cluster, network, disk: trying again makes sense.
    Environment,
    /// Ours.
    Internal,
}

impl DeployError {
    pub fn class(&self) -> Class {
        match self {
            DeployError::Cancelled => Class::User,
            DeployError::Cluster(error) if error.is_connection() => Class::Environment,
            DeployError::Cluster(_) => Class::User,
        }
    }
}
