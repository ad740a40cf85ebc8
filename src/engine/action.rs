//! Pure. Facts that reach the engine. This is the complete list of what can wake it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::state::{Connected, ForwardedPort, Name, Seq, StreamState, TriggerSource};
use crate::model::built::{Built, Stage};
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::object::{FieldError, Kind, Stored};
use crate::model::pod::Pod;
use crate::model::project::{Evaluation, TriggerMode};
use crate::model::time::Time;

/// An action with its place in the order of all actions, and the time at which it arrived.
#[derive(Debug)]
pub struct Stamped {
    pub seq: Seq,
    pub at: Time,
    pub action: Action,
}

#[derive(Debug)]
pub enum Action {
    /// Somebody wants something changed and waits for an answer.
    Asked {
        token: Token,
        ask: Ask,
    },
    /// Somebody waits until all that was saved before has been told.
    Fence {
        token: Token,
    },
    /// It has been, by actions before this one; or nobody can tell.
    Fenced {
        token: Token,
        refusal: Option<Refusal>,
    },
    /// An evaluation of a Tiltfile ended.
    Evaluated {
        tiltfile: Name,
        run: u64,
        evaluation: Box<Evaluation>,
    },
    /// Files changed: for each watch the paths that it lets through.
    Files {
        changes: Vec<(Name, Vec<PathBuf>)>,
        /// When the newest of them was written; unknown of what is gone.
        written: Option<Time>,
    },
    Watch {
        watch: Name,
        fact: WatchFact,
    },
    /// The command of an update runs.
    UpdateRuns {
        update: u64,
        pid: i32,
    },
    /// News of an image that an update looks after.
    Image {
        image: Name,
        update: u64,
        fact: ImageFact,
    },
    Cluster(ClusterFact),
    /// News of what an update or a removal deploys.
    Applied {
        apply: Name,
        run: u64,
        fact: ApplyFact,
    },
    /// What the cluster shows of the pods of a KubernetesDiscovery.
    Discovered {
        discovery: Name,
        generation: u64,
        fact: DiscoveryFact,
    },
    PodLogs {
        stream: Name,
        state: StreamState,
    },
    Forward {
        forward: Name,
        ports: Vec<ForwardedPort>,
    },
    /// What became of a container that a live update changes.
    Live {
        live: Name,
        update: u64,
        container: Box<str>,
        fact: LiveFact,
    },
    /// News of what works for us in a container, by its id.
    Agent {
        container: Name,
        fact: AgentFact,
    },
    /// An update came to its end.
    Updated {
        update: u64,
        outcome: UpdateOutcome,
    },
    Process {
        process: Name,
        generation: u64,
        fact: ProcessFact,
    },
    Repo {
        repo: Name,
        generation: u64,
        outcome: RepoOutcome,
    },
    Extension {
        extension: Name,
        generation: u64,
        outcome: Result<PathBuf, String>,
    },
    /// The time has come that the state was waiting for.
    Woke,
    /// Somebody wants us to end: a signal, or the web page.
    Stop {
        reason: StopReason,
    },
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

#[derive(Debug)]
pub enum Ask {
    Write(Box<Write>),
    Trigger {
        resource: Name,
        source: TriggerSource,
    },
    SetTriggerMode {
        resource: Name,
        mode: TriggerMode,
    },
    /// Arguments of the main Tiltfile.
    SetArgs {
        args: Vec<String>,
    },
}

/// A change of one object.
#[derive(Clone, Debug)]
pub struct Write {
    pub kind: &'static Kind,
    pub name: Name,
    pub verb: Verb,
    pub effort: Effort,
}

#[derive(Clone, Debug)]
pub enum Verb {
    Create(Stored),
    /// The whole object as it should be; only the named part of it is taken over.
    Replace {
        object: Stored,
        part: Part,
        expected: Expected,
    },
    Delete {
        expected: Expected,
    },
}

/// What a client may change with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Metadata and spec.
    Main,
    Status,
}

/// What the object must be for the change to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub version: Option<u64>,
    pub uid: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    #[default]
    Real,
    /// Everything is checked and nothing is changed.
    Dry,
}

/// What the one who asked gets: the object as it is now or was last, where there is one.
pub type Answer = Result<Option<Arc<Stored>>, Refusal>;

