//! One kind of object in one namespace, listed and then watched, for as long as somebody wants to know.
//!
//! A watch that ends is taken up again where it ended. Where the cluster no longer knows what happened since, everything is
//! listed again and compared. A watch that is silent for longer than the cluster was asked to keep it is on a dead connection.

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::pod::{OwnerReference, or_default};
use crate::model::lines::Lines;
use crate::world::cluster::{Cluster, ClusterError};

/// The cluster ends a watch after so long, and we ask again where we were: whatever stands between us and the cluster, a
/// connection that is dead is noticed by then.
const WATCH_SECONDS: u64 = 25;
/// On top of that, until a silent watch is taken for dead.
const GRACE: Duration = Duration::from_secs(5);
/// How long a list may take.
pub const LIST_PATIENCE: Duration = Duration::from_secs(30);
const PAGE: u32 = 500;
/// Where watching is not allowed but listing is.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(4);
/// Rights are seldom given while somebody waits.
const FORBIDDEN_RETRY: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
    pub creation_timestamp: Option<String>,
    pub deletion_timestamp: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub owner_references: Vec<OwnerReference>,
    r#continue: String,
}

impl Metadata {
    /// Who is responsible for it; of several owners of whom none is, the first.
    pub fn controller(&self) -> Option<&OwnerReference> {
        let mut owners = self.owner_references.iter();
        owners.clone().find(|owner| owner.controller).or_else(|| owners.next())
    }
}

/// What can be watched.
pub trait Watched: Sized + Clone + Send + Sync + 'static {
    const PLURAL: &'static str;
    type Wire: DeserializeOwned + Send;

    fn metadata(wire: &Self::Wire) -> &Metadata;
    fn read(wire: Self::Wire) -> Self;
}

/// What was heard of a source.
pub enum Heard<T> {
    /// All that is there, by uid, in place of whatever was known before.
    All(Vec<(String, T)>),
    Put(String, T),
    Gone(String, T),
    /// It cannot be heard for now; told once.
    Failed(ClusterError),
    /// It can be again.
    Recovered,
    /// The connection was lost, and others may be with it; what happens meanwhile will be heard of.
    Lost,
    /// It can be listed but not watched: from now on it is listed every few seconds; told once.
    Unwatchable(ClusterError),
}

#[derive(Deserialize)]
#[serde(bound = "W: Deserialize<'de>")]
struct List<W> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default = "Vec::new", deserialize_with = "or_default")]
    items: Vec<W>,
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
struct Line<W> {
    object: W,
}

#[derive(Deserialize)]
struct Marker {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: u16,
    message: String,
}

/// Why a watch ended.
enum End {
    /// As watches do.
    Over,
    /// What happened since is not known any more.
    Forgotten,
    /// The connection broke, or is taken for dead, or what comes makes no sense.
    Broken,
    /// It could not be opened, or the cluster says that it cannot go on.
    Unopened(ClusterError),
    /// Watching is not allowed, or not possible.
    Refused(ClusterError),
}

pub struct Source<'a, T, F> {
    cluster: &'a Cluster,
    namespace: &'a str,
    tell: F,
    has_failed: bool,
    is_unwatchable: bool,
    retry: Duration,
    _kind: std::marker::PhantomData<T>,
}

impl<'a, T: Watched, F: FnMut(Heard<T>) + Send> Source<'a, T, F> {
    pub fn new(cluster: &'a Cluster, namespace: &'a str, tell: F) -> Self {
        Source {
            cluster,
            namespace,
            tell,
            has_failed: false,
            is_unwatchable: false,
            retry: FIRST_RETRY,
            _kind: std::marker::PhantomData,
        }
    }

    /// Goes on until it is dropped.
    pub async fn run(mut self) {
        loop {
            let version = self.list_until_it_works().await;
            self.follow(version).await;
        }
    }

    async fn list_until_it_works(&mut self) -> String {
        loop {
            match self.list().await {
                Ok((version, items)) => {
                    (self.tell)(Heard::All(items));
                    self.works();
                    return version;
                }
                Err(error) => self.failed(error).await,
            }
        }
    }

