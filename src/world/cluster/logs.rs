//! What a container prints, as the cluster hands it on.

use std::time::Duration;

use tokio::time::timeout;

use super::watch::Stream;
use super::{Cluster, ClusterError};
use crate::model::pod::Pod;
use crate::model::time::Time;

/// Until the cluster begins to answer; what is printed may be a long time coming.
const PATIENCE: Duration = Duration::from_secs(15);

/// Which output to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest<'a> {
    pub namespace: &'a str,
    pub pod: &'a str,
    pub container: &'a str,
    pub run: Run,
    /// Lines from before are left out, to the second.
    pub since: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// The latest one, and what it prints from now on, until it ends.
    Following,
    /// The latest one, as far as it has come.
    Latest,
    /// The one before.
    Previous,
}

impl LogRequest<'_> {
    fn path(&self) -> String {
        let LogRequest {
            namespace,
            pod,
            container,
            ..
        } = self;
        let run = match self.run {
            Run::Following => "&follow=true",
            Run::Latest => "",
            Run::Previous => "&previous=true",
        };
        let since = self.since.map(|since| since.to_seconds_text().replace(':', "%3A"));
        let since = since.map(|since| format!("&sinceTime={since}")).unwrap_or_default();
        format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&timestamps=true{run}{since}")
    }
}

impl Cluster {
    /// Lines that begin with the time at which they were printed.
    pub async fn log(&self, request: &LogRequest<'_>) -> Result<Stream, ClusterError> {
        let opened = timeout(PATIENCE, self.open(&request.path())).await;
        opened.unwrap_or_else(|_| Err(self.late(PATIENCE)))
    }

    /// A pod as it is right now; nothing if there is none.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Option<Pod>, ClusterError> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        match self.get_pod(&path).await {
            Err(ClusterError::Refused { status: 404, .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}
