//! Pure. Everything the engine knows. One task owns it; whoever else reads it reads a copy that never changes.
//!
//! Copies are cheap: what a step does not touch is shared with the copies before it.

mod cause;
mod cluster;
mod deploy;
mod entries;
mod image;
mod live;
mod process;
mod resource;
mod session;
mod tiltfile;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::engine::effect::Task;
use crate::engine::objects::first;
use crate::model::object::Table;
use crate::model::settings::Settings;
use crate::model::time::Time;

pub use cause::{Cause, Hold, TriggerSource};
pub use cluster::{ClusterState, Connected};
pub use deploy::{
    ApplyState, ContainerStream, DiscoveryState, ForwardState, ForwardedPort, Removal, StreamState, Workload,
};
pub use entries::Entries;
pub use image::{ImageFailure, ImageState, Made, Making, builds_the_same, identity, is_ours};
pub use live::{
    AgentPhase, AgentState, Edit, Freshness, InPlace, LiveFailure, LiveState, Lives, Patched, Sending, Sent,
};
pub use process::{CmdState, Phase, ProcessState};
pub use resource::{
    Cancelled, CommandRun, Echo, Means, Pending, Record, Requested, ResourceState, Retry, RuntimeStatus, Serve, Update,
    UpdateStatus, image_maps,
};
pub use session::{Build, Ending, Mode, Outcome, Session, WebAddress};
pub use tiltfile::{Evaluating, TiltfileState};

/// A name that many places share.
pub type Name = Arc<str>;

/// The name of the main Tiltfile's object, and of its resource.
pub const MAIN: &str = "(Tiltfile)";

/// The order of all actions. Comparing these, never clocks, tells what came first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

#[derive(Clone, Debug)]
pub struct State {
    /// Of the latest action.
    pub seq: Seq,
    /// When it arrived.
    pub now: Time,
    pub session: Arc<Session>,
    pub table: Table,
    /// The main one first.
    pub tiltfiles: IndexMap<Name, Arc<TiltfileState>>,
    /// In the order of definition, Tiltfile by Tiltfile.
    pub resources: IndexMap<Name, Arc<ResourceState>>,
    /// What resources build, by the name of the image map.
    pub images: Entries<ImageState>,
    pub pruning: Pruning,
    pub cluster: Arc<ClusterState>,
    /// What is in the cluster because of us, by the name of the KubernetesApply.
    pub applies: Entries<ApplyState>,
    pub discoveries: Entries<DiscoveryState>,
    pub streams: Entries<StreamState>,
    pub forwards: Entries<ForwardState>,
    /// What is changed in place, by the name of the LiveUpdate.
    pub lives: Lives,
    /// What works for us in containers, by their ids.
    pub agents: BTreeMap<Name, Arc<AgentState>>,
    /// What is known of containers changed, and what follows from it for live updates did not yet.
    pub unpatched: bool,
    /// What is known of deploys changed, and the objects that follow from it did not yet.
    pub unsettled: bool,
    /// Updates of resources that are gone, until they have ended.
    pub departing: BTreeMap<u64, (Name, Update)>,
    /// Resources that were triggered and not yet started, in order.
    pub queue: Vec<Name>,
    /// Cmd objects that run on their own account.
    pub cmds: BTreeMap<Name, Arc<CmdState>>,
    pub watches: Entries<WatchState>,
    pub clicks: BTreeMap<Name, Click>,
    pub settings: Arc<Settings>,
    pub counters: Counters,
    pub repos: BTreeMap<Name, Arc<RepoState>>,
    pub extensions: BTreeMap<Name, Arc<RepoState>>,
}

/// Numbers that are given once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub updates: u64,
    pub serves: u64,
    pub evaluations: u64,
    pub generations: u64,
}

/// When images that nobody needs any more are thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruning {
    /// How many images were built in this session, and how many of them before the latest pruning.
    pub built: u64,
    pub built_before: u64,
    pub last: Option<Time>,
}

/// What a FileWatch has seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WatchState {
    pub started: Option<Time>,
    /// The latest batches, oldest first.
    pub batches: Vec<Batch>,
    pub last: Option<Seq>,
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub at: Time,
    pub paths: Vec<PathBuf>,
}

/// The latest click on a button.
#[derive(Clone, Debug, PartialEq)]
pub struct Click {
    /// As the object's status has it.
    pub clicked_at: Box<str>,
    pub at: Option<Time>,
    pub seq: Seq,
    /// What the inputs of the button held, as environment variables.
    pub env: Vec<String>,
}

/// What fetching a repository, or finding an extension in it, has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RepoState {
    pub generation: u64,
    pub asked: Option<Task>,
    pub found: Sought,
    pub failures: u32,
    pub retry_at: Option<Time>,
    /// Whether the object's status says it already.
    pub shown: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sought {
    #[default]
    Nothing,
    Missing(String),
    Repo {
        path: PathBuf,
        checkout: Option<String>,
        stale: Option<String>,
        at: Time,
    },
    /// The extension's Tiltfile.
    Extension(PathBuf),
}

impl State {
    /// `salt` is different for every session.
    pub fn new(session: Session, salt: &str) -> State {
        let mut state = State {
            seq: Seq(0),
            now: session.started,
            session: Arc::new(session),
            table: Table::new(salt),
            tiltfiles: IndexMap::new(),
            resources: IndexMap::new(),
            images: Entries::default(),
            pruning: Pruning::default(),
            cluster: Arc::default(),
            applies: Entries::default(),
            discoveries: Entries::default(),
            streams: Entries::default(),
            forwards: Entries::default(),
            lives: Lives::new(),
            agents: BTreeMap::new(),
            unpatched: false,
            unsettled: false,
            departing: BTreeMap::new(),
            queue: Vec::new(),
            cmds: BTreeMap::new(),
            watches: Entries::default(),
            clicks: BTreeMap::new(),
            settings: Arc::default(),
            counters: Counters::default(),
            repos: BTreeMap::new(),
            extensions: BTreeMap::new(),
        };
        first::put(&mut state);
        state
    }

    pub fn resource(&self, name: &str) -> Option<&ResourceState> {
        self.resources.get(name).map(Arc::as_ref)
    }

    pub fn resource_mut(&mut self, name: &str) -> Option<&mut ResourceState> {
        self.resources.get_mut(name).map(Arc::make_mut)
    }

    pub fn image_mut(&mut self, name: &str) -> Option<&mut ImageState> {
        self.images.get_mut(name).map(Arc::make_mut)
    }

    pub fn apply_mut(&mut self, name: &str) -> Option<&mut ApplyState> {
        self.applies.get_mut(name).map(Arc::make_mut)
    }

    pub fn tiltfile_mut(&mut self, name: &str) -> Option<&mut TiltfileState> {
        self.tiltfiles.get_mut(name).map(Arc::make_mut)
    }

    pub fn session_mut(&mut self) -> &mut Session {
        Arc::make_mut(&mut self.session)
    }
}

/// The next of a kind of numbers.
pub fn next(counter: &mut u64) -> u64 {
    *counter += 1;
    *counter
}
