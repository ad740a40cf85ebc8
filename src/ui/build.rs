//! Pure. Several builds at once as a block of lines: a header for each image, and below it the steps that run.
//!
//! It is never higher than it may be: first the steps go, then the images that are done or wait become a count.

mod display;

pub use display::Display;

use std::time::Duration;

use crate::build::{LiveStep, Report, StepState};
use crate::model::time::Time;
use crate::ui::style::Style;
use crate::ui::text::{self, Keep};
use crate::ui::view::Line;

/// A step's name gives way to what it counts below this width.
const NARROW: usize = 40;

/// How an image came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Built,
    /// It was there: the same inputs were built before.
    Known,
    /// Somebody else had built it.
    Fetched,
    Failed,
    /// Not begun, because of another one.
    LeftOut {
        because: String,
    },
}

/// How much there is to see, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub columns: usize,
    pub rows: usize,
    pub now: Time,
    pub style: Style,
}

/// All images of one run, in the order in which they were named.
#[derive(Debug)]
pub struct Board {
    images: Vec<Image>,
    /// Of the names.
    width: usize,
}

#[derive(Debug)]
struct Image {
    name: String,
    state: State,
    steps: Vec<LiveStep>,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running { since: Time },
    Over { outcome: Outcome, took: Duration },
}

impl Board {
    pub fn new<S: AsRef<str>>(names: &[S]) -> Board {
        let image = |name: &S| Image {
            name: text::printable(name.as_ref(), Keep::Nothing),
            state: State::Waiting,
            steps: Vec::new(),
        };
        let images: Vec<Image> = names.iter().map(image).collect();
        let width = images.iter().map(|image| text::width(&image.name)).max();
        Board {
            images,
            width: width.unwrap_or_default(),
        }
    }

    pub fn start(&mut self, name: &str, now: Time) {
        if let Some(image) = self.image(name) {
            image.state = State::Running { since: now };
        }
    }

    pub fn report(&mut self, name: &str, report: &Report) {
        if let (Some(image), Report::Steps(steps)) = (self.image(name), report) {
            image.steps.clone_from(steps);
        }
    }

    pub fn finish(&mut self, name: &str, outcome: Outcome, now: Time) {
        if let Some(image) = self.image(name) {
            let took = match image.state {
                State::Running { since } => now.since(since),
                State::Waiting | State::Over { .. } => Duration::ZERO,
            };
            image.state = State::Over { outcome, took };
        }
    }

    fn image(&mut self, name: &str) -> Option<&mut Image> {
        self.images.iter_mut().find(|image| image.name == name)
    }

    /// Whether anything on it changes with time alone.
    pub fn is_ticking(&self) -> bool {
        self.images.iter().any(|image| image.is_running())
    }

    /// What is shown at a moment. Every line fits.
    pub fn lines(&self, look: &Look) -> Vec<Line> {
        let rows = look.rows.max(1);
        if self.images.len() > rows {
            return self.crowded(look, rows);
        }
        let mut free = rows - self.images.len();
        let mut running = self.images.iter().filter(|image| image.is_running()).count();
        let mut out = Vec::new();
        for image in &self.images {
            out.push(self.header(image, look));
            if image.is_running() {
                // An equal part of what is left for those that are left.
                let steps = image.running_steps(free.div_ceil(running));
                out.extend(steps.iter().map(|step| step_line(step, look)));
                free -= steps.len();
                running -= 1;
            }
        }
        out
    }

    /// Those that run or failed, and a count of the others.
    fn crowded(&self, look: &Look, rows: usize) -> Vec<Line> {
        let is_worth_it = |image: &&Image| image.is_running() || image.is_failed();
        let shown: Vec<&Image> = self.images.iter().filter(is_worth_it).take(rows - 1).collect();
        let mut out: Vec<Line> = shown.iter().map(|image| self.header(image, look)).collect();
        let count = |is: fn(&Image) -> bool| self.images.iter().filter(|image| is(image)).count();
        let counts = [
            (count(Image::is_running), "running"),
            (count(Image::is_failed), "failed"),
            (count(|image| matches!(image.state, State::Waiting)), "waiting"),
            (
                count(|image| !image.is_failed() && matches!(image.state, State::Over { .. })),
                "done",
            ),
        ];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        out.push(line(
            &format!("{} images: {}", self.images.len(), counts.join(", ")),
            look,
            Style::bold,
        ));
        out
    }

