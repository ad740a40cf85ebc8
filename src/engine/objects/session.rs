//! Pure. The session as an object: what it is made of, how each part is doing, and whether it is over.

use crate::engine::ci::{Grace, Target, TargetState};
use crate::engine::objects::status::put_status;
use crate::engine::objects::{map, micros, set, texts, tree};
use crate::engine::state::{Mode, Outcome, Session, State};
use crate::model::duration::Duration;
use crate::model::object::kinds::{SESSION, UI_SESSION};
use crate::model::tree::{Map, Tree};

/// The name of the one Session and of the one UISession.
pub const NAME: &str = "Tiltfile";

pub fn spec(session: &Session) -> Map {
    let ci = &session.ci;
    let shown = |duration: std::time::Duration| Tree::text(Duration::from_std(duration).to_string());
    let mut limits = Map::new();
    set(&mut limits, "k8sGracePeriod", ci.k8s_grace_period.map(shown));
    limits.push("timeout", shown(session.timeout.unwrap_or(ci.timeout)));
    limits.push("readinessTimeout", shown(ci.readiness_timeout));
    let condition = match session.mode {
        Mode::Ci => "ci",
        Mode::Up | Mode::Objects => "manual",
    };
    map([
        ("tiltfilePath", Tree::text(session.tiltfile.to_string_lossy().as_ref())),
        ("exitCondition", Tree::text(condition)),
        ("ci", Tree::Map(limits)),
    ])
}

pub fn project(state: &mut State) {
    if let Some(object) = state.table.get(&SESSION, NAME).cloned() {
        let spec = spec(&state.session);
        if object.spec != spec {
            let mut next = object.as_ref().clone();
            next.spec = spec;
            state.table.put(next, state.now);
        }
    }
    let shown = ui_status(state);
    put_status(state, &UI_SESSION, NAME, |_| shown);
}

/// Says how everything is doing that the session is made of.
pub fn project_targets(state: &mut State, targets: &[Target]) {
    let status = status(state, targets);
    put_status(state, &SESSION, NAME, |_| status);
}

fn status(state: &State, targets: &[Target]) -> Map {
    let session = &state.session;
    let targets: Vec<Tree> = targets.iter().map(target).collect();
    let mut status = map([
        ("pid", Tree::Int(session.pid)),
        ("startTime", micros(session.started)),
        ("targets", Tree::List(targets)),
        ("done", Tree::Bool(session.outcome.is_some())),
    ]);
    if let Some(Outcome::Failure(error)) = &session.outcome {
        status.push("error", Tree::text(error.as_str()));
    }
    status
}

fn target(target: &Target) -> Tree {
    let state = match &target.state {
        TargetState::Unknown => Map::new(),
        TargetState::Waiting { reason } => map([("waiting", tree([("waitReason", Tree::text(reason.as_str()))]))]),
        TargetState::Active {
            started,
            ready,
            last_ready,
        } => {
            let mut active = map([("startTime", micros(*started)), ("ready", Tree::Bool(*ready))]);
            set(&mut active, "lastReadyTime", last_ready.map(micros));
            map([("active", Tree::Map(active))])
        }
        TargetState::Terminated {
            started,
            finished,
            error,
            grace,
        } => {
            let mut ended = map([("startTime", micros(*started)), ("finishTime", micros(*finished))]);
            set(&mut ended, "error", error.as_deref().map(Tree::text));
            let grace = match grace {
                Grace::NotApplicable => None,
                Grace::Tolerated { .. } => Some("Tolerated"),
                Grace::Exceeded => Some("Exceeded"),
            };
            set(&mut ended, "graceStatus", grace.map(Tree::text));
            map([("terminated", Tree::Map(ended))])
        }
        TargetState::Disabled => map([("disabled", Tree::Map(Map::new()))]),
    };
    tree([
        ("name", Tree::text(target.name.as_str())),
        ("type", Tree::text(target.kind.word())),
        ("resources", texts([&*target.resource])),
        ("state", Tree::Map(state)),
    ])
}

fn ui_status(state: &State) -> Map {
    let session = &state.session;
    let settings = &state.settings;
    let features = settings
        .features
        .iter()
        .map(|(name, value)| tree([("name", Tree::text(name.as_str())), ("value", Tree::Bool(*value))]));
    let build = &session.build;
    let mut status = map([
        ("featureFlags", Tree::List(features.collect())),
        (
            "runningTiltBuild",
            tree([
                ("version", Tree::text(build.version.as_str())),
                ("date", Tree::text(build.date.as_str())),
                ("dev", Tree::Bool(build.dev)),
            ]),
        ),
        (
            "versionSettings",
            tree([("checkUpdates", Tree::Bool(settings.version.check_updates))]),
        ),
        ("tiltStartTime", Tree::text(session.started.to_seconds_text())),
        ("tiltfileKey", Tree::text(session.tiltfile.to_string_lossy().as_ref())),
    ]);
    set(&mut status, "fatalError", session.fatal.as_deref().map(Tree::text));
    status
}
