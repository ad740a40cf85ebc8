//! Pure. Orders that the engine gives. A performer carries them out without ever making the engine wait.

use std::path::PathBuf;

use crate::engine::action::{Answer, Token};
use crate::engine::logs::{BuildEvent, Level};
use crate::engine::state::Name;
use crate::model::command::Command;
use crate::model::filter::Ignore;
use crate::model::local::Probe;
use crate::model::secret::Secret;

#[derive(Clone, Debug)]
pub enum Effect {
    Answer {
        token: Token,
        answer: Answer,
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
    /// What this program cannot do, with the reason.
    Impossible(String),
}

/// What is kept running as long as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Watch(Name),
    Process(Name),
    Repo(Name),
    Extension(Name),
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
