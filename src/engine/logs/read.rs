//! Reading: pages from a checkpoint on, and the lines that a query asks for.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::lines::{Line, Lines};
use super::query::Query;
use super::record;
use super::segment::{Checkpoint, Page, Segment, Span};
use super::{LogError, Logs};
use crate::world::files;

/// How much a query reads at once.
const PAGE: usize = 256 << 10;
/// How far back a query for the last lines looks first. It looks eight times farther each time that was not enough.
const FIRST_LOOK: u64 = 1 << 20;

/// What a query found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub lines: Vec<Line>,
    /// Where to go on for what comes later.
    pub to: Checkpoint,
    /// How many segments that could have matched were dropped from the ring before.
    pub gone: u64,
}

impl Logs {
    /// Up to where there is something to read.
    pub fn end(&self) -> Checkpoint {
        Checkpoint(self.index.lock().next)
    }

    /// From where about so many bytes are stored.
    pub fn back(&self, bytes: u64) -> Checkpoint {
        self.index.lock().back(bytes)
    }

    /// What was stored from a checkpoint on: about as many bytes as asked for, at least one segment if there is one.
    /// Reads files, a little at a time.
    pub fn read(&self, from: Checkpoint, at_most: usize) -> Result<Page, LogError> {
        loop {
            let block = {
                let index = self.index.lock();
                let Some(block) = index.block_from(from) else {
                    return Ok(nothing(from, Checkpoint(index.next)));
                };
                block.clone()
            };
            let start = from.0.max(block.first);
            let records = read_block(&block, start, at_most).map_err(|error| LogError::Read(files::reason(&error)))?;
            // A span is forgotten when its last record is dropped, so the block is gone meanwhile: look again.
            if let Some(segments) = self.named(records) {
                let to = Checkpoint(start + segments.len() as u64);
                return Ok(Page {
                    segments,
                    from: Checkpoint(start),
                    to,
                    gone: start - from.0,
                });
            }
        }
    }

    fn named(&self, records: Vec<(record::Head, Box<str>)>) -> Option<Vec<Segment>> {
        let mut names: HashMap<u32, Arc<Span>> = HashMap::new();
        {
            let index = self.index.lock();
            for (head, _) in &records {
                if let std::collections::hash_map::Entry::Vacant(name) = names.entry(head.key.span) {
                    name.insert(index.span(head.key.span)?);
                }
            }
        }
        let segment = |(head, text): (record::Head, Box<str>)| Segment {
            span: Arc::clone(&names[&head.key.span]),
            time: head.time,
            level: head.level,
            anchor: head.anchor,
            continues: head.continues,
            fields: head.fields,
            text,
        };
        Some(records.into_iter().map(segment).collect())
    }

    /// The lines that a query asks for, oldest first. Without `tail` that may be all that is kept: see
    /// [`Logs::each_line`] for one at a time.
    pub fn find(&self, query: &Query) -> Result<Found, LogError> {
        let Some(wanted) = query.tail else {
            return self.find_from(query, Checkpoint::default(), usize::MAX);
        };
        let mut look = FIRST_LOOK;
        loop {
            let (start, oldest) = {
                let index = self.index.lock();
                (index.back(look), index.oldest())
            };
            let found = self.find_from(query, start, wanted)?;
            if start <= oldest || found.lines.len() >= wanted {
                return Ok(found);
            }
            look = look.saturating_mul(8);
        }
    }

    fn find_from(&self, query: &Query, start: Checkpoint, most: usize) -> Result<Found, LogError> {
        let mut lines = VecDeque::new();
        let mut found = self.each_line(query, start, |line| {
            lines.push_back(line);
            if lines.len() > most {
                lines.pop_front();
            }
        })?;
        found.lines = lines.into();
        Ok(found)
    }

    /// Hands over each line from the checkpoint on that a query asks for, whatever its `tail`. The beginning of a line
    /// that was still unfinished is among them.
    pub fn each_line(&self, query: &Query, start: Checkpoint, mut each: impl FnMut(Line)) -> Result<Found, LogError> {
        let (end, oldest, since) = {
            let index = self.index.lock();
            let since = query.since.map_or(start, |since| index.since(since));
            (Checkpoint(index.next), index.oldest(), since)
        };
        let start = start.max(since);
        let (mut at, mut lines, mut done) = (start, Lines::default(), Vec::new());
        let mut gone = 0;
        while at < end {
            let page = self.read(at, PAGE)?;
            gone += page.gone;
            page.segments.iter().for_each(|segment| lines.push(segment, &mut done));
            at = page.to;
            done.drain(..)
                .filter(|line| is_whole(line, start, oldest) && query.matches(line))
                .for_each(&mut each);
        }
        let rest = lines.finish().into_iter();
        rest.filter(|line| is_whole(line, start, oldest) && query.matches(line))
            .for_each(each);
        Ok(Found {
            lines: Vec::new(),
            to: at,
            gone,
        })
    }
}

/// The rest of a line is a line only if its beginning is gone, not if the search began behind it.
fn is_whole(line: &Line, start: Checkpoint, oldest: Checkpoint) -> bool {
    !line.is_rest || start <= oldest
}

/// Nothing is at or after the checkpoint.
fn nothing(from: Checkpoint, end: Checkpoint) -> Page {
    Page {
        segments: Vec::new(),
        from: end,
        to: end,
        gone: end.0.saturating_sub(from.0),
    }
}

fn read_block(block: &super::index::Block, start: u64, at_most: usize) -> io::Result<Vec<(record::Head, Box<str>)>> {
    let (mut number, offset) = block.place(start);
    let mut length = (at_most as u64).saturating_add(PAGE as u64);
    loop {
        let bytes = block.bytes(offset, length)?;
        let (mut records, mut taken, mut rest) = (Vec::new(), 0, bytes.as_slice());
        let first = number;
        while taken <= at_most
            && let Some((head, text, after)) = record::read(rest)
        {
            if number >= start {
                taken += rest.len() - after.len();
                records.push((head, text.into()));
            }
            (number, rest) = (number + 1, after);
        }
        if !records.is_empty() {
            return Ok(records);
        }
        if bytes.len() as u64 >= block.length - offset {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a record is damaged"));
        }
        number = first;
        length = length.saturating_mul(2);
    }
}