    /// From a version on, until everything has to be listed again.
    async fn follow(&mut self, mut version: String) {
        loop {
            let begun = Instant::now();
            let end = self.watch(&mut version).await;
            if matches!(end, End::Broken) {
                (self.tell)(Heard::Lost);
            }
            match end {
                End::Forgotten => return,
                // A server that ends each watch at once is not to be asked without end; that a connection broke is no news
                // before the next one fails.
                End::Over | End::Broken if begun.elapsed() > Duration::from_secs(1) => self.retry = FIRST_RETRY,
                End::Over | End::Broken => self.pause().await,
                End::Unopened(error) => self.failed(error).await,
                End::Refused(error) => {
                    if !std::mem::replace(&mut self.is_unwatchable, true) {
                        (self.tell)(Heard::Unwatchable(error));
                    }
                    return self.look_again_and_again().await;
                }
            }
        }
    }

    /// Instead of a watch; now and then a watch is tried again.
    async fn look_again_and_again(&mut self) {
        for _ in 0..20 {
            sleep(LOOK_AGAIN).await;
            match self.list().await {
                Ok((_, items)) => (self.tell)(Heard::All(items)),
                Err(error) => return self.failed(error).await,
            }
        }
    }

    async fn failed(&mut self, error: ClusterError) {
        let is_refusal = !error.is_connection();
        self.tell_failure(error);
        if is_refusal {
            self.retry = FORBIDDEN_RETRY;
        }
        self.pause().await;
    }

    fn tell_failure(&mut self, error: ClusterError) {
        if !std::mem::replace(&mut self.has_failed, true) {
            (self.tell)(Heard::Failed(error));
        }
    }

    fn works(&mut self) {
        self.retry = FIRST_RETRY;
        self.tell_recovery();
    }

    fn tell_recovery(&mut self) {
        if std::mem::take(&mut self.has_failed) {
            (self.tell)(Heard::Recovered);
        }
    }

    async fn pause(&mut self) {
        sleep(self.retry).await;
        self.retry = (self.retry * 2).min(LAST_RETRY);
    }

    fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/{}", self.namespace, T::PLURAL)
    }

    async fn list(&self) -> Result<(String, Vec<(String, T)>), ClusterError> {
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let path = match token.as_str() {
                "" => format!("{}?limit={PAGE}", self.path()),
                token => format!("{}?limit={PAGE}&continue={}", self.path(), escaped(token)),
            };
            let list: List<T::Wire> = self.cluster.get_json(&path, "application/json", LIST_PATIENCE).await?;
            let read = |wire: T::Wire| (T::metadata(&wire).uid.clone(), T::read(wire));
            items.extend(list.items.into_iter().map(read));
            if list.metadata.r#continue.is_empty() {
                return Ok((list.metadata.resource_version, items));
            }
            token = list.metadata.r#continue;
        }
    }

    async fn watch(&mut self, version: &mut String) -> End {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
            self.path(),
            escaped(version)
        );
        let deadline = Instant::now() + Duration::from_secs(WATCH_SECONDS) + GRACE;
        let opened = timeout(GRACE * 2, self.cluster.open(&path)).await;
        let mut body = match opened.unwrap_or_else(|_| Err(self.cluster.late(GRACE * 2))) {
            Ok(body) => body,
            Err(ClusterError::Refused { status: 410, .. }) => return End::Forgotten,
            Err(error @ ClusterError::Refused { status: 403 | 405, .. }) => return End::Refused(error),
            Err(error) => return End::Unopened(error),
        };
        self.tell_recovery();
        let mut lines = Lines::default();
        loop {
            let Ok(chunk) = timeout_at(deadline, body.chunk()).await else {
                return End::Broken;
            };
            match chunk {
                Ok(Some(chunk)) => lines.push(&chunk),
                Ok(None) => return End::Over,
                Err(_) => return End::Broken,
            }
            while let Some(line) = lines.next() {
                if let Err(end) = self.heard(&line, version) {
                    return end;
                }
            }
        }
    }

    fn heard(&mut self, line: &[u8], version: &mut String) -> Result<(), End> {
        let broken = |error: serde_json::Error| End::Unopened(self.cluster.nonsense(&error));
        let Kind { r#type } = serde_json::from_slice(line).map_err(broken)?;
        if r#type == "ERROR" {
            let refusal: Line<Refusal> = serde_json::from_slice(line).map_err(broken)?;
            let Refusal { code, message } = refusal.object;
            return Err(match code {
                410 => End::Forgotten,
                _ => End::Unopened(self.cluster.refused(code, message)),
            });
        }
        if r#type == "BOOKMARK" {
            let marker: Line<Marker> = serde_json::from_slice(line).map_err(broken)?;
            *version = marker.object.metadata.resource_version;
            return Ok(());
        }
        let wire: Line<T::Wire> = serde_json::from_slice(line).map_err(broken)?;
        let metadata = T::metadata(&wire.object);
        let uid = metadata.uid.clone();
        version.clone_from(&metadata.resource_version);
        let object = T::read(wire.object);
        (self.tell)(match r#type.as_str() {
            "DELETED" => Heard::Gone(uid, object),
            _ => Heard::Put(uid, object),
        });
        Ok(())
    }
}

