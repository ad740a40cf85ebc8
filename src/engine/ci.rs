//! Pure. What a session consists of, and for `tilt ci`: whether all of it is healthy, and what failed.

use std::sync::Arc;
use std::time::Duration;

use crate::deploy::runtime::Runtime;
use crate::engine::settle::deploy::stream_name;
use crate::engine::state::{Hold, MAIN, Mode, Name, Outcome, Phase, ResourceState, State, StreamState};
use crate::engine::workload;
use crate::model::duration::Duration as Shown;
use crate::model::pod::{Container, Pod};
use crate::model::time::Time;
use crate::model::workload::PodReadiness;

/// The longest that what has ended is heard out.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// Of those that are waited for.
const MOST_SHOWN: usize = 5;

/// One thing that has to come to an end, or to be ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub kind: TargetKind,
    pub resource: Name,
    pub state: TargetState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    Job,
    Server,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TargetState {
    /// Nothing has happened, and nothing will by itself.
    Unknown,
    Waiting {
        reason: String,
    },
    Active {
        started: Time,
        ready: bool,
        last_ready: Option<Time>,
    },
    Terminated {
        started: Time,
        finished: Time,
        error: Option<String>,
        grace: Grace,
    },
    Disabled,
}

/// Whether a failure may pass, since it is young (`ci_settings(k8s_grace_period)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grace {
    #[default]
    NotApplicable,
    /// It counts from then on.
    Tolerated {
        until: Time,
    },
    Exceeded,
}

impl TargetKind {
    pub fn word(self) -> &'static str {
        match self {
            TargetKind::Job => "job",
            TargetKind::Server => "server",
        }
    }
}

/// Every target, by name.
pub fn targets(state: &State) -> Vec<Target> {
    let mut targets: Vec<Target> = tiltfile(state).into_iter().collect();
    for (name, resource) in &state.resources {
        if resource.has_update_command() || !resource.serves() {
            targets.push(Target {
                name: format!("{name}:update"),
                kind: TargetKind::Job,
                resource: Arc::clone(name),
                state: update(resource),
            });
        }
        if let Some(kind) = runtime_kind(resource) {
            targets.push(Target {
                name: format!("{name}:runtime"),
                kind,
                resource: Arc::clone(name),
                state: runtime(state, resource, kind),
            });
        }
        if resource.serves() {
            targets.push(Target {
                name: format!("{name}:serve"),
                kind: TargetKind::Server,
                resource: Arc::clone(name),
                state: serve(resource),
            });
        }
    }
    targets.sort_by(|a, b| a.name.cmp(&b.name));
    targets
}

fn tiltfile(state: &State) -> Option<Target> {
    let main = state.tiltfiles.get(MAIN)?;
    let target = match (&main.running, main.history.front()) {
        (Some(running), _) => TargetState::Active {
            started: running.started,
            ready: false,
            last_ready: None,
        },
        (None, _) if main.due.is_some() => waiting("initial-build"),
        (None, Some(last)) => TargetState::Terminated {
            started: last.started,
            finished: last.finished,
            error: last.error.clone(),
            grace: Grace::default(),
        },
        (None, None) => waiting("initial-build"),
    };
    Some(Target {
        name: "tiltfile:update".to_owned(),
        kind: TargetKind::Job,
        resource: MAIN.into(),
        state: target,
    })
}

fn waiting(reason: &str) -> TargetState {
    TargetState::Waiting {
        reason: reason.to_owned(),
    }
}

/// What keeps an update from running: a hold, or only its turn.
fn pending(resource: &ResourceState) -> Option<TargetState> {
    match &resource.hold {
        Some(Hold::ManualInit | Hold::Manual { .. } | Hold::Disabled) => None,
        Some(hold) => Some(waiting(hold.reason())),
        None => resource.is_due().then(|| waiting("waiting-for-turn")),
    }
}

fn update(resource: &ResourceState) -> TargetState {
    if !resource.enabled {
        return TargetState::Disabled;
    }
    if let Some(running) = &resource.running {
        return TargetState::Active {
            started: running.started,
            ready: false,
            last_ready: None,
        };
    }
    let ended = resource.last().map(|last| TargetState::Terminated {
        started: last.started,
        finished: last.finished,
        error: last.error.clone(),
        grace: Grace::default(),
    });
    pending(resource).or(ended).unwrap_or(TargetState::Unknown)
}

fn serve(resource: &ResourceState) -> TargetState {
    if !resource.enabled {
        return TargetState::Disabled;
    }
    let Some(serve) = &resource.serve else {
        return match (&resource.running, resource.last()) {
            (Some(_), _) => waiting("initial-build"),
            (None, Some(last)) if last.error.is_some() => waiting("update-failed"),
            _ => pending(resource).unwrap_or(TargetState::Unknown),
        };
    };
    match &serve.process.phase {
        Phase::Starting => waiting("starting"),
        Phase::Running { started, .. } => TargetState::Active {
            started: *started,
            ready: serve.process.is_ready(),
            last_ready: serve.process.ready_at,
        },
        // A server that ends is a failure, whatever it says.
        Phase::Exited {
            code,
            started,
            finished,
            ..
        } => TargetState::Terminated {
            started: *started,
            finished: *finished,
            error: Some(format!("Server exited with exit code {code}")),
            grace: Grace::default(),
        },
    }
}

