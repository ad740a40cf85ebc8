//! Pure. One resource: what is declared, what is pending, what runs, how it went.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::deploy::runtime::Runtime;
use crate::engine::action::Class;
use crate::engine::state::{Cause, Freshness, Hold, InPlace, Name, Phase, ProcessState, Seq, TriggerSource, Workload};
use crate::model::project::{Resource, Target, TriggerMode};
use crate::model::time::Time;

#[derive(Clone, Debug)]
pub struct ResourceState {
    pub declared: Arc<Resource>,
    /// The names of the image maps of the images that it declares, bases first.
    pub images: Arc<[Name]>,
    /// The Tiltfile that declares it.
    pub tiltfile: Name,
    pub trigger_mode: TriggerMode,
    pub enabled: bool,
    pub pending: Pending,
    pub requested: Option<Requested>,
    /// Whether an update of what is declared now was started, and why one is due if not.
    pub started_once: bool,
    pub due: Option<Cause>,
    pub running: Option<Update>,
    /// Newest first, at most two.
    pub history: VecDeque<Record>,
    pub serve: Option<Serve>,
    /// Whether it has been ready in this session: what dependents wait for.
    pub ever_ready: bool,
    /// Changes up to here were seen by an update that came to its end.
    pub seen_up_to: Seq,
    pub last_deploy: Option<Time>,
    pub hold: Option<Hold>,
    pub last_command: Option<CommandRun>,
    /// How long a successful update takes, learned.
    pub usual: Option<Duration>,
    /// The last update was given up for a newer save: the next one runs to its end.
    pub was_superseded: bool,
    /// How many updates in a row lost what was to bring them into a container.
    pub losses: u32,
    pub echo: Echo,
    /// What the images were that its latest update used, bases included.
    pub used: BTreeMap<Name, String>,
    /// An image that it uses is not what its latest update used: another resource built it.
    pub is_outdated: bool,
    pub retry: Retry,
    /// How its pods do, where it is deployed to Kubernetes.
    pub workload: Workload,
    /// A container of it lacks what others have got already, or was never begun.
    pub is_behind: bool,
    /// Its latest build or deploy failed: what runs is not what was declared or saved then, and only a build changes that.
    pub is_broken: bool,
    pub freshness: Freshness,
    pub in_place: InPlace,
}

/// How often in a row it failed for what lies outside the project, and when it tries again by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    pub failures: u32,
    pub at: Option<Time>,
}

/// Files that changed since the last update that saw them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    pub files: BTreeMap<PathBuf, Seq>,
    pub since: Option<Time>,
}

/// Somebody triggered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Requested {
    pub source: TriggerSource,
    pub seq: Seq,
    pub at: Time,
}

/// An update that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub id: u64,
    pub span: Name,
    pub started: Time,
    /// Changes up to here are part of what it sees.
    pub inputs_as_of: Seq,
    pub causes: Vec<Cause>,
    pub files: Vec<PathBuf>,
    /// Nothing may run beside it.
    pub alone: bool,
    /// Of its command, once it runs.
    pub pid: Option<i32>,
    pub cancelled: Option<Cancelled>,
    /// What the images are that it uses, as far as that is settled.
    pub images: BTreeMap<Name, String>,
    pub means: Means,
    /// Who asked for it, in case it has to be begun again.
    pub requested: Option<Requested>,
}

/// How an update brings its resource up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    #[default]
    Build,
    /// Containers are changed in place.
    Live,
    /// Containers that lack what others have get it.
    CatchUp,
}

/// Why a running update was asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// By its stop button.
    Stopped,
    Disabled,
    /// The resource or its definition is gone.
    Redefined,
    Superseded,
    Ending,
}

/// How an update or an evaluation went.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub started: Time,
    pub finished: Time,
    pub span: Name,
    pub error: Option<String>,
    pub class: Option<Class>,
    pub causes: Vec<Cause>,
    pub warnings: Vec<String>,
}

/// The process that a resource serves with.
#[derive(Clone, Debug, PartialEq)]
pub struct Serve {
    /// Of the Cmd object that shows it.
    pub cmd: Name,
    pub number: u64,
    pub process: ProcessState,
}

/// The latest run of a resource's update command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandRun {
    pub pid: i32,
    pub code: i32,
    pub reason: String,
    pub started: Time,
    pub finished: Time,
}

