//! A build by BuildKit: the order, the news while it runs, and how it ends.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::google::rpc;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use bollard_buildkit_proto::moby::buildkit::v1::{
    CacheOptions, CacheOptionsEntry, SolveRequest, StatusRequest, StatusResponse,
};
use bollard_buildkit_proto::pb;
use hyper::Uri;
use hyper::upgrade::Upgraded;
use prost::Message;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};

use crate::model::solve::{Output, Progress, SolveFailure, Step, Transfer, Warning};
use crate::model::time::Time;
use crate::world::docker::error::chain;
use crate::world::docker::session::Session;
use crate::world::docker::{DockerError, Engine, wire};

/// What is built.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solve {
    /// Options of the Dockerfile frontend, as BuildKit names them.
    pub options: HashMap<String, String>,
    /// Names that the image gets at once.
    pub names: Vec<String>,
    /// Images whose layers may be used as a cache.
    pub cache_from: Vec<String>,
    /// Whether the image carries what others need to use it as a cache.
    pub inline_cache: InlineCache,
    /// Rights beyond the usual: `network.host`, `security.insecure`.
    pub entitlements: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineCache {
    #[default]
    Without,
    With,
}

/// An image that was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Solved {
    /// As the engine names it, `sha256:…`.
    pub image: String,
}

#[derive(Debug, thiserror::Error)]
pub enum SolveError {
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// The builder worked, and what it was asked for cannot be built.
    #[error("{}", .0.message)]
    Failed(SolveFailure),
}

