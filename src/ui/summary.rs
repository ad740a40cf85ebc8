//! Pure. What a `tilt ci` did: what ran, how long it took, what failed. As JSON here, as JUnit's XML in `junit`.
//!
//! docs/ci-report.md describes the JSON; fields are added, never changed.

pub mod junit;
pub mod save;

use std::time::Duration;

use serde::Serialize;

use crate::engine::action::Class;
use crate::engine::ci::{self, Target, TargetState};
use crate::engine::objects::resource::runtime_word;
use crate::engine::state::{Cause, Hold, MAIN, Outcome, Phase, ProcessState, Record, ResourceState, State};
use crate::model::project;
use crate::model::time::Time;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `success`, `failure`, or `interrupted` if nothing was decided before the end.
    pub outcome: &'static str,
    pub error: Option<String>,
    pub started: String,
    pub finished: String,
    pub seconds: f64,
    pub tiltfile: Tiltfile,
    pub resources: Vec<Resource>,
    pub targets: Vec<TargetReport>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Tiltfile {
    pub path: String,
    pub args: Vec<String>,
    pub error: Option<String>,
    pub warnings: usize,
    pub updates: Vec<Update>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub labels: Vec<String>,
    pub status: &'static str,
    /// Oldest first; the engine remembers the last two.
    pub updates: Vec<Update>,
    pub runtime: Option<Runtime>,
    pub hold: Option<Waiting>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Update {
    pub span: String,
    pub causes: Vec<String>,
    pub started: String,
    /// Missing while it runs.
    pub finished: Option<String>,
    pub seconds: f64,
    pub error: Option<String>,
    pub class: Option<&'static str>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Runtime {
    pub status: &'static str,
    /// From the start of the process until it was ready.
    pub ready_seconds: Option<f64>,
    pub exit_code: Option<i32>,
    pub error: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    pub reason: &'static str,
    pub on: Vec<String>,
    pub message: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct TargetReport {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub resource: String,
    pub status: &'static str,
    pub reason: Option<String>,
    pub ready: Option<bool>,
    pub started: Option<String>,
    pub finished: Option<String>,
    pub seconds: Option<f64>,
    pub error: Option<String>,
}

/// The report in its file's form.
pub fn json(state: &State, now: Time) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&report(state, now))? + "\n")
}

pub fn report(state: &State, now: Time) -> Report {
    let session = &state.session;
    let (outcome, error) = verdict(state);
    Report {
        outcome,
        error,
        started: session.started.to_micros_text(),
        finished: now.to_micros_text(),
        seconds: seconds(now.since(session.started)),
        tiltfile: tiltfile(state, now),
        resources: state.resources.values().map(|it| resource(it, now)).collect(),
        targets: ci::targets(state).iter().map(|it| target(it, now)).collect(),
    }
}

fn verdict(state: &State) -> (&'static str, Option<String>) {
    match (&state.session.outcome, &state.session.fatal) {
        (Some(Outcome::Failure(error)), _) | (_, Some(error)) => ("failure", Some(error.clone())),
        (Some(Outcome::Success), None) => ("success", None),
        (None, None) => ("interrupted", None),
    }
}

/// With as many digits as anybody can use.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

fn tiltfile(state: &State, now: Time) -> Tiltfile {
    let main = state.tiltfiles.get(MAIN);
    let mut updates: Vec<Update> = main.iter().flat_map(|it| it.history.iter().rev()).map(ended).collect();
    let running = main.and_then(|main| main.running.as_ref());
    updates.extend(running.map(|it| going_on(&it.span, &it.causes, it.started, now)));
    Tiltfile {
        path: state.session.tiltfile.display().to_string(),
        args: state.session.args.clone(),
        error: main.and_then(|main| main.error()).map(str::to_owned),
        warnings: main.map_or(0, |main| main.warnings),
        updates,
    }
}

fn resource(resource: &ResourceState, now: Time) -> Resource {
    let mut updates: Vec<Update> = resource.history.iter().rev().map(ended).collect();
    let running = resource.running.as_ref();
    updates.extend(running.map(|it| going_on(&it.span, &it.causes, it.started, now)));
    Resource {
        name: resource.name().to_owned(),
        kind: kind(resource),
        labels: resource.declared.labels.iter().cloned().collect(),
        status: status(resource),
        updates,
        runtime: resource.serves().then(|| runtime(resource)),
        hold: resource.hold.as_ref().map(waiting),
    }
}

