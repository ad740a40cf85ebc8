//! Which cluster this is: what stays when everything else about it changes.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use tokio::time::timeout;

use super::{Cluster, ClusterError};

/// Every cluster has this namespace, and makes it once.
const LASTING: &str = "kube-system";

impl Cluster {
    /// The uid of its first namespace; nothing where we are not allowed to see that.
    pub async fn uid(&self) -> Result<Option<String>, ClusterError> {
        let inner = &*self.0;
        let namespaces = Api::<Namespace>::all(inner.client.clone());
        match timeout(inner.patience, namespaces.get(LASTING)).await {
            Ok(Ok(namespace)) => Ok(namespace.metadata.uid),
            Ok(Err(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => Ok(None),
            Ok(Err(error)) => Err(ClusterError::of(&inner.identity.server, &inner.user, &error)),
            Err(_) => Err(ClusterError::late(&inner.identity.server, inner.patience)),
        }
    }
}
