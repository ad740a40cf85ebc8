//! What happens in a cluster: one watch of pods and one of events per namespace, however many want to know.
//!
//! A watch starts when somebody first needs it and ends with the last who did. Whoever comes later is told first what is
//! there. Nothing is ever dropped: what is told goes into queues of tasks that never wait for anybody.

mod event;
mod owners;
mod pod;
mod request;
mod source;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

pub use event::ClusterEvent;
pub use owners::Owner;
pub use request::Stream;

use crate::model::pod::Pod;
use crate::world::cluster::{Cluster, ClusterError};
use event::WireEvent;
use pod::WirePod;
use source::{Heard, Metadata, Source, Watched};

#[cfg(test)]
mod tests;

impl Watched for Arc<Pod> {
    const PLURAL: &'static str = "pods";
    type Wire = WirePod;

    fn metadata(wire: &WirePod) -> &Metadata {
        &wire.metadata
    }

    fn read(wire: WirePod) -> Arc<Pod> {
        Arc::new(wire.read())
    }
}

impl Watched for Arc<ClusterEvent> {
    const PLURAL: &'static str = "events";
    type Wire = WireEvent;

    fn metadata(wire: &WireEvent) -> &Metadata {
        &wire.metadata
    }

    fn read(wire: WireEvent) -> Arc<ClusterEvent> {
        Arc::new(wire.read())
    }
}

/// What somebody who watches is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Change<T> {
    /// This is all that is there; what came before and is not among it is gone.
    All(Vec<T>),
    /// It is new or has changed.
    Put(T),
    /// It is gone; its last state.
    Gone(T),
    /// Nothing can be heard for now; told once.
    Failed(ClusterError),
    Recovered,
    /// A connection was lost, and others may be dead with it; nothing that happens meanwhile is missed.
    Lost,
    /// It may be listed but not watched: what happens is heard of seconds later; told once.
    Unwatchable(ClusterError),
}

/// The watches of a cluster. Cheap to copy.
#[derive(Clone)]
pub struct Watches(Arc<Shared>);

struct Shared {
    cluster: Cluster,
    tasks: TaskTracker,
    // Followers come and go from anywhere; held only to find or add one.
    pods: Mutex<BTreeMap<String, Weak<Hub<Arc<Pod>>>>>,
    events: Mutex<BTreeMap<String, Weak<Hub<Arc<ClusterEvent>>>>>,
}

/// One watch and those who are told of it.
struct Hub<T: Watched> {
    told: Arc<Mutex<Told<T>>>,
    _task: Mutex<Option<AbortOnDropHandle<()>>>,
}

// Held for the time of one change or of one more follower, never across an await.
struct Told<T> {
    /// By uid; nothing as long as nobody knows.
    known: Option<BTreeMap<String, T>>,
    failure: Option<ClusterError>,
    limit: Option<ClusterError>,
    followers: Vec<Follower<T>>,
}

struct Follower<T> {
    /// The only name of interest, if there is one.
    name: Option<Box<str>>,
    queue: UnboundedSender<Change<T>>,
}

/// What is told to one who watches. The watch goes on for as long as one of these exists.
pub struct Watching<T: Watched> {
    queue: UnboundedReceiver<Change<T>>,
    _hub: Arc<Hub<T>>,
}

impl<T: Watched + Named> Watching<T> {
    pub async fn next(&mut self) -> Change<T> {
        match self.queue.recv().await {
            Some(change) => change,
            // The hub lives as long as we do, so that this is never reached but in a runtime that ends.
            None => std::future::pending().await,
        }
    }
}

/// Has a name that one can ask for.
pub trait Named {
    fn name(&self) -> &str;
}

impl Named for Arc<Pod> {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Arc<ClusterEvent> {
    fn name(&self) -> &str {
        &self.about.name
    }
}

impl Watches {
    pub fn new(cluster: Cluster) -> Watches {
        Watches(Arc::new(Shared {
            cluster,
            tasks: TaskTracker::new(),
            pods: Mutex::default(),
            events: Mutex::default(),
        }))
    }

    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// All pods of a namespace.
    pub fn pods(&self, namespace: &str) -> Watching<Arc<Pod>> {
        self.follow(&self.0.pods, namespace, None)
    }

