//! What works for us in containers: brought there as soon as a container runs, so that the first save finds it, and brought back
//! when the way to it is lost.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::engine::action::{Action, AgentFact};
use crate::engine::effect::AgentTask;
use crate::engine::logs::SpanWriter;
use crate::engine::perform::Context;
use crate::engine::state::Name;
use crate::liveupdate::apply::Tell;
use crate::liveupdate::pull::{Arrivals, Ledger, Pulled, Pulling, Told};
use crate::world::agent::{Agent, Exit, News, Place, Pod, StartError, Stream, Way};
use crate::world::docker::Engine;

/// Between attempts; a container that has just started may not take commands yet.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// From then on.
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// Where nothing leads in, somebody may still make a folder writable.
const LONG_PAUSE: Duration = Duration::from_secs(60);

const LOOKING: Duration = Duration::from_secs(10);

/// After so many attempts more, what should have passed has not: a build may bring a container that answers.
const PATIENCE: usize = PAUSES.len() + 3;

/// Which way leads into containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approach {
    /// The engine, where it is ours that runs them, else the cluster.
    #[default]
    Auto,
    Engine,
    Cluster,
}

/// All of them, by the ids of their containers.
#[derive(Default)]
pub struct Agents {
    approach: Approach,
    // Held for a look-up only. Each with the number of whoever keeps it.
    there: Mutex<HashMap<Name, (u64, There)>>,
    keepers: AtomicU64,
    engine: OnceCell<Engine>,
    pub(super) arrivals: Arc<Arrivals>,
    /// The ids of containers that somebody was in already.
    entered: Mutex<HashSet<Name>>,
}

/// The way into a container.
#[derive(Clone)]
pub struct There {
    pub agent: Agent,
    /// Of each place that something is pulled from.
    pub ledgers: Vec<Arc<Ledger>>,
}

impl Agents {
    pub fn new(approach: Approach) -> Agents {
        Agents {
            approach,
            ..Agents::default()
        }
    }

    pub fn get(&self, container: &str) -> Option<There> {
        let there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        there.get(container).map(|(_, there)| there.clone())
    }

    fn put(&self, (container, keeper): (&Name, u64), way: There) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        there.insert(Arc::clone(container), (keeper, way));
    }

    /// Whether nobody was in it before: then whatever is there it has made itself.
    fn enter(&self, container: &Name) -> bool {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        entered.insert(Arc::clone(container))
    }

    /// Another keeper's, which may have come before this one was gone, stays.
    fn remove(&self, (container, keeper): (&Name, u64)) {
        let mut there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        if there.get(container).is_some_and(|(of, _)| *of == keeper) {
            there.remove(container);
        }
    }

    /// Where a container is: on the engine, if that is ours, since that way is shorter.
    async fn place(&self, task: &AgentTask, context: &Context) -> Result<Place, StartError> {
        let live = context.surroundings.link.live().await?;
        let is_likely = match self.approach {
            Approach::Auto => live.facts.runtimes.contains("docker"),
            Approach::Engine => true,
            Approach::Cluster => false,
        };
        if is_likely && let Some(engine) = self.engine(context).await {
            let known = timeout(LOOKING, engine.container(&task.id)).await;
            let known = known.map_err(|_| StartError::Late {
                doing: "looking at it",
                seconds: LOOKING.as_secs(),
            })??;
            if is_by_engine(self.approach, known.map(|container| container.is_running))? {
                let container = task.id.to_string();
                let engine = engine.clone();
                return Ok(Place::Docker { engine, container });
            }
        }
        Ok(Place::Kubernetes(Pod {
            cluster: live.cluster.clone(),
            namespace: task.namespace.to_string(),
            pod: task.pod.to_string(),
            container: task.container.to_string(),
            arch: live.facts.arch.clone().unwrap_or_default(),
        }))
    }

    async fn engine(&self, context: &Context) -> Option<&Engine> {
        let connect = async {
            let env = context.surroundings.whereabouts.env().await;
            Engine::connect(&env).await
        };
        // Clusters whose containers we reach are not always on an engine of ours.
        self.engine.get_or_try_init(|| connect).await.ok()
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").field("approach", &self.approach).finish()
    }
}

/// Keeps something of ours at work in a container until told to stop.
pub(super) fn keep(container: Name, task: Arc<AgentTask>, stop: CancellationToken, context: &Context) {
    let shared = context.clone();
    let keeper = context.surroundings.agents.keepers.fetch_add(1, Ordering::Relaxed);
    context.tracker.spawn(async move {
        tokio::select! {
            () = follow((&container, keeper), &task, &shared) => {}
            () = stop.cancelled() => {}
        }
        shared.surroundings.agents.remove((&container, keeper));
    });
}

