//! Pure. What goes wrong with a request, as the `Status` object that Kubernetes' clients understand.

use crate::engine::action::Refusal;
use crate::model::object::{FieldError, Kind, Problem};
use crate::model::tree::{Map, Tree};

/// The group of every kind.
pub const GROUP: &str = "tilt.dev";

/// Why a request is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    /// In a box, so that a result that may be a failure stays small.
    pub details: Box<Details>,
}

/// What the failure is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    pub name: String,
    pub group: &'static str,
    /// A plural, or the name of a kind where an object is invalid: so do Kubernetes' clients expect it.
    pub kind: &'static str,
    pub causes: Vec<Cause>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Failure {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Failure {
        Failure {
            code,
            reason,
            message: message.into(),
            details: Box::default(),
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Failure {
        Failure::new(400, "BadRequest", message)
    }

    pub fn no_such_path() -> Failure {
        Failure::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub fn missing(kind: &Kind, name: &str) -> Failure {
        let message = format!("{}.{GROUP} {name:?} not found", kind.plural);
        Failure::new(404, "NotFound", message).about(kind.plural, name)
    }

    pub fn method(method: &str) -> Failure {
        let message = format!("the server does not allow this method on the requested resource: {method}");
        Failure::new(405, "MethodNotAllowed", message)
    }

    pub fn not_acceptable(offers: &str) -> Failure {
        let message = format!("only the following media types are accepted: {offers}");
        Failure::new(406, "NotAcceptable", message)
    }

    pub fn unsupported(given: &str, accepted: &str) -> Failure {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted} (got {given:?})"
        );
        Failure::new(415, "UnsupportedMediaType", message)
    }

    /// The versions or the identity of an object are not what the client expects.
    pub fn conflict(plural: &'static str, name: &str, why: &str) -> Failure {
        let message = format!("Operation cannot be fulfilled on {plural}.{GROUP} {name:?}: {why}");
        Failure::new(409, "Conflict", message).about(plural, name)
    }

    pub fn stale(plural: &'static str, name: &str) -> Failure {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Failure::conflict(plural, name, why)
    }

    pub fn invalid(kind: &'static Kind, name: &str, errors: &[FieldError]) -> Failure {
        let text = crate::model::object::aggregate(errors).unwrap_or_default();
        let message = format!("{}.{GROUP} {name:?} is invalid: {text}", kind.name);
        let mut failure = Failure::new(422, "Invalid", message).about(kind.name, name);
        failure.details.causes = errors.iter().map(cause).collect();
        failure
    }

    /// What was asked about happened too long ago.
    pub fn expired(asked: u64, oldest: u64) -> Failure {
        Failure::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// A version that is not there yet.
    pub fn too_new(asked: u64, current: u64) -> Failure {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut failure = Failure::new(504, "Timeout", message);
        failure.details.causes.push(Cause {
            reason: "ResourceVersionTooLarge",
            message: "Too large resource version".into(),
            field: String::new(),
        });
        failure
    }

    pub fn about(mut self, kind: &'static str, name: &str) -> Failure {
        self.details.group = GROUP;
        self.details.kind = kind;
        self.details.name = name.to_owned();
        self
    }

    /// Why the engine refuses to change an object.
    pub fn refused(kind: &'static Kind, object: &str, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Missing { name, .. } => Failure::missing(kind, &name),
            Refusal::Exists { plural, name } => {
                let message = format!("{plural}.{GROUP} {name:?} already exists");
                Failure::new(409, "AlreadyExists", message).about(plural, &name)
            }
            Refusal::Conflict { plural, name } => Failure::stale(plural, &name),
            Refusal::OtherUid { expected, found } => {
                let why = format!("Precondition failed: UID in precondition: {expected}, UID in object meta: {found}");
                Failure::conflict(kind.plural, object, &why)
            }
            Refusal::Invalid { errors } => Failure::invalid(kind, object, &errors),
            Refusal::Forbidden(why) => {
                let message = format!("{}.{GROUP} {object:?} is forbidden: {why}", kind.plural);
                Failure::new(403, "Forbidden", message).about(kind.plural, object)
            }
            Refusal::Ended => Failure::new(503, "ServiceUnavailable", Refusal::Ended.to_string()),
            other => Failure::new(409, "Conflict", other.to_string()).about(kind.plural, object),
        }
    }

    pub fn to_tree(&self) -> Tree {
        let mut map = Map::new();
        map.push("kind", Tree::text("Status"));
        map.push("apiVersion", Tree::text("v1"));
        map.push("metadata", Tree::Map(Map::new()));
        map.push("status", Tree::text("Failure"));
        map.push("message", Tree::text(self.message.as_str()));
        map.push("reason", Tree::text(self.reason));
        if *self.details != Details::default() {
            map.push("details", self.details.to_tree());
        }
        map.push("code", Tree::Int(i64::from(self.code)));
        Tree::Map(map)
    }
}

impl Details {
    fn to_tree(&self) -> Tree {
        let mut map = Map::new();
        for (key, value) in [("name", self.name.as_str()), ("group", self.group), ("kind", self.kind)] {
            if !value.is_empty() {
                map.push(key, Tree::text(value));
            }
        }
        if !self.causes.is_empty() {
            map.push("causes", Tree::List(self.causes.iter().map(Cause::to_tree).collect()));
        }
        Tree::Map(map)
    }
}

impl Cause {
    fn to_tree(&self) -> Tree {
        let mut map = Map::new();
        for (key, value) in [
            ("reason", self.reason),
            ("message", self.message.as_str()),
            ("field", self.field.as_str()),
        ] {
            if !value.is_empty() {
                map.push(key, Tree::text(value));
            }
        }
        Tree::Map(map)
    }
}

fn cause(error: &FieldError) -> Cause {
    let reason = match error.problem {
        Problem::Required => "FieldValueRequired",
        Problem::Invalid(_) => "FieldValueInvalid",
        Problem::Duplicate(_) => "FieldValueDuplicate",
        Problem::Unsupported(_) => "FieldValueNotSupported",
        Problem::Forbidden => "FieldValueForbidden",
    };
    let whole = error.to_string();
    let message = whole.strip_prefix(&format!("{}: ", error.path)).unwrap_or(&whole);
    Cause {
        reason,
        message: message.to_owned(),
        field: error.path.clone(),
    }
}

/// The object that was deleted is gone.
pub fn success(plural: &'static str, name: &str, uid: &str) -> Tree {
    let mut details = Map::new();
    for (key, value) in [("name", name), ("group", GROUP), ("kind", plural), ("uid", uid)] {
        if !value.is_empty() {
            details.push(key, Tree::text(value));
        }
    }
    let mut map = Map::new();
    map.push("kind", Tree::text("Status"));
    map.push("apiVersion", Tree::text("v1"));
    map.push("metadata", Tree::Map(Map::new()));
    map.push("status", Tree::text("Success"));
    map.push("details", Tree::Map(details));
    Tree::Map(map)
}
