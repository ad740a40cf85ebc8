//! The ring: blocks of records on disk, the oldest dropped for the newest. One thread writes it.
//!
//! While the disk takes nothing, records go to a smaller ring in memory, and to the disk once it takes them again.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::index::{Backing, Block, Index};
use super::record::{self, Batch};
use super::rescrub::{Beginning, Edits, Review, edited};
use super::scrub::Secrets;
use crate::world::clock::{self, Instant};
use crate::world::files;

/// How often a disk that takes nothing is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Small pieces in memory are put together up to this size.
const MEMORY_BLOCK: u64 = 64 << 10;

/// What is asked of a disk: a seam, so that one can be full in a test.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// A new empty file that can be written and read.
    fn create(&self, path: &Path) -> io::Result<File>;
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        options.open(path)
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }
}

/// Shared with readers. The lock is held for look-ups and bookkeeping only, never while a file is read or written.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Index>>);

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Index> {
        // The bookkeeping does not panic half-way, so an index behind a poisoned lock is still right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of all blocks together.
    pub bytes: u64,
    /// Of those in memory while the disk takes nothing.
    pub memory: u64,
}

/// How many blocks the ring consists of: what is dropped at once is one of them.
const BLOCKS: u64 = 8;

#[derive(Debug)]
pub struct Ring {
    shared: Shared,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    limits: Limits,
    files: u64,
    outage: Option<Outage>,
}

/// A time in which the disk takes nothing.
#[derive(Debug)]
struct Outage {
    began: Instant,
    tried: Instant,
    reason: String,
    dropped: u64,
}

impl Ring {
    pub fn new(shared: Shared, disk: Arc<dyn Disk>, folder: PathBuf, limits: Limits) -> Ring {
        Ring {
            shared,
            disk,
            folder,
            limits,
            files: 0,
            outage: None,
        }
    }

    pub fn next(&self) -> u64 {
        self.shared.lock().next
    }

    /// A stream of the span has ended, and all of it is stored.
    pub fn close_span(&self, span: u32) {
        self.shared.lock().close_span(span);
    }

    /// Stores the records. What the user has to be told about the disk comes back as a line.
    pub fn append(&mut self, batch: &Batch) -> Option<String> {
        let said = self.recover();
        if self.outage.is_none()
            && let Err(error) = self.append_to_disk(batch)
        {
            let now = clock::now();
            self.outage = Some(Outage {
                began: now,
                tried: now,
                reason: files::reason(&error),
                dropped: 0,
            });
        }
        if self.outage.is_some() {
            self.append_to_memory(batch);
        }
        self.drop_oldest();
        said
    }

    fn append_to_disk(&mut self, batch: &Batch) -> io::Result<()> {
        let most = (self.limits.bytes / BLOCKS).max(1);
        let length = batch.bytes.len() as u64;
        let open = {
            let index = self.shared.lock();
            let last = index.blocks.back().filter(|block| block.length + length <= most);
            last.and_then(|block| match &block.backing {
                Backing::Disk(file, _) => Some((Arc::clone(file), block.length)),
                Backing::Memory(_) => None,
            })
        };
        let Some((file, offset)) = open else {
            let (file, path) = self.new_file()?;
            self.disk.write(&file, &batch.bytes, 0)?;
            let mut index = self.shared.lock();
            let mut block = Block::new(index.next, Backing::Disk(file, path));
            block.grow(batch);
            index.blocks.push_back(block);
            index.advance(batch);
            return Ok(());
        };
        // Readers do not look behind the length, so a write that fails half-way leaves nothing they could see.
        self.disk.write(&file, &batch.bytes, offset)?;
        let mut index = self.shared.lock();
        if let Some(block) = index.blocks.back_mut() {
            block.grow(batch);
        }
        index.advance(batch);
        Ok(())
    }

    fn new_file(&mut self) -> io::Result<(Arc<File>, PathBuf)> {
        // Somebody may have tidied up below us.
        fs::create_dir_all(&self.folder)?;
        self.files += 1;
        let path = self.folder.join(format!("{}.log", self.files));
        Ok((Arc::new(self.disk.create(&path)?), path))
    }

    fn append_to_memory(&mut self, batch: &Batch) {
        let mut index = self.shared.lock();
        let small = index.blocks.pop_back_if(|block| {
            matches!(block.backing, Backing::Memory(_)) && block.length + (batch.bytes.len() as u64) <= MEMORY_BLOCK
        });
        let mut block = small.unwrap_or_else(|| Block::new(index.next, Backing::Memory(Arc::from([]))));
        if let Backing::Memory(bytes) = &block.backing {
            block.backing = Backing::Memory([&bytes[..], &batch.bytes].concat().into());
        }
        block.grow(batch);
        index.blocks.push_back(block);
        index.advance(batch);
        let dropped = drop_from_memory(&mut index.blocks, self.limits.memory);
        index.prune_spans();
        drop(index);
        if let Some(outage) = &mut self.outage {
            outage.dropped += dropped;
        }
    }

    /// Tries a disk that took nothing again, and moves there what is in memory.
    fn recover(&mut self) -> Option<String> {
        let outage = self.outage.as_mut()?;
        let now = clock::now();
        if now.duration_since(outage.tried) < RETRY {
            return None;
        }
        outage.tried = now;
        let waiting: Vec<Block> = self.memory_blocks();
        if let Err(error) = self.move_to_disk(&waiting) {
            let reason = files::reason(&error);
            self.outage.as_mut()?.reason = reason;
            return None;
        }
        let outage = self.outage.take()?;
        Some(outage.told(now))
    }

