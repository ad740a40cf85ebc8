//! A Kubernetes cluster: reaching the one that a context names, and what it tells of itself.
//!
//! How to log in is the client library's business: certificates, tokens, credential plugins. Nothing here decides what the
//! answers mean for images; that is `model/delivery`.

mod access;
mod ask;
mod error;
mod exec;
mod forward;
mod health;
pub mod logs;
pub mod objects;
mod proxy;
mod streams;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use error::ClusterError;
pub use exec::{Ends, Exec, Output, Running};
pub use forward::{Connection, PodPorts};
pub use health::{HealthFact, watch_health};
pub use streams::{Gone, Incoming, Outgoing, Piece};

use crate::model::cluster::{Facts, Identity};
use crate::model::cluster_product::Product;
use crate::world::kubeconfig::{Context, Sources};

#[cfg(test)]
mod tests;

/// Until a cluster has answered a question about itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A way to a cluster. Cheap to copy.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    client: kube::Client,
    identity: Identity,
    user: String,
    product: Product,
    patience: Duration,
    /// Of the context, for objects that name none.
    namespace: String,
    kinds: Arc<objects::Kinds>,
    ways: Arc<forward::Ways>,
}

impl Cluster {
    /// The cluster of a context, whatever context is active by now. Reads certificates and runs a credential plugin, which
    /// may take as long as a person needs to log in; says nothing to the cluster yet.
    pub async fn connect(
        sources: &Sources,
        context: &Context,
        env: &BTreeMap<String, String>,
    ) -> Result<Cluster, ClusterError> {
        let (client, identity) = access::open(sources, context, env).await?;
        Ok(Cluster(Arc::new(Inner {
            client,
            identity,
            user: context.user.clone(),
            product: context.product(&sources.home),
            patience: PATIENCE,
            namespace: context.namespace.clone(),
            kinds: Arc::default(),
            ways: Arc::default(),
        })))
    }

    /// The same cluster, waited for as long as this.
    pub fn with_patience(&self, patience: Duration) -> Cluster {
        Cluster(Arc::new(Inner {
            client: self.0.client.clone(),
            identity: self.0.identity.clone(),
            user: self.0.user.clone(),
            product: self.0.product,
            patience,
            namespace: self.0.namespace.clone(),
            kinds: self.0.kinds.clone(),
            ways: Arc::clone(&self.0.ways),
        }))
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub fn product(&self) -> Product {
        self.0.product
    }

    /// What the cluster tells of itself. It must answer and know us; what it does not want to tell is left out, and what
    /// went wrong beyond that is among the gaps.
    pub async fn facts(&self) -> Result<Facts, ClusterError> {
        ask::facts(&self.0).await
    }
}
