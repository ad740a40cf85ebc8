//! Why something could not be deployed, watched, forwarded or deleted, by what somebody was doing.

use std::time::Duration;

use thiserror::Error;

use crate::deploy::custom::CustomError;
use crate::deploy::inject::InjectError;
use crate::model::duration;
use crate::world::cluster::ClusterError;
use crate::world::cluster::objects::ObjectError;

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
    /// What answers is not the cluster that the session began with.
    #[error("the cluster at {server} is not the one that this session began with: restart to use the new one")]
    OtherCluster { server: String },
    #[error("{doing} {object}: {source}")]
    Object {
        doing: Doing,
        /// `Deployment/web`
        object: String,
        source: ObjectError,
    },
    #[error("Killed kubectl. Hit timeout of {} {doing} {object}.{}", told(.limit), Last(.last.as_deref()))]
    Late {
        doing: Doing,
        object: String,
        limit: Duration,
        /// What was wrong when it was tried last.
        last: Option<Box<ObjectError>>,
    },
    #[error("{object} is still being deleted after {}{}", told(.limit), Held(.finalizers))]
    NotGone {
        object: String,
        limit: Duration,
        finalizers: Vec<String>,
    },
    #[error("{}", Lines(.0))]
    Several(Vec<DeployError>),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    Applying,
    Deleting,
}

impl std::fmt::Display for Doing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Doing::Applying => "applying",
            Doing::Deleting => "deleting",
        })
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
        let is_passing = match self {
            DeployError::Cancelled => false,
            DeployError::Cluster(error) => error.is_connection(),
            DeployError::Inject(error) => return error.class(),
            // Trying again would be of no use.
            DeployError::OtherCluster { .. } | DeployError::Custom(_) => false,
            DeployError::Late { .. } | DeployError::NotGone { .. } => true,
            DeployError::Object { source, .. } => source.is_passing(),
            DeployError::Several(errors) => errors.iter().all(|error| error.class() == Class::Environment),
        };
        match is_passing {
            true => Class::Environment,
            false => Class::User,
        }
    }

    /// One error for all that went wrong; nothing for nothing.
    pub(super) fn of(mut errors: Vec<DeployError>) -> Option<DeployError> {
        // Who has cancelled does not want to hear what became of it.
        if errors.iter().any(|error| matches!(error, DeployError::Cancelled)) {
            return Some(DeployError::Cancelled);
        }
        match errors.len() {
            0 | 1 => errors.pop(),
            _ => Some(DeployError::Several(errors)),
        }
    }
}

fn told(limit: &Duration) -> duration::Duration {
    duration::Duration::from_std(*limit)
}

struct Last<'a>(Option<&'a ObjectError>);

impl std::fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |error| write!(f, " Last error: {error}"))
    }
}

struct Held<'a>(&'a [String]);

impl std::fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.is_empty() {
            true => Ok(()),
            false => write!(f, ": held by finalizers `{}`", self.0.join("`, `")),
        }
    }
}

struct Lines<'a>(&'a [DeployError]);

impl std::fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, error)| match index {
            0 => write!(f, "{error}"),
            _ => write!(f, "\n{error}"),
        })
    }
}
