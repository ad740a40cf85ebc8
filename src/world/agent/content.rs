//! Files of ours on their way into a container: read while nobody writes them, or not at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::ApplyError;
use super::batch::Content;
use crate::model::digest::Hasher;
use crate::world::files;

/// What is no longer is read once and kept until it is sent; of a longer one only the hash is kept.
pub const KEPT: u64 = 256 << 10;
const BUFFER: usize = 256 << 10;

/// A file's content as it was announced.
pub struct Ready {
    pub size: u64,
    pub hash: [u8; 32],
    pub content: Kept,
}

pub enum Kept {
    Bytes(Bytes),
    /// Read again when it is sent; by then it must be the same.
    Local(Local),
}

pub struct Local {
    path: PathBuf,
    seen: Seen,
}

/// What the file system says of a file: any change shows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Seen {
    #[expect(clippy::unnecessary_cast, reason = "architectures differ in how wide these are")]
    fn of(stat: &Stat) -> Seen {
        Seen {
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: stat.st_ino as u64,
            modified: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        }
    }
}

/// How large a file will be; nothing where that cannot be told.
pub fn size(content: &Content) -> u64 {
    match content {
        Content::Bytes(bytes) => bytes.len() as u64,
        Content::Local(path) => std::fs::symlink_metadata(path).map_or(0, |meta| meta.len()),
    }
}

/// Reads a file's content, or as much of it as is kept, and its hash.
pub fn read(content: &Content) -> Result<Ready, ApplyError> {
    match content {
        Content::Bytes(bytes) => Ok(ready(bytes.clone())),
        Content::Local(path) => read_local(path),
    }
}

fn ready(bytes: Bytes) -> Ready {
    let mut hasher = Hasher::new();
    hasher.update(&bytes);
    Ready {
        size: bytes.len() as u64,
        hash: hasher.finish_bytes(),
        content: Kept::Bytes(bytes),
    }
}

fn read_local(path: &Path) -> Result<Ready, ApplyError> {
    let (mut file, seen) = open(path)?;
    if seen.size <= KEPT {
        let mut bytes = Vec::with_capacity(seen.size as usize + 1);
        // One byte more shows that it grows.
        let mut limited = (&mut file).take(seen.size + 1);
        limited
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(path, &error))?;
        check(path, &file, seen, bytes.len() as u64)?;
        return Ok(ready(bytes.into()));
    }
    let mut hasher = Hasher::new();
    let mut length = 0;
    let mut buffer = vec![0; BUFFER];
    while length <= seen.size {
        match read_some(&mut file, &mut buffer).map_err(|error| unreadable(path, &error))? {
            0 => break,
            read => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
    check(path, &file, seen, length)?;
    Ok(Ready {
        size: seen.size,
        hash: hasher.finish_bytes(),
        content: Kept::Local(Local {
            path: path.to_owned(),
            seen,
        }),
    })
}

impl Local {
    /// Reads it again, piece by piece; it must still be what was announced.
    pub fn pieces(&self, mut each: impl FnMut(&[u8]) -> Result<(), ApplyError>) -> Result<(), ApplyError> {
        let (mut file, seen) = open(&self.path)?;
        if seen != self.seen {
            return Err(changed(&self.path));
        }
        let mut left = seen.size;
        let mut buffer = vec![0; BUFFER];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match read_some(&mut file, &mut buffer[..most]).map_err(|error| unreadable(&self.path, &error))? {
                0 => return Err(changed(&self.path)),
                read => {
                    each(&buffer[..read])?;
                    left -= read as u64;
                }
            }
        }
        check(&self.path, &file, seen, seen.size)
    }
}

/// Neither a link nor a pipe that took the file's place is followed or waited for.
fn open(path: &Path) -> Result<(File, Seen), ApplyError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Err(changed(path)),
        Err(error) => return Err(unreadable(path, &error.into())),
    };
    let stat = rustix::fs::fstat(&file).map_err(|error| unreadable(path, &error.into()))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((file, Seen::of(&stat))),
        _ => Err(changed(path)),
    }
}

fn check(path: &Path, file: &File, before: Seen, length: u64) -> Result<(), ApplyError> {
    let stat = rustix::fs::fstat(file).map_err(|error| unreadable(path, &error.into()))?;
    match length == before.size && Seen::of(&stat) == before {
        true => Ok(()),
        false => Err(changed(path)),
    }
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn changed(path: &Path) -> ApplyError {
    ApplyError::Changed {
        path: path.display().to_string(),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> ApplyError {
    ApplyError::Unreadable {
        path: path.display().to_string(),
        reason: files::reason(error),
    }
}
