//! Pure. Takes one fact into the state. Total: whatever arrives, in whatever order, is either taken in or told to whoever
//! asked why not. Nothing is decided here that could as well be decided from the state alone.

pub mod begin;
pub mod deploy;
pub mod evaluated;
mod files;
pub mod image;
pub mod live;
pub mod process;
mod retry;
mod source;
pub mod updated;
mod write;

use std::sync::Arc;

use crate::engine::action::{Action, Answer, Ask, Refusal};
use crate::engine::effect::Effect;
use crate::engine::state::{Cause, Ending, MAIN, Name, Requested, State, TriggerSource};
use crate::model::project::TriggerMode;

pub fn reduce(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Asked { token, ask } => {
            let answer = asked(state, ask);
            effects.push(Effect::Answer { token, answer });
        }
        Action::Fence { token } => effects.push(Effect::Fence { token }),
        Action::Fenced { token, refusal } => {
            let answer = refusal.map_or(Ok(None), Err);
            effects.push(Effect::Answer { token, answer });
        }
        Action::Evaluated {
            tiltfile,
            run,
            evaluation,
        } => evaluated::evaluated(state, &tiltfile, run, *evaluation, effects),
        Action::Files { changes, written } => files::changed(state, changes, written),
        Action::Watch { watch, fact } => files::watch(state, &watch, fact, effects),
        Action::UpdateRuns { update, pid } => updated::runs(state, update, pid),
        Action::Cluster(fact) => deploy::cluster(state, fact, effects),
        Action::Applied { apply, run, fact } => deploy::applied(state, &apply, run, fact, effects),
        Action::Discovered {
            discovery,
            generation,
            fact,
        } => deploy::discovered(state, &discovery, generation, fact, effects),
        Action::PodLogs { stream, state: news } => deploy::logs(state, &stream, news),
        Action::Forward { forward, ports } => deploy::forward(state, &forward, ports),
        Action::Live {
            live,
            update,
            container,
            fact,
        } => live::live(state, (&live, update), &container, fact),
        Action::Agent { container, fact } => live::agent(state, &container, fact, effects),
        Action::Image { image, update, fact } => image::image(state, &image, update, fact),
        Action::Updated { update, outcome } => updated::updated(state, update, outcome, effects),
        Action::Process {
            process,
            generation,
            fact,
        } => process::process(state, &process, generation, fact, effects),
        Action::Repo {
            repo,
            generation,
            outcome,
        } => source::repo(state, &repo, generation, outcome),
        Action::Extension {
            extension,
            generation,
            outcome,
        } => source::extension(state, &extension, generation, outcome),
        Action::Woke => {}
        Action::Stop { reason } => {
            let since = state.now;
            state.session_mut().ending.get_or_insert(Ending { reason, since });
        }
    }
}

fn asked(state: &mut State, ask: Ask) -> Answer {
    match ask {
        Ask::Write(write) => write::write(state, *write),
        Ask::Trigger { resource, source } => trigger(state, &resource, source),
        Ask::SetTriggerMode { resource, mode } => set_trigger_mode(state, &resource, mode),
        Ask::SetArgs { args } => set_args(state, args),
    }
}

/// Asking for what is asked for already changes nothing.
fn trigger(state: &mut State, name: &Name, source: TriggerSource) -> Answer {
    if state.tiltfiles.contains_key(name) {
        evaluate(state, name, Cause::Trigger(source));
        return Ok(None);
    }
    let (seq, at) = (state.seq, state.now);
    let resource = known(state, name)?;
    if !resource.enabled {
        return Err(Refusal::Disabled {
            resource: Arc::clone(name),
        });
    }
    if resource.requested.is_none() {
        resource.requested = Some(Requested { source, seq, at });
        resource.echo = Default::default();
        state.queue.push(Arc::clone(name));
    }
    Ok(None)
}

fn set_trigger_mode(state: &mut State, name: &Name, mode: TriggerMode) -> Answer {
    known(state, name)?.trigger_mode = mode;
    Ok(None)
}

fn known<'a>(state: &'a mut State, name: &Name) -> Result<&'a mut crate::engine::state::ResourceState, Refusal> {
    state.resource_mut(name).ok_or_else(|| Refusal::NoResource {
        resource: Arc::clone(name),
    })
}

fn set_args(state: &mut State, args: Vec<String>) -> Answer {
    let Some(object) = state.table.get(&crate::model::object::kinds::TILTFILE, MAIN) else {
        return Err(Refusal::NoResource { resource: MAIN.into() });
    };
    let mut object = object.as_ref().clone();
    let args = args.into_iter().map(crate::model::tree::Tree::text).collect();
    object.spec.insert("args", crate::model::tree::Tree::List(args));
    Ok(Some(state.table.put(object, state.now)))
}

/// Makes a Tiltfile due. Causes gather until it runs.
pub fn evaluate(state: &mut State, name: &str, cause: Cause) {
    let (seq, now) = (state.seq, state.now);
    let Some(tiltfile) = state.tiltfile_mut(name) else {
        return;
    };
    let (causes, _, _) = tiltfile.due.get_or_insert_with(|| (Vec::new(), seq, now));
    let files = causes.iter_mut().find_map(|known| match known {
        Cause::Files(files) => Some(files),
        _ => None,
    });
    match (files, cause) {
        (Some(known), Cause::Files(more)) => {
            known.extend(more);
            known.sort();
            known.dedup();
        }
        (_, cause) => {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
}
