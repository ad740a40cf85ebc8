//! Pure. The cluster of the session as far as the engine knows it: whether it can be reached, and what it tells of itself.

use std::sync::Arc;

use crate::model::cluster::Facts;
use crate::model::cluster_product::Product;
use crate::model::time::Time;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClusterState {
    /// Nobody needed it yet, or it is being connected to.
    #[default]
    Unknown,
    Connected(Arc<Connected>),
    /// It cannot be reached, or not any more.
    Failed {
        error: String,
        since: Time,
        /// What it was before.
        before: Option<Arc<Connected>>,
    },
    /// Another cluster answers where ours did. Nothing is ever sent to it.
    Moved {
        error: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Connected {
    pub facts: Facts,
    pub context: String,
    pub cluster: String,
    /// Where objects go that name no namespace.
    pub namespace: String,
    pub product: Product,
    /// The kubeconfig that holds nothing but this context.
    pub config_path: String,
    pub at: Time,
}

impl ClusterState {
    pub fn connected(&self) -> Option<&Connected> {
        match self {
            ClusterState::Connected(connected) => Some(connected),
            _ => None,
        }
    }

    /// Why nothing can be deployed, if that is known.
    pub fn error(&self) -> Option<&str> {
        match self {
            ClusterState::Failed { error, .. } | ClusterState::Moved { error } => Some(error),
            ClusterState::Unknown | ClusterState::Connected(_) => None,
        }
    }
}
