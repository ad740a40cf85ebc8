//! Pure. What a resource waits for, what that waits for in turn, and where it ends.

use crate::engine::state::{Hold, Name, ResourceState, State};
use crate::ui::explain::MAIN;
use crate::ui::view::{Sign, standing};

/// The hold, and below it everything it comes from.
pub fn chain(state: &State, resource: &ResourceState) -> Vec<String> {
    let Some(hold) = &resource.hold else {
        return Vec::new();
    };
    let mut lines = vec![hold.to_string()];
    let mut path = vec![resource.name().to_owned()];
    below(state, hold, &mut path, &mut lines);
    if hold.on().is_empty() {
        return lines;
    }
    if let Some(root) = root(state, resource) {
        lines.push(format!("in the end it all waits for {root}"));
    }
    lines
}

fn below(state: &State, hold: &Hold, path: &mut Vec<String>, lines: &mut Vec<String>) {
    let indent = "  ".repeat(path.len());
    for name in hold.on() {
        if path.iter().any(|before| **before == **name) {
            lines.push(format!("{indent}{name}: they wait for each other"));
            continue;
        }
        lines.push(format!("{indent}{name}: {}", doing(state, name)));
        let next = state.resource(name).and_then(|resource| resource.hold.as_ref());
        if let Some(next) = next {
            path.push(name.to_string());
            below(state, next, path, lines);
            path.pop();
        }
    }
}

fn doing(state: &State, name: &str) -> String {
    if let Some(resource) = state.resource(name) {
        return standing(resource, state.now).1;
    }
    match state.tiltfiles.get(name) {
        Some(tiltfile) if tiltfile.running.is_some() => "is being evaluated".to_owned(),
        Some(_) => "is evaluated next".to_owned(),
        None => "an update of a resource that is gone has not ended yet".to_owned(),
    }
}

/// The first thing on the way that waits for nothing else.
pub fn root(state: &State, resource: &ResourceState) -> Option<Name> {
    let mut seen = vec![resource.name().to_owned()];
    let mut at = resource.hold.as_ref()?.on().first()?.clone();
    loop {
        if seen.iter().any(|name| **name == *at) {
            return None;
        }
        seen.push(at.to_string());
        let hold = state.resource(&at).and_then(|resource| resource.hold.as_ref());
        match hold.and_then(|hold| hold.on().first()) {
            Some(next) => at = next.clone(),
            None => return Some(at),
        }
    }
}

/// What can be done about it.
pub fn remedy(state: &State, root: &str) -> Option<String> {
    let Some(resource) = state.resource(root) else {
        return (root == MAIN).then(|| format!("`tilt logs \"{root}\"` shows what it is doing"));
    };
    Some(match (standing(resource, state.now).0, &resource.hold) {
        (Sign::Failing, _) => format!("{root} has to work first: `tilt explain-build {root}`, `tilt logs {root}`"),
        (Sign::Off, Some(Hold::Disabled)) => format!("`tilt enable {root}`: nothing else starts it"),
        (Sign::Off, _) => format!("`tilt trigger {root}`: nothing else starts it"),
        (Sign::Busy, _) => format!("wait for {root}; `tilt logs -f {root}` shows how far it is"),
        (Sign::Waiting | Sign::Ready, _) => format!("`tilt explain-build {root}` says more"),
    })
}
