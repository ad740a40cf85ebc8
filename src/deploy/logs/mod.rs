//! What the containers of a pod print, from the start, each line once.
//!
//! Which run of a container is read, and whether it goes on, is told by the watch of pods; what to make of lines that come
//! again after a connection was lost is in `cursor`. Nothing is kept but a line that is still coming.

mod container;
mod cursor;
mod step;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::model::pod::{MESH, Pod};
use crate::model::time::Time;
use crate::world::cluster::watch::{Change, Watches, Watching};
use container::Reader;

/// Whose output to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogsOf {
    pub namespace: Box<str>,
    pub pod: Box<str>,
    /// What was printed before is left out.
    pub since: Option<Time>,
    /// These containers and no others, where there are any.
    pub only: Vec<Box<str>>,
    pub ignore: Vec<Box<str>>,
}

/// What comes of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNews<'a> {
    /// Without its end.
    Line {
        container: &'a str,
        bytes: &'a [u8],
        /// `[container] ` goes before the line, because there are others.
        is_prefixed: bool,
    },
    /// Of all containers, in the pod's order.
    Status(Vec<ContainerLog>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerLog {
    pub name: Box<str>,
    /// It is being read.
    pub active: bool,
    /// It has ended and was read to its end.
    pub terminated: bool,
    /// Why it cannot be read for now; empty if it can.
    pub error: String,
}

/// Takes what comes.
pub trait Output: Send + Sync {
    /// Must not block.
    fn take(&self, news: LogNews<'_>);

    /// Waits until there is room for more: nobody reads on before that.
    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

pub type Sink = Arc<dyn Output>;

/// What takes all that comes at once.
impl<F: Fn(LogNews<'_>) + Send + Sync> Output for F {
    fn take(&self, news: LogNews<'_>) {
        self(news);
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// The pod as it is read by all of its containers' readers.
#[derive(Clone, Debug, Default)]
struct Look {
    pod: Option<Arc<Pod>>,
    is_gone: bool,
    /// Whenever the cluster was lost: who reads from it may be on a dead connection.
    losses: u64,
}

/// Reads until it is dropped, or everything was read.
pub struct PodLogs {
    task: AbortOnDropHandle<()>,
}

impl PodLogs {
    pub fn start(watches: &Watches, of: LogsOf, sink: Sink) -> PodLogs {
        let pods = watches.pod(&of.namespace, &of.pod);
        let board = Board {
            cluster: watches.clone(),
            of: Arc::new(of),
            sink,
            statuses: Arc::default(),
        };
        PodLogs {
            task: AbortOnDropHandle::new(TaskTracker::new().spawn(board.read(pods))),
        }
    }

    /// Until the pod is gone and everything that it printed was read.
    pub async fn ended(self) {
        drop(self.task.await);
    }
}

/// What the readers of one pod share.
#[derive(Clone)]
struct Board {
    cluster: Watches,
    of: Arc<LogsOf>,
    sink: Sink,
    // By place in the pod; held to change one and to copy all.
    statuses: Arc<Mutex<BTreeMap<usize, ContainerLog>>>,
}

impl Board {
    async fn read(self, mut pods: Watching<Arc<Pod>>) {
        let (tell, look) = watch::channel(Look::default());
        let mut readers = JoinSet::new();
        let mut names: Vec<Box<str>> = Vec::new();
        loop {
            // Readers end when the pod is gone.
            let change = tokio::select! {
                change = pods.next() => change,
                Some(_) = readers.join_next(), if !readers.is_empty() => {
                    if readers.is_empty() && tell.borrow().is_gone {
                        return;
                    }
                    continue;
                }
            };
            tell.send_modify(|look| see(look, change));
            let pod = tell.borrow().pod.clone();
            for (place, name, is_prefixed) in pod.iter().flat_map(|pod| self.chosen(pod)) {
                if !names.contains(&name) {
                    names.push(name.clone());
                    let reader = Reader::new(self.clone(), place, name, is_prefixed);
                    readers.spawn(reader.read(look.clone()));
                }
            }
            if readers.is_empty() && tell.borrow().is_gone {
                return;
            }
        }
    }

    fn chosen(&self, pod: &Pod) -> Vec<(usize, Box<str>, bool)> {
        let is_chosen = |name: &str| {
            let is_listed = |list: &[Box<str>]| list.iter().any(|listed| **listed == *name);
            match (self.of.only.is_empty(), self.of.ignore.is_empty()) {
                (false, _) => is_listed(&self.of.only) && !is_listed(&self.of.ignore),
                (true, false) => !is_listed(&self.of.ignore),
                (true, true) => !MESH.contains(&name),
            }
        };
        let are_several = pod
            .containers
            .iter()
            .filter(|container| is_chosen(&container.name))
            .count()
            > 1;
        let inits = pod.init_containers.len();
        let all = pod
            .all_containers()
            .enumerate()
            .filter(|(_, container)| is_chosen(&container.name));
        all.map(|(place, container)| (place, container.name.clone(), place < inits || are_several))
            .collect()
    }

    fn report(&self, place: usize, status: ContainerLog) {
        let mut statuses = self.statuses.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if statuses.insert(place, status.clone()).as_ref() == Some(&status) {
            return;
        }
        let all = statuses.values().cloned().collect();
        drop(statuses);
        self.sink.take(LogNews::Status(all));
    }
}

fn see(look: &mut Look, change: Change<Arc<Pod>>) {
    match change {
        // Of several of one name, which is rare and short, the younger one.
        Change::All(pods) => {
            look.is_gone = pods.is_empty() && look.pod.is_some();
            look.pod = pods.into_iter().max_by_key(|pod| pod.created).or(look.pod.take());
        }
        Change::Put(pod) => {
            look.is_gone = false;
            look.pod = Some(pod);
        }
        Change::Gone(pod) => {
            look.is_gone = look.pod.as_ref().is_none_or(|known| known.uid == pod.uid);
            if look.is_gone {
                look.pod = Some(pod);
            }
        }
        Change::Failed(_) | Change::Lost => look.losses += 1,
        Change::Recovered | Change::Unwatchable(_) => {}
    }
}
