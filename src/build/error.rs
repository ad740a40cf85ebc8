//! Why an image could not be built, delivered or looked up, by what somebody was doing.

use thiserror::Error;

use crate::build::failure::BuildFailure;
use crate::world::docker::DockerError;

#[derive(Debug, Error)]
pub enum BuildError {
    #[error("build canceled")]
    Cancelled,
    #[error(transparent)]
    Docker(DockerError),
    /// The builder ran, and said why it failed.
    #[error("{0}")]
    Failed(Box<BuildFailure>),
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Their Dockerfile, context, command or arguments.
    User,
    /// Engine, registry, disk, network: trying again makes sense.
    Environment,
    /// Ours.
    Internal,
}

impl BuildError {
    pub fn class(&self) -> Class {
        match self {
            BuildError::Cancelled => Class::User,
            BuildError::Docker(_) => Class::Environment,
            BuildError::Failed(failure) => failure.class,
        }
    }
}