/// Whether updates change their own inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Echo {
    /// Files that changed while the last update ran.
    pub files: BTreeSet<PathBuf>,
    /// How often in a row an update was caused by nothing but those.
    pub times: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStatus {
    None,
    Pending,
    InProgress,
    Ok,
    Error,
    NotApplicable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeStatus {
    None,
    Unknown,
    Pending,
    Ok,
    Error,
    NotApplicable,
}

impl ResourceState {
    pub fn new(declared: Arc<Resource>, tiltfile: Name) -> ResourceState {
        ResourceState {
            trigger_mode: declared.trigger,
            images: image_maps(&declared),
            declared,
            tiltfile,
            enabled: true,
            pending: Pending::default(),
            requested: None,
            started_once: false,
            due: Some(Cause::Initial),
            running: None,
            history: VecDeque::new(),
            serve: None,
            ever_ready: false,
            seen_up_to: Seq(0),
            last_deploy: None,
            hold: None,
            last_command: None,
            usual: None,
            was_superseded: false,
            losses: 0,
            echo: Echo::default(),
            used: BTreeMap::new(),
            is_outdated: false,
            retry: Retry::default(),
            workload: Workload::default(),
            is_behind: false,
            is_broken: false,
            freshness: Freshness::default(),
            in_place: InPlace::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.declared.name
    }

    /// Whether nothing has to be waited for once an update of it has gone well.
    pub fn is_ready_once_updated(&self) -> bool {
        match self.is_kubernetes() {
            true => self.workload.is_ready(),
            false => !self.serves(),
        }
    }

    /// Whether it starts by itself for the first time.
    pub fn starts_by_itself(&self) -> bool {
        matches!(self.trigger_mode, TriggerMode::Auto | TriggerMode::ManualWithAutoInit)
    }

    /// Whether changes of files start an update.
    pub fn follows_files(&self) -> bool {
        matches!(self.trigger_mode, TriggerMode::Auto | TriggerMode::AutoWithManualInit)
    }

    /// Whether what it is made from is not what it was at its latest update.
    pub fn is_changed(&self) -> bool {
        !self.pending.files.is_empty() || self.is_outdated
    }

    /// Whether it uses an image, be it only as the base of another one.
    pub fn uses(&self, image: &str) -> bool {
        self.images.iter().any(|used| **used == *image)
    }

    pub fn serves(&self) -> bool {
        matches!(&self.declared.target, Target::Local(local) if !local.serve.is_empty())
    }

    pub fn is_kubernetes(&self) -> bool {
        matches!(self.declared.target, Target::Kubernetes(_))
    }

    pub fn has_update_command(&self) -> bool {
        matches!(&self.declared.target, Target::Local(local) if local.update.is_some())
    }

    /// Whether its update may run beside others.
    pub fn runs_alone(&self) -> bool {
        matches!(&self.declared.target, Target::Local(local) if !local.allow_parallel && local.update.is_some())
    }

    pub fn last(&self) -> Option<&Record> {
        self.history.front()
    }

    pub fn update_status(&self) -> UpdateStatus {
        if self.running.is_some() {
            return UpdateStatus::InProgress;
        }
        if !self.enabled {
            return UpdateStatus::None;
        }
        let waits = self.requested.is_some()
            || (self.due.is_some() && (self.starts_by_itself() || self.started_once))
            || (self.is_changed() && self.follows_files())
            || self.is_behind;
        match self.last() {
            _ if waits => UpdateStatus::Pending,
            Some(record) if record.error.is_some() => UpdateStatus::Error,
            Some(_) if !self.has_update_command() && self.serves() => UpdateStatus::NotApplicable,
            Some(_) => UpdateStatus::Ok,
            None => UpdateStatus::None,
        }
    }

    pub fn runtime_status(&self) -> RuntimeStatus {
        match &self.serve {
            _ if !self.enabled => RuntimeStatus::None,
            _ if self.is_kubernetes() => self.workload_status(),
            _ if !self.serves() => RuntimeStatus::NotApplicable,
            None if self.update_status() == UpdateStatus::None => RuntimeStatus::None,
            None => RuntimeStatus::Pending,
            Some(serve) => match &serve.process.phase {
                Phase::Starting => RuntimeStatus::Pending,
                Phase::Running { .. } if serve.process.is_ready() => RuntimeStatus::Ok,
                Phase::Running { .. } => RuntimeStatus::Pending,
                Phase::Exited { .. } => RuntimeStatus::Error,
            },
        }
    }

    fn workload_status(&self) -> RuntimeStatus {
        match &self.workload.runtime {
            None if self.update_status() == UpdateStatus::None => RuntimeStatus::None,
            None | Some(Runtime::Pending { .. }) => RuntimeStatus::Pending,
            // The container stays for the next change, the program in it is gone.
            Some(Runtime::Ok) if self.in_place.ended.is_some() => RuntimeStatus::Error,
            Some(Runtime::Ok) => RuntimeStatus::Ok,
            Some(Runtime::NotApplicable) => RuntimeStatus::NotApplicable,
            Some(Runtime::Error { .. }) => RuntimeStatus::Error,
        }
    }

    /// Whether what it deploys is as ready as it gets: what dependents may wait for.
    pub fn is_ready(&self) -> bool {
        match &self.serve {
            _ if self.is_kubernetes() => self.workload.is_ready(),
            Some(serve) => serve.process.is_ready(),
            None => !self.serves() && self.last().is_some_and(|record| record.error.is_none()),
        }
    }
}

pub fn image_maps(declared: &Resource) -> Arc<[Name]> {
    declared.images.iter().map(|image| image.image_map().into()).collect()
}
