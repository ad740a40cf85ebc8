//! What single words of live update steps may say.

use std::path::Path;

use crate::model::live::{LiveUpdate, ModeRule, Ownership};
use crate::model::path;
use crate::tiltfile::call::Call;
use crate::tiltfile::function::Fault;
use crate::tiltfile::print;

/// The texts of a parameter that takes one or many; `whose` begins the message about another value.
pub fn texts(call: &Call, param: &str, whose: &str) -> Result<Vec<String>, Fault> {
    let values = call.one_or_many(param).into_iter().map(|value| {
        value.unpack_str().map(str::to_owned).ok_or_else(|| {
            let (shown, of) = (print::repr(value), value.get_type());
            Fault::Said(format!(
                "{whose} contained value '{shown}' of type '{of}'. it may only contain strings"
            ))
        })
    });
    values.collect()
}

pub fn owner(text: &str) -> Result<Ownership, Fault> {
    if text.is_empty() {
        return Ok(Ownership::LikeExisting);
    }
    if text == "container" {
        return Ok(Ownership::ContainerUser);
    }
    let (uid, gid) = text.split_once(':').unwrap_or((text, text));
    match (uid.parse(), gid.parse()) {
        (Ok(uid), Ok(gid)) => Ok(Ownership::Ids { uid, gid }),
        _ => Err(Fault::Said(format!(
            "owner '{text}' must be 'container' or numbers: 'uid' or 'uid:gid'"
        ))),
    }
}

pub fn mode(text: &str) -> Result<ModeRule, Fault> {
    match text {
        "" => return Ok(ModeRule::Host),
        "existing" => return Ok(ModeRule::LikeExisting),
        _ => {}
    }
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(ModeRule::Fixed(mode)),
        _ => Err(Fault::Said(format!(
            "mode '{text}' must be 'existing' or octal, such as '0644'"
        ))),
    }
}

/// A pattern of what to pull, absolute. What would be outside the project is refused: nothing there is a container's to write.
pub fn pulled(project: &Path, pattern: &str) -> Result<String, Fault> {
    let whole = path::join(project, pattern);
    match !pattern.is_empty() && path::is_within(project, &whole) {
        true => Ok(whole.display().to_string()),
        false => Err(Fault::Said(format!(
            "'{pattern}' is outside of the project: what is pulled must be in {}",
            project.display()
        ))),
    }
}

/// Whether a pattern has a place in the container: what of it is no pattern must be what a sync names, or be in it.
pub fn place(update: &LiveUpdate, pull: &str) -> Result<(), String> {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let fixed: Vec<&str> = pull.split('/').take_while(is_plain).collect();
    let fixed = path::join(&update.base, fixed.join("/"));
    let covers = |local: &String| path::is_within(path::join(&update.base, local), &fixed);
    if update.syncs.iter().any(|sync| covers(&sync.local)) {
        return Ok(());
    }
    let syncs: Vec<String> = update
        .syncs
        .iter()
        .map(|sync| format!("'{}'->'{}'", sync.local, sync.container))
        .collect();
    let syncs = match syncs.is_empty() {
        true => "there is none".to_owned(),
        false => format!("syncs are {}", syncs.join(", ")),
    };
    Err(format!(
        "pull '{pull}' is under no sync, so it has no place in the container; {syncs}"
    ))
}
