//! Pure. Clicks on buttons: a click is a newer `lastClickedAt` in a UIButton's status.

use crate::engine::effect::Effect;
use crate::engine::reduce::updated::cancel;
use crate::engine::spec::{self, map};
use crate::engine::state::{Cancelled, Click, Name, State};
use crate::model::object::Stored;
use crate::model::object::kinds::{CONFIG_MAP, TOGGLE_BUTTON, UI_BUTTON};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

pub fn clicks(state: &mut State, effects: &mut Vec<Effect>) {
    let is_new = |button: &Stored, state: &State| {
        let at = spec::text(&button.status, "lastClickedAt");
        let known = state.clicks.get(&*button.name);
        !at.is_empty() && known.is_none_or(|known| *known.clicked_at != *at)
    };
    let clicked: Vec<_> = state
        .table
        .list(&UI_BUTTON)
        .filter(|button| is_new(button, state))
        .cloned()
        .collect();
    for button in clicked {
        let at = spec::text(&button.status, "lastClickedAt");
        let click = Click {
            clicked_at: at.into(),
            at: Time::parse(at),
            seq: state.seq,
            env: inputs(&button),
        };
        state.clicks.insert((*button.name).into(), click);
        // Objects may ask for a deploy with each click.
        state.unsettled = true;
        act(state, &button, effects);
    }
    let gone: Vec<Name> = state
        .clicks
        .keys()
        .filter(|name| state.table.get(&UI_BUTTON, name).is_none())
        .cloned()
        .collect();
    gone.iter().for_each(|name| {
        state.clicks.remove(name);
    });
}

/// What the buttons of our own do; everybody else's are for objects that refer to them.
fn act(state: &mut State, button: &Stored, effects: &mut Vec<Effect>) {
    match button.annotation("tilt.dev/uibutton-type") {
        Some("StopBuild") => {
            let Some(name) = button.name.strip_suffix("-stopbuild") else {
                return;
            };
            let evaluating = state.tiltfiles.get(name).and_then(|tiltfile| tiltfile.running.as_ref());
            match evaluating {
                Some(evaluating) => effects.push(Effect::CancelEvaluation { run: evaluating.run }),
                None => cancel(state, &name.into(), Cancelled::Stopped, effects),
            }
        }
        _ => toggle(state, button),
    }
}

/// Flips the switch of the toggle that a button was made for.
fn toggle(state: &mut State, button: &Stored) {
    let owner = button
        .meta
        .owners
        .iter()
        .find(|owner| &*owner.kind == TOGGLE_BUTTON.name);
    let Some(toggle) = owner.and_then(|owner| state.table.get(&TOGGLE_BUTTON, &owner.name)) else {
        return;
    };
    let Some(source) = map(&toggle.spec, "stateSource").and_then(|source| map(source, "configMap")) else {
        return;
    };
    let wanted = match input(button, "action").as_deref() {
        Some("off") => spec::text(source, "offValue"),
        _ => spec::text(source, "onValue"),
    };
    let (name, key) = (
        spec::text(source, "name").to_owned(),
        spec::text(source, "key").to_owned(),
    );
    let mut switch = match state.table.get(&CONFIG_MAP, &name) {
        Some(known) => known.as_ref().clone(),
        None => Stored::new(&CONFIG_MAP, name),
    };
    let mut data = map(&switch.spec, "data").cloned().unwrap_or_default();
    data.insert(key, Tree::text(wanted));
    switch.spec.insert("data", Tree::Map(data));
    state.table.put(switch, state.now);
}

/// The value of a hidden input, as it was sent or else as it was declared.
fn input(button: &Stored, name: &str) -> Option<String> {
    let named = |list: Option<&Tree>| {
        let list = list.and_then(Tree::as_list).unwrap_or_default().to_vec();
        list.into_iter()
            .find(|input| input.get("name").and_then(Tree::as_text) == Some(name))
    };
    let value = |input: Tree| {
        input
            .at(&["hidden", "value"])
            .and_then(Tree::as_text)
            .map(str::to_owned)
    };
    let sent = named(button.status.get("inputs")).and_then(value);
    sent.or_else(|| named(button.spec.get("inputs")).and_then(value))
}

/// The inputs of a clicked button as environment variables: as they were sent, else as they are by default.
fn inputs(button: &Stored) -> Vec<String> {
    let list = |map: &Map| map.get("inputs").and_then(Tree::as_list).unwrap_or_default().to_vec();
    let sent = list(&button.status);
    let declared = list(&button.spec);
    declared
        .iter()
        .filter_map(|declared| {
            let name = declared.get("name")?.as_text()?;
            let sent = sent
                .iter()
                .find(|sent| sent.get("name").and_then(Tree::as_text) == Some(name));
            Some(format!("{name}={}", value(declared, sent)))
        })
        .collect()
}

fn value(declared: &Tree, sent: Option<&Tree>) -> String {
    let text = |tree: Option<&Tree>| tree.and_then(Tree::as_text).map(str::to_owned);
    let sent_text = |kind: &str| text(sent.and_then(|sent| sent.at(&[kind, "value"])));
    if let Some(input) = declared.get("bool") {
        let sent = sent.and_then(|sent| sent.at(&["bool", "value"]));
        let is_true = *sent.or(input.get("defaultValue")).unwrap_or(&Tree::Bool(false)) == Tree::Bool(true);
        let (field, plain) = match is_true {
            true => ("trueString", "true"),
            false => ("falseString", "false"),
        };
        return text(input.get(field)).unwrap_or_else(|| plain.to_owned());
    }
    if let Some(input) = declared.get("hidden") {
        return text(input.get("value")).unwrap_or_default();
    }
    if let Some(input) = declared.get("choice") {
        let choices = input.get("choices").and_then(Tree::as_list).unwrap_or_default();
        let chosen = sent_text("choice").filter(|chosen| choices.contains(&Tree::text(chosen.as_str())));
        return chosen.or_else(|| text(choices.first())).unwrap_or_default();
    }
    let default = text(declared.at(&["text", "defaultValue"]));
    sent_text("text").or(default).unwrap_or_default()
}
