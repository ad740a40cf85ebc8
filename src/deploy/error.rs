//! Why something could not be deployed, watched, forwarded or deleted, by what somebody was doing.

use thiserror::Error;

use crate::deploy::custom::CustomError;
use crate::deploy::inject::InjectError;
use crate::world::cluster::ClusterError;

#[derive(Clone, Debug, Error)]
pub enum DeployError {
    #[error("build canceled")]
    Cancelled,
    #[error(transparent)]
    Cluster(ClusterError),
    #[error(transparent)]
    Inject(InjectError),
    #[error(transparent)]
    Custom(CustomError),
}

impl From<InjectError> for DeployError {
    fn from(error: InjectError) -> DeployError {
        DeployError::Inject(error)
    }
}

impl From<CustomError> for DeployError {
    fn from(error: CustomError) -> DeployError {
        DeployError::Custom(error)
    }
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
            DeployError::Cluster(_) | DeployError::Custom(_) => Class::User,
            DeployError::Inject(error) => error.class(),
        }
    }
}
