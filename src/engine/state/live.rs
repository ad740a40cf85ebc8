//! Pure. What live updates have come to: which containers have which changes, and what keeps the others from getting them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::effect::AgentTask;
use crate::engine::state::{Name, Seq};
use crate::model::time::Time;

/// One deployed image of one resource, as far as its containers are changed in place. Its name is that of the LiveUpdate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveState {
    /// By the containers' ids; of those that are gone nothing is kept.
    pub containers: BTreeMap<Box<str>, Patched>,
    /// Every file that went into a container since the image came to be: whoever starts from the image needs it too.
    pub sent: BTreeMap<PathBuf, Sent>,
    /// Of an image that nobody builds: what came before was there when it was deployed.
    pub base: Seq,
    /// Only a build helps.
    pub failed: Option<LiveFailure>,
}

/// A file that went into containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its latest change.
    pub seq: Seq,
    /// The image map of the image whose source it is.
    pub source: Name,
}

/// One container that live updates reach.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patched {
    /// Changes up to here are in it. One that is new has what its image has.
    pub synced: Option<Seq>,
    /// When the newest change that is in it arrived here.
    pub last_file: Option<Time>,
    /// How its last command failed, if it did. Its files are in nevertheless.
    pub exec_error: Option<String>,
    /// All that is synced was copied once, where that is asked for.
    pub is_begun: bool,
    /// It cannot be reached, and was not replaced by what was deployed since: another deployment would not help it either.
    pub is_given_up: bool,
    /// Changes up to here were not brought in: it refused them, or somebody stopped it. It is tried again once there is more.
    pub left: Option<Seq>,
    /// Changes up to here are on their way into it.
    pub sending: Option<Sending>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sending {
    pub update: u64,
    pub up_to: Seq,
    pub last_file: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFailure {
    /// One word, as the API has it.
    pub reason: &'static str,
    pub message: String,
    pub at: Time,
}

/// What works for us in one container, by the container's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentState {
    pub task: Arc<AgentTask>,
    pub phase: AgentPhase,
    /// How the supervised program ended that has not been started again since.
    pub app_ended: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgentPhase {
    #[default]
    Starting,
    Ready {
        /// Why it is not ours that works there but what the container has, if so.
        fallback: Option<String>,
    },
    /// Not so far, for this reason.
    Delayed { error: String },
    /// Nothing can be brought into the container.
    Failed { error: String },
}

/// How far what runs is behind what was saved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Freshness {
    /// How many times files of the resource were saved in this session.
    pub edits: u64,
    /// Those that do not run yet, oldest first, each with its number. Of very many the oldest and the newest.
    pub waiting: Vec<Edit>,
    /// Edits up to this number run, or are of no interest any more.
    pub done: u64,
    /// The newest one that runs, and when it began to.
    pub runs: Option<(Edit, Time)>,
    /// What was deployed holds changes up to here, and runs as soon as it is ready.
    pub deployed: Option<Seq>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    pub number: u64,
    pub seq: Seq,
    pub saved: Time,
}

/// So many edits that do not run are told apart.
const MOST_WAITING: usize = 64;

impl Freshness {
    pub fn saved(&mut self, seq: Seq, at: Time) {
        // Several watches tell of one save.
        if self.waiting.last().is_some_and(|last| last.seq == seq) {
            return;
        }
        self.edits += 1;
        if self.waiting.len() == MOST_WAITING {
            // The oldest tells since when it is behind, the newest are what the next update sees.
            self.waiting.remove(1);
        }
        self.waiting.push(Edit {
            number: self.edits,
            seq,
            saved: at,
        });
    }

    /// Everything up to here runs now.
    pub fn runs(&mut self, up_to: Seq, now: Time) {
        let newest = self.waiting.iter().rev().find(|edit| edit.seq <= up_to).copied();
        self.waiting.retain(|edit| edit.seq > up_to);
        if let Some(newest) = newest {
            self.done = newest.number;
            self.runs = Some((newest, now));
        }
    }

    /// How many edits do not run.
    pub fn behind(&self) -> u64 {
        self.edits - self.done
    }

    /// Nothing runs any more, and whatever is started next sees everything.
    pub fn forget(&mut self) {
        *self = Freshness {
            edits: self.edits,
            done: self.edits,
            ..Freshness::default()
        };
    }
}

/// What people should know of how the containers of a resource are changed in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InPlace {
    /// Why the latest update builds, or built, although containers can be changed.
    pub built_because: Option<String>,
    /// Why changes go by what the container has, which is slower.
    pub fallback: Option<String>,
    /// The program that the next change starts again, and how it ended.
    pub ended: Option<String>,
}

impl AgentState {
    /// Whether nothing can be brought into the container.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self.phase, AgentPhase::Failed { .. })
    }
}

impl LiveState {
    /// Whether a container has to do without what others got until there is more.
    pub fn is_left(&self, patched: &Patched) -> bool {
        let is_old = |left: Seq| self.sent.values().all(|sent| sent.seq <= left);
        patched.left.is_some_and(is_old)
    }

    /// Whether an update is changing any of the containers.
    pub fn is_sending(&self) -> bool {
        self.containers.values().any(|container| container.sending.is_some())
    }
}

pub type Lives = BTreeMap<Name, Arc<LiveState>>;
