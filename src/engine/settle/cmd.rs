//! Pure. Cmd objects that run on their own account: when they start, and start again.

use std::sync::Arc;

use crate::engine::objects::status::is_disabled;
use crate::engine::objects::{MANAGED_BY, OWNER_KIND};
use crate::engine::spec::{map, text, texts};
use crate::engine::state::{CmdState, Name, ProcessState, Seq, State, next};
use crate::model::object::Stored;
use crate::model::object::kinds::CMD;
use crate::model::time::Time;
use crate::model::tree::Map;

pub fn settle(state: &mut State) {
    let cmds: Vec<Arc<Stored>> = state.table.list(&CMD).filter(|cmd| is_own(cmd)).cloned().collect();
    let is_there = |name: &Name| cmds.iter().any(|cmd| *cmd.name == **name);
    let gone: Vec<Name> = state.cmds.keys().filter(|name| !is_there(name)).cloned().collect();
    for name in gone {
        state.cmds.remove(&name);
    }
    for cmd in cmds {
        one(state, &cmd);
    }
}

/// Those of resources are run by their updates and servers.
fn is_own(cmd: &Stored) -> bool {
    cmd.annotation(MANAGED_BY).is_none_or(|by| by != "local_resource") && cmd.annotation(OWNER_KIND).is_none()
}

fn one(state: &mut State, cmd: &Stored) {
    let name: Name = (*cmd.name).into();
    let mut known = state.cmds.get(&name).cloned().unwrap_or_default();
    if is_disabled(&state.table, &cmd.spec) {
        let stopped = CmdState {
            handled: known.handled,
            ..CmdState::default()
        };
        update(state, name, stopped);
        return;
    }
    let starts = newest_click(state, map(&cmd.spec, "startOn"));
    let restarts =
        newest_click(state, map(&cmd.spec, "restartOn")).max(newest_file(state, map(&cmd.spec, "restartOn")));
    let waits = map(&cmd.spec, "startOn").is_some_and(|on| !texts(on, "uiButtons").is_empty());
    let runs = runs(&cmd.spec);
    let event = starts.clone().max(restarts);
    let is_newer = event.as_ref().is_some_and(|(seq, _)| *seq > known.handled);
    // With something to wait for, only that starts it; a new spec is for the next start.
    let starts_now = match (&known.ran, waits) {
        (None, true) => starts.is_some_and(|(seq, _)| seq > known.handled),
        (None, false) => true,
        (Some(ran), false) => is_newer || *ran != runs,
        (Some(_), true) => is_newer,
    };
    if starts_now {
        let env = event.as_ref().map(|(_, env)| env.clone()).unwrap_or_default();
        let handled = event.map_or(known.handled, |(seq, _)| seq).max(state.seq);
        known = Arc::new(CmdState {
            ran: Some(runs),
            handled,
            process: Some(ProcessState::new(next(&mut state.counters.generations), state.now)),
            input_env: env,
        });
    }
    update(state, name, Arc::unwrap_or_clone(known));
}

fn update(state: &mut State, name: Name, next: CmdState) {
    if state.cmds.get(&name).is_none_or(|known| **known != next) {
        state.cmds.insert(name, Arc::new(next));
    }
}

/// What of a spec decides how it runs.
fn runs(spec: &Map) -> Map {
    let fields = ["args", "dir", "env", "readinessProbe"];
    let entries = fields
        .iter()
        .filter_map(|field| Some((Box::from(*field), spec.get(field)?.clone())));
    entries.collect()
}

/// The newest event that starts, with what it passes on.
type Event = Option<(Seq, Vec<String>)>;

fn newest_click(state: &State, on: Option<&Map>) -> Event {
    let on = on?;
    let after = Time::parse(text(on, "startAfter"));
    let clicks = texts(on, "uiButtons");
    let clicks = clicks.iter().filter_map(|button| state.clicks.get(button.as_str()));
    clicks
        .filter(|click| after.is_none_or(|after| click.at.is_some_and(|at| at > after)))
        .map(|click| (click.seq, click.env.clone()))
        .max()
}

fn newest_file(state: &State, on: Option<&Map>) -> Event {
    let watches = texts(on?, "fileWatches");
    let events = watches
        .iter()
        .filter_map(|watch| state.watches.get(watch.as_str())?.last);
    events.max().map(|seq| (seq, Vec::new()))
}
