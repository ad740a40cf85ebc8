//! Which records stand where: the blocks of the ring, and the names of spans. Writer and readers share it.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::record::Batch;
use super::segment::{Checkpoint, Span, Time};

/// Distance in bytes between two places of a block that can be found without reading.
const STRIDE: u64 = 64 << 10;

/// Where a block's bytes are. An open file stays readable after it was removed, so whoever reads one is never disturbed.
#[derive(Clone, Debug)]
pub enum Backing {
    Disk(Arc<File>, PathBuf),
    /// While the disk cannot be written.
    Memory(Arc<[u8]>),
}

#[derive(Clone, Debug)]
pub struct Block {
    pub first: u64,
    pub count: u64,
    pub length: u64,
    pub last: Time,
    pub backing: Backing,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    record: u64,
    offset: u64,
}

impl Block {
    pub fn new(first: u64, backing: Backing) -> Block {
        Block {
            first,
            count: 0,
            length: 0,
            last: Time::default(),
            backing,
            marks: Vec::new(),
        }
    }

    pub fn end(&self) -> u64 {
        self.first + self.count
    }

    /// Counts records whose bytes were written at the block's end.
    pub fn grow(&mut self, batch: &Batch) {
        if self.marks.last().is_none_or(|mark| self.length - mark.offset >= STRIDE) {
            self.marks.push(Mark {
                record: self.end(),
                offset: self.length,
            });
        }
        self.count += batch.count;
        self.length += batch.bytes.len() as u64;
        self.last = self.last.max(batch.last);
    }

    /// Puts the records of another block, whose bytes were written at this one's end, behind its own.
    pub fn absorb(&mut self, other: &Block) {
        let shift = |mark: &Mark| Mark {
            record: mark.record,
            offset: self.length + mark.offset,
        };
        let marks: Vec<Mark> = other.marks.iter().map(shift).collect();
        self.marks.extend(marks);
        self.count += other.count;
        self.length += other.length;
        self.last = self.last.max(other.last);
    }

    /// A record at or before the given one, and the place of its bytes.
    pub fn place(&self, record: u64) -> (u64, u64) {
        let after = self.marks.partition_point(|mark| mark.record <= record);
        let mark = after.checked_sub(1).and_then(|at| self.marks.get(at));
        mark.map_or((self.first, 0), |mark| (mark.record, mark.offset))
    }

    pub fn bytes(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = length.min(self.length.saturating_sub(offset)) as usize;
        match &self.backing {
            Backing::Disk(file, _) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, offset)?;
                Ok(bytes)
            }
            Backing::Memory(bytes) => {
                let from = offset as usize;
                Ok(bytes.get(from..from + length).unwrap_or_default().to_vec())
            }
        }
    }
}

/// The span of what concerns the whole session. It has no name and is always there.
const GLOBAL: u32 = 0;

#[derive(Debug, Default)]
pub struct Index {
    pub blocks: VecDeque<Block>,
    pub next: u64,
    spans: HashMap<u32, SpanEntry>,
    numbers: HashMap<Box<str>, u32>,
    last_number: u32,
}

#[derive(Debug)]
struct SpanEntry {
    span: Arc<Span>,
    /// One behind the last record.
    end: u64,
    writers: u32,
}

impl Index {
    /// The span's number; it stays known as long as somebody can write it, or a record of it is kept.
    pub fn open_span(&mut self, id: &str, resource: &str) -> u32 {
        if id.is_empty() {
            return GLOBAL;
        }
        let number = *self.numbers.entry(id.into()).or_insert_with(|| {
            self.last_number += 1;
            self.last_number
        });
        let entry = self.spans.entry(number).or_insert_with(|| SpanEntry {
            span: Arc::new(Span {
                id: id.into(),
                resource: resource.into(),
            }),
            end: 0,
            writers: 0,
        });
        entry.writers += 1;
        number
    }

    /// One more writer of a span that has one.
    pub fn reopen_span(&mut self, number: u32) {
        if let Some(entry) = self.spans.get_mut(&number) {
            entry.writers += 1;
        }
    }

    /// One writer less.
    pub fn close_span(&mut self, number: u32) {
        if let Some(entry) = self.spans.get_mut(&number) {
            entry.writers = entry.writers.saturating_sub(1);
            let is_gone = entry.writers == 0 && entry.end == 0;
            if is_gone {
                self.forget_span(number);
            }
        }
    }

    pub fn span(&self, number: u32) -> Option<Arc<Span>> {
        if number == GLOBAL {
            let none = || Box::from("");
            return Some(Arc::new(Span {
                id: none(),
                resource: none(),
            }));
        }
        self.spans.get(&number).map(|entry| Arc::clone(&entry.span))
    }

    pub fn spans(&self) -> Vec<Arc<Span>> {
        self.spans.values().map(|entry| Arc::clone(&entry.span)).collect()
    }

    /// Records were stored.
    pub fn advance(&mut self, batch: &Batch) {
        self.next += batch.count;
        for number in &batch.spans {
            if let Some(entry) = self.spans.get_mut(number) {
                entry.end = self.next;
            }
        }
    }

    /// Forgets spans of which nothing is left.
    pub fn prune_spans(&mut self) {
        let oldest = self.blocks.front().map_or(self.next, |block| block.first);
        let is_gone = |entry: &SpanEntry| entry.writers == 0 && entry.end <= oldest;
        let gone: Vec<u32> = self.spans.iter().filter(|it| is_gone(it.1)).map(|it| *it.0).collect();
        gone.into_iter().for_each(|number| self.forget_span(number));
    }

    fn forget_span(&mut self, number: u32) {
        if let Some(entry) = self.spans.remove(&number) {
            self.numbers.remove(&entry.span.id);
        }
    }

    /// The first block with something at or after the checkpoint.
    pub fn block_from(&self, from: Checkpoint) -> Option<&Block> {
        let at = self.blocks.partition_point(|block| block.end() <= from.0);
        self.blocks.get(at)
    }

    /// From where everything is at or after the time, roughly: not later than that.
    pub fn since(&self, time: Time) -> Checkpoint {
        let block = self.blocks.iter().find(|block| block.last >= time);
        Checkpoint(block.map_or(self.next, |block| block.first))
    }

    /// From where about so many bytes are stored.
    pub fn back(&self, bytes: u64) -> Checkpoint {
        let mut wanted = bytes;
        for block in self.blocks.iter().rev() {
            if block.length >= wanted {
                let offset = block.length - wanted;
                let after = block.marks.partition_point(|mark| mark.offset <= offset);
                let mark = after.checked_sub(1).and_then(|at| block.marks.get(at));
                return Checkpoint(mark.map_or(block.first, |mark| mark.record));
            }
            wanted -= block.length;
        }
        self.oldest()
    }

    pub fn oldest(&self) -> Checkpoint {
        Checkpoint(self.blocks.front().map_or(self.next, |block| block.first))
    }

    pub fn length(&self) -> u64 {
        self.blocks.iter().map(|block| block.length).sum()
    }
}