pub(super) fn kind(resource: &ResourceState) -> &'static str {
    match resource.declared.target {
        project::Target::Local(_) => "local",
        project::Target::Kubernetes(_) => "kubernetes",
        project::Target::Compose(_) => "docker-compose",
    }
}

fn status(resource: &ResourceState) -> &'static str {
    let has_exited = |it: &ResourceState| {
        let serve = it.serve.as_ref();
        serve.is_some_and(|serve| matches!(serve.process.phase, Phase::Exited { .. }))
    };
    match resource {
        it if !it.enabled => "disabled",
        it if it.running.is_some() => "running",
        it if it.is_due() => "waiting",
        it if it.last().is_some_and(|last| last.error.is_some()) || has_exited(it) => "failed",
        it if it.last().is_none() => "skipped",
        it if it.is_ready() => "ok",
        _ => "waiting",
    }
}

fn ended(record: &Record) -> Update {
    Update {
        span: record.span.to_string(),
        causes: record.causes.iter().map(Cause::to_string).collect(),
        started: record.started.to_micros_text(),
        finished: Some(record.finished.to_micros_text()),
        seconds: seconds(record.finished.since(record.started)),
        error: record.error.clone(),
        class: record.class.map(class),
    }
}

fn going_on(span: &str, causes: &[Cause], started: Time, now: Time) -> Update {
    Update {
        span: span.to_owned(),
        causes: causes.iter().map(Cause::to_string).collect(),
        started: started.to_micros_text(),
        finished: None,
        seconds: seconds(now.since(started)),
        error: None,
        class: None,
    }
}

fn class(class: Class) -> &'static str {
    match class {
        Class::User => "user",
        Class::Environment => "environment",
        Class::Internal => "internal",
    }
}

fn runtime(resource: &ResourceState) -> Runtime {
    let process = resource.serve.as_ref().map(|serve| &serve.process);
    let exit = process.and_then(|process| match &process.phase {
        Phase::Exited { code, reason, .. } => Some((*code, reason.clone())),
        _ => None,
    });
    Runtime {
        status: runtime_word(resource.runtime_status()),
        ready_seconds: process.and_then(until_ready),
        exit_code: exit.as_ref().map(|(code, _)| *code),
        error: exit.map(|(code, reason)| match reason.is_empty() {
            true => format!("exited with code {code}"),
            false => reason,
        }),
    }
}

fn until_ready(process: &ProcessState) -> Option<f64> {
    let started = match &process.phase {
        Phase::Starting => return None,
        Phase::Running { started, .. } | Phase::Exited { started, .. } => *started,
    };
    process.ready_at.map(|ready| seconds(ready.since(started)))
}

fn waiting(hold: &Hold) -> Waiting {
    Waiting {
        reason: hold.reason(),
        on: hold.on().iter().map(ToString::to_string).collect(),
        message: hold.to_string(),
    }
}

fn target(target: &Target, now: Time) -> TargetReport {
    let (mut reason, mut is_ready, mut error) = (None, None, None);
    let (status, started, finished) = match &target.state {
        TargetState::Unknown => ("unknown", None, None),
        TargetState::Disabled => ("disabled", None, None),
        TargetState::Waiting { reason: why } => {
            reason = Some(why.clone());
            ("waiting", None, None)
        }
        TargetState::Active { started, ready, .. } => {
            is_ready = Some(*ready);
            ("active", Some(*started), None)
        }
        TargetState::Terminated {
            started,
            finished,
            error: why,
            grace: _,
        } => {
            error = why.clone();
            ("terminated", Some(*started), Some(*finished))
        }
    };
    TargetReport {
        name: target.name.clone(),
        kind: target.kind.word(),
        resource: target.resource.to_string(),
        status,
        reason,
        ready: is_ready,
        started: started.map(Time::to_micros_text),
        finished: finished.map(Time::to_micros_text),
        seconds: started.map(|started| seconds(finished.unwrap_or(now).since(started))),
        error,
    }
}

#[cfg(test)]
mod tests;