async fn follow((container, keeper): (&Name, u64), task: &AgentTask, context: &Context) {
    let tell = |fact: AgentFact| {
        context.tell(Action::Agent {
            container: Arc::clone(container),
            fact,
        });
    };
    let mut failures = 0;
    let mut is_first = true;
    // What is known of the container outlives the way to it.
    let ledgers: Vec<Arc<Ledger>> = task.pulls.iter().map(|place| Arc::new(Ledger::new(place))).collect();
    let mut pulls: Option<Vec<Pulling>> = None;
    loop {
        let mut pause = PAUSES.get(failures).copied().unwrap_or(LAST_PAUSE);
        let (sender, mut news) = mpsc::unbounded_channel();
        match start(task, sender, context).await {
            Ok(agent) => {
                (failures, pause) = (0, PAUSES[0]);
                if !std::mem::take(&mut is_first) {
                    tidy(&agent, task).await;
                }
                let fallback = match &agent.about().way {
                    Way::Fallback { why } => Some(why.clone()),
                    Way::Image | Way::Archive | Way::Shell | Way::Tar => None,
                };
                let pulls = pulls.get_or_insert_with(|| {
                    let since = task.since.filter(|_| context.surroundings.agents.enter(container));
                    let pulling = |(place, ledger): (&Pulled, &Arc<Ledger>)| {
                        Pulling::new(place.clone(), since, Arc::clone(ledger))
                    };
                    task.pulls.iter().zip(&ledgers).map(pulling).collect()
                });
                begin(&agent, pulls, (task, context)).await;
                let there = There {
                    agent: agent.clone(),
                    // Commands bring nothing back.
                    ledgers: if fallback.is_some() {
                        Vec::new()
                    } else {
                        ledgers.clone()
                    },
                };
                context.surroundings.agents.put((container, keeper), there);
                let is_by_commands = fallback.is_some();
                tell(AgentFact::Ready { fallback });
                if is_by_commands {
                    // There is no stream that could be lost: it lasts as long as its container.
                    return std::future::pending().await;
                }
                while let Some(first) = news.recv().await {
                    let mut changed = BTreeSet::new();
                    let mut is_gone = false;
                    // However often a place has changed, it is looked at once.
                    for news in std::iter::once(first).chain(std::iter::from_fn(|| news.try_recv().ok())) {
                        match news {
                            News::Gone { .. } => is_gone = true,
                            News::AppStarted { .. } => tell(AgentFact::AppStarted),
                            News::AppExited { exit } => tell(AgentFact::AppEnded { how: ended(exit) }),
                            News::Changed { root } => drop(changed.insert(root)),
                        }
                    }
                    if is_gone {
                        break;
                    }
                    for root in changed {
                        pull(&agent, &root, pulls, (task, context)).await;
                    }
                }
                context.surroundings.agents.remove((container, keeper));
                tell(AgentFact::Lost);
            }
            Err(error) => {
                pause = pause.max(told(&error, failures, &tell));
            }
        }
        sleep(pause).await;
        failures += 1;
    }
}

/// Whether the way leads through the engine, which knows the container to run or not, or does not know it.
fn is_by_engine(approach: Approach, runs: Option<bool>) -> Result<bool, StartError> {
    match runs {
        // By its name the cluster would lead to the one after it.
        Some(false) => Err(StartError::NotRunning),
        Some(true) => Ok(true),
        None => Ok(approach == Approach::Engine),
    }
}

/// Says what a failure means for those who wait, after so many before it, and when to try again at the earliest.
fn told(error: &StartError, failures: usize, tell: &impl Fn(AgentFact)) -> Duration {
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let text = format!("{error}{hint}");
    // Whoever cannot be reached at all cannot be asked to build either.
    let may_pass = error.is_passing() && (failures < PATIENCE || error.is_connection());
    if !may_pass {
        tell(AgentFact::Failed { error: text });
    } else if failures >= PAUSES.len() {
        tell(AgentFact::Delayed { error: text });
    }
    if error.is_passing() { Duration::ZERO } else { LONG_PAUSE }
}

/// What an agent was about to do when it was killed lies about. A whole file system is too much to look through for that.
async fn tidy(agent: &Agent, task: &AgentTask) {
    let roots: Vec<String> = task
        .roots
        .iter()
        .filter(|root| !root.trim_matches('/').is_empty())
        .cloned()
        .collect();
    // Where it cannot be done it harms nobody.
    let _untidy = agent.clean(&roots).await.is_err();
}