impl Engine {
    /// Builds an image with what the session offers. `on_progress` gets the news; the build ends when this is dropped.
    pub async fn solve(
        &self,
        solve: &Solve,
        session: &Session,
        on_progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Solved, SolveError> {
        let channel = self.control().await?;
        let mut client = ControlClient::new(channel).max_decoding_message_size(usize::MAX);
        let reference = uuid::Uuid::new_v4().simple().to_string();
        let status = StatusRequest {
            r#ref: reference.clone(),
        };
        let request = request(solve, session, reference);
        let mut watching = client.clone();
        let solving = async { client.solve(request).await };
        let watching = async {
            // What cannot be watched can be built all the same; why it broke off, the build's own answer tells.
            let Ok(news) = watching.status(status).await else {
                return;
            };
            let mut news = news.into_inner();
            while let Ok(Some(item)) = news.message().await {
                on_progress(progress(item));
            }
        };
        let (solved, ()) = tokio::join!(solving, watching);
        let response = solved
            .map_err(|status| self.failure(&status))?
            .into_inner()
            .exporter_response;
        let image = image_of(&response);
        let image = image.ok_or_else(|| DockerError::Broken {
            doing: "building an image",
            reason: "the answer names no image".to_owned(),
        })?;
        Ok(Solved { image })
    }

    async fn control(&self) -> Result<Channel, DockerError> {
        let io = wire::upgrade(&self.0.dialer, &wire::Upgrade::h2c("/grpc", &[]), "starting a build").await?;
        let endpoint = Endpoint::from_static("http://buildkit").http2_adaptive_window(true);
        let once = Once(Mutex::new(Some(io)));
        endpoint
            .connect_with_connector(once)
            .await
            .map_err(|error| DockerError::Broken {
                doing: "starting a build",
                reason: chain(&error),
            })
    }

    fn failure(&self, status: &Status) -> SolveError {
        // What the engine says has no cause that this side knows of; a connection that broke has one.
        if let Some(cause) = std::error::Error::source(status) {
            return SolveError::Docker(DockerError::Broken {
                doing: "building an image",
                reason: chain(cause),
            });
        }
        SolveError::Failed(details(status))
    }
}

/// The id of what was built. Engines that keep manifests name images by these; for the others both are the same.
fn image_of(response: &HashMap<String, String>) -> Option<String> {
    let keys = ["containerimage.digest", "containerimage.config.digest"];
    keys.iter().find_map(|key| response.get(*key)).cloned()
}

fn request(solve: &Solve, session: &Session, reference: String) -> SolveRequest {
    let entry = |kind: &str, attrs: HashMap<String, String>| CacheOptionsEntry {
        r#type: kind.to_owned(),
        attrs,
    };
    let exports = match solve.inline_cache {
        InlineCache::With => vec![entry("inline", HashMap::new())],
        InlineCache::Without => Vec::new(),
    };
    let mut attributes = HashMap::new();
    if !solve.names.is_empty() {
        attributes.insert("name".to_owned(), solve.names.join(","));
    }
    let mut options = solve.options.clone();
    if !solve.cache_from.is_empty() {
        // The frontend is who fetches them. Imports of the request itself go unheard where there is a frontend.
        options.insert("cache-from".to_owned(), solve.cache_from.join(","));
    }
    SolveRequest {
        r#ref: reference,
        session: session.id.clone(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: options,
        exporter_deprecated: "moby".to_owned(),
        exporter_attrs_deprecated: attributes,
        cache: Some(CacheOptions {
            exports,
            ..CacheOptions::default()
        }),
        entitlements: solve.entitlements.clone(),
        ..SolveRequest::default()
    }
}

fn progress(news: StatusResponse) -> Progress {
    let step = |vertex: bollard_buildkit_proto::moby::buildkit::v1::Vertex| Step {
        digest: vertex.digest,
        inputs: vertex.inputs,
        name: vertex.name,
        cached: vertex.cached,
        started: vertex.started.as_ref().map(time),
        finished: vertex.completed.as_ref().map(time),
        error: vertex.error,
    };
    let transfer = |status: bollard_buildkit_proto::moby::buildkit::v1::VertexStatus| Transfer {
        id: status.id,
        step: status.vertex,
        name: status.name,
        current: u64::try_from(status.current).unwrap_or_default(),
        total: u64::try_from(status.total).unwrap_or_default(),
        started: status.started.as_ref().map(time),
        finished: status.completed.as_ref().map(time),
    };
    let output = |log: bollard_buildkit_proto::moby::buildkit::v1::VertexLog| Output {
        step: log.vertex,
        stderr: log.stream == 2,
        bytes: log.msg,
        at: log.timestamp.as_ref().map(time),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let warning = |warning: bollard_buildkit_proto::moby::buildkit::v1::VertexWarning| Warning {
        step: warning.vertex,
        text: text(&warning.short),
        detail: warning.detail.iter().map(|line| text(line)).collect(),
        url: warning.url,
        lines: lines(&warning.ranges),
    };
    Progress {
        steps: news.vertexes.into_iter().map(step).collect(),
        transfers: news.statuses.into_iter().map(transfer).collect(),
        output: news.logs.into_iter().map(output).collect(),
        warnings: news.warnings.into_iter().map(warning).collect(),
    }
}

fn time(stamp: &Timestamp) -> Time {
    Time::from_micros(stamp.seconds * 1_000_000 + i64::from(stamp.nanos) / 1000)
}

fn lines(ranges: &[pb::Range]) -> Option<(u32, u32)> {
    let line = |position: &Option<pb::Position>| position.as_ref().and_then(|it| u32::try_from(it.line).ok());
    let first = ranges.iter().filter_map(|range| line(&range.start)).min()?;
    let last = ranges.iter().filter_map(|range| line(&range.end)).max()?;
    (first > 0).then_some((first, last.max(first)))
}

/// The place in a Dockerfile, as BuildKit attaches it to an error.
#[derive(Clone, PartialEq, Message)]
struct ErrorSource {
    #[prost(message, repeated, tag = "2")]
    ranges: Vec<pb::Range>,
}

/// The step that failed, likewise.
#[derive(Clone, PartialEq, Message)]
struct ErrorStep {
    #[prost(string, tag = "1")]
    digest: String,
}

fn details(status: &Status) -> SolveFailure {
    let mut failure = SolveFailure {
        message: status.message().to_owned(),
        ..SolveFailure::default()
    };
    let Ok(attached) = rpc::Status::decode(status.details()) else {
        return failure;
    };
    for detail in attached.details {
        let bytes = detail.value.as_slice();
        if detail.type_url.ends_with("errdefs.Source") {
            let found = ErrorSource::decode(bytes).ok().and_then(|source| lines(&source.ranges));
            failure.lines = failure.lines.or(found);
        } else if detail.type_url.ends_with("errdefs.Vertex") {
            let found = ErrorStep::decode(bytes).ok().map(|step| step.digest);
            failure.step = failure.step.or(found.filter(|digest| !digest.is_empty()));
        }
    }
    failure
}

/// Gives the one connection that there is. The library asks again only where that broke, and then there is none.
struct Once(Mutex<Option<Upgraded>>);

impl tower_service::Service<Uri> for Once {
    type Response = Upgraded;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Upgraded>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _to: Uri) -> Self::Future {
        let io = self.0.get_mut().ok().and_then(Option::take);
        let io = io.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        Box::pin(async move { io })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_as_the_store_of_its_engine_names_it() {
        let answer = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            image_of(&pairs.collect())
        };
        let (manifest, config) = (
            ("containerimage.digest", "sha256:aa"),
            ("containerimage.config.digest", "sha256:bb"),
        );
        assert_eq!(answer(&[config, manifest]).as_deref(), Some("sha256:aa"));
        assert_eq!(answer(&[config]).as_deref(), Some("sha256:bb"));
        assert_eq!(answer(&[]), None);
    }
}
