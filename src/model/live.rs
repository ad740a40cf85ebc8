//! Pure. What a Tiltfile's `live_update` list says: how changed files reach a running container.

pub mod derive;
pub mod supervisor;

use std::path::PathBuf;

/// The steps of one `live_update`, in the order of their kinds: stop paths, syncs, then commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveUpdate {
    /// Local paths below are relative to this directory, those outside it with `..`; triggers are as they were written.
    pub base: PathBuf,
    pub stop_paths: Vec<String>,
    pub syncs: Vec<Sync>,
    /// What comes back from the container: patterns of local paths, relative to the base, each of them under a sync.
    pub pulls: Vec<String>,
    pub execs: Vec<Exec>,
    pub restart: Restart,
    /// Only a change of these restarts; as they were written, like those of commands. None means any change does.
    pub restart_triggers: Vec<String>,
    pub initial_sync: InitialSync,
    /// The container that it reaches, where that is not decided by its image.
    pub container: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Relative to the base.
    pub local: String,
    pub container: String,
    pub owner: Ownership,
    pub mode: ModeRule,
}

/// Whose a synced file is in the container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ownership {
    /// That of the file that it replaces, else that of its folder.
    #[default]
    LikeExisting,
    /// The user whom the container runs as.
    ContainerUser,
    Ids {
        uid: u32,
        gid: u32,
    },
}

/// What may be done with a synced file in the container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModeRule {
    /// The same as with the local file.
    #[default]
    Host,
    /// The same as with the file that it replaces; a new one is as on the host.
    LikeExisting,
    Fixed(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    pub argv: Vec<String>,
    /// Relative to the base, or absolute; none means always.
    pub triggers: Vec<String>,
    pub echo: crate::model::command::Echo,
}

/// Whether the container's process starts again after an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    #[default]
    Never,
    Always,
}

/// Whether all synced files are copied when a container is first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InitialSync {
    #[default]
    Skip,
    Copy,
}

impl LiveUpdate {
    pub fn is_empty(&self) -> bool {
        self.stop_paths.is_empty()
            && self.syncs.is_empty()
            && self.pulls.is_empty()
            && self.execs.is_empty()
            && self.restart == Restart::Never
            && self.initial_sync == InitialSync::Skip
    }
}
