//! Carries effects out: every order becomes a task of its own that reports back with actions. Nothing here decides anything.
//!
//! Tasks are spawned through one tracker and end with it: asked at first, killed when somebody loses patience.

pub mod agents;
pub mod builder;
pub mod cluster;
mod cookie;
mod deploy;
mod evaluate;
mod frame;
mod image;
pub mod link;
mod live;
mod process;
mod source;
mod update;
mod watch;
mod watching;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::build::Share;
use crate::engine::action::Action;
use crate::engine::effect::{Effect, Key, LogOrder, Span, Task};
use crate::engine::handle::{Answers, Handle};
use crate::engine::logs::{Fields, Logs, SpanWriter};
use crate::engine::store::Perform;
use crate::model::local_env::{Injected, local_env};
use crate::tiltfile::Request;
use crate::world::guard::Guard;
use crate::world::process::Cancel;
use crate::world::process::serve::Stop;
use crate::world::watcher::{Settle, WatchError};

use agents::Agents;
use builder::Builders;
use cluster::Whereabouts;
use link::Link;
use process::Processes;
use watch::Watches;
use watching::Watching;

/// Evaluations that may have to be cancelled: one a Tiltfile, and nobody has this many.
const MOST_EVALUATIONS: u64 = 1000;

/// What every order is carried out in.
#[derive(Debug)]
pub struct Surroundings {
    /// A request for the main Tiltfile; those of others differ in path and arguments.
    pub request: Request,
    pub environment: BTreeMap<String, String>,
    pub injected: Injected,
    /// Ends what we started if we are killed.
    pub guard: Option<Arc<Guard>>,
    pub builders: Builders,
    pub whereabouts: Arc<Whereabouts>,
    pub link: Arc<Link>,
    pub agents: Arc<Agents>,
    /// Where images are shared by their inputs, if anywhere.
    pub share: Share,
    pub detail: Detail,
}

/// How much of what happens is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    #[default]
    Usual,
    /// With what is only of interest for finding faults.
    All,
}

impl Surroundings {
    /// The environment of a command with additions of its own.
    fn env(&self, own: &[String]) -> BTreeMap<String, String> {
        local_env(&self.environment, &self.injected, own)
    }
}

pub struct Performer {
    context: Context,
    answers: Arc<Answers>,
    watches: Watches,
    processes: Processes,
    watching: Watching,
    updates: HashMap<u64, Stop>,
    evaluations: HashMap<u64, Cancel>,
    /// Kills what does not end by itself.
    kill: tokio_util::sync::CancellationToken,
}

/// What tasks share.
#[derive(Clone)]
struct Context {
    handle: Handle,
    logs: Logs,
    tracker: TaskTracker,
    surroundings: Arc<Surroundings>,
}

impl Performer {
    pub fn new(handle: Handle, answers: Arc<Answers>, logs: Logs, surroundings: Surroundings) -> Performer {
        let context = Context {
            handle,
            logs,
            tracker: TaskTracker::new(),
            surroundings: Arc::new(surroundings),
        };
        Performer {
            watches: Watches::default(),
            processes: Processes::default(),
            watching: Watching::default(),
            updates: HashMap::new(),
            evaluations: HashMap::new(),
            kill: tokio_util::sync::CancellationToken::new(),
            answers,
            context,
        }
    }

    /// Watches files from now on. Without this, watches are taken and never report anything, as in `tilt ci`.
    pub fn watch_files(&mut self, settle: Settle) -> Result<(), WatchError> {
        self.watches.start(settle, &self.context)
    }

    /// Kills, when cancelled, whatever has been asked to end and has not.
    pub fn kill_switch(&self) -> tokio_util::sync::CancellationToken {
        self.kill.clone()
    }

    /// Ends everything that still runs, and waits for it.
    pub async fn close(mut self) {
        self.processes.release_all();
        self.watching.release_all();
        self.updates.values().for_each(|stop| stop.politely.cancel());
        self.evaluations.values().for_each(Cancel::request);
        self.watches.stop();
        self.context.tracker.close();
        self.context.tracker.wait().await;
    }

