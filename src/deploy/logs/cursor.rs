//! Pure. Lines with times before them, as they come in pieces and over several connections: each line is handed on once, in
//! order and without its time.
//!
//! A connection that was cut is opened again from the second of the last line on, so that lines come again. The place where
//! it goes on is the last line that was handed on; lines of a file keep their order, though their times need not grow.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::model::lines::Lines;
use crate::model::time::Time;

/// Longer lines are handed on as several.
const LONGEST: usize = 1 << 20;
/// Lines that are recognised when they come again and the last one does not.
const REMEMBERED: usize = 64;
/// Container runtimes cut long lines into pieces of this size, and some clusters put a time before each of them.
const PIECE: usize = 16 * 1024;

/// How such a text begins: kubelets with and without a log file at hand.
const GONE: [&str; 2] = [
    "unable to retrieve container logs for ",
    "failed to try resolving symlinks in path ",
];

/// When a line was printed: seconds and nanoseconds since 1970.
type Stamp = (i64, u32);

/// How far one run of a container was read.
#[derive(Debug, Default)]
pub struct Cursor {
    lines: Lines,
    /// Of the last lines, the last one at the end.
    recent: VecDeque<Stamp>,
    /// Lines that were handed on and have the time of the last one.
    same: usize,
    /// While lines come again: how many had the time of the last one.
    catching_up: Option<usize>,
    /// What comes next belongs to a line that was too long, and this became of its beginning.
    continued: Option<Fate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    HandedOn,
    LeftOut,
}

impl Cursor {
    /// From where on a new connection has to read; nothing if nothing was read.
    pub fn since(&self) -> Option<Time> {
        let (seconds, _) = self.recent.back()?;
        Some(Time::from_micros(seconds * 1_000_000))
    }

    /// A new connection begins: what came of an unfinished line comes again.
    pub fn reconnect(&mut self) {
        self.lines = Lines::default();
        self.continued = None;
        self.catching_up = (!self.recent.is_empty()).then_some(0);
    }

    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        self.lines.push(bytes);
        while let Some(line) = self.lines.next() {
            self.take(&line, &mut each);
            self.continued = None;
        }
        if self.lines.rest().len() > LONGEST {
            let rest = self.lines.take_rest();
            self.continued = Some(self.take(&rest, &mut each));
        }
    }

    /// The run has ended and all of it was read: its last line need not have an end.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        let rest = self.lines.take_rest();
        if !rest.is_empty() {
            self.take(&rest, &mut each);
        }
    }

    fn take(&mut self, line: &[u8], each: &mut impl FnMut(&[u8])) -> Fate {
        let fate = match (self.continued, split(line)) {
            (Some(fate), _) => fate,
            (None, Some((stamp, text))) => {
                if self.is_known(stamp) {
                    return Fate::LeftOut;
                }
                self.remember(stamp);
                each(&without_inner_stamps(text));
                return Fate::HandedOn;
            }
            (None, None) if is_gone(line) => Fate::LeftOut,
            // The node itself has something to say: that it cannot read a file, for example.
            (None, None) if self.catching_up.is_some() => Fate::LeftOut,
            (None, None) => Fate::HandedOn,
        };
        if fate == Fate::HandedOn {
            each(line);
        }
        fate
    }

    fn is_known(&mut self, stamp: Stamp) -> bool {
        let (Some(again), Some(last)) = (self.catching_up, self.recent.back()) else {
            return false;
        };
        if stamp == *last {
            self.catching_up = Some(again + 1).filter(|again| *again < self.same);
            return true;
        }
        // Where the last line is gone from the file, whatever is later is new.
        let is_known = stamp < *last || self.recent.contains(&stamp);
        if !is_known {
            self.catching_up = None;
        }
        is_known
    }

    fn remember(&mut self, stamp: Stamp) {
        self.same = match self.recent.back() == Some(&stamp) {
            true => self.same + 1,
            false => 1 + self.recent.iter().filter(|known| **known == stamp).count(),
        };
        self.recent.push_back(stamp);
        let surplus = self.recent.len().saturating_sub(REMEMBERED);
        self.recent.drain(..surplus);
    }
}

/// In place of a log that went with its container, some nodes send a text about that. It is none of the container's lines.
fn is_gone(line: &[u8]) -> bool {
    GONE.iter().any(|words| line.starts_with(words.as_bytes()))
}

/// `2021-01-02T03:04:05.123456789Z text`
fn split(line: &[u8]) -> Option<(Stamp, &[u8])> {
    // The longest: nine digits, and a zone of six characters.
    let end = line
        .iter()
        .take(36)
        .position(|byte| *byte == b' ')
        .unwrap_or(line.len());
    let text = line.get(end + 1..).unwrap_or_default();
    Some((stamp(std::str::from_utf8(line.get(..end)?).ok()?)?, text))
}

fn stamp(text: &str) -> Option<Stamp> {
    let seconds = Time::parse(text)?.micros().div_euclid(1_000_000);
    let fraction = text.get(19..)?.strip_prefix('.').unwrap_or_default();
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).take(9).count();
    let nanos = format!("{:0<9}", &fraction[..digits]).parse().ok()?;
    Some((seconds, nanos))
}

fn without_inner_stamps(text: &[u8]) -> Cow<'_, [u8]> {
    if text.get(PIECE..).and_then(split).is_none() {
        return Cow::Borrowed(text);
    }
    let mut whole = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((piece, more)) = rest.split_at_checked(PIECE) {
        whole.extend_from_slice(piece);
        rest = split(more).map_or(more, |(_, text)| text);
    }
    whole.extend_from_slice(rest);
    Cow::Owned(whole)
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