/// What the pods of a resource have to come to: nothing where nobody waits for them.
fn runtime_kind(resource: &ResourceState) -> Option<TargetKind> {
    match workload::target(resource)?.readiness {
        PodReadiness::Ignore => None,
        PodReadiness::Wait => Some(TargetKind::Server),
        PodReadiness::Succeeded => Some(TargetKind::Job),
    }
}

fn runtime(state: &State, resource: &ResourceState, kind: TargetKind) -> TargetState {
    if !resource.enabled {
        return TargetState::Disabled;
    }
    let workload = &resource.workload;
    let since = workload.since.unwrap_or(state.now);
    let deployed = state
        .applies
        .get(resource.name())
        .and_then(|apply| apply.finished)
        .unwrap_or(since);
    match (&workload.runtime, &resource.running, resource.last()) {
        (None, Some(_), _) => waiting("initial-build"),
        (None, None, Some(last)) if last.error.is_some() => waiting("update-failed"),
        (None, None, _) => pending(resource).unwrap_or(TargetState::Unknown),
        (Some(runtime @ Runtime::Error { .. }), ..) => {
            let (error, grace) = graceful(state, &runtime.error().unwrap_or_default(), deployed);
            TargetState::Terminated {
                started: deployed,
                finished: since,
                error: Some(error),
                grace,
            }
        }
        (Some(Runtime::Ok | Runtime::NotApplicable), ..) if kind == TargetKind::Job => TargetState::Terminated {
            started: deployed,
            finished: since,
            error: None,
            grace: Grace::default(),
        },
        (Some(_), ..) => TargetState::Active {
            started: deployed,
            ready: workload.is_ready(),
            last_ready: workload.last_ready,
        },
    }
}

/// A failure of pods that were deployed a moment ago may be none yet.
fn graceful(state: &State, error: &str, deployed: Time) -> (String, Grace) {
    let Some(period) = state.session.ci.k8s_grace_period else {
        return (error.to_owned(), Grace::NotApplicable);
    };
    let until = deployed + period;
    match state.now < until {
        true => (error.to_owned(), Grace::Tolerated { until }),
        false => (format!("exceeded grace period: {error}"), Grace::Exceeded),
    }
}

/// How `tilt ci` ends, once it does.
pub fn judge(state: &State) -> Option<Outcome> {
    // Of a session that is being ended nothing can be said: what was cut short has neither failed nor succeeded.
    if state.session.mode != Mode::Ci || state.session.outcome.is_some() || state.session.ending.is_some() {
        return None;
    }
    let targets = targets(state);
    let failure = cut_off(state)
        .or_else(|| failed(&targets))
        .or_else(|| timed_out(state, &targets))
        .or_else(|| never_ready(state, &targets));
    match failure {
        Some(error) => Some(Outcome::Failure(error)),
        None => is_healthy(state, &targets).then_some(Outcome::Success),
    }
}

/// Whoever is for a cluster that cannot be reached waits in vain.
fn cut_off(state: &State) -> Option<String> {
    let error = state.cluster.error()?;
    let mut resources = state.resources.values();
    let is_needed = resources.any(|resource| resource.enabled && resource.is_kubernetes());
    is_needed.then(|| format!("cluster connection failed: {error}"))
}

fn failed(targets: &[Target]) -> Option<String> {
    targets.iter().find_map(|target| match &target.state {
        TargetState::Terminated {
            grace: Grace::Tolerated { .. },
            ..
        } => None,
        TargetState::Terminated { error: Some(error), .. } => Some(error.clone()),
        _ => None,
    })
}

fn is_healthy(state: &State, targets: &[Target]) -> bool {
    let is_done = |target: &Target| match (&target.state, target.kind) {
        (TargetState::Unknown | TargetState::Disabled, _) => true,
        (TargetState::Waiting { .. }, _) => false,
        (TargetState::Active { ready, .. }, TargetKind::Server) => *ready,
        (TargetState::Active { .. }, TargetKind::Job) => false,
        (TargetState::Terminated { grace, .. }, _) => !matches!(grace, Grace::Tolerated { .. }),
    };
    let idle = !state.tiltfiles.values().any(|tiltfile| tiltfile.is_busy());
    targets.len() > 1 && idle && targets.iter().all(is_done)
}

