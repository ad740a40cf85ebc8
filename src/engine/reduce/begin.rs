//! Pure. An update or an evaluation begins: recorded in the state before its order leaves, so that nothing can start twice.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::apply;
use crate::engine::effect::{Deploy, Effect, EvaluateOrder, ImageStep, ImageWork, LiveWork, Span, UpdateOrder, Work};
use crate::engine::images;
use crate::engine::live::{self, Course, Stopped};
use crate::engine::objects::declared;
use crate::engine::reduce::{deploy, image, live as reduce_live, retry};
use crate::engine::say::{self, span};
use crate::engine::spec;
use crate::engine::state::{Cause, Evaluating, Means, Name, ResourceState, State, Update, next};
use crate::model::command::{Command, Echo};
use crate::model::local::LocalTarget;
use crate::model::object::kinds::CMD;
use crate::model::project::Target;

/// The name of the Cmd object that shows a resource's update.
pub fn update_cmd(resource: &str) -> String {
    format!("{resource}:update")
}

pub fn evaluation(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    watch_from_the_start(state, name);
    let run = next(&mut state.counters.evaluations);
    let (seq, now) = (state.seq, state.now);
    let base = base(state);
    let Some(tiltfile) = state.tiltfile_mut(name) else {
        return;
    };
    let (causes, _, _) = tiltfile.due.take().unwrap_or((Vec::new(), seq, now));
    let span = span(format!("tiltfile:{name}:{run}"), name);
    tiltfile.running = Some(Evaluating {
        run,
        started: now,
        inputs_as_of: seq,
        causes: causes.clone(),
        span: Arc::clone(&span.id),
    });
    effects.push(say::opening(&span, say::causes(&causes, &base)));
    effects.push(say::info(
        &span,
        format!("Loading Tiltfile at: {}", tiltfile.path.display()),
    ));
    effects.push(Effect::Evaluate(EvaluateOrder {
        tiltfile: Arc::clone(name),
        run,
        path: tiltfile.path.clone(),
        args: tiltfile.args.clone(),
        span,
    }));
}

/// A Tiltfile that is saved while it is evaluated for the first time must not go unnoticed. What else it reads is watched
/// once that is known.
fn watch_from_the_start(state: &mut State, name: &Name) {
    let Some(tiltfile) = state
        .tiltfile_mut(name)
        .filter(|tiltfile| tiltfile.config_files.is_empty())
    else {
        return;
    };
    tiltfile.config_files = vec![tiltfile.path.clone()];
    declared::config_watch(state, name);
}

pub fn update(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let id = next(&mut state.counters.updates);
    let (seq, now) = (state.seq, state.now);
    let base = base(state);
    let span = span(format!("build:{id}"), name);
    let work = state.resource(name).map(|resource| work(state, resource, &span));
    let (work, stops) = work.map_or((None, Vec::new()), |(work, stops)| (Some(work), stops));
    state.queue.retain(|queued| queued != name);
    let built_because = built_because(state, name, &stops);
    let (Some(resource), Some(work)) = (state.resource_mut(name), work) else {
        return;
    };
    let alone = resource.runs_alone();
    let means = match &work {
        Work::Live(_) => live::means(resource),
        _ => Means::Build,
    };
    resource.in_place.built_because = match means {
        Means::Build => built_because,
        Means::Live => None,
        Means::CatchUp => resource.in_place.built_because.take(),
    };
    let requested = resource.requested.clone();
    let files: Vec<PathBuf> = resource.pending.files.keys().cloned().collect();
    let causes = causes(resource, &files);
    if means == Means::Build {
        count_echo(resource, &causes, &files);
        retry::begins(resource, &causes);
    }
    resource.is_outdated = false;
    resource.due = None;
    resource.requested = None;
    resource.started_once = true;
    effects.push(say::opening(&span, say::causes(&causes, &base)));
    reduce_live::stopped(state, stops, &span, effects);
    if let Work::Command { command, span } = &work
        && command.echo == Echo::On
    {
        effects.push(say::info(
            span,
            format!("Running cmd: {}", Command::display(&command.argv)),
        ));
    }
    let steps: &[ImageStep] = match &work {
        Work::Images(work) => &work.steps,
        Work::Command { .. } | Work::Nothing | Work::Live(_) | Work::Remove(_) | Work::Impossible(_) => &[],
    };
    let running = Update {
        id,
        span: span.id,
        started: now,
        inputs_as_of: seq,
        causes,
        files,
        alone,
        pid: None,
        cancelled: None,
        images: image::planned(steps),
        means,
        requested,
    };
    if let Some(resource) = state.resource_mut(name) {
        resource.running = Some(running.clone());
    }
    image::claim(state, steps, &running, name);
    if let Work::Live(work) = &work {
        reduce_live::begins(state, &work.orders, &running);
    }
    if let Work::Images(work) = &work
        && let Deploy::Kubernetes(deploy) = &work.deploy
    {
        deploy::begins(state, deploy, id, &work.span);
    }
    effects.push(Effect::StartUpdate(Box::new(UpdateOrder {
        update: id,
        resource: Arc::clone(name),
        work,
    })));
}

