//! What owns what: only the metadata of an object is asked for.

use std::time::Duration;

use serde::Deserialize;

use super::pod::{or_default, time};
use super::source::Metadata;
use crate::model::pod::PodOwner;
use crate::model::time::Time;
use crate::world::cluster::{Cluster, ClusterError};

const PATIENCE: Duration = Duration::from_secs(10);
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// An object that may own pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub uid: Box<str>,
    pub created: Option<Time>,
    /// What owns it in turn.
    pub owner: Option<PodOwner>,
}

/// Kinds that own pods everywhere: nobody has to be asked how they are called in a path.
const KNOWN: [(&str, &str, &str); 8] = [
    ("v1", "Pod", "pods"),
    ("v1", "ReplicationController", "replicationcontrollers"),
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("batch/v1", "Job", "jobs"),
    ("batch/v1", "CronJob", "cronjobs"),
];

#[derive(Deserialize)]
struct Partial {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

impl Cluster {
    /// The object that a reference from this namespace means; nothing where there is none, or it is not for our eyes, or
    /// another one has taken its name.
    pub async fn owner(&self, namespace: &str, reference: &PodOwner) -> Result<Option<Owner>, ClusterError> {
        match self.find_owner(namespace, reference).await {
            Err(ClusterError::Refused { status: 403 | 404, .. }) => Ok(None),
            other => other,
        }
    }

    async fn find_owner(&self, namespace: &str, reference: &PodOwner) -> Result<Option<Owner>, ClusterError> {
        let Some(place) = self.place(namespace, reference).await? else {
            return Ok(None);
        };
        let path = format!("{place}/{}", super::request::escaped_name(&reference.name));
        let object: Partial = self.get_json(&path, METADATA, PATIENCE).await?;
        let metadata = object.metadata;
        let is_meant = reference.uid.is_empty() || *metadata.uid == *reference.uid;
        Ok(is_meant.then(|| Owner {
            created: time(&metadata.creation_timestamp),
            owner: metadata.owner(),
            uid: metadata.uid.into(),
        }))
    }

    async fn place(&self, namespace: &str, reference: &PodOwner) -> Result<Option<String>, ClusterError> {
        let version = &*reference.api_version;
        let root = match version.contains('/') {
            true => format!("/apis/{version}"),
            false => format!("/api/{version}"),
        };
        let known = KNOWN
            .iter()
            .find(|(of, kind, _)| *of == version && *kind == &*reference.kind);
        if let Some((_, _, plural)) = known {
            return Ok(Some(format!("{root}/namespaces/{namespace}/{plural}")));
        }
        let told: Resources = self.get_json(&root, "application/json", PATIENCE).await?;
        let meant = |resource: &&Resource| resource.kind == *reference.kind && !resource.name.contains('/');
        Ok(told
            .resources
            .iter()
            .find(meant)
            .map(|resource| match resource.namespaced {
                true => format!("{root}/namespaces/{namespace}/{}", resource.name),
                false => format!("{root}/{}", resource.name),
            }))
    }
}
