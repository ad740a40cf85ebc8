//! Pure. One Tiltfile: when it was evaluated, what came of it, whether it is due again.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::state::{Cause, Name, Record, Seq};
use crate::model::project::Project;
use crate::model::time::Time;

#[derive(Clone, Debug)]
pub struct TiltfileState {
    pub name: Name,
    pub path: PathBuf,
    pub args: Vec<String>,
    /// Why it is due, with the order and time of the first reason.
    pub due: Option<(Vec<Cause>, Seq, Time)>,
    pub running: Option<Evaluating>,
    /// Newest first.
    pub history: VecDeque<Record>,
    /// Of the last evaluation that went well.
    pub project: Option<Arc<Project>>,
    /// What the last evaluation read, and what any before it read if it failed.
    pub config_files: Vec<PathBuf>,
    pub warnings: usize,
    /// Its arguments changed: which resources start is theirs to say.
    pub resets_toggles: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Evaluating {
    pub run: u64,
    pub started: Time,
    /// Changes up to here are part of what it reads.
    pub inputs_as_of: Seq,
    pub causes: Vec<Cause>,
    pub span: Name,
}

impl TiltfileState {
    pub fn new(name: &str, path: PathBuf, args: Vec<String>) -> TiltfileState {
        TiltfileState {
            name: name.into(),
            path,
            args,
            due: None,
            running: None,
            history: VecDeque::new(),
            project: None,
            config_files: Vec::new(),
            warnings: 0,
            resets_toggles: false,
        }
    }

    pub fn is_busy(&self) -> bool {
        self.due.is_some() || self.running.is_some()
    }

    /// Why its last evaluation failed.
    pub fn error(&self) -> Option<&str> {
        self.history.front()?.error.as_deref()
    }
}
