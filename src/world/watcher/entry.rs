//! What is known of one file, and whether what is there now differs: the gate that a rewrite with the same bytes does not
//! pass.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::Hasher as _;
use std::io::{self, Read};
use std::num::NonZeroU64;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::world::clock::{self, SystemTime};

/// Files up to this size are read before they ever changed.
pub const SMALL: u64 = 1 << 20;
/// Larger files are judged by size and times alone.
const READABLE: u64 = 16 << 20;
/// Clocks of file systems tick this coarsely, so that a younger file can change without its times showing it.
const TICK: i128 = 20_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// A socket, pipe or device: it has no content that could change.
    Other,
}

/// What the file system tells without reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub kind: Kind,
    mode: u16,
    /// Seen so soon after it changed that the times prove nothing.
    is_young: bool,
    pub size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

/// A name in a folder, in the state that was last reported (or there from the start).
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Box<OsStr>,
    pub stamp: Stamp,
    pub hash: Option<NonZeroU64>,
}

/// Why a file is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It was written to, or another one took its place.
    Written,
    /// Its attributes were changed, or somebody who could write closed it.
    Touched,
    /// No event at all: a scan passes by.
    Seen,
}

impl Stamp {
    /// Nothing if nothing is there.
    pub fn of(path: &Path) -> io::Result<Option<Stamp>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(Stamp::new(&metadata, clock::today()))),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn new(metadata: &Metadata, now: SystemTime) -> Stamp {
        let kind = metadata.file_type();
        let nanos = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        let changed = nanos(metadata.ctime(), metadata.ctime_nsec());
        let today = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |age| age.as_nanos());
        let age = i128::try_from(today).unwrap_or(i128::MAX) - i128::from(changed);
        Stamp {
            kind: match () {
                () if kind.is_file() => Kind::File,
                () if kind.is_dir() => Kind::Folder,
                () if kind.is_symlink() => Kind::Link,
                () => Kind::Other,
            },
            mode: (metadata.mode() & 0o7777) as u16,
            is_young: age < TICK,
            size: metadata.size(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed,
            inode: metadata.ino(),
        }
    }

    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Nothing happened to the file between the two, as far as times can tell.
    fn is_same(&self, other: &Stamp) -> bool {
        Stamp {
            is_young: other.is_young,
            ..*self
        } == *other
    }

    /// As `is_same`, for a file whose attributes may have been set to what they were.
    fn has_same_content(&self, other: &Stamp) -> bool {
        let changed = other.changed;
        Stamp { changed, ..*self }.is_same(other)
    }
}

impl Entry {
    pub fn new(name: &OsStr, stamp: Stamp) -> Entry {
        Entry {
            name: name.into(),
            stamp,
            hash: None,
        }
    }

    /// What a scan found before anybody was told anything. Content is read at once only where times would not show that
    /// it changed.
    pub fn first_seen(name: &OsStr, stamp: Stamp, path: &Path) -> Entry {
        let mut entry = Entry::new(name, stamp);
        if stamp.kind == Kind::Link || (stamp.is_young && stamp.size <= SMALL) {
            entry.read(path);
        }
        entry
    }

    /// What is known of a file whose appearance is a change.
    pub fn reported(name: &OsStr, stamp: Stamp, path: &Path) -> Entry {
        let mut entry = Entry::new(name, stamp);
        entry.read(path);
        entry
    }

    /// What is there now instead of `self`, and whether that is a change.
    pub fn compare(&self, now: Stamp, path: &Path, evidence: Evidence) -> (Entry, bool) {
        let mut entry = Entry::new(&self.name, now);
        if self.stamp.kind != now.kind || !matches!(now.kind, Kind::File | Kind::Link) {
            entry.read(path);
            let is_dressed_anew = now.kind == Kind::Folder && self.stamp.mode != now.mode;
            return (entry, self.stamp.kind != now.kind || is_dressed_anew);
        }
        let times_prove = !self.stamp.is_young || self.hash.is_none();
        if evidence == Evidence::Seen && times_prove && self.stamp.is_same(&now) {
            entry.hash = self.hash;
            return (entry, false);
        }
        entry.read(path);
        let is_equal = match (self.hash, entry.hash) {
            (Some(old), Some(new)) => old == new,
            _ => self.is_proven_by_times(&entry.stamp, evidence),
        };
        (entry.clone(), !is_equal || self.stamp.mode != entry.stamp.mode)
    }

    fn is_proven_by_times(&self, now: &Stamp, evidence: Evidence) -> bool {
        match evidence {
            Evidence::Written => false,
            Evidence::Touched => self.stamp.has_same_content(now),
            Evidence::Seen => self.stamp.is_same(now),
        }
    }

    /// Learns the content of a file that has not changed since it was seen.
    pub fn learn(&mut self, path: &Path) {
        let mut fresh = Entry::new(&self.name, self.stamp);
        fresh.read(path);
        if fresh.stamp.is_same(&self.stamp) {
            self.hash = fresh.hash;
        }
    }

    /// A file that cannot be read has no hash: it is judged by its times. If it changes while it is read, there is an
    /// event to come, and it will be compared to what was read now.
    fn read(&mut self, path: &Path) {
        let read = match self.stamp.kind {
            Kind::Link => fs::read_link(path).map(|target| (self.stamp, Some(hash(target.as_os_str().as_bytes())))),
            Kind::File => read_file(path),
            Kind::Folder | Kind::Other => return,
        };
        if let Ok((stamp, hash)) = read
            && stamp.kind == self.stamp.kind
        {
            self.stamp = stamp;
            self.hash = hash;
        }
    }
}

pub fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Never waits: a pipe may have taken the file's place since it was looked at.
fn read_file(path: &Path) -> io::Result<(Stamp, Option<NonZeroU64>)> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let stamp = Stamp::new(&file.metadata()?, clock::today());
    if stamp.kind != Kind::File || stamp.size > READABLE {
        return Ok((stamp, None));
    }
    Ok((stamp, Some(hash_file(file)?)))
}

fn hash_file(file: File) -> io::Result<NonZeroU64> {
    let mut hasher = std::hash::DefaultHasher::new();
    let mut buffer = vec![0; 64 << 10];
    let mut file = file.take(READABLE);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(never_zero(hasher.finish())),
            Ok(length) => hasher.write(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hash(bytes: &[u8]) -> NonZeroU64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    never_zero(hasher.finish())
}

fn never_zero(hash: u64) -> NonZeroU64 {
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}
