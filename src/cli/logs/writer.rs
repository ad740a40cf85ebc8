//! Prints log lines to standard output: what is there already, then what comes.

use std::io::{self, Write};
use std::time::Duration;

use super::now;
use super::wanted::{Format, Wanted};
use crate::cli::exit::Exit;
use crate::cli::{output, tiltfile_args};
use crate::engine::logs::lines::{Line, Lines};
use crate::engine::logs::{Segment, json};
use crate::ui::plain::{Options, Printer};

pub struct Writer {
    wanted: Wanted,
    printer: Printer,
    /// Of objects in JSON, each is a whole line.
    lines: Lines,
    outcome: io::Result<()>,
}

impl Writer {
    pub fn new(wanted: Wanted) -> Writer {
        let options = Options {
            prefix: wanted.prefix,
            style: tiltfile_args::stdout_style(),
        };
        Writer {
            wanted,
            printer: Printer::new(options),
            lines: Lines::default(),
            outcome: Ok(()),
        }
    }

    /// Whether whoever read our output has had enough, or it cannot be written.
    pub fn is_unread(&self) -> bool {
        self.outcome.is_err()
    }

    pub fn written(&mut self) -> Result<(), Exit> {
        output::written(std::mem::replace(&mut self.outcome, Ok(())))
    }

    /// What is there already. Lines that are not complete are shown as they are, unless they can go on.
    pub fn history(&mut self, segments: &[Segment], goes_on: bool) {
        let (mut lines, mut done) = (Lines::default(), Vec::new());
        segments.iter().for_each(|segment| lines.push(segment, &mut done));
        let unfinished = lines.finish();
        if !goes_on {
            done.extend(unfinished.iter().cloned());
        }
        done.retain(|line| self.wanted.query.matches(line));
        let skipped = self.wanted.tail.map_or(0, |tail| done.len().saturating_sub(tail));
        let text: String = done[skipped..].iter().map(|line| self.line(line)).collect();
        self.write(&text);
        if goes_on {
            let begun: Vec<Segment> = unfinished.iter().map(beginning).collect();
            self.more(&begun);
        }
    }

    /// What comes now; with nothing, what has waited for long enough.
    pub fn more(&mut self, segments: &[Segment]) {
        let wanted: Vec<Segment> = segments
            .iter()
            .filter(|segment| self.wanted.query.matches(&Line::of(segment)))
            .cloned()
            .collect();
        let text = match self.wanted.format {
            Format::Text => self.printer.print(&wanted, now()),
            Format::Json => {
                let mut done = Vec::new();
                wanted.iter().for_each(|segment| self.lines.push(segment, &mut done));
                done.iter().map(|line| self.line(line)).collect()
            }
        };
        self.write(&text);
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        let rest = self.lines.finish();
        let mut text: String = rest.iter().map(|line| self.line(line)).collect();
        text.push_str(&self.printer.finish());
        self.write(&text);
    }

    /// Until an unfinished line is to be shown as it is.
    pub fn pause(&self) -> impl Future<Output = ()> + use<> {
        let wait = self.printer.wakes_at().map(|at| {
            let micros = at.0.saturating_sub(now().0);
            Duration::from_micros(u64::try_from(micros).unwrap_or_default())
        });
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }

    fn line(&mut self, line: &Line) -> String {
        match self.wanted.format {
            Format::Text => self.printer.line(line),
            Format::Json => json::lines(line).into_iter().map(|line| line + "\n").collect(),
        }
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() || self.outcome.is_err() {
            return;
        }
        let mut stdout = io::stdout().lock();
        self.outcome = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }
}

/// An unfinished line as a segment that others continue.
fn beginning(line: &Line) -> Segment {
    Segment {
        span: line.span.clone(),
        time: line.time,
        level: line.level,
        anchor: line.anchor,
        continues: false,
        fields: line.fields.clone(),
        text: line.text.as_str().into(),
    }
}
