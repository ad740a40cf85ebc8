//! Reading one file for its hash, at a moment when nobody writes it.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::Reason;
use super::walk::{nanos, size};
use crate::model::digest::Hasher;
use crate::world::clock::{self, SystemTime};
use crate::world::files;

/// Whoever writes a file without end is not waited for.
const ATTEMPTS: usize = 5;
pub const BUFFER: usize = 128 << 10;

/// Clocks of file systems tick this coarsely: a file can change twice without its times showing it.
const TICK: i64 = 20_000_000;
/// Where they count whole seconds, or pairs of them.
const COARSE_TICK: i64 = 2_000_000_000;

/// A file's content, and what the file system said at that moment.
pub struct Reading {
    pub stat: Stat,
    pub hash: [u8; 32],
    /// Its times would show any later change.
    pub is_settled: bool,
}

/// Reads a file; nothing if there is none any more.
pub fn read(root: BorrowedFd<'_>, path: &str, buffer: &mut [u8]) -> Result<Option<Reading>, Reason> {
    // Neither a link nor a pipe that took its place since it was listed is followed or waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    for _ in 0..ATTEMPTS {
        let file = match rustix::fs::openat(root, path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Ok(None),
            Err(error) => return Err(unreadable(&error.into())),
        };
        let now = clock::today();
        let before = rustix::fs::fstat(&file).map_err(|error| unreadable(&error.into()))?;
        if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        let (hash, length) = hash(&file, size(&before), buffer).map_err(|error| unreadable(&error))?;
        let after = rustix::fs::fstat(&file).map_err(|error| unreadable(&error.into()))?;
        if length == size(&before) && times(&before) == times(&after) && before.st_size == after.st_size {
            return Ok(Some(Reading {
                stat: before,
                hash,
                is_settled: is_settled(&before, now),
            }));
        }
    }
    Err(Reason::Changing)
}

fn unreadable(error: &io::Error) -> Reason {
    Reason::Unreadable(files::reason(error))
}

fn times(stat: &Stat) -> (i64, i64) {
    let modified = nanos(stat.st_mtime, stat.st_mtime_nsec);
    (modified, nanos(stat.st_ctime, stat.st_ctime_nsec))
}

/// `now` is a moment before the first byte was read. Times in the future prove nothing either.
fn is_settled(stat: &Stat, now: SystemTime) -> bool {
    let now = now.duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |age| i64::try_from(age.as_nanos()).unwrap_or(i64::MAX));
    let (modified, changed) = times(stat);
    let is_coarse = stat.st_mtime_nsec == 0 || stat.st_ctime_nsec == 0;
    let tick = if is_coarse { COARSE_TICK } else { TICK };
    modified.max(changed).saturating_add(tick) < now
}

/// Stops one byte after the expected end: a file that grows without end is told from one that fits by that.
fn hash(mut file: &File, size: u64, buffer: &mut [u8]) -> io::Result<([u8; 32], u64)> {
    let mut hasher = Hasher::new();
    let mut length = 0;
    while length <= size {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((hasher.finish_bytes(), length))
}
