//! Pure. What a build looks like while it runs: the builder's news become lines for the log, the stages of an object, and the
//! steps of a live view.
//!
//! News come in any order and repeat themselves: a step ends twice, runs again after it ended, and its times are corrected.
//! Each thing is said once. Time enters as data; the builder's clock is only compared with itself.

mod classic;
mod live;
mod output;
mod size;
mod step;

pub use classic::Classic;
pub use live::{LiveStep, StepState};
pub use output::Lines;
pub use size::size;

use std::collections::HashMap;
use std::time::Duration;

use crate::build::{Level, Report};
use crate::model::built::Stage;
use crate::model::duration;
use crate::model::solve::{Output, Progress, Warning};
use crate::model::time::Time;
use step::{End, Step, Weight};

/// What stands before every line of a step.
const INDENT: &str = "     ";
/// How long a step takes that is worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(100);
/// After this, a step that goes on tells how far it is, and one of the builder's own is mentioned at all.
const SLOW: Duration = Duration::from_secs(1);

/// The steps of one build.
#[derive(Debug, Default)]
pub struct Steps {
    steps: Vec<Step>,
    by_digest: HashMap<String, usize>,
    /// Whose output was the last thing that was said.
    speaker: Option<usize>,
    reported: Vec<Stage>,
    shown: Vec<LiveStep>,
}

impl Steps {
    pub fn new() -> Steps {
        Steps::default()
    }

    /// What is new.
    pub fn feed(&mut self, news: &Progress, now: Time) -> Vec<Report> {
        let touched = self.take_in(news, now);
        let mut out = Vec::new();
        for at in &touched {
            self.announce(*at, news, &mut out);
        }
        for output in &news.output {
            self.print(output, &mut out);
        }
        for at in &touched {
            self.say_end(*at, &mut out);
        }
        out.extend(news.warnings.iter().map(warning));
        out.extend(self.tick(now));
        out
    }

    /// What is to be said because time went by: of what takes long.
    pub fn tick(&mut self, now: Time) -> Vec<Report> {
        let mut out: Vec<Report> = self.steps.iter_mut().filter_map(|step| slow(step, now)).collect();
        let stages = self.stages();
        if stages != self.reported {
            self.reported.clone_from(&stages);
            out.push(Report::Stages(stages));
        }
        let shown = self.live();
        if shown != self.shown {
            self.shown.clone_from(&shown);
            out.push(Report::Steps(shown));
        }
        out
    }

    /// When no more news come: lines without an end.
    pub fn finish(&mut self, now: Time) -> Vec<Report> {
        let mut out = Vec::new();
        for at in 0..self.steps.len() {
            let rest = self.steps[at].flush();
            self.lines(at, rest, &mut out);
        }
        out.extend(self.tick(now));
        out
    }

    /// All steps so far, in the order in which they were first heard of.
    pub fn stages(&self) -> Vec<Stage> {
        self.steps.iter().map(|step| step.stage.clone()).collect()
    }

    pub fn live(&self) -> Vec<LiveStep> {
        self.steps.iter().map(Step::live).collect()
    }

    /// What a step printed last, as whole lines.
    pub fn last_output(&self, digest: &str) -> Vec<String> {
        let step = self.by_digest.get(digest).and_then(|at| self.steps.get(*at));
        step.map(|step| step.tail.iter().cloned().collect()).unwrap_or_default()
    }

    /// The step that failed, where the builder's failure does not say which: the first one that did.
    pub fn failed(&self) -> Option<&str> {
        let failed = self.steps.iter().find(|step| step.end() == Some(End::Failed));
        failed.map(|step| step.digest.as_str())
    }

    /// The name of a step.
    pub fn name(&self, digest: &str) -> Option<&str> {
        let at = self.by_digest.get(digest)?;
        self.steps.get(*at).map(|step| step.stage.name.as_str())
    }

    /// The steps that news are about, in the order in which they began.
    fn take_in(&mut self, news: &Progress, now: Time) -> Vec<usize> {
        let mut touched = Vec::new();
        for step in &news.steps {
            let at = self.at(&step.digest);
            self.steps[at].note(step, now);
            touched.push(at);
        }
        for transfer in &news.transfers {
            let at = self.at(&transfer.step);
            self.steps[at].transfer(transfer);
        }
        touched.sort_by_key(|at| (self.steps[*at].stage.started, *at));
        touched.dedup();
        touched
    }

    fn at(&mut self, digest: &str) -> usize {
        if let Some(at) = self.by_digest.get(digest) {
            return *at;
        }
        self.by_digest.insert(digest.to_owned(), self.steps.len());
        self.steps.push(Step::new(digest));
        self.steps.len() - 1
    }

