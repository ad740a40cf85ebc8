//! Pure. What one resource or Tiltfile is doing, in a few words.

use std::sync::Arc;
use std::time::Duration;

use crate::deploy::runtime::Runtime;
use crate::engine::fresh;
use crate::engine::live;
use crate::engine::state::{
    Cancelled, Hold, Means, Name, Phase, ProcessState, ResourceState, State, TiltfileState, Update,
};
use crate::model::project::Target;
use crate::model::suggest::counted;
use crate::model::time::Time;
use crate::ui::text::{first_line, growing, short};

/// How it stands with it; what people have to see first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    Failing,
    Busy,
    Waiting,
    Ready,
    /// Disabled, or left to be started by hand.
    Off,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub name: Name,
    pub sign: Sign,
    pub what: String,
    /// How long the last update took.
    pub took: Option<Duration>,
    pub links: Vec<String>,
    pub is_resource: bool,
}

impl Row {
    /// Whether something stands behind what it does.
    pub fn is_followed(&self) -> bool {
        self.took.is_some() || !self.links.is_empty()
    }
}

/// Tiltfiles first, the rest in the order of definition.
pub fn rows(state: &State, now: Time) -> Vec<Row> {
    let tiltfiles = state.tiltfiles.values().map(|tiltfile| of_tiltfile(tiltfile, now));
    let resources = state.resources.iter().map(|(name, resource)| of(name, resource, now));
    tiltfiles.chain(resources).collect()
}

fn of_tiltfile(tiltfile: &TiltfileState, now: Time) -> Row {
    let last = tiltfile.history.front();
    let (sign, what) = match (&tiltfile.running, tiltfile.error()) {
        (Some(running), _) => (
            Sign::Busy,
            format!("evaluating {}", growing(now.since(running.started))),
        ),
        _ if tiltfile.due.is_some() => (Sign::Waiting, "is evaluated next".to_owned()),
        (None, Some(error)) => (Sign::Failing, first_line(error)),
        (None, None) if last.is_none() => (Sign::Waiting, "not evaluated yet".to_owned()),
        (None, None) if tiltfile.warnings > 0 => (Sign::Ready, counted(tiltfile.warnings, "warning")),
        (None, None) => (Sign::Ready, "evaluated".to_owned()),
    };
    Row {
        name: Arc::clone(&tiltfile.name),
        sign,
        what,
        took: last
            .filter(|_| tiltfile.running.is_none())
            .map(|last| last.finished.since(last.started)),
        links: Vec::new(),
        is_resource: false,
    }
}

fn of(name: &Name, resource: &ResourceState, now: Time) -> Row {
    let (sign, what) = standing(resource, now);
    // What only serves has no update that takes time.
    let has_update = resource.has_update_command() || !resource.serves();
    let shows_last = resource.enabled && resource.running.is_none() && has_update;
    Row {
        name: Arc::clone(name),
        sign,
        what,
        took: resource
            .last()
            .filter(|_| shows_last)
            .map(|last| last.finished.since(last.started)),
        links: match resource.enabled {
            true => links(resource),
            false => Vec::new(),
        },
        is_resource: true,
    }
}

/// Both how a resource stands and the words for it, and which edit runs.
pub fn standing(resource: &ResourceState, now: Time) -> (Sign, String) {
    let (sign, what) = usual(resource, now);
    if let Some(behind) = fresh::behind(resource).filter(|_| sign != Sign::Off) {
        return (sign, format!("{behind}, {what}"));
    }
    match fresh::runs(resource).filter(|_| sign == Sign::Ready && live::can_be(resource)) {
        Some(runs) => (sign, runs),
        None => (sign, what),
    }
}

fn usual(resource: &ResourceState, now: Time) -> (Sign, String) {
    if let Some(running) = &resource.running {
        return (Sign::Busy, updating(resource, running, now));
    }
    if !resource.enabled {
        return (Sign::Off, "disabled".to_owned());
    }
    if resource.is_due() {
        let text = resource.hold.as_ref().map(Hold::to_string);
        return (Sign::Waiting, text.unwrap_or_else(|| "waits for its turn".to_owned()));
    }
    if let Some(error) = resource.last().and_then(|last| last.error.as_deref()) {
        return (Sign::Failing, first_line(error));
    }
    if let Some(ended) = fresh::ended(resource) {
        return (Sign::Failing, ended);
    }
    let (sign, what) = runtime(resource, now);
    match &resource.hold {
        Some(hold @ (Hold::Manual { .. } | Hold::ManualInit)) if sign >= Sign::Waiting => (Sign::Off, hold.to_string()),
        _ => (sign, what),
    }
}