    fn keep(&mut self, key: Key, task: Task) {
        match (key, task) {
            (Key::Watch(name), Task::Watch { paths, ignores }) => {
                self.watches.keep(&name, paths, ignores, &self.context);
            }
            (Key::Process(name), Task::Process(task)) => {
                self.processes.keep(name, *task, &self.context, &self.kill);
            }
            (Key::Repo(name), Task::Repo { generation, repo }) => {
                source::repo(name, generation, repo, &self.context);
            }
            (Key::Extension(name), Task::Extension { generation, repo, path }) => {
                source::extension(name, generation, (repo, path), &self.context);
            }
            (Key::Cluster, Task::Cluster) => self.watching.keep_cluster(&self.context),
            (Key::Discovery(name), Task::Discovery(task)) => {
                self.watching.keep_discovery(name, *task, &self.context);
            }
            (Key::PodLogs(name), Task::PodLogs(task)) => self.watching.keep_logs(name, *task, &self.context),
            (Key::Agent(container), Task::Agent(task)) => self.watching.keep_agent(container, task, &self.context),
            (Key::Forward(name), Task::Forward(task)) => self.watching.keep_forward(name, *task, &self.context),
            (key, task) => unreachable!("{key:?} is not a key of {task:?}"),
        }
    }

    fn release(&mut self, key: &Key) {
        match key {
            Key::Watch(name) => self.watches.release(name),
            Key::Process(name) => self.processes.release(name),
            // What is fetched is fetched.
            Key::Repo(_) | Key::Extension(_) => {}
            Key::Cluster => self.watching.release_cluster(),
            Key::Discovery(name) => self.watching.release_discovery(name),
            Key::PodLogs(name) => self.watching.release_logs(name),
            Key::Forward(name) => self.watching.release_forward(name),
            Key::Agent(container) => self.watching.release_agent(container),
        }
    }
}

impl Perform for Performer {
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { token, answer } => self.answers.give(token, answer),
            Effect::Fence { token } => self.watches.fence(token, &self.context),
            Effect::Evaluate(order) => {
                let cancel = Cancel::default();
                self.evaluations.insert(order.run, cancel.clone());
                // Only the latest few can still be running.
                let oldest = order.run.saturating_sub(MOST_EVALUATIONS);
                self.evaluations.retain(|run, _| *run > oldest);
                evaluate::evaluate(order, cancel, &self.context);
            }
            Effect::CancelEvaluation { run } => {
                if let Some(cancel) = self.evaluations.get(&run) {
                    cancel.request();
                }
            }
            Effect::StartUpdate(order) => {
                let stop = Stop {
                    at_once: self.kill.child_token(),
                    ..Stop::default()
                };
                self.updates.retain(|_, stop| !stop.politely.is_cancelled());
                self.updates.insert(order.update, stop.clone());
                update::start(*order, stop, &self.context);
            }
            Effect::CancelUpdate { update } => {
                if let Some(stop) = self.updates.get(&update) {
                    stop.politely.cancel();
                }
            }
            Effect::Keep { key, task } => self.keep(key, task),
            Effect::Release { key } => self.release(&key),
            Effect::Prune(order) => image::prune(*order, &self.context),
            Effect::Log(order) => self.context.log(&order),
            Effect::Scrub(secrets) => self.context.logs.add_secrets(secrets),
        }
    }
}

impl Context {
    fn tell(&self, action: Action) {
        self.handle.tell(action);
    }

    fn span(&self, span: &Span) -> SpanWriter {
        self.logs.span(&span.id, &span.resource)
    }

    fn log(&self, order: &LogOrder) {
        let fields = Fields {
            build_event: order.event,
            progress: None,
        };
        self.span(&order.span).line(order.level, &order.text, fields);
    }
}