/// Where the paths of messages are relative to.
pub fn base(state: &State) -> PathBuf {
    let folder = state.session.tiltfile.parent();
    folder.unwrap_or(Path::new("/")).to_owned()
}

/// Why an update that is to build does, where containers might have been changed.
fn built_because(state: &State, name: &Name, stops: &[Stopped]) -> Option<String> {
    let stopped = stops.first().map(|stop| stop.message.clone());
    stopped.or_else(|| {
        let fell_back = state.resource(name)?.due == Some(Cause::FellBack);
        let failures = live::failures(state, name);
        failures
            .into_iter()
            .next()
            .filter(|_| fell_back)
            .map(|(_, failure)| failure.message)
    })
}

fn causes(resource: &ResourceState, files: &[PathBuf]) -> Vec<Cause> {
    let mut causes: Vec<Cause> = resource.due.clone().into_iter().collect();
    if !files.is_empty() && !causes.contains(&Cause::Initial) {
        causes.push(Cause::Files(files.to_vec()));
    }
    if resource.is_outdated && causes.is_empty() {
        causes.push(Cause::Dependency);
    }
    if let Some(requested) = &resource.requested {
        causes.push(Cause::Trigger(requested.source));
    }
    if resource.is_behind && causes.is_empty() {
        causes.push(Cause::Container);
    }
    if resource.retry.at.is_some() && causes.is_empty() {
        causes.push(Cause::Retry);
    }
    causes
}

/// Counts updates that were caused by nothing but what the update before them wrote.
fn count_echo(resource: &mut ResourceState, causes: &[Cause], files: &[PathBuf]) {
    let echoes = matches!(causes, [Cause::Files(_)]) && files.iter().all(|file| resource.echo.files.contains(file));
    resource.echo.times = if echoes { resource.echo.times + 1 } else { 0 };
    resource.echo.files = BTreeSet::new();
}

/// What an update of a resource does, and why it does more than it might.
fn work(state: &State, resource: &ResourceState, span: &Span) -> (Work, Vec<Stopped>) {
    let stops = match live::course(state, resource) {
        Course::Live(orders) => {
            let work = LiveWork {
                span: span.clone(),
                orders,
            };
            return (Work::Live(Box::new(work)), Vec::new());
        }
        Course::Stop(stops) => stops,
        Course::Build | Course::Wait(_) => Vec::new(),
    };
    (full(state, resource, span), stops)
}

fn full(state: &State, resource: &ResourceState, span: &Span) -> Work {
    let steps = images::plan(state, resource);
    let deploy = match &resource.declared.target {
        Target::Local(local) => return command(state, resource, local),
        Target::Kubernetes(target) => Deploy::Kubernetes(Box::new(apply::of_resource(state, resource, target))),
        Target::Compose(_) => {
            let message = "running Docker Compose services is not part of this version of tilt, which runs local resources, \
                           builds images and deploys to Kubernetes";
            if steps.is_empty() {
                return Work::Impossible(message.to_owned());
            }
            Deploy::Impossible(message.to_owned())
        }
    };
    Work::Images(Box::new(ImageWork {
        span: span.clone(),
        steps,
        deploy,
    }))
}

/// The Cmd object says what is run, so that an edit of it counts.
fn command(state: &State, resource: &ResourceState, local: &LocalTarget) -> Work {
    let Some(update) = &local.update else {
        return Work::Nothing;
    };
    let name = update_cmd(resource.name());
    let edited = state.table.get(&CMD, &name).map(|object| spec::command(&object.spec));
    let command = Command {
        echo: update.echo,
        ..edited.unwrap_or_else(|| update.clone())
    };
    Work::Command {
        command,
        span: span(format!("cmd:{name}"), resource.name()),
    }
}
