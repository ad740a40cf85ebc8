//! Pure. What is known of one step.

use std::collections::VecDeque;
use std::time::Duration;

use crate::build::progress::INDENT;
use crate::build::progress::live::{LiveStep, StepState};
use crate::build::progress::output::Lines;
use crate::build::progress::size::size;
use crate::build::{Level, Report};
use crate::model::built::Stage;
use crate::model::solve::{self, Output, Transfer};
use crate::model::time::Time;

/// How many lines of output are repeated when a step fails.
const TAIL: usize = 10;
/// How the builder ends what is of no use any more because something else failed.
const CANCELED: &str = "context canceled";

#[derive(Debug, Default)]
pub struct Step {
    pub digest: String,
    pub stage: Stage,
    /// When its present run began, by the builder's clock.
    pub run: Option<Time>,
    /// The run whose end was told: one of a step that looks into the cache first is not worth a line, the next one may be.
    pub run_told: Option<Time>,
    /// When we first heard that it runs, by our clock.
    seen: Option<Time>,
    transfers: Vec<Transfer>,
    stdout: Lines,
    stderr: Lines,
    pub tail: VecDeque<String>,
    has_printed: bool,
    pub is_announced: bool,
    pub is_failure_said: bool,
    pub is_slowness_said: bool,
    /// What was last told of its progress.
    pub counted_last: String,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Cached,
    Failed,
    Canceled,
}

/// Whether somebody who wrote a Dockerfile wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Step,
    Internal,
}

impl Step {
    pub fn new(digest: &str) -> Step {
        Step {
            digest: digest.to_owned(),
            ..Step::default()
        }
    }

    pub fn note(&mut self, news: &solve::Step, now: Time) {
        let stage = &mut self.stage;
        if !news.name.is_empty() {
            stage.name.clone_from(&news.name);
        }
        stage.cached |= news.cached;
        if !news.error.is_empty() {
            stage.error.clone_from(&news.error);
        }
        let Some(started) = news.started.or(news.finished) else {
            return;
        };
        if self.run.is_none_or(|run| run <= started) {
            self.run = Some(started);
            stage.finished = news.finished;
        }
        stage.started = Some(stage.started.map_or(started, |first| first.min(started)));
        self.seen.get_or_insert(now);
    }

    pub fn transfer(&mut self, news: &Transfer) {
        match self.transfers.iter_mut().find(|known| known.id == news.id) {
            Some(known) => known.clone_from(news),
            None => self.transfers.push(news.clone()),
        }
    }

    pub fn has_begun(&self) -> bool {
        self.run.is_some() || self.stage.cached || !self.stage.error.is_empty()
    }

    pub fn end(&self) -> Option<End> {
        match () {
            () if self.stage.error.contains(CANCELED) => Some(End::Canceled),
            () if !self.stage.error.is_empty() => Some(End::Failed),
            () if self.stage.cached => Some(End::Cached),
            () if self.stage.finished.is_some() => Some(End::Done),
            () => None,
        }
    }

    /// How long its last run took, by the builder's clock.
    pub fn took(&self) -> Duration {
        match (self.run, self.stage.finished) {
            (Some(run), Some(finished)) => finished.since(run),
            _ => Duration::ZERO,
        }
    }

    /// By our clock.
    pub fn ran_for(&self, now: Time) -> Option<Duration> {
        self.seen.map(|seen| now.since(seen))
    }

    pub fn weight(&self) -> Weight {
        let name = self.stage.name.as_str();
        match name.starts_with("[internal]") || name.starts_with("[auth]") {
            true if name != LOAD_CONTEXT => Weight::Internal,
            _ => Weight::Step,
        }
    }

    pub fn level(&self) -> Level {
        match self.weight() {
            Weight::Internal => Level::Debug,
            Weight::Step => Level::Info,
        }
    }

    /// Its name in the log, on one line.
    pub fn label(&self) -> String {
        match self.stage.name.as_str() {
            LOAD_CONTEXT => "[background] read source files".to_owned(),
            name => name.lines().map(str::trim_end).collect::<Vec<_>>().join(" "),
        }
    }

    /// The part of its name in brackets.
    pub fn tag(&self) -> String {
        let name = self.stage.name.as_str();
        let tag = name.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        tag.map_or_else(String::new, |(tag, _)| format!("[{tag}] "))
    }

    pub fn line(&self, suffix: &str) -> Report {
        Report::Line {
            level: Level::Info,
            text: format!("{INDENT}{}{suffix}", self.label()),
        }
    }

    /// Whether it has printed something, and may do so again.
    pub fn speaks(&self) -> bool {
        self.has_printed && self.end().is_none()
    }

    pub fn print(&mut self, output: &Output) -> Vec<String> {
        self.has_printed = true;
        let lines = match output.stderr {
            true => &mut self.stderr,
            false => &mut self.stdout,
        };
        lines.push(&output.bytes)
    }

    pub fn flush(&mut self) -> Vec<String> {
        self.stdout.flush().into_iter().chain(self.stderr.flush()).collect()
    }

    pub fn remember(&mut self, lines: Vec<String>) {
        self.tail.extend(lines);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }

    pub fn live(&self) -> LiveStep {
        let took = self.took();
        let state = match (self.end(), self.seen) {
            (Some(End::Done), _) => StepState::Done { took },
            (Some(End::Cached), _) => StepState::Cached,
            (Some(End::Failed), _) => StepState::Failed { took },
            (Some(End::Canceled), _) => StepState::Canceled,
            (None, Some(since)) => StepState::Running { since },
            (None, None) => StepState::Waiting,
        };
        LiveStep {
            name: self.label(),
            state,
            detail: self.detail(),
            is_internal: self.weight() == Weight::Internal,
        }
    }

    fn detail(&self) -> String {
        let counted = self.counted();
        if !counted.is_empty() {
            return counted;
        }
        let current = [self.stdout.current(), self.stderr.current()];
        let current = current.into_iter().find(|line| !line.trim().is_empty());
        current.or_else(|| self.tail.back().cloned()).unwrap_or_default()
    }

    /// How far it is with what it counts: bytes that travel, layers that come and go, or what it does just now.
    pub fn counted(&self) -> String {
        if let Some(carried) = self.carried() {
            return carried;
        }
        let running = self.transfers.iter().filter(|it| it.finished.is_none());
        let layers: Vec<&Transfer> = running.clone().filter(|it| it.total > 0).collect();
        if !layers.is_empty() {
            let (current, total) = layers
                .iter()
                .fold((0, 0), |(current, total), it| (current + it.current, total + it.total));
            return format!("{} / {}", size(current), size(total));
        }
        running.fold(String::new(), |_, it| it.id.clone())
    }

    /// What was transferred from here.
    pub fn carried(&self) -> Option<String> {
        let sent = self.transfers.iter().filter(|it| it.id.starts_with("transferring"));
        let bytes: u64 = sent.map(|it| it.current).sum();
        (bytes > 0).then(|| size(bytes))
    }
}

/// The builder's name for the step that gets the context; people are told what it means for them.
const LOAD_CONTEXT: &str = "[internal] load build context";
