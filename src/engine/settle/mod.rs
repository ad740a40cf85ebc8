//! Pure. What follows from the objects as they are now, whoever changed them: the Tiltfile, the command line or `kubectl`.
//!
//! Level-triggered: every turn looks at the state as it is, so nothing depends on having seen the change itself.

mod button;
mod cmd;
pub mod deploy;
mod extension;
mod live;
mod switch;
mod tiltfile;

use crate::engine::effect::Effect;
use crate::engine::objects::status::is_disabled;
use crate::engine::state::State;
use crate::engine::touched::Seen;
use crate::model::object::kinds::{
    CONFIG_MAP, EXTENSION, EXTENSION_REPO, FILE_WATCH, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM,
    PORT_FORWARD, TILTFILE, TOGGLE_BUTTON, UI_BUTTON,
};
use crate::model::object::{Kind, Table};

/// What there was when it was settled last: what did not change needs no look.
#[derive(Debug, Default)]
pub struct Settled {
    table: Option<Table>,
    deploys: Seen,
}

impl Settled {
    fn is_new(&self, state: &State, kinds: &[&'static Kind]) -> bool {
        let differs = |before: &Table| kinds.iter().any(|kind| !before.same_kind(&state.table, kind));
        self.table.as_ref().is_none_or(differs)
    }
}

pub fn settle(state: &mut State, settled: &mut Settled, effects: &mut Vec<Effect>) {
    if settled.is_new(state, &[&EXTENSION, &EXTENSION_REPO]) || extension::is_waiting(state) {
        extension::settle(state, effects);
    }
    if settled.is_new(state, &[&TILTFILE]) {
        tiltfile::settle(state, effects);
    }
    if settled.is_new(state, &[&UI_BUTTON]) {
        button::clicks(state, effects);
    }
    if settled.is_new(state, &[&CONFIG_MAP, &TOGGLE_BUTTON]) {
        switch::resources(state, effects);
        switch::buttons(state);
    }
    if settled.is_new(state, &[&FILE_WATCH, &CONFIG_MAP]) {
        forget_watches(state);
    }
    cmd::settle(state);
    if state.unsettled || state.unpatched || settled.is_new(state, &[&CONFIG_MAP]) {
        state.unpatched = false;
        live::settle(state, effects);
        live::runs(state);
    }
    let deploys = [
        &KUBERNETES_APPLY,
        &KUBERNETES_DISCOVERY,
        &CONFIG_MAP,
        &POD_LOG_STREAM,
        &PORT_FORWARD,
    ];
    if state.unsettled || settled.is_new(state, &deploys) {
        state.unsettled = false;
        let touched = settled.deploys.touched(state);
        deploy::settle(state, &touched, effects);
        settled.deploys = Seen::of(state);
    }
    settled.table = Some(state.table.clone());
}

/// A watch that is gone, or off, starts anew when it comes back.
fn forget_watches(state: &mut State) {
    let table = &state.table;
    let is_kept = |name: &str| {
        let watch = table.get(&FILE_WATCH, name);
        watch.is_some_and(|watch| !is_disabled(table, &watch.spec))
    };
    state.watches.retain(|name, _| is_kept(name));
}
