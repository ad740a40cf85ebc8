//! An event as it comes over the wire: something that the cluster tells of one of its objects.

use serde::Deserialize;

use super::pod::{or_default, time};
use super::source::Metadata;
use crate::model::pod::PodOwner;
use crate::model::time::Time;

/// Something that happened to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterEvent {
    pub uid: Box<str>,
    /// Another one each time that the same thing happens again.
    pub version: Box<str>,
    pub created: Option<Time>,
    /// What it happened to.
    pub about: PodOwner,
    pub namespace: Box<str>,
    /// `Normal` or `Warning`.
    pub kind: Box<str>,
    pub reason: Box<str>,
    pub message: Box<str>,
    pub count: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireEvent {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    involved_object: Involved,
    r#type: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    count: Option<i32>,
    series: Option<Series>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Series {
    count: i32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Involved {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
    uid: String,
}

impl WireEvent {
    pub fn read(self) -> ClusterEvent {
        let about = self.involved_object;
        let series = self.series.map(|series| series.count);
        ClusterEvent {
            created: time(&self.metadata.creation_timestamp),
            uid: self.metadata.uid.into(),
            version: self.metadata.resource_version.into(),
            about: PodOwner {
                api_version: about.api_version.into(),
                kind: about.kind.into(),
                name: about.name.into(),
                uid: about.uid.into(),
                created: None,
            },
            namespace: about.namespace.into(),
            kind: self.r#type.unwrap_or_default().into(),
            reason: self.reason.unwrap_or_default().into(),
            message: self.message.unwrap_or_default().into(),
            count: series.or(self.count).unwrap_or_default(),
        }
    }
}
