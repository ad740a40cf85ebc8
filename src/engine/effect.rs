//! Pure. Orders that the engine gives. A performer carries them out without ever making the engine wait.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::build::Reuse;
use crate::engine::action::{Answer, Class, Token};
use crate::engine::logs::{BuildEvent, Level};
use crate::engine::state::{Name, Sent};
use crate::liveupdate::plan::Plan;
use crate::liveupdate::pull::Pulled;
use crate::model::build::ImageTarget;
use crate::model::built::{Built, Delivery};
use crate::model::command::Command;
use crate::model::deployed::{Deployed, ObjectRef, Wanted};
use crate::model::filter::Ignore;
use crate::model::live::LiveUpdate;
use crate::model::local::Probe;
use crate::model::pod::Pod;
use crate::model::port::PortForward;
use crate::model::registry::Registry;
use crate::model::secret::Secret;
use crate::model::settings::DockerPrune;
use crate::model::time::Time;
use crate::model::workload::{Locator, Source};

#[derive(Clone, Debug)]
pub enum Effect {
    Answer {
        token: Token,
        answer: Answer,
    },
    /// To be answered once all has been told that was saved so far.
    Fence {
        token: Token,
    },
    Evaluate(EvaluateOrder),
    /// Asks an evaluation to end; it still reports how.
    CancelEvaluation {
        run: u64,
    },
    StartUpdate(Box<UpdateOrder>),
    /// Asks a running update to end; it still reports how.
    CancelUpdate {
        update: u64,
    },
    /// A long-lived task should exist, as described; one that differs is replaced.
    Keep {
        key: Key,
        task: Task,
    },
    Release {
        key: Key,
    },
    /// Throws away images of ours that are old and that nothing needs.
    Prune(Box<PruneOrder>),
    Log(LogOrder),
    /// Values that no log may show from now on.
    Scrub(Vec<Secret>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluateOrder {
    pub tiltfile: Name,
    pub run: u64,
    pub path: PathBuf,
    pub args: Vec<String>,
    pub span: Span,
}

/// One run that brings a resource up to date.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateOrder {
    pub update: u64,
    pub resource: Name,
    pub work: Work,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// A command to its end; nothing where only a serve command was declared.
    Command {
        command: Command,
        span: Span,
    },
    Nothing,
    /// Images, and then what is deployed with them.
    Images(Box<ImageWork>),
    /// What changed is brought into the containers that run.
    Live(Box<LiveWork>),
    /// What was deployed is deleted.
    Remove(Box<RemoveWork>),
    /// What this program cannot do, with the reason.
    Impossible(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImageWork {
    pub span: Span,
    /// Bases before what is made from them.
    pub steps: Vec<ImageStep>,
    pub deploy: Deploy,
}

/// What happens once all images are there.
#[derive(Clone, Debug, PartialEq)]
pub enum Deploy {
    /// What this program cannot do, with the reason.
    Impossible(String),
    Kubernetes(Box<KubernetesDeploy>),
}

/// Objects that are to be in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct KubernetesDeploy {
    /// The name of the KubernetesApply.
    pub apply: Name,
    pub source: Source,
    /// The images to put into the objects, with their definitions.
    pub images: Vec<(Name, Arc<ImageTarget>)>,
    /// Those of them that were built by other updates: nobody builds them in this one.
    pub built: BTreeMap<Name, Built>,
    pub locators: Vec<Locator>,
    pub timeout: Duration,
    pub merging: Merging,
    pub force: Force,
    /// What the latest apply left.
    pub before: Option<Arc<Deployed>>,
    /// All that is in the cluster because of earlier applies.
    pub left: Arc<[ObjectRef]>,
    /// What others deploy: it is not deleted, whatever this one left.
    pub elsewhere: Arc<[ObjectRef]>,
}

/// Who merges what is wanted with what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merging {
    #[default]
    Here,
    /// The API server: server-side apply.
    Server,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// What is as it should be is left alone.
    #[default]
    No,
    /// Everything is deleted first.
    Replace,
}

/// Changes on their way into containers. All of them get theirs, or none.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveWork {
    pub span: Span,
    pub orders: Vec<LiveOrder>,
}