    fn memory_blocks(&self) -> Vec<Block> {
        let index = self.shared.lock();
        let in_memory = |block: &&Block| matches!(block.backing, Backing::Memory(_));
        index.blocks.iter().filter(in_memory).cloned().collect()
    }

    fn move_to_disk(&mut self, waiting: &[Block]) -> io::Result<()> {
        let Some(first) = waiting.first() else {
            return Ok(());
        };
        let (file, path) = self.new_file()?;
        let mut moved = Block::new(first.first, Backing::Disk(Arc::clone(&file), path));
        for block in waiting {
            let bytes = block.bytes(0, block.length)?;
            self.disk.write(&file, &bytes, moved.length)?;
            moved.absorb(block);
        }
        let mut index = self.shared.lock();
        index.blocks.retain(|block| matches!(block.backing, Backing::Disk(..)));
        index.blocks.push_back(moved);
        Ok(())
    }

    fn drop_oldest(&mut self) {
        let mut gone = Vec::new();
        let mut index = self.shared.lock();
        while index.blocks.len() > 1 && index.length() > self.limits.bytes {
            gone.extend(index.blocks.pop_front());
        }
        if !gone.is_empty() {
            index.prune_spans();
        }
        drop(index);
        gone.iter().for_each(remove);
    }

    /// Replaces secrets in what is stored since the given record. Gives the beginnings of secrets at the ends of streams,
    /// and how many records had to be dropped because they could not be written again.
    pub fn rescrub(&mut self, secrets: &Secrets, from: u64) -> (Vec<Beginning>, u64) {
        let mut review = Review::of(secrets);
        let blocks: Vec<Block> = {
            let index = self.shared.lock();
            index
                .blocks
                .iter()
                .filter(|block| block.end() > from)
                .cloned()
                .collect()
        };
        let mut dropped = 0;
        for block in &blocks {
            let Ok(bytes) = block.bytes(0, block.length) else {
                // What cannot be read cannot be printed either.
                dropped += self.replace(block, None);
                continue;
            };
            let records = (block.first..).zip(record::all(&bytes));
            for (number, (head, text)) in records.filter(|(number, _)| *number >= from) {
                review.see(head.key, number, text);
            }
        }
        let (edits, beginnings) = review.finish();
        for block in &blocks {
            if edits.range(block.first..block.end()).next().is_some() {
                let rewritten = self.rewritten(block, &edits).ok();
                dropped += self.replace(block, rewritten);
            }
        }
        (beginnings, dropped)
    }

    fn rewritten(&mut self, block: &Block, edits: &Edits) -> io::Result<Block> {
        let bytes = block.bytes(0, block.length)?;
        let (mut all, mut parts) = (Vec::new(), Vec::new());
        let mut batch = Batch::default();
        for (number, (head, text)) in (block.first..).zip(record::all(&bytes)) {
            match edits.get(&number) {
                Some(edits) => batch.push(&head, &edited(text, edits)),
                None => batch.push(&head, text),
            }
            if batch.bytes.len() as u64 >= MEMORY_BLOCK {
                all.append(&mut batch.bytes.clone());
                parts.push(std::mem::take(&mut batch));
            }
        }
        all.extend_from_slice(&batch.bytes);
        parts.push(batch);
        let backing = match &block.backing {
            Backing::Memory(_) => Backing::Memory(all.into()),
            Backing::Disk(..) => {
                let (file, path) = self.new_file()?;
                self.disk.write(&file, &all, 0)?;
                Backing::Disk(file, path)
            }
        };
        let mut rewritten = Block::new(block.first, backing);
        parts.iter().for_each(|part| rewritten.grow(part));
        Ok(rewritten)
    }

    /// Puts a block into the place of another one. Without one, its records are gone: better that than a secret shown.
    fn replace(&mut self, old: &Block, new: Option<Block>) -> u64 {
        let dropped = if new.is_none() { old.count } else { 0 };
        let mut index = self.shared.lock();
        if let Some(at) = index.blocks.iter().position(|block| block.first == old.first) {
            match new {
                Some(block) => index.blocks[at] = block,
                None => drop(index.blocks.remove(at)),
            }
        }
        drop(index);
        remove(old);
        dropped
    }
}

fn drop_from_memory(blocks: &mut VecDeque<Block>, most: u64) -> u64 {
    let is_memory = |block: &Block| matches!(block.backing, Backing::Memory(_));
    let mut length: u64 = blocks
        .iter()
        .filter(|block| is_memory(block))
        .map(|block| block.length)
        .sum();
    let mut dropped = 0;
    while length > most
        && let Some(at) = blocks.iter().position(is_memory).filter(|at| at + 1 < blocks.len())
        && let Some(block) = blocks.remove(at)
    {
        length -= block.length;
        dropped += block.count;
    }
    dropped
}

fn remove(block: &Block) {
    if let Backing::Disk(_, path) = &block.backing {
        // Already gone is as good; what cannot be removed goes with the session's folder.
        drop(fs::remove_file(path));
    }
}

impl Outage {
    fn told(&self, now: Instant) -> String {
        let seconds = now.duration_since(self.began).as_secs_f64();
        let lost = match self.dropped {
            0 => "nothing is lost".to_owned(),
            count => format!("{count} lines of that time are lost"),
        };
        format!(
            "logs could not be written to the disk for {seconds:.1}s ({}); {lost}",
            self.reason
        )
    }
}