    fn announce(&mut self, at: usize, news: &Progress, out: &mut Vec<Report>) {
        let step = &mut self.steps[at];
        if step.is_announced || !step.has_begun() {
            return;
        }
        step.is_announced = true;
        let prints = news.output.iter().any(|output| output.step == step.digest);
        let suffix = match step.end() {
            Some(End::Cached) => " [cached]".to_owned(),
            Some(End::Done) if !prints => {
                step.run_told = step.run;
                done(step)
            }
            _ => String::new(),
        };
        let text = format!("{INDENT}{}{suffix}", step.label());
        let level = step.level();
        self.speaker = None;
        out.push(Report::Line { level, text });
    }

    fn print(&mut self, output: &Output, out: &mut Vec<Report>) {
        let at = self.at(&output.step);
        let lines = self.steps[at].print(output);
        self.lines(at, lines, out);
    }

    fn lines(&mut self, at: usize, lines: Vec<String>, out: &mut Vec<Report>) {
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        if lines.is_empty() {
            return;
        }
        // Where several speak at once, each line says whose it is.
        let others = self.steps.iter().enumerate().filter(|(other, _)| *other != at);
        let is_alone = !others.into_iter().any(|(_, step)| step.speaks());
        let tag = match is_alone {
            true => String::new(),
            false => self.steps[at].tag(),
        };
        let text: Vec<String> = lines.iter().map(|line| format!("{INDENT}{tag}→ {line}")).collect();
        self.steps[at].remember(lines);
        self.speaker = Some(at);
        out.push(Report::Line {
            level: Level::Info,
            text: text.join("\n"),
        });
    }

    fn say_end(&mut self, at: usize, out: &mut Vec<Report>) {
        let Some(end) = self.steps[at].end() else { return };
        let rest = self.steps[at].flush();
        self.lines(at, rest, out);
        let step = &mut self.steps[at];
        match end {
            End::Done if step.run_told != step.run => {
                step.run_told = step.run;
                out.extend(ending(step));
            }
            End::Canceled if !std::mem::replace(&mut step.is_failure_said, true) => out.push(step.line(" [canceled]")),
            End::Failed if !std::mem::replace(&mut step.is_failure_said, true) => self.say_failure(at, out),
            // Cached is said when it is announced; if it ran before, nobody needs to know.
            _ => {}
        }
    }

    fn say_failure(&mut self, at: usize, out: &mut Vec<Report>) {
        let step = &self.steps[at];
        let mut text = format!("\n{INDENT}ERROR IN: {}", step.label());
        // Else it is what one has just read.
        if self.speaker != Some(at) {
            for line in &step.tail {
                text.push_str(&format!("\n{INDENT}→ {line}"));
            }
        }
        let level = Level::Info;
        out.push(Report::Line { level, text });
    }
}

/// Of a step that takes long: that it does, and how far it is.
fn slow(step: &mut Step, now: Time) -> Option<Report> {
    if step.end().is_some() || step.ran_for(now)? < SLOW {
        return None;
    }
    if step.weight() == Weight::Internal {
        let is_said = std::mem::replace(&mut step.is_slowness_said, true);
        return (!is_said).then(|| step.line(""));
    }
    let counted = step.counted();
    if counted.is_empty() || counted == step.counted_last {
        return None;
    }
    step.counted_last.clone_from(&counted);
    Some(Report::Progress {
        id: step.label(),
        text: format!("{INDENT}{} {counted}", step.label()),
        is_last: false,
    })
}

/// The end of a step, if that is worth a line.
fn ending(step: &mut Step) -> Option<Report> {
    let suffix = done(step);
    let text = format!("{INDENT}{}{suffix}", step.label());
    if !std::mem::take(&mut step.counted_last).is_empty() {
        return Some(Report::Progress {
            id: step.label(),
            text,
            is_last: true,
        });
    }
    let is_quiet = step.weight() == Weight::Internal && step.took() < SLOW;
    (!suffix.is_empty() && !is_quiet).then_some(Report::Line {
        level: Level::Info,
        text,
    })
}

/// What it carried and how long it took, if that is worth telling.
fn done(step: &Step) -> String {
    if step.took() < WORTH_TELLING {
        return String::new();
    }
    let millis = u64::try_from(step.took().as_millis()).unwrap_or(u64::MAX);
    let took = duration::Duration::from_std(Duration::from_millis(millis));
    match step.carried() {
        Some(carried) => format!(" {carried} [done: {took}]"),
        None => format!(" [done: {took}]"),
    }
}

fn warning(warning: &Warning) -> Report {
    let place = warning.lines.map(|(line, _)| format!("Dockerfile:{line}: "));
    let mut text = format!("{INDENT}{}{}", place.unwrap_or_default(), warning.text.trim());
    for detail in &warning.detail {
        text.push_str(&format!("\n{INDENT}  {detail}"));
    }
    if !warning.url.is_empty() {
        text.push_str(&format!("\n{INDENT}  {}", warning.url));
    }
    let level = Level::Warn;
    Report::Line { level, text }
}

#[cfg(test)]
pub mod tests;
