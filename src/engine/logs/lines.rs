//! Pure. From segments to lines: what belongs to one line of a span is put together, however spans interleave.

use std::collections::HashMap;
use std::sync::Arc;

use super::segment::{Fields, Level, Segment, Span, Time};

/// A longer line is cut, so that a span that never ends its line cannot fill memory.
pub const LONGEST: usize = 1 << 20;

/// A line without its line break. Everything but the text is that of its first segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub span: Arc<Span>,
    pub time: Time,
    pub level: Level,
    pub anchor: bool,
    pub fields: Fields,
    pub text: String,
    /// The beginning was not among the segments.
    pub is_rest: bool,
}

/// Puts lines together.
#[derive(Debug, Default)]
pub struct Lines {
    unfinished: HashMap<Box<str>, Line>,
}

impl Lines {
    /// Takes the next segment; `done` gets the lines that it ends, in their order.
    pub fn push(&mut self, segment: &Segment, done: &mut Vec<Line>) {
        let id = &segment.span.id;
        if !segment.continues
            && let Some(left) = self.unfinished.remove(id)
        {
            done.push(left);
        }
        if segment.ends_line() && !self.unfinished.contains_key(id) {
            done.push(Line::of(segment));
            return;
        }
        let line = self.unfinished.entry(id.clone()).or_insert_with(|| Line {
            text: String::new(),
            ..Line::of(segment)
        });
        line.text.push_str(without_break(&segment.text));
        let is_done = segment.ends_line() || line.text.len() >= LONGEST;
        if is_done && let Some(line) = self.unfinished.remove(id) {
            done.push(line);
        }
    }

    /// No more segments come: what is unfinished is all there is, oldest first.
    pub fn finish(&mut self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.unfinished.drain().map(|(_, line)| line).collect();
        lines.sort_by(|a, b| (a.time, &a.span.id).cmp(&(b.time, &b.span.id)));
        lines
    }
}

impl Line {
    /// A line that the segment begins, as far as it goes.
    pub fn of(segment: &Segment) -> Line {
        Line {
            span: Arc::clone(&segment.span),
            time: segment.time,
            level: segment.level,
            anchor: segment.anchor,
            fields: segment.fields.clone(),
            text: without_break(&segment.text).to_owned(),
            is_rest: segment.continues,
        }
    }
}

pub fn without_break(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}
