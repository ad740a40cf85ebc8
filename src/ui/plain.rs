//! Pure. Logs as a stream of lines: what `tilt up` prints where nobody can be shown a live view, and what `tilt logs` prints.

use std::collections::HashMap;

use crate::engine::logs::lines::{LONGEST, Line, without_break};
use crate::engine::logs::{BuildEvent, Level, Segment, Time, Weight};
use crate::ui::style::Style;

/// Columns for a resource's name; bytes, as upstream counts them.
const NAME: usize = 13;
const SEPARATOR: &str = " │ ";
/// The Tiltfile's own lines stand without a name, like those of the whole session.
const TILTFILE: &str = "(Tiltfile)";
/// How long the beginning of a line waits for its end before it is shown, in microseconds.
const PATIENCE: i64 = 250_000;
/// How long the first line of a progress stands for those after it, in microseconds. Each line that is shown doubles it.
const PROGRESS_WAIT: i64 = 5_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub prefix: Prefix,
    pub style: Style,
}

/// What stands before a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefix {
    #[default]
    Resource,
    /// Exactly one resource was asked for.
    Nothing,
}

/// Remembers what it has to know of what it printed before.
#[derive(Debug, Default)]
pub struct Printer {
    options: Options,
    /// Lines to be printed, in the order in which they began.
    pending: Vec<Pending>,
    /// The span whose unfinished line is the last thing that was printed.
    open: Option<Box<str>>,
    progress: HashMap<(Box<str>, Box<str>), Shown>,
}

#[derive(Debug)]
struct Pending {
    line: Line,
    is_complete: bool,
}

/// When a line of a progress was shown, and how long it stands.
#[derive(Clone, Copy, Debug)]
struct Shown {
    at: Time,
    wait: i64,
}

impl Printer {
    pub fn new(options: Options) -> Printer {
        Printer {
            options,
            ..Printer::default()
        }
    }

    /// The text to print for the next segments. Spans never mix in a line: one that is not complete is kept until it is,
    /// or until it has waited for long enough at `now`; see [`Printer::wakes_at`].
    pub fn print(&mut self, segments: &[Segment], now: Time) -> String {
        let mut out = String::new();
        self.gather(segments, &mut out);
        for pending in std::mem::take(&mut self.pending) {
            if pending.is_complete {
                self.whole(&pending.line, &mut out);
            } else if due(&pending.line) <= now {
                self.beginning(&pending.line, &mut out);
            } else {
                self.pending.push(pending);
            }
        }
        out
    }

    /// When `print` should be called again, even if nothing new came.
    pub fn wakes_at(&self) -> Option<Time> {
        self.pending.iter().map(|pending| due(&pending.line)).min()
    }

    /// The text to print for a line that a query found.
    pub fn line(&mut self, line: &Line) -> String {
        let mut out = String::new();
        self.whole(line, &mut out);
        out
    }

    /// Says that so much was dropped before it could be printed.
    pub fn gap(&mut self, segments: u64) -> String {
        let mut out = String::new();
        self.close(&mut out);
        let noun = if segments == 1 { "line" } else { "lines" };
        let said = format!("[{segments} {noun} of logs left out: they came faster than they could be printed]");
        out.push_str(&self.options.style.faint(&said));
        out.push('\n');
        out
    }