/// What the containers of one image get.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveOrder {
    /// The name of the LiveUpdate.
    pub live: Name,
    pub rules: Arc<LiveUpdate>,
    pub containers: Vec<LiveTo>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LiveTo {
    /// The container's id.
    pub container: Box<str>,
    pub name: Box<str>,
    pub pod: Box<str>,
    pub scope: Scope,
    /// The files of the scope that changed.
    pub sent: BTreeMap<PathBuf, Sent>,
}

/// How much of what is synced is brought in.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    Files(Plan),
    /// All that there is: nobody knows what the container has.
    Everything {
        ignores: Vec<Ignore>,
    },
}

/// Objects that are to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoveWork {
    pub apply: Name,
    pub span: Span,
    pub objects: Arc<[ObjectRef]>,
    pub elsewhere: Arc<[ObjectRef]>,
    pub delete: Option<Command>,
    pub timeout: Duration,
}

/// One image of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageStep {
    pub image: Name,
    pub target: Arc<ImageTarget>,
    /// Which of the steps before it make what it is made from.
    pub bases: Vec<Name>,
    pub destination: Destination,
    pub make: Make,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Make {
    /// It is there, as long as its bases are what it was made from.
    Reuse {
        built: Built,
        bases: BTreeMap<Name, String>,
    },
    Build {
        reuse: Reuse,
    },
    /// An update of another resource failed to build it from the same inputs.
    Failed {
        message: String,
        class: Class,
    },
}

/// Where an image gets its name from, and where it has to be for whoever deploys it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    pub side: Side,
    pub registry: Registry,
    pub delivery: Delivery,
    /// Of the cluster, `linux/amd64`; empty where nothing says.
    pub platform: String,
}

/// Who runs what is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The engine that builds.
    #[default]
    Engine,
    /// A cluster: how an image gets there, and under which name, is made out with what it tells of itself.
    Cluster,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PruneOrder {
    pub settings: DockerPrune,
    /// Ids and names of images that must stay.
    pub keep: BTreeSet<String>,
}

/// What is kept running as long as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Watch(Name),
    Process(Name),
    Repo(Name),
    Extension(Name),
    Cluster,
    Discovery(Name),
    PodLogs(Name),
    Forward(Name),
    /// By the container's id.
    Agent(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    Watch {
        paths: Vec<PathBuf>,
        ignores: Vec<Ignore>,
    },
    Process(Box<ProcessTask>),
    Repo {
        generation: u64,
        repo: RepoSource,
    },
    Extension {
        generation: u64,
        repo: RepoSource,
        path: String,
    },
    /// The cluster is connected to, and its health is known.
    Cluster,
    Discovery(Box<DiscoveryTask>),
    PodLogs(Box<LogsTask>),
    Forward(Box<ForwardTask>),
    Agent(Arc<AgentTask>),
}

/// Something of ours that works in a container, reached over a stream that stays open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentTask {
    pub namespace: Box<str>,
    pub pod: Box<str>,
    pub container: Box<str>,
    pub id: Box<str>,
    /// Where files may go.
    pub roots: Vec<String>,
    /// What comes back from there.
    pub pulls: Vec<Pulled>,
    /// When the container began, if that was in this session.
    pub since: Option<Time>,
    pub span: Span,
}

/// The pods of what was deployed, and what the cluster says about them.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryTask {
    pub generation: u64,
    pub wanted: Wanted,
    /// What happened earlier is not told.
    pub since: Time,
    /// Where events are logged.
    pub span: Span,
}

/// The logs of one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct LogsTask {
    pub pod: String,
    pub namespace: String,
    pub since: Option<Time>,
    pub only: Vec<String>,
    pub ignore: Vec<String>,
    pub span: Span,
}

/// Ports here that lead into a pod. They stay open while the pod is replaced by another one.
#[derive(Clone, Debug, PartialEq)]
pub struct ForwardTask {
    pub ports: Vec<PortForward>,
    pub target: Option<Arc<Pod>>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProcessTask {
    /// Each generation runs once.
    pub generation: u64,
    pub argv: Vec<String>,
    pub dir: PathBuf,
    pub env: Vec<String>,
    pub probe: Option<Probe>,
    pub span: Span,
}

/// Where an extension repository comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoSource {
    pub url: String,
    pub reference: String,
    pub subpath: String,
}

/// Where lines go in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub id: Name,
    /// Empty for what belongs to no resource.
    pub resource: Name,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOrder {
    pub span: Span,
    pub level: Level,
    /// One or several whole lines.
    pub text: String,
    pub event: Option<BuildEvent>,
}