fn timed_out(state: &State, targets: &[Target]) -> Option<String> {
    let timeout = timeout(state)?;
    if state.now.since(state.session.started) < timeout {
        return None;
    }
    let describe = |what: &str, found: Vec<String>| match found.len() {
        0 => None,
        // Upstream's wording, which scripts match, knows no singular.
        many => Some(format!("{many} resources {what} ({})", shown(&found))),
    };
    let waiting = targets.iter().filter_map(|target| match &target.state {
        TargetState::Waiting { reason } => Some(format!("{} {reason}", target.resource)),
        _ => None,
    });
    let unready = targets.iter().filter_map(|target| match &target.state {
        TargetState::Active { ready: false, .. }
        | TargetState::Terminated {
            grace: Grace::Tolerated { .. },
            ..
        } => Some(target.resource.to_string()),
        _ => None,
    });
    let unready: Vec<String> = unready.collect();
    let parts = [
        describe("waiting", waiting.collect()),
        describe("not ready", unready.clone()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let mut said = vec![match parts.is_empty() {
        true => "nothing is waiting any more".to_owned(),
        false => parts.join(", "),
    }];
    let reasons = unready.iter().filter_map(|resource| {
        let why = held_up(state, resource)?;
        Some(format!("{resource}: {why}"))
    });
    said.extend(reasons.take(MOST_SHOWN));
    Some(format!(
        "Timeout after {}: {}",
        Shown::from_std(timeout),
        said.join("; ")
    ))
}

/// What the pods of a resource wait for.
fn held_up(state: &State, resource: &str) -> Option<String> {
    workload::held_up(&state.resource(resource)?.workload)
}

fn shown(found: &[String]) -> String {
    match found.len() > MOST_SHOWN {
        true => format!("{},…", found[..MOST_SHOWN].join(",")),
        false => found.join(","),
    }
}

fn timeout(state: &State) -> Option<Duration> {
    let timeout = state.session.timeout.unwrap_or(state.session.ci.timeout);
    (!timeout.is_zero()).then_some(timeout)
}

/// Servers have only so long to become ready, or ready again; jobs take the time they take.
fn never_ready(state: &State, targets: &[Target]) -> Option<String> {
    let limit = state.session.ci.readiness_timeout;
    let late = |target: &&Target| since_unready(target).is_some_and(|since| state.now.since(since) >= limit);
    let target = targets.iter().find(late).filter(|_| !limit.is_zero())?;
    let timeout = Shown::from_std(limit);
    let why = held_up(state, &target.resource).map(|why| format!(": {why}"));
    Some(format!(
        "Readiness timeout after {timeout}: target {} not ready{}",
        target.name,
        why.unwrap_or_default()
    ))
}

fn since_unready(target: &Target) -> Option<Time> {
    match (&target.state, target.kind) {
        (
            TargetState::Active {
                started,
                ready: false,
                last_ready,
            },
            TargetKind::Server,
        ) => Some(last_ready.unwrap_or(*started).max(*started)),
        _ => None,
    }
}

/// Whether containers that have ended may not have been read to their end: nobody is told that a Job succeeded, or that a
/// container failed, before what it said.
pub fn hears_out(state: &State) -> bool {
    let clear = state.session.clear_since;
    if clear.is_some_and(|since| state.now.since(since) >= LAST_WORDS) {
        return false;
    }
    let mut discoveries = state.discoveries.iter();
    discoveries.any(|(name, discovery)| {
        let mut pods = discovery.pods.iter();
        pods.any(|pod| speaks(state.streams.get(&*stream_name(name, pod)).map(Arc::as_ref), pod))
    })
}

fn speaks(stream: Option<&StreamState>, pod: &Pod) -> bool {
    let is_read = |container: &Container| {
        let mut read = stream.into_iter().flat_map(|stream| &stream.containers);
        read.any(|read| *read.name == *container.name && (read.terminated || !read.error.is_empty()))
    };
    let has_ended =
        |container: &Container| !container.is_running() && (!container.id.is_empty() || container.last.is_some());
    pod.all_containers()
        .any(|container| has_ended(container) && !is_read(container))
}

/// When to judge again if nothing happens until then.
pub fn wake_at(state: &State) -> Option<Time> {
    if state.session.mode != Mode::Ci || state.session.outcome.is_some() {
        return None;
    }
    let overall = timeout(state).map(|timeout| state.session.started + timeout);
    let limit = state.session.ci.readiness_timeout;
    let targets = targets(state);
    let readiness = targets.iter().filter_map(since_unready).map(|since| since + limit);
    let readiness = readiness.filter(|_| !limit.is_zero());
    let graces = targets.iter().filter_map(|target| match &target.state {
        TargetState::Terminated {
            grace: Grace::Tolerated { until },
            ..
        } => Some(*until),
        _ => None,
    });
    let heard_out = state.session.clear_since.map(|since| since + LAST_WORDS);
    let readiness = readiness.chain(heard_out);
    overall.into_iter().chain(readiness).chain(graces).min()
}