    /// The text to print at the end: unfinished lines as they are.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        for pending in std::mem::take(&mut self.pending) {
            self.whole(&pending.line, &mut out);
        }
        self.close(&mut out);
        out
    }

    fn gather(&mut self, segments: &[Segment], out: &mut String) {
        let unfinished = self
            .pending
            .iter()
            .enumerate()
            .map(|(at, it)| (it.line.span.id.clone(), at));
        let mut unfinished: HashMap<Box<str>, usize> = unfinished.collect();
        for segment in segments {
            let id = &segment.span.id;
            if segment.continues && self.pending.is_empty() && self.open.as_ref() == Some(id) {
                self.go_on(segment, out);
                continue;
            }
            let at = unfinished.remove(id);
            let at = match at.filter(|_| segment.continues) {
                Some(at) => {
                    self.pending[at].line.text.push_str(without_break(&segment.text));
                    at
                }
                None => {
                    at.into_iter().for_each(|at| self.pending[at].is_complete = true);
                    self.pending.push(Pending {
                        line: Line::of(segment),
                        is_complete: false,
                    });
                    self.pending.len() - 1
                }
            };
            self.pending[at].is_complete = segment.ends_line() || self.pending[at].line.text.len() >= LONGEST;
            if !self.pending[at].is_complete {
                unfinished.insert(id.clone(), at);
            }
        }
    }

    /// More of the line that is open.
    fn go_on(&mut self, segment: &Segment, out: &mut String) {
        out.push_str(&segment.text);
        if segment.ends_line() {
            self.open = None;
        }
    }

    fn whole(&mut self, line: &Line, out: &mut String) {
        if self.shows(line) {
            self.beginning_of_shown(line, out);
            self.close(out);
        }
    }

    fn beginning(&mut self, line: &Line, out: &mut String) {
        if self.shows(line) {
            self.beginning_of_shown(line, out);
        }
    }

    fn beginning_of_shown(&mut self, line: &Line, out: &mut String) {
        self.close(out);
        let prefix = self.prefix(&line.span.resource);
        if line.fields.build_event == Some(BuildEvent::Init) {
            out.push_str(&prefix);
            out.push('\n');
        }
        out.push_str(&prefix);
        out.push_str(&self.label(line));
        out.push_str(&line.text);
        self.open = Some(line.span.id.clone());
    }

    /// Ends the line that is open.
    fn close(&mut self, out: &mut String) {
        if self.open.take().is_some() {
            out.push('\n');
        }
    }

    fn prefix(&self, resource: &str) -> String {
        if resource.is_empty() || resource == TILTFILE || self.options.prefix == Prefix::Nothing {
            return String::new();
        }
        let name = column(resource);
        format!("{}{SEPARATOR}", self.colour(resource, &name))
    }

    /// One colour for a resource, however often and in which order they come.
    fn colour(&self, resource: &str, name: &str) -> String {
        let style = self.options.style;
        let sum: usize = resource.bytes().map(usize::from).sum();
        match sum % 4 {
            0 => style.blue(name),
            1 => style.green(name),
            2 => style.bold(name),
            _ => style.faint(name),
        }
    }

    fn label(&self, line: &Line) -> String {
        match line.level {
            Level::Warn if line.anchor => self.options.style.yellow("WARNING: "),
            Level::Error if line.anchor => self.options.style.red("ERROR: "),
            _ => String::new(),
        }
    }

    /// Most lines of a progress are left out: the next one says the same with another number.
    fn shows(&mut self, line: &Line) -> bool {
        let Some(progress) = &line.fields.progress else {
            return true;
        };
        let key = (line.span.id.clone(), progress.id.clone());
        let shown = self.progress.get(&key).copied();
        let stands = shown.is_some_and(|shown| line.time <= shown.at.plus(shown.wait));
        if stands && progress.weight == Weight::Skippable {
            return false;
        }
        let wait = shown.map_or(PROGRESS_WAIT, |shown| shown.wait.saturating_mul(2));
        self.progress.insert(key, Shown { at: line.time, wait });
        true
    }
}

fn due(line: &Line) -> Time {
    line.time.plus(PATIENCE)
}

/// A name at the right of its column, or as much of it as fits.
fn column(name: &str) -> String {
    if name.len() <= NAME {
        return format!("{}{name}", " ".repeat(NAME - name.len()));
    }
    let end = (0..NAME)
        .rev()
        .find(|end| name.is_char_boundary(*end))
        .unwrap_or_default();
    format!("{}…", &name[..end])
}

#[cfg(test)]
mod tests;
