//! Pure. Switches: which resources are disabled, and what the buttons of toggles look like.

use std::sync::Arc;

use crate::engine::effect::Effect;
use crate::engine::objects::declared::hashed;
use crate::engine::objects::{BUTTON_TYPE, IS_DISABLED, disable_name, set, tree};
use crate::engine::reduce::image;
use crate::engine::reduce::updated::cancel;
use crate::engine::say::{self, span};
use crate::engine::spec::{map, text};
use crate::engine::state::{Cancelled, Cause, Name, Pending, State};
use crate::engine::workload;
use crate::model::object::kinds::{CONFIG_MAP, TOGGLE_BUTTON, UI_BUTTON};
use crate::model::object::{Owner, Stored};
use crate::model::tree::{Map, Tree};

/// Resources follow their switches.
pub fn resources(state: &mut State, effects: &mut Vec<Effect>) {
    let differs: Vec<(Name, bool)> = state
        .resources
        .iter()
        .map(|(name, resource)| (name, resource.enabled, is_enabled(state, name)))
        .filter(|(_, before, now)| before != now)
        .map(|(name, _, now)| (Arc::clone(name), now))
        .collect();
    for (name, enabled) in differs {
        match enabled {
            true => enable(state, &name, effects),
            false => disable(state, &name, effects),
        }
    }
}

fn is_enabled(state: &State, name: &str) -> bool {
    value(state, &disable_name(name), IS_DISABLED) != Some("true")
}

fn value<'a>(state: &'a State, config_map: &str, key: &str) -> Option<&'a str> {
    let object = state.table.get(&CONFIG_MAP, config_map)?;
    map(&object.spec, "data")?.get(key)?.as_text()
}

fn enable(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let Some(resource) = state.resource_mut(name) else {
        return;
    };
    resource.enabled = true;
    resource.due = Some(Cause::Enabled);
    resource.started_once = false;
    workload::relink(state, name);
    say(name, "enabled", effects);
}

/// What it did is forgotten: enabling it again starts anew.
fn disable(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    cancel(state, name, Cancelled::Disabled, effects);
    state.queue.retain(|queued| queued != name);
    let Some(resource) = state.resource_mut(name) else {
        return;
    };
    // One that is declared as disabled was never enabled, so there is nothing to tell.
    let is_news = resource.started_once;
    resource.enabled = false;
    resource.pending = Pending::default();
    resource.requested = None;
    resource.due = None;
    resource.history.clear();
    resource.serve = None;
    resource.last_deploy = None;
    resource.used = Default::default();
    resource.is_outdated = false;
    resource.retry = Default::default();
    resource.workload = Default::default();
    resource.freshness.forget();
    resource.in_place = Default::default();
    image::disabled(state, name);
    if is_news {
        say(name, "disabled", effects);
    }
}

fn say(name: &Name, what: &str, effects: &mut Vec<Effect>) {
    let span = span(format!("disabletoggle-{name}"), name);
    let text = format!("Resource {name:?} {what}. To enable/disable it, use the Tilt Web UI.");
    effects.push(say::info(&span, text));
}

/// Every toggle has its button, which offers what it is not.
pub fn buttons(state: &mut State) {
    let toggles: Vec<Arc<Stored>> = state.table.list(&TOGGLE_BUTTON).cloned().collect();
    for toggle in &toggles {
        let wanted = button(state, toggle);
        state.table.put(wanted, state.now);
    }
    let is_orphan = |button: &Stored| {
        let owner = button
            .meta
            .owners
            .iter()
            .find(|owner| &*owner.kind == TOGGLE_BUTTON.name);
        owner.is_some_and(|owner| state.table.get(&TOGGLE_BUTTON, &owner.name).is_none())
    };
    let orphans: Vec<Box<str>> = state
        .table
        .list(&UI_BUTTON)
        .filter(|button| is_orphan(button))
        .map(|button| button.name.clone())
        .collect();
    for orphan in orphans {
        state.table.remove(&UI_BUTTON, &orphan);
    }
}

fn button(state: &State, toggle: &Stored) -> Stored {
    let name = format!("toggle-{}", toggle.name);
    let source = map(&toggle.spec, "stateSource").and_then(|source| map(source, "configMap"));
    let is_on = source.is_some_and(|source| {
        let now = value(state, text(source, "name"), text(source, "key"));
        match now {
            Some(now) => now == text(source, "onValue"),
            None => toggle.spec.get("defaultOn") == Some(&Tree::Bool(true)),
        }
    });
    let (look, action) = if is_on { ("on", "off") } else { ("off", "on") };
    let look = map(&toggle.spec, look).cloned().unwrap_or_default();
    let mut button = match state.table.get(&UI_BUTTON, &name) {
        Some(known) => known.as_ref().clone(),
        None => Stored::new(&UI_BUTTON, name),
    };
    button.spec = look_of(toggle, &look, action);
    button.meta.owners = vec![Owner::controller(toggle)];
    if let Some(kind) = toggle.annotation(BUTTON_TYPE) {
        button.meta.annotations.insert(BUTTON_TYPE, Tree::text(kind));
    }
    hashed(button)
}

fn look_of(toggle: &Stored, look: &Map, action: &str) -> Map {
    let input = tree([
        ("hidden", tree([("value", Tree::text(action))])),
        ("label", Tree::text("")),
        ("name", Tree::text("action")),
    ]);
    let mut spec = Map::new();
    set(&mut spec, "iconName", look.get("iconName").cloned());
    set(&mut spec, "iconSVG", look.get("iconSVG").cloned());
    spec.push("inputs", Tree::List(vec![input]));
    set(&mut spec, "location", toggle.spec.get("location").cloned());
    set(
        &mut spec,
        "requiresConfirmation",
        look.get("requiresConfirmation").cloned(),
    );
    set(&mut spec, "text", look.get("text").cloned());
    spec
}