/// Why something asked for does not happen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("{plural}.tilt.dev {name:?} not found")]
    Missing { plural: &'static str, name: Name },
    #[error("{plural}.tilt.dev {name:?} already exists")]
    Exists { plural: &'static str, name: Name },
    #[error("the object has been modified; please apply your changes to the latest version and try again")]
    Conflict { plural: &'static str, name: Name },
    #[error("uid {expected} is asked for, the object's is {found}")]
    OtherUid { expected: Box<str>, found: Box<str> },
    #[error("{}", listed(.errors))]
    Invalid { errors: Vec<FieldError> },
    #[error("{0}")]
    Forbidden(String),
    #[error("resource {resource:?} does not exist")]
    NoResource { resource: Name },
    #[error("resource {resource:?} is currently disabled")]
    Disabled { resource: Name },
    #[error("tilt is shutting down")]
    Ended,
}

fn listed(errors: &[FieldError]) -> String {
    crate::model::object::aggregate(errors).unwrap_or_default()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchFact {
    /// From now on no change is missed.
    Started,
    /// It does not work now; it is tried again.
    Failed {
        error: String,
    },
    Recovered,
}

/// What becomes of an image in the course of an update. Told at once: others may wait for it.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageFact {
    /// Its build begins.
    Started,
    /// The steps of its build so far.
    Stages(Vec<Stage>),
    Built {
        built: Built,
        /// What the images that it is made from were.
        bases: BTreeMap<Name, String>,
    },
    Failed {
        message: String,
        class: Class,
    },
    /// Nothing was done: it is as it should be, or what it is made from failed.
    Left,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ClusterFact {
    Connected(Box<Connected>),
    /// It cannot be reached, or not any more; it is tried again.
    Failed {
        error: String,
    },
    /// It is as it was before.
    Recovered,
    /// Another cluster answers in its place.
    Moved {
        error: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ApplyFact {
    Started,
    Done(Arc<Deployed>),
    Failed {
        error: String,
        /// What is in the cluster nevertheless.
        left: Vec<ObjectRef>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum DiscoveryFact {
    /// From now on everything is seen.
    Started,
    /// All pods that there are, oldest first.
    Pods(Vec<Arc<Pod>>),
    /// It cannot be seen for now; it is tried again.
    Failed {
        error: String,
    },
    Recovered,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveFact {
    /// It has everything.
    Synced,
    /// It has all files, and a command failed there.
    ExecFailed { error: String },
    /// Only a build helps.
    Failed { reason: &'static str, message: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentFact {
    /// The way there is lost; it is tried again.
    Lost,
    Ready {
        /// Why it is not ours that works there but what the container has, if so.
        fallback: Option<String>,
    },
    /// There was none so far; it is looked for.
    Delayed {
        error: String,
    },
    /// There is none. Should there be one later, [`AgentFact::Ready`] says so.
    Failed {
        error: String,
    },
    /// The program that it supervises ended, and is not started again before the next change.
    AppEnded {
        how: String,
    },
    AppStarted,
}

/// How an update went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    Done,
    Failed(UpdateFailure),
    /// It ended because we asked it to.
    Cancelled,
    /// Containers cannot be changed in place: a build has to do it.
    FellBack,
    /// A container went away meanwhile: what it comes to is decided anew.
    Again,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateFailure {
    pub class: Class,
    pub message: String,
    /// Of the command that failed: its exit code, and how it ended.
    pub exit: Option<(i32, String)>,
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Their Tiltfile, Dockerfile, YAML or command.
    User,
    /// Daemon, cluster, registry, disk: trying again makes sense.
    Environment,
    /// Ours.
    Internal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessFact {
    Started {
        pid: i32,
    },
    /// What the readiness probe found; also said of a process without one, once it has started.
    Ready {
        ready: Readiness,
    },
    Exited {
        pid: i32,
        code: i32,
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady,
}

/// What became of fetching an extension repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepoOutcome {
    Fetched {
        path: PathBuf,
        checkout: Option<String>,
        stale: Option<String>,
    },
    Failed {
        error: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    Signal(&'static str),
    /// `tilt ci` came to its end.
    Outcome,
}
