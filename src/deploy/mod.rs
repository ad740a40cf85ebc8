//! Deploying to Kubernetes: from a resource's YAML to objects in the cluster, and what becomes of them there.
//!
//! Pure files say what is to be applied, what changed, which pods belong to what; the others speak to the cluster. Nothing here
//! decides when something is deployed, or what a resource's state is: that is the engine's.

pub mod discovery;
mod error;
pub mod events;
pub mod logs;
pub mod rollout;
pub mod runtime;
pub mod track;

pub use error::{Class, DeployError};