/// Names of objects hold nothing that means something in a path, but a few may hold what a URL may not.
pub fn escaped_name(name: &str) -> String {
    const SAFE: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_');
    percent_encoding::utf8_percent_encode(name, &SAFE).to_string()
}

pub fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The body of an answer that goes on.
pub struct Stream {
    body: Body,
    server: String,
}

impl Stream {
    /// Nothing once it is over.
    pub async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, ClusterError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Some(Err(error)) => {
                    return Err(ClusterError::Unreachable {
                        server: self.server.clone(),
                        reason: crate::world::docker::chain(&error),
                    });
                }
            }
        }
    }
}

impl Cluster {
    /// An answer that is read as it comes.
    pub(in crate::world::cluster) async fn open(&self, path: &str) -> Result<Stream, ClusterError> {
        let request = Request::get(path)
            .header("accept-encoding", "identity")
            .body(Body::empty());
        let request = request.map_err(|error| self.nonsense(&error))?;
        let answer = self.0.client.send(request).await.map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        let mut body = Stream {
            body: answer.into_body(),
            server: self.0.identity.server.clone(),
        };
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let mut text = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            if text.len() < 64 * 1024 {
                text.extend_from_slice(&chunk);
            }
        }
        let refusal: Refusal = serde_json::from_slice(&text).unwrap_or_default();
        let message = match refusal.message.as_str() {
            "" => String::from_utf8_lossy(&text).trim().to_owned(),
            message => message.to_owned(),
        };
        Err(match status {
            401 => ClusterError::Unauthorized {
                server: body.server,
                user: self.0.user.clone(),
                reason: message,
            },
            _ => self.refused(status, message),
        })
    }

    pub(in crate::world::cluster) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        accept: &str,
        patience: Duration,
    ) -> Result<T, ClusterError> {
        let request = Request::get(path).header("accept", accept).body(Vec::new());
        let request = request.map_err(|error| self.nonsense(&error))?;
        match timeout(patience, self.0.client.request::<T>(request)).await {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.late(patience)),
        }
    }

    fn failed(&self, error: &kube::Error) -> ClusterError {
        ClusterError::of(&self.0.identity.server, &self.0.user, error)
    }

    pub fn late(&self, limit: Duration) -> ClusterError {
        ClusterError::late(&self.0.identity.server, limit)
    }

    fn nonsense(&self, error: &(dyn std::error::Error + 'static)) -> ClusterError {
        ClusterError::Nonsense {
            server: self.0.identity.server.clone(),
            reason: crate::world::docker::chain(error),
        }
    }

    fn refused(&self, status: u16, reason: String) -> ClusterError {
        let server = self.0.identity.server.clone();
        ClusterError::Refused { server, status, reason }
    }
}
