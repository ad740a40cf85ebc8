//! What files hold: arriving in pieces and checked on the way, kept for the way back, and hashed where it lies.

use super::system::{CAREFULLY, Fault, kind};
use crate::wire::Sha256;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, Result};
use sha2::Digest;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};

/// Above this a copy is kept on disk where there is one.
const LARGE: u64 = 8 * 1024 * 1024;

/// A file on its way in.
pub struct Incoming {
    file: File,
    hasher: sha2::Sha256,
    size: u64,
    left: u64,
    announced: Sha256,
    ends_in_hole: bool,
}

impl Incoming {
    pub fn new(file: OwnedFd, size: u64, announced: Sha256) -> Self {
        Self {
            file: file.into(),
            hasher: sha2::Sha256::new(),
            size,
            left: size,
            announced,
            ends_in_hole: false,
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), Fault> {
        self.spend(bytes.len() as u64)?;
        self.hasher.update(bytes);
        self.ends_in_hole = false;
        Ok(self.file.write_all(bytes)?)
    }

    /// A hole, where the file system has such.
    pub fn skip(&mut self, length: u64) -> std::result::Result<(), Fault> {
        self.spend(length)?;
        let zeros = vec![0; length.min(64 * 1024) as usize];
        let mut left = length;
        while left > 0 {
            let part = left.min(zeros.len() as u64);
            self.hasher.update(&zeros[..part as usize]);
            left -= part;
        }
        self.ends_in_hole = true;
        let length = i64::try_from(length).map_err(|_| Errno::FBIG)?;
        self.file.seek_relative(length)?;
        Ok(())
    }

    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Whether what arrived is what was announced.
    pub fn finish(self) -> std::result::Result<File, Fault> {
        if self.left > 0 {
            return Err(Fault::missing(self.left, self.size));
        }
        if <Sha256>::from(self.hasher.finalize()) != self.announced {
            let why = "what was received is not what was announced";
            return Err(Fault::NotAsAnnounced(why.to_owned()));
        }
        if self.ends_in_hole {
            self.file.set_len(self.size)?;
        }
        Ok(self.file)
    }

    fn spend(&mut self, length: u64) -> std::result::Result<(), Fault> {
        let left = self.left.checked_sub(length);
        self.left = left.ok_or_else(|| Fault::NotAsAnnounced(format!("more than {} bytes were sent", self.size)))?;
        Ok(())
    }
}

/// A file without a name, in memory where that is bearable.
pub fn nameless(size: u64) -> Result<OwnedFd> {
    if size > LARGE {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        if let Ok(file) = rustix::fs::openat(rustix::fs::CWD, std::env::temp_dir(), flags, mode) {
            return Ok(file);
        }
    }
    rustix::fs::memfd_create("tilt", rustix::fs::MemfdFlags::CLOEXEC)
}

/// Makes one file's content the other's, in place.
pub fn overwrite(target: &mut File, from: &mut File) -> std::io::Result<()> {
    from.rewind()?;
    target.rewind()?;
    let length = std::io::copy(from, target)?;
    target.set_len(length)
}

/// Opens a regular file to read it; anything else is not opened for longer than it takes to see what it is.
pub fn open_regular(dir: impl AsFd, name: &[u8]) -> Result<Option<(File, Stat)>> {
    let file = match rustix::fs::openat(dir, name, OFlags::RDONLY | CAREFULLY, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let stat = rustix::fs::fstat(&file)?;
    Ok((kind(&stat) == FileType::RegularFile).then(|| (File::from(file), stat)))
}

/// The hash of all that can be read, and how much that was.
pub fn hash(
    file: &mut File,
    expected: u64,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(Sha256, u64)> {
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; expected.clamp(4096, 128 * 1024) as usize];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finalize().into(), size)),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                each(&buffer[..length])?;
                size += length as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