    /// Those of one name.
    pub fn pod(&self, namespace: &str, name: &str) -> Watching<Arc<Pod>> {
        self.follow(&self.0.pods, namespace, Some(name.into()))
    }

    pub fn events(&self, namespace: &str) -> Watching<Arc<ClusterEvent>> {
        self.follow(&self.0.events, namespace, None)
    }

    fn follow<T: Watched + Named>(
        &self,
        hubs: &Mutex<BTreeMap<String, Weak<Hub<T>>>>,
        namespace: &str,
        name: Option<Box<str>>,
    ) -> Watching<T> {
        let mut hubs = hubs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        hubs.retain(|_, hub| hub.strong_count() > 0);
        let hub = hubs.get(namespace).and_then(Weak::upgrade).unwrap_or_else(|| {
            let hub = self.start(namespace);
            hubs.insert(namespace.to_owned(), Arc::downgrade(&hub));
            hub
        });
        drop(hubs);
        let (queue, heard) = unbounded_channel();
        hub.told().add(Follower { name, queue });
        Watching {
            queue: heard,
            _hub: hub,
        }
    }

    fn start<T: Watched + Named>(&self, namespace: &str) -> Arc<Hub<T>> {
        let told = Arc::new(Mutex::new(Told {
            known: None,
            failure: None,
            limit: None,
            followers: Vec::new(),
        }));
        let (cluster, namespace) = (self.0.cluster.clone(), namespace.to_owned());
        let hub = Arc::new(Hub {
            told: told.clone(),
            _task: Mutex::new(None),
        });
        let task = self.0.tasks.spawn(async move {
            let tell = move |heard| lock(&told).hear(heard);
            Source::<T, _>::new(&cluster, &namespace, tell).run().await;
        });
        *hub._task.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(AbortOnDropHandle::new(task));
        hub
    }
}

fn lock<T>(told: &Mutex<Told<T>>) -> std::sync::MutexGuard<'_, Told<T>> {
    told.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<T: Watched> Hub<T> {
    fn told(&self) -> std::sync::MutexGuard<'_, Told<T>> {
        lock(&self.told)
    }
}

impl<T: Watched + Named> Told<T> {
    fn add(&mut self, follower: Follower<T>) {
        if let Some(failure) = &self.failure {
            follower.tell(&Change::Failed(failure.clone()));
        }
        if let Some(limit) = &self.limit {
            follower.tell(&Change::Unwatchable(limit.clone()));
        }
        if let Some(known) = &self.known {
            follower.tell(&Change::All(known.values().cloned().collect()));
        }
        self.followers.push(follower);
    }

    fn hear(&mut self, heard: Heard<T>) {
        let change = match heard {
            Heard::All(items) => {
                let known: BTreeMap<String, T> = items.into_iter().collect();
                let all = known.values().cloned().collect();
                self.known = Some(known);
                Change::All(all)
            }
            Heard::Put(uid, object) => {
                self.known.get_or_insert_default().insert(uid, object.clone());
                Change::Put(object)
            }
            Heard::Gone(uid, object) => {
                self.known.get_or_insert_default().remove(&uid);
                Change::Gone(object)
            }
            Heard::Failed(error) => {
                self.failure = Some(error.clone());
                Change::Failed(error)
            }
            Heard::Recovered => {
                self.failure = None;
                Change::Recovered
            }
            Heard::Lost => Change::Lost,
            Heard::Unwatchable(error) => {
                self.limit = Some(error.clone());
                Change::Unwatchable(error)
            }
        };
        self.followers.retain(|follower| follower.tell(&change));
    }
}

impl<T: Watched + Named> Follower<T> {
    /// Whether it is still there.
    fn tell(&self, change: &Change<T>) -> bool {
        let is_meant = |object: &T| self.name.as_deref().is_none_or(|name| object.name() == name);
        let change = match change {
            Change::Put(object) | Change::Gone(object) if !is_meant(object) => return !self.queue.is_closed(),
            Change::All(objects) => Change::All(objects.iter().filter(|object| is_meant(object)).cloned().collect()),
            other => other.clone(),
        };
        self.queue.send(change).is_ok()
    }
}

impl Cluster {
    pub(in crate::world::cluster) async fn get_pod(&self, path: &str) -> Result<Pod, ClusterError> {
        let wire: WirePod = self.get_json(path, "application/json", source::LIST_PATIENCE).await?;
        Ok(wire.read())
    }
}
