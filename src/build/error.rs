//! Why an image could not be built, delivered or looked up, by what somebody was doing.

use thiserror::Error;

use crate::world::credentials::CredentialsError;
use crate::world::docker::DockerError;
use crate::world::registry::RegistryError;

#[derive(Debug, Error)]
pub enum BuildError {
    #[error("build canceled")]
    Cancelled,
    #[error(transparent)]
    Docker(DockerError),
    #[error(transparent)]
    Registry(RegistryError),
    #[error(transparent)]
    Credentials(CredentialsError),
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
            BuildError::Docker(_) | BuildError::Registry(_) | BuildError::Credentials(_) => Class::Environment,
        }
    }
}
