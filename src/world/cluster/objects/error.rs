//! What a cluster answers to requests about objects when it does not do what it is asked for.

use std::time::Duration;

use thiserror::Error;

use crate::model::tree::Tree;
use crate::model::yaml::json;
use crate::world::cluster::ClusterError;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ObjectError {
    /// It is away, or does not know us.
    #[error(transparent)]
    Cluster(ClusterError),
    #[error("no matches for kind \"{kind}\" in version \"{api_version}\"")]
    UnknownKind { api_version: Box<str>, kind: Box<str> },
    #[error("an object without a name cannot be applied (`generateName` is for objects that are created once)")]
    Nameless,
    #[error("{0}")]
    Refused(Box<Refusal>),
}

/// A request that the cluster understood, and why it does not do it.
#[derive(Clone, Debug, Default, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Refusal {
    pub status: u16,
    /// As the API names it: `AlreadyExists`, `Invalid`; empty where something between us and the cluster answered.
    pub reason: Box<str>,
    /// The server's words.
    pub message: String,
    /// Name of the object that it is about, where that is told. It need not be the one that was asked for.
    pub name: Box<str>,
    pub causes: Vec<Cause>,
    pub retry_after: Option<Duration>,
}

/// One of the reasons, and the field that it is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    pub reason: Box<str>,
    pub field: Box<str>,
    pub message: String,
}

impl ObjectError {
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            ObjectError::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    fn is(&self, status: u16) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == status)
    }

    pub fn is_unknown_kind(&self) -> bool {
        matches!(self, ObjectError::UnknownKind { .. })
    }

    pub fn is_forbidden(&self) -> bool {
        self.is(403)
    }

    pub fn is_not_found(&self) -> bool {
        self.is(404)
    }

    pub fn is_already_there(&self) -> bool {
        self.refusal()
            .is_some_and(|refusal| &*refusal.reason == "AlreadyExists")
    }

    /// Somebody else changed the object meanwhile, or it is another incarnation than the one that was meant.
    pub fn is_conflict(&self) -> bool {
        self.is(409) && !self.is_already_there()
    }

    /// The whole request is too large, or the annotations of the object.
    pub fn is_too_large(&self) -> bool {
        self.refusal().is_some_and(|refusal| {
            refusal.status == 413
                || refusal.message.contains("metadata.annotations: Too long")
                || refusal.message.contains("Request entity too large")
                || refusal.message.contains("etcdserver: request is too large")
        })
    }

    /// The object that is there cannot become the one that is wanted, but a new one could.
    pub fn is_immutable(&self) -> bool {
        self.refusal().is_some_and(Refusal::is_immutable)
    }

    /// Trying the same again makes sense: the cluster is away, busy or in trouble.
    pub fn is_passing(&self) -> bool {
        match self {
            ObjectError::Cluster(error) => error.is_connection(),
            ObjectError::Refused(refusal) => {
                let is_still_coming = refusal.status == 403
                    && (refusal
                        .causes
                        .iter()
                        .any(|cause| &*cause.reason == "NamespaceTerminating")
                        || refusal.message.contains("error looking up service account"));
                // Old servers have no other status for an object that server-side apply cannot read.
                let is_wrong = refusal.message.contains("failed to create typed patch object");
                matches!(refusal.status, 408 | 429 | 500 | 502 | 503 | 504) && !is_wrong || is_still_coming
            }
            ObjectError::UnknownKind { .. } | ObjectError::Nameless => false,
        }
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }
}

impl Refusal {
    fn is_immutable(&self) -> bool {
        let says_so = |message: &str| {
            [
                "immutable",
                "may not change once set",
                "updates to statefulset spec",
                "may not be changed",
                "pod updates may not",
                "cannot change roleRef",
            ]
            .iter()
            .any(|words| message.contains(words))
        };
        let is_meant = |cause: &Cause| &*cause.reason == "FieldValueForbidden" || says_so(&cause.message);
        // One fault that a new object would have as well, and deleting the old one helps nobody.
        self.status == 422
            && match self.causes.is_empty() {
                true => says_so(&self.message),
                false => self.causes.iter().all(is_meant),
            }
    }

    /// From an answer that is no success.
    pub(super) fn read(status: u16, retry_after: Option<Duration>, body: &str) -> Refusal {
        let tree = json::parse(body).filter(|tree| tree.get("kind").and_then(Tree::as_text) == Some("Status"));
        let Some(tree) = tree else {
            return Refusal {
                status,
                message: match body.trim() {
                    "" => format!("status {status}"),
                    text => text.chars().take(MOST_SAID).collect(),
                },
                retry_after,
                ..Refusal::default()
            };
        };
        let text = |path: &[&str]| tree.at(path).and_then(Tree::as_text).unwrap_or_default();
        let wait = match tree.at(&["details", "retryAfterSeconds"]) {
            Some(Tree::Int(seconds)) => u64::try_from(*seconds).ok().map(Duration::from_secs),
            _ => None,
        };
        let causes = tree.at(&["details", "causes"]).and_then(Tree::as_list);
        Refusal {
            status,
            reason: text(&["reason"]).into(),
            message: text(&["message"]).trim().to_owned(),
            name: text(&["details", "name"]).into(),
            causes: causes.unwrap_or_default().iter().map(cause).collect(),
            retry_after: retry_after.or(wait),
        }
    }
}

/// Of an answer that is no API server's.
const MOST_SAID: usize = 500;

fn cause(tree: &Tree) -> Cause {
    let text = |key: &str| tree.get(key).and_then(Tree::as_text).unwrap_or_default();
    Cause {
        reason: text("reason").into(),
        field: text("field").into(),
        message: text("message").to_owned(),
    }
}
