//! What is seen of pods: which there are, what the cluster says of them, what they print, and the ports that lead into them.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::deploy::discovery::{Follow, News};
use crate::deploy::forward::{Forwards, PodTarget, Told};
use crate::deploy::logs::{LogNews, LogsOf, Output, PodLogs};
use crate::engine::action::{Action, DiscoveryFact};
use crate::engine::effect::{AgentTask, DiscoveryTask, ForwardTask, LogsTask};
use crate::engine::logs::{Level, SpanWriter};
use crate::engine::perform::link::{self, Live};
use crate::engine::perform::{Context, agents};
use crate::engine::state::{ContainerStream, ForwardedPort, Name, StreamState};
use crate::model::pod::Pod;
use crate::model::port::PortForward;

/// A pod that is no longer wanted still has a few last words.
const LAST_WORDS: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Watching {
    cluster: Option<CancellationToken>,
    discoveries: HashMap<Name, Discovering>,
    streams: HashMap<Name, CancellationToken>,
    forwards: HashMap<Name, Forwarding>,
    agents: HashMap<Name, CancellationToken>,
    /// Ends even what has last words.
    over: CancellationToken,
}

struct Discovering {
    follow: Arc<Follow>,
    stop: CancellationToken,
}

struct Forwarding {
    ports: Vec<PortForward>,
    target: watch::Sender<Option<PodTarget>>,
    stop: CancellationToken,
}

impl Watching {
    pub fn keep_agent(&mut self, container: Name, task: Arc<AgentTask>, context: &Context) {
        let stop = self.over.child_token();
        agents::keep(Arc::clone(&container), task, stop.clone(), context);
        if let Some(before) = self.agents.insert(container, stop) {
            before.cancel();
        }
    }

    pub fn release_agent(&mut self, container: &Name) {
        if let Some(stop) = self.agents.remove(container) {
            stop.cancel();
        }
    }

    pub fn keep_cluster(&mut self, context: &Context) {
        let stop = self.over.child_token();
        link::keep(stop.clone(), context);
        self.cluster = Some(stop);
    }

    pub fn release_cluster(&mut self) {
        if let Some(stop) = self.cluster.take() {
            stop.cancel();
        }
    }