fn updating(resource: &ResourceState, running: &Update, now: Time) -> String {
    let elapsed = growing(now.since(running.started));
    match running.cancelled {
        Some(Cancelled::Superseded) => return "files changed again: starting over".to_owned(),
        Some(_) => return format!("stopping {elapsed}"),
        None => {}
    }
    let verb = match (running.means, resource.declared.images.is_empty()) {
        (Means::Live | Means::CatchUp, _) => return format!("changing containers {elapsed}"),
        (Means::Build, true) => "updating",
        (Means::Build, false) => "building",
    };
    let why = match &resource.in_place.built_because {
        Some(why) => format!(": {}", first_line(why)),
        None => String::new(),
    };
    match resource.usual {
        Some(usual) if usual >= Duration::from_secs(1) => format!("{verb} {elapsed} of about {}{why}", short(usual)),
        _ => format!("{verb} {elapsed}{why}"),
    }
}

fn runtime(resource: &ResourceState, now: Time) -> (Sign, String) {
    if resource.is_kubernetes() {
        return pods(resource, now);
    }
    match (&resource.serve, resource.last()) {
        (Some(serve), _) => process(&serve.process, now),
        (None, None) => (Sign::Waiting, "not started yet".to_owned()),
        (None, Some(_)) if resource.serves() => (Sign::Busy, "starting".to_owned()),
        (None, Some(last)) => (Sign::Ready, with_warnings("ready", last.warnings.len())),
    }
}

/// How it stands with what was deployed.
fn pods(resource: &ResourceState, now: Time) -> (Sign, String) {
    let workload = &resource.workload;
    let elapsed = || {
        workload
            .since
            .map(|since| growing(now.since(since)))
            .unwrap_or_default()
    };
    match &workload.runtime {
        None => (Sign::Waiting, "not deployed yet".to_owned()),
        Some(Runtime::NotApplicable) => (Sign::Ready, "deployed".to_owned()),
        Some(Runtime::Ok) => (Sign::Ready, "ready".to_owned()),
        Some(Runtime::Pending { why: Some(why) }) => (Sign::Busy, first_line(why)),
        Some(Runtime::Pending { why: None }) => match workload.pod() {
            Some(pod) => (Sign::Busy, format!("pod {}, not ready for {}", pod.status, elapsed())),
            None => (Sign::Busy, format!("waits for pods {}", elapsed())),
        },
        Some(error @ Runtime::Error { .. }) => (Sign::Failing, first_line(&error.error().unwrap_or_default())),
    }
}

fn process(process: &ProcessState, now: Time) -> (Sign, String) {
    match &process.phase {
        Phase::Starting => (Sign::Busy, "starting".to_owned()),
        Phase::Running { .. } if process.is_ready() => (Sign::Ready, "ready".to_owned()),
        Phase::Running { .. } if process.ready_at.is_some() => (Sign::Failing, "probe failing".to_owned()),
        Phase::Running { started, .. } => {
            let elapsed = growing(now.since(*started));
            (Sign::Busy, format!("runs, not ready for {elapsed}"))
        }
        Phase::Exited { code, .. } => (Sign::Failing, format!("server exited with code {code}")),
    }
}

fn with_warnings(word: &str, warnings: usize) -> String {
    match warnings {
        0 => word.to_owned(),
        _ => format!("{word}, {}", counted(warnings, "warning")),
    }
}

fn links(resource: &ResourceState) -> Vec<String> {
    let declared = match &resource.declared.target {
        Target::Local(local) => &local.links,
        Target::Kubernetes(target) => &target.links,
        Target::Compose(target) => &target.links,
    };
    let declared = declared.iter().map(|link| (link.url.to_string(), link.name.clone()));
    let links = resource.workload.links.iter().cloned().chain(declared);
    links.map(|(url, name)| shown(url, &name)).collect()
}

fn shown(url: String, name: &str) -> String {
    match name.is_empty() {
        true => url,
        false => format!("{name} {url}"),
    }
}
