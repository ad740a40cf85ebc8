//! Changes that clients ask for: read and checked here, decided by the engine, answered with what became of them.

use std::sync::Arc;

use crate::api::accept::Format;
use crate::api::context::Context;
use crate::api::decode::{self, Decoded};
use crate::api::encode::{self, Form};
use crate::api::json::Parsed;
use crate::api::names;
use crate::api::params::{Validation, WriteOptions};
use crate::api::patch::managed::{Managed, Manager, Operation};
use crate::api::reply::Done;
use crate::api::status::Failure;
use crate::engine::action::{Answer, Effort, Expected, Part, Refusal, Verb, Write};
use crate::engine::store;
use crate::model::object::{Kind, Stored};
use crate::model::tree::Map;

/// So often a change is tried again that somebody else came before.
const MOST_ATTEMPTS: usize = 100;

/// One request to change something.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub context: &'a Context,
    pub kind: &'static Kind,
    /// Empty where the body says it.
    pub name: &'a str,
    pub part: Part,
    pub options: &'a WriteOptions,
    pub form: Form,
}

/// What an object should become, and what it must have been.
pub struct Candidate {
    pub object: Stored,
    pub expected: Expected,
}

pub async fn create(request: Request<'_>, body: &[u8], format: Format) -> Result<Done, Failure> {
    let (decoded, warnings) = request.decode(&decode::read(body, format)?)?;
    if decoded.version.is_some() {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    let mut object = decoded.object;
    if object.name.is_empty() && !decoded.generate_name.is_empty() {
        object.name = names::generated(&decoded.generate_name).into();
    }
    object.status = Map::new();
    let managed = Managed::given(&object.meta.managed_fields, &[]);
    let empty = Stored::new(request.kind, "");
    object.meta.managed_fields = request.managed(managed, &empty, &object).to_trees();
    let mut done = request.create(object).await?;
    done.warnings = warnings;
    Ok(done)
}

pub async fn update(request: Request<'_>, body: &[u8], format: Format) -> Result<Done, Failure> {
    let (decoded, warnings) = request.decode(&decode::read(body, format)?)?;
    request.check_name(&decoded.object.name)?;
    let make = |live: &Stored| {
        let object = request.take_over(live, &decoded.object);
        Ok(request.candidate(live, object, &decoded))
    };
    let mut done = request.replace(make).await?;
    done.warnings = warnings;
    Ok(done)
}

impl<'a> Request<'a> {
    /// One that is about no object in particular.
    pub fn of_all(context: &'a Context, kind: &'static Kind, options: &'a WriteOptions, form: Form) -> Request<'a> {
        Request {
            context,
            kind,
            name: "",
            part: Part::Main,
            options,
            form,
        }
    }
}

impl Request<'_> {
    /// A document as an object of this kind, and what the client should know about it.
    pub fn decode(&self, parsed: &Parsed) -> Result<(Decoded, Vec<String>), Failure> {
        decode::check_kind(self.kind, &parsed.tree)?;
        let decoded = decode::object(self.kind, &parsed.tree).map_err(|why| self.unusable(&why))?;
        let warnings = self.complaints(&decoded, &parsed.duplicates);
        let warnings = match self.options.validation {
            Validation::Ignore => Vec::new(),
            Validation::Warn => warnings,
            Validation::Strict if warnings.is_empty() => warnings,
            Validation::Strict => {
                let why = format!("strict decoding error: {}", warnings.join(", "));
                return Err(self.unusable(&why));
            }
        };
        self.check_metadata(&decoded)?;
        Ok((decoded, warnings))
    }

    pub fn complaints(&self, decoded: &Decoded, duplicates: &[String]) -> Vec<String> {
        let unknown = decoded.unknown.iter().map(|path| format!("unknown field {path:?}"));
        let twice = duplicates.iter().map(|path| format!("duplicate field {path:?}"));
        unknown.chain(twice).collect()
    }

    pub fn unusable(&self, why: &dyn std::fmt::Display) -> Failure {
        let kind = self.kind.name;
        Failure::bad_request(format!(
            "{kind} in version \"v1alpha1\" cannot be handled as a {kind}: {why}"
        ))
    }

    pub fn check_metadata(&self, decoded: &Decoded) -> Result<(), Failure> {
        let errors = names::metadata_problems(decoded);
        match errors.is_empty() {
            true => Ok(()),
            false => Err(Failure::invalid(self.kind, &decoded.object.name, &errors)),
        }
    }

    pub fn check_name(&self, given: &str) -> Result<(), Failure> {
        if given.is_empty() || given == self.name {
            return Ok(());
        }
        Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            self.name
        )))
    }

    pub fn manager(&self, operation: Operation) -> Manager {
        Manager {
            name: self.options.manager.clone(),
            operation,
            subresource: match self.part {
                Part::Main => String::new(),
                Part::Status => "status".to_owned(),
            },
        }
    }

    fn managed(&self, managed: Managed, old: &Stored, new: &Stored) -> Managed {
        let trees = (&old.to_json_tree(), &new.to_json_tree());
        managed.updated(trees, self.kind, &self.manager(Operation::Update), store::now())
    }

    /// The object that is there with the part of the other that this request may change.
    pub fn take_over(&self, live: &Stored, given: &Stored) -> Stored {
        let mut object = live.clone();
        match self.part {
            Part::Main => {
                object.spec = given.spec.clone();
                object.meta.labels = given.meta.labels.clone();
                object.meta.annotations = given.meta.annotations.clone();
                object.meta.owners = given.meta.owners.clone();
                object.meta.finalizers = given.meta.finalizers.clone();
            }
            Part::Status => object.status = given.status.clone(),
        }
        object.meta.managed_fields = given.meta.managed_fields.clone();
        object
    }

    pub fn candidate(&self, live: &Stored, mut object: Stored, decoded: &Decoded) -> Candidate {
        let managed = Managed::given(&object.meta.managed_fields, &live.meta.managed_fields);
        let is_reset = managed == Managed::default() && !live.meta.managed_fields.is_empty();
        object.meta.managed_fields = match is_reset {
            true => Vec::new(),
            false => self.managed(managed, live, &object).to_trees(),
        };
        Candidate {
            object,
            expected: Expected {
                version: decoded.version,
                uid: decoded.uid.clone(),
            },
        }
    }

    pub async fn create(&self, object: Stored) -> Result<Done, Failure> {
        let name: Arc<str> = (&*object.name).into();
        let answer = self.write(&name, Verb::Create(object)).await;
        let mut done = self.answered(&name, answer).await?;
        done.code = 201;
        Ok(done)
    }

    /// Changes the object that is there. Where the client knows no version, a change that came in between is no obstacle:
    /// then it is made of that one.
    pub async fn replace(&self, make: impl Fn(&Stored) -> Result<Candidate, Failure>) -> Result<Done, Failure> {
        for attempt in 0.. {
            let (live, at) = self.live();
            let live = live.ok_or_else(|| Failure::missing(self.kind, self.name))?;
            let Candidate { object, expected } = make(&live)?;
            let wants_other = expected.version.is_some_and(|version| version != live.meta.version);
            if wants_other {
                return Err(Failure::stale(self.kind.plural, self.name));
            }
            let is_bound = expected.version.is_some();
            let expected = Expected {
                version: Some(live.meta.version),
                uid: expected.uid,
            };
            let part = self.part;
            let answer = self.write(self.name, Verb::Replace { object, part, expected }).await;
            if is_bound || attempt == MOST_ATTEMPTS || !matches!(answer, Err(Refusal::Conflict { .. })) {
                let answer = as_before(answer, self.options.effort, &live);
                return self.answered(self.name, answer).await;
            }
            // The engine knows more than the snapshot showed, so there will be another one.
            self.context.see(at + 1).await;
        }
        Err(Failure::stale(self.kind.plural, self.name))
    }

    /// The object, where there is one, and the version of the snapshot that said so.
    pub fn live(&self) -> (Option<Arc<Stored>>, u64) {
        let snapshot = self.context.snapshot();
        let object = snapshot.table.get(self.kind, self.name).cloned();
        (object, snapshot.table.version())
    }

    pub async fn write(&self, name: &str, verb: Verb) -> Answer {
        let counters = &self.context.counters;
        counters.writes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let write = Write {
            kind: self.kind,
            name: name.into(),
            verb,
            effort: self.options.effort,
        };
        self.context.handle.write(write).await
    }

    pub async fn answered(&self, name: &str, answer: Answer) -> Result<Done, Failure> {
        match answer {
            Ok(Some(object)) => {
                if self.options.effort == Effort::Real {
                    self.context.see(object.meta.version).await;
                }
                Ok(Done::ok(encode::object(&object, self.form)))
            }
            Ok(None) => Err(Failure::missing(self.kind, name)),
            Err(refusal) => Err(Failure::refused(self.kind, name, refusal)),
        }
    }
}

/// A version that was never given out must not be told to anybody.
fn as_before(answer: Answer, effort: Effort, live: &Stored) -> Answer {
    if effort == Effort::Real {
        return answer;
    }
    let told = |mut object: Arc<Stored>| {
        Arc::make_mut(&mut object).meta.version = live.meta.version;
        object
    };
    answer.map(|object| object.map(told))
}
