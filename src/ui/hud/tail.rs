//! Pure. The last few lines of each resource, kept as they pass by.

use std::collections::HashMap;

use crate::engine::logs::Segment;
use crate::engine::logs::lines::{Line, Lines};
use crate::engine::state::Name;
use crate::ui::view::{TAIL, Tails};

/// As much of a line as the widest terminal shows, in characters.
const LONGEST: usize = 500;

#[derive(Debug, Default)]
pub struct Recent {
    lines: Lines,
    tails: Tails,
    names: HashMap<Box<str>, Name>,
}

impl Recent {
    pub fn tails(&self) -> &Tails {
        &self.tails
    }

    pub fn pass(&mut self, segments: &[Segment]) {
        let mut done = Vec::new();
        segments.iter().for_each(|segment| self.lines.push(segment, &mut done));
        done.into_iter().for_each(|line| self.keep(&line));
    }

    /// Lines that only structure a log say nothing.
    fn keep(&mut self, line: &Line) {
        if line.text.trim().is_empty() || line.span.resource.is_empty() {
            return;
        }
        let resource = &line.span.resource;
        let name = self
            .names
            .entry(resource.clone())
            .or_insert_with(|| (&**resource).into());
        let tail = self.tails.entry(name.clone()).or_default();
        tail.push(line.text.chars().take(LONGEST).collect());
        if tail.len() > TAIL {
            tail.remove(0);
        }
    }
}
