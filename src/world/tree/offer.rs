//! A context as it is offered to a builder. What is sent is what was looked at: a file that differs by now ends the sending.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::{OFlags, Stat, fstat};

use super::Tree;
use super::walk::{nanos, size};
use crate::model::context::{self, Entry};
use crate::world::docker::session::{Content, Kind, Meta, Source};

/// What a file that is not what it was is said to do.
pub const CHANGING: &str = "changes while it is sent";

impl Source for Tree {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn meta(&self, index: usize) -> Meta<'_> {
        let entry = &self.entries[index];
        let kind = match &entry.kind {
            context::Kind::Folder => Kind::Folder,
            context::Kind::Link { target } => Kind::Link { target },
            context::Kind::File { size } => Kind::File {
                size: *size,
                same_as: entry.hard_link.as_deref(),
            },
        };
        Meta {
            path: &entry.path,
            kind,
            mode: entry.mode,
            written: written(entry),
        }
    }

    fn open(&self, index: usize) -> io::Result<Content> {
        let entry = &self.entries[index];
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let path: PathBuf = self.root.join(&*entry.path);
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::other("vanished while it was sent"),
            _ => error,
        })?;
        let announced = State::of_entry(entry);
        if State::of_stat(&fstat(&file)?) != announced {
            return Err(io::Error::other(CHANGING));
        }
        Ok(Box::new(Announced { file, announced }))
    }
}

/// The builder takes a file of the same size and time for the same file. No two contents share a time here: what is below a
/// second comes from the content, and images keep whole seconds only.
fn written(entry: &Entry) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    let Some(hash) = entry.hash else {
        return entry.modified;
    };
    let told = i64::from(u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]));
    entry.modified.div_euclid(SECOND) * SECOND + told % SECOND
}

/// By which a file is known to be the one that was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

impl State {
    fn of_entry(entry: &Entry) -> State {
        let size = match entry.kind {
            context::Kind::File { size } => size,
            context::Kind::Folder | context::Kind::Link { .. } => 0,
        };
        State {
            size,
            modified: entry.modified,
            changed: entry.changed,
            inode: entry.inode,
        }
    }

    fn of_stat(stat: &Stat) -> State {
        State {
            size: size(stat),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec),
            inode: stat.st_ino,
        }
    }
}

/// A file that still has to be the announced one when its end is reached.
struct Announced {
    file: File,
    announced: State,
}

impl Read for Announced {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        let is_over = length == 0 && !into.is_empty();
        if is_over && State::of_stat(&fstat(&self.file)?) != self.announced {
            return Err(io::Error::other(CHANGING));
        }
        Ok(length)
    }
}