async fn start(task: &AgentTask, news: mpsc::UnboundedSender<News>, context: &Context) -> Result<Agent, StartError> {
    let place = context.surroundings.agents.place(task, context).await?;
    Agent::start(place, &task.roots, news).await
}

/// What is in the container before anything is done there is what it is compared with.
async fn begin(agent: &Agent, pulls: &mut [Pulling], (task, context): (&AgentTask, &Context)) {
    let mut roots: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Pulled { root, patterns, .. } in pulls.iter().map(Pulling::of) {
        roots.entry(root.clone()).or_default().extend(patterns.iter().cloned());
    }
    for (root, patterns) in roots {
        // A place is followed once, for whatever is wanted of it.
        match agent.follow(&root, &patterns).await {
            Ok(()) => pull(agent, &root, pulls, (task, context)).await,
            Err(error) => {
                let log = context.span(&task.span);
                log.warn(&format!("Nothing is pulled from {root} in {}: {error}", named(task)));
            }
        }
    }
}

async fn pull(agent: &Agent, root: &str, pulls: &mut [Pulling], (task, context): (&AgentTask, &Context)) {
    let log = context.span(&task.span);
    for pulling in pulls.iter_mut().filter(|pulling| pulling.of().root == root) {
        let pulled = pulling
            .pull(agent, &to_tell((task, &named(task)), &Log(&log), context))
            .await;
        if let Err(error) = pulled {
            log.warn(&format!("Not everything was pulled from {}: {error}", named(task)));
        }
    }
}

fn to_tell<'a>((task, named): (&'a AgentTask, &'a str), tell: &'a dyn Tell, context: &'a Context) -> Told<'a> {
    let arrivals = &context.surroundings.agents.arrivals;
    Told {
        container: named,
        id: &task.id,
        tell,
        arrivals,
    }
}

fn named(task: &AgentTask) -> String {
    format!("{}/{}", task.pod, task.container)
}

/// Lines for the log of a resource.
struct Log<'a>(&'a SpanWriter);

impl Tell for Log<'_> {
    fn info(&self, text: &str) {
        self.0.info(text);
    }

    fn warn(&self, text: &str) {
        self.0.warn(text);
    }

    fn error(&self, text: &str) {
        self.0.error(text);
    }

    fn output(&self, _: &str, _: Stream, bytes: &[u8]) {
        self.0.info(&String::from_utf8_lossy(bytes));
    }
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal(signal) => format!("was ended by signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn said(error: &StartError, failures: usize) -> (Option<AgentFact>, Duration) {
        let facts = RefCell::new(Vec::new());
        let pause = told(error, failures, &|fact| facts.borrow_mut().push(fact));
        (facts.into_inner().pop(), pause)
    }

    #[test]
    fn what_may_pass_is_waited_for_and_only_then_does_it_count_as_no_way() {
        let late = StartError::NotRunning;
        let is_delayed = |failures| matches!(said(&late, failures).0, Some(AgentFact::Delayed { .. }));
        assert_eq!(said(&late, PAUSES.len() - 1), (None, Duration::ZERO));
        assert!(is_delayed(PAUSES.len()) && is_delayed(PATIENCE - 1));
        assert!(matches!(said(&late, PATIENCE).0, Some(AgentFact::Failed { .. })));
    }

    #[test]
    fn while_nobody_can_be_asked_nothing_is_built() {
        let away = StartError::Docker(crate::world::docker::DockerError::Broken {
            doing: "running a command",
            reason: "reset".to_owned(),
        });
        assert!(matches!(said(&away, 1000).0, Some(AgentFact::Delayed { .. })));
    }

    #[test]
    fn where_no_way_leads_in_it_is_said_at_once_and_looked_at_seldom() {
        let none = StartError::NoWay { tried: Vec::new() };
        let (fact, pause) = said(&none, 0);
        assert!(matches!(fact, Some(AgentFact::Failed { .. })));
        assert_eq!(pause, LONG_PAUSE);
    }

    #[test]
    fn a_container_that_the_engine_knows_is_reached_through_it_or_not_at_all() {
        for approach in [Approach::Auto, Approach::Engine] {
            assert!(is_by_engine(approach, Some(true)).unwrap());
            assert!(matches!(
                is_by_engine(approach, Some(false)),
                Err(StartError::NotRunning)
            ));
        }
        assert!(!is_by_engine(Approach::Auto, None).unwrap());
        assert!(is_by_engine(Approach::Engine, None).unwrap());
    }
}