    fn header(&self, image: &Image, look: &Look) -> Line {
        let width = self.width.min(look.columns / 2);
        let name = text::padded(&text::cut(&image.name, width), width);
        let paint = match &image.state {
            State::Over { outcome, .. } => match outcome {
                Outcome::Failed => Style::red,
                Outcome::LeftOut { .. } => Style::yellow,
                Outcome::Built | Outcome::Known | Outcome::Fetched => Style::green,
            },
            State::Running { .. } => Style::bold,
            State::Waiting => Style::faint,
        };
        line(&format!("{name}  {}", image.standing(look.now)), look, paint)
    }
}

impl Image {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    fn is_failed(&self) -> bool {
        let State::Over { outcome, .. } = &self.state else {
            return false;
        };
        matches!(outcome, Outcome::Failed | Outcome::LeftOut { .. })
    }

    fn standing(&self, now: Time) -> String {
        let (outcome, took) = match &self.state {
            State::Waiting => return "waiting".to_owned(),
            State::Running { since } => {
                let elapsed = text::growing(now.since(*since));
                let (all, over) = (
                    self.numbered().count(),
                    self.numbered().filter(|it| is_over(it)).count(),
                );
                return match all {
                    0 => format!("building {elapsed}"),
                    _ => format!("building {elapsed} ({over} of {all} steps)"),
                };
            }
            State::Over { outcome, took } => (outcome, text::short(*took)),
        };
        match outcome {
            Outcome::Built => format!("built in {took}{}", self.cached()),
            Outcome::Known => "nothing changed since it was built".to_owned(),
            Outcome::Fetched => format!("fetched in {took}: somebody has built it"),
            Outcome::Failed => match self
                .steps
                .iter()
                .find(|it| matches!(it.state, StepState::Failed { .. }))
            {
                Some(step) => format!("failed after {took}: {}", step.name),
                None => format!("failed after {took}"),
            },
            Outcome::LeftOut { because } => format!("left out: {because}"),
        }
    }

    fn cached(&self) -> String {
        let all = self.numbered().count();
        let cached = self.numbered().filter(|it| it.state == StepState::Cached).count();
        match all {
            0 => String::new(),
            _ => format!(" ({cached} of {all} steps cached)"),
        }
    }

    /// The steps that are instructions of the Dockerfile: `[build 2/3] RUN make`.
    fn numbered(&self) -> impl Iterator<Item = &LiveStep> {
        let is_numbered = |step: &&LiveStep| {
            let tag = step.name.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let number = tag.and_then(|(tag, _)| tag.rsplit(' ').next()?.split_once('/'));
            number.is_some_and(|(at, of)| at.parse::<u32>().is_ok() && of.parse::<u32>().is_ok())
        };
        self.steps.iter().filter(is_numbered)
    }

    /// The ones that run; the builder's own only if there are no others.
    fn running_steps(&self, room: usize) -> Vec<&LiveStep> {
        let running = self
            .steps
            .iter()
            .filter(|it| matches!(it.state, StepState::Running { .. }));
        let (own, theirs): (Vec<&LiveStep>, Vec<&LiveStep>) = running.partition(|step| step.is_internal);
        let mut shown = if theirs.is_empty() { own } else { theirs };
        shown.truncate(room);
        shown
    }
}

fn is_over(step: &LiveStep) -> bool {
    matches!(step.state, StepState::Cached | StepState::Done { .. })
}

fn step_line(step: &LiveStep, look: &Look) -> Line {
    let elapsed = match step.state {
        StepState::Running { since } => text::growing(look.now.since(since)),
        _ => String::new(),
    };
    let detail = text::printable(&step.detail, Keep::Nothing);
    let detail = detail.trim();
    let room = look.columns.saturating_sub(1);
    let name = text::printable(&step.name, Keep::Nothing);
    if look.columns < NARROW || detail.is_empty() {
        let name = text::cut(&name, room.saturating_sub(elapsed.len() + 3));
        return line(&format!("  {name} {elapsed}"), look, Style::faint);
    }
    let name = text::cut(&name, room / 2);
    line(&format!("  {name} {elapsed}  {detail}"), look, Style::faint)
}

/// One column is left free: a terminal that is written full begins a new row by itself.
fn line(content: &str, look: &Look, paint: fn(Style, &str) -> String) -> Line {
    let content = text::cut(content.trim_end(), look.columns.saturating_sub(1));
    Line {
        width: text::width(&content),
        text: paint(look.style, &content),
    }
}

#[cfg(test)]
mod tests;
