//! Deploying to Kubernetes: from a resource's YAML to objects in the cluster, and what becomes of them there.
//!
//! Pure files say what is to be applied, what changed, which pods belong to what; the others speak to the cluster. Nothing here
//! decides when something is deployed, or what a resource's state is: that is the engine's.

mod answer;
mod apply;
mod asking;
pub mod custom;
mod delete;
pub mod discovery;
mod error;
pub mod events;
pub mod forward;
pub mod hash;
pub mod inject;
pub mod logs;
pub mod merge;
pub mod ports;
pub mod rollout;
pub mod runtime;
mod say;
pub mod track;

pub use apply::{Before, Mode, Order, Start, Unfinished};
pub use delete::{Removal, refs, without_namespaces};
pub use error::{Class, DeployError, Doing};
pub use say::{Level, Line, Say};

use crate::world::cluster::Cluster;

/// Requests at the same time. The server has limits of its own and says so; more connections than this gain nothing.
const AT_ONCE: usize = 16;

/// Puts objects into one cluster and takes them out again. Cheap to copy.
#[derive(Clone)]
pub struct Deployer {
    cluster: Cluster,
}

impl Deployer {
    pub fn new(cluster: Cluster) -> Deployer {
        Deployer { cluster }
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}

#[cfg(test)]
mod tests;
