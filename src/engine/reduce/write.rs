//! Pure. Changes of objects that a client asks for: the checks of Kubernetes, then the table.

use std::sync::Arc;

use crate::engine::action::{Answer, Effort, Expected, Part, Refusal, Verb, Write};
use crate::engine::state::{MAIN, Name, State};
use crate::model::object::kinds::TILTFILE;
use crate::model::object::{self, Kind, Stored};
use crate::model::tree::Map;

pub fn write(state: &mut State, write: Write) -> Answer {
    let Write {
        kind,
        name,
        verb,
        effort,
    } = write;
    match verb {
        Verb::Create(object) => create(state, object, &name, effort),
        Verb::Replace { object, part, expected } => {
            let known = expect(state, kind, &name, &expected)?;
            replace(state, &known, object, part, effort)
        }
        Verb::Delete { expected } => {
            let known = expect(state, kind, &name, &expected)?;
            delete(state, &known, effort)
        }
    }
}

fn create(state: &mut State, object: Stored, name: &Name, effort: Effort) -> Answer {
    if state.table.get(object.kind, name).is_some() {
        return Err(Refusal::Exists {
            plural: object.kind.plural,
            name: Arc::clone(name),
        });
    }
    let mut object = with_defaults(object);
    object.status = Map::new();
    object.meta.deleted = None;
    check(&object)?;
    put(state, object, effort)
}

fn replace(state: &mut State, known: &Stored, object: Stored, part: Part, effort: Effort) -> Answer {
    let mut next = known.clone();
    match part {
        Part::Main => {
            let object = with_defaults(object);
            next.spec = object.spec;
            next.meta.labels = object.meta.labels;
            next.meta.annotations = object.meta.annotations;
            next.meta.owners = object.meta.owners;
            next.meta.finalizers = object.meta.finalizers;
            next.meta.managed_fields = object.meta.managed_fields;
        }
        Part::Status => {
            next.status = object.status;
            next.meta.managed_fields = object.meta.managed_fields;
        }
    }
    check(&next)?;
    if next.meta.deleted.is_some() && next.meta.finalizers.is_empty() {
        return remove(state, known, effort);
    }
    put(state, next, effort)
}

/// An object that somebody holds on to only notes that it is to go.
fn delete(state: &mut State, known: &Stored, effort: Effort) -> Answer {
    if std::ptr::eq(known.kind, &TILTFILE) && &*known.name == MAIN {
        let text = format!("{MAIN} is the Tiltfile of this session and cannot be deleted; end the session instead");
        return Err(Refusal::Forbidden(text));
    }
    if known.meta.finalizers.is_empty() {
        return remove(state, known, effort);
    }
    let mut next = known.clone();
    next.meta.deleted.get_or_insert(state.now);
    put(state, next, effort)
}

fn put(state: &mut State, object: Stored, effort: Effort) -> Answer {
    Ok(Some(match effort {
        Effort::Real => state.table.put(object, state.now),
        // What would be stored, with the identity that it would get.
        Effort::Dry => state.table.clone().put(object, state.now),
    }))
}

fn remove(state: &mut State, known: &Stored, effort: Effort) -> Answer {
    Ok(match effort {
        Effort::Real => state.table.remove(known.kind, &known.name),
        Effort::Dry => Some(Arc::new(known.clone())),
    })
}

fn expect(state: &State, kind: &'static Kind, name: &Name, expected: &Expected) -> Result<Arc<Stored>, Refusal> {
    let (plural, name) = (kind.plural, Arc::clone(name));
    let Some(known) = state.table.get(kind, &name) else {
        return Err(Refusal::Missing { plural, name });
    };
    match (&expected.version, &expected.uid) {
        (_, Some(uid)) if *uid != known.meta.uid => Err(Refusal::OtherUid {
            expected: uid.clone(),
            found: known.meta.uid.clone(),
        }),
        (Some(version), _) if *version != known.meta.version => Err(Refusal::Conflict { plural, name }),
        _ => Ok(Arc::clone(known)),
    }
}

fn check(object: &Stored) -> Result<(), Refusal> {
    let declared = object.declared();
    let mut errors = object::validate_name(&object.name);
    errors.extend(object::validate(&declared));
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Invalid { errors }),
    }
}

fn with_defaults(mut object: Stored) -> Stored {
    object.spec = object.declared().with_defaults().spec;
    object
}
