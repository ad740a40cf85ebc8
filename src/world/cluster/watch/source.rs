//! One kind of object in one namespace, listed and then watched, for as long as somebody wants to know.
//!
//! A watch that ends is taken up again where it ended. Where the cluster no longer knows what happened since, everything is
//! listed again and compared. A watch that is silent for longer than the cluster was asked to keep it is on a dead connection.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::pod::{OwnerReference, or_default};
use super::request::{Refusal, escaped};
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