    pub fn keep_discovery(&mut self, name: Name, task: DiscoveryTask, context: &Context) {
        let Some(live) = reached(context) else { return };
        let stop = self.over.child_token();
        // Asked for before the one before it ends, so that watches that both need go on.
        let before = self.discoveries.remove(&name);
        let known = before.as_ref().map(|before| &*before.follow);
        let follow = Arc::new(live.discoveries.follow_after(known, task.wanted.clone(), task.since));
        cancel(before.map(|before| before.stop));
        let discovering = Discovering {
            follow: Arc::clone(&follow),
            stop: stop.clone(),
        };
        self.discoveries.insert(Arc::clone(&name), discovering);
        let shared = context.clone();
        context.tracker.spawn(async move {
            tokio::select! {
                () = discover(&name, &task, &follow, &shared) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    pub fn release_discovery(&mut self, name: &str) {
        cancel(self.discoveries.remove(name).map(|discovering| discovering.stop));
    }

    pub fn keep_logs(&mut self, name: Name, task: LogsTask, context: &Context) {
        let Some(live) = reached(context) else { return };
        let stop = self.over.child_token();
        cancel(self.streams.insert(Arc::clone(&name), stop.clone()));
        let over = self.over.clone();
        let paper = Arc::new(Paper {
            stream: name,
            writer: context.span(&task.span),
            written: Mutex::new(Vec::new()),
            context: context.clone(),
        });
        context.tracker.spawn(async move {
            let names = |names: Vec<String>| names.into_iter().map(Into::into).collect();
            let of = LogsOf {
                namespace: task.namespace.into(),
                pod: task.pod.into(),
                since: task.since,
                only: names(task.only),
                ignore: names(task.ignore),
            };
            let logs = PodLogs::start(live.discoveries.watches(), of, paper.clone());
            let read = async {
                let mut ended = std::pin::pin!(logs.ended());
                tokio::select! {
                    () = &mut ended => return,
                    () = stop.cancelled() => {}
                }
                // Whoever is released speaks on until there is nothing left to say.
                drop(timeout(LAST_WORDS, ended).await);
            };
            tokio::select! {
                () = read => {}
                () = over.cancelled() => {}
            }
            paper.room().await;
        });
    }

    pub fn release_logs(&mut self, name: &str) {
        cancel(self.streams.remove(name));
    }

    /// Ports stay open while the pod that they lead into is replaced.
    pub fn keep_forward(&mut self, name: Name, task: ForwardTask, context: &Context) {
        let target = task.target.as_deref().map(target);
        if let Some(known) = self.forwards.get(&name).filter(|known| known.ports == task.ports) {
            known.target.send_replace(target);
            return;
        }
        let Some(live) = reached(context) else { return };
        self.release_forward(&name);
        let (sender, receiver) = watch::channel(target);
        let stop = self.over.child_token();
        let forwarding = Forwarding {
            ports: task.ports.clone(),
            target: sender,
            stop: stop.clone(),
        };
        self.forwards.insert(Arc::clone(&name), forwarding);
        let (log, shared) = (context.span(&task.span), context.clone());
        context.tracker.spawn(async move {
            let forwards = Forwards {
                resource: task.span.resource.to_string(),
                forwards: task.ports,
                default_host: String::new(),
            };
            let tell = move |told: Told| match told {
                Told::Line(line) => log.info(&line),
                Told::Statuses(statuses) => shared.tell(Action::Forward {
                    forward: Arc::clone(&name),
                    ports: statuses.into_iter().map(port).collect(),
                }),
            };
            tokio::select! {
                () = forwards.run(live.cluster.clone(), receiver, tell) => {}
                () = stop.cancelled() => {}
            }
        });
    }

    pub fn release_forward(&mut self, name: &str) {
        cancel(self.forwards.remove(name).map(|forwarding| forwarding.stop));
    }

    pub fn release_all(&mut self) {
        self.over.cancel();
    }
}

fn cancel(stop: Option<CancellationToken>) {
    if let Some(stop) = stop {
        stop.cancel();
    }
}

/// Nothing of this is wanted before the cluster was reached.
fn reached(context: &Context) -> Option<Arc<Live>> {
    context.surroundings.link.reached()
}

async fn discover(name: &Name, task: &DiscoveryTask, follow: &Follow, context: &Context) {
    let events = context.span(&task.span);
    loop {
        let fact = match follow.next().await {
            News::Started => DiscoveryFact::Started,
            News::Pods(pods) => DiscoveryFact::Pods(pods),
            News::Recovered => DiscoveryFact::Recovered,
            News::Failed(error) => DiscoveryFact::Failed { error },
            News::Event(event) => {
                events.info(&event.text);
                continue;
            }
            News::Dropped(count) => {
                events.warn(&format!("[… {count} events were left out here]"));
                continue;
            }
            News::Slow(why) => {
                events.warn(&why);
                continue;
            }
        };
        context.tell(Action::Discovered {
            discovery: Arc::clone(name),
            generation: task.generation,
            fact,
        });
    }
}

/// Where the lines of a pod go.
struct Paper {
    stream: Name,
    writer: SpanWriter,
    // What came and is not in the log yet; held to add to it, or to take it.
    written: Mutex<Vec<u8>>,
    context: Context,
}

impl Output for Paper {
    fn take(&self, news: LogNews<'_>) {
        match news {
            LogNews::Line {
                container,
                bytes,
                is_prefixed,
            } => {
                let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                if is_prefixed {
                    written.extend(format!("[{container}] ").as_bytes());
                }
                written.extend(bytes);
                written.push(b'\n');
            }
            LogNews::Status(containers) => self.context.tell(Action::PodLogs {
                stream: Arc::clone(&self.stream),
                state: StreamState {
                    containers: containers.into_iter().map(stream).collect(),
                    error: String::new(),
                },
            }),
        }
    }

    fn room(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            let written = std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner));
            if !written.is_empty() {
                // The log is closed only once we are on our way out.
                drop(self.writer.write(Level::Info, &written).await);
            }
        })
    }
}

fn stream(container: crate::deploy::logs::ContainerLog) -> ContainerStream {
    ContainerStream {
        name: container.name.into(),
        active: container.active,
        terminated: container.terminated,
        error: container.error,
    }
}

fn target(pod: &Pod) -> PodTarget {
    PodTarget {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
        ports: pod
            .containers
            .iter()
            .flat_map(|container| container.ports.clone())
            .collect(),
    }
}

fn port(status: crate::deploy::forward::ForwardStatus) -> ForwardedPort {
    ForwardedPort {
        local: status.local_port,
        container: status.container_port,
        addresses: status.addresses,
        started: status.started,
        error: status.error,
    }
}
