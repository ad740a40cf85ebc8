//! Deploying to Kubernetes: from a resource's YAML to objects in the cluster, and what becomes of them there.
//!
//! Pure files say what is to be applied, what changed, which pods belong to what; the others speak to the cluster. Nothing here
//! decides when something is deployed, or what a resource's state is: that is the engine's.

mod error;
pub mod forward;
pub mod ports;

pub use error::{Class, DeployError};
