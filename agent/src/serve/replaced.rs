//! Files that are replaced and need no other name meanwhile: who holds one open can bring it back.
//!
//! Of files of the image overlayfs would have to copy each before it could take another name. And many files are removed all at
//! once, later: a file system that takes no inode again that has just been given back looks past each of them for every new file.

use super::commands::in_thread;
use super::content::{open_regular, overwrite};
use super::system::{CAREFULLY, System, bits, look};
use super::tree::Dir;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::{Errno, Result};
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many are held open now, by all batches.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// What every file has where the system labels files; a new file gets it by itself.
const LABEL: &[u8] = b"security.selinux";

/// How long after a large batch its old files are let go of: until then whatever belongs to it may follow.
const LATER: Duration = Duration::from_secs(2);

/// More is let go of at once.
const MOST_LATER: u64 = 64 * 1024 * 1024;

/// Which files are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are likely to be of the image: older than the agent, on overlayfs.
    OfImage,
    All,
}

/// A file that has no name any more, as far as anybody can see.
pub struct Replaced {
    file: File,
    stat: Box<Stat>,
}

impl Replaced {
    /// Holds a file, if it can be brought back so that nobody can tell the difference.
    pub fn hold(system: &System, which: Which, (dir, name): (&Dir, &[u8])) -> Option<Self> {
        // Of most saves the file is ours already, and one look is enough.
        let is_of_image = || {
            let found = look(&dir.fd, name).ok().flatten();
            found.is_some_and(|stat| stat.st_ctime < system.began)
        };
        if which == Which::OfImage && !(dir.is_overlay && is_of_image()) {
            return None;
        }
        if HELD.fetch_add(1, Ordering::Relaxed) >= system.most_held {
            release();
            return None;
        }
        let opened = open_regular(&dir.fd, name).ok().flatten();
        let is_plain = |(file, stat): &(File, Stat)| {
            let is_ours = system.uid == 0 || (stat.st_uid, stat.st_gid) == (system.uid, system.gid);
            is_ours && stat.st_nlink == 1 && !has_attributes(file).unwrap_or(true)
        };
        match opened.filter(is_plain) {
            Some((file, stat)) => Some(Self {
                file,
                stat: Box::new(stat),
            }),
            None => {
                release();
                None
            }
        }
    }

    /// Makes it the one of that name again; `temporary` is free for that.
    pub fn restore(&mut self, dir: &Dir, name: &[u8], temporary: &[u8]) -> Result<()> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
        let fresh = rustix::fs::openat(&dir.fd, temporary, flags, Mode::RUSR | Mode::WUSR)?;
        match self.fill(fresh.into()) {
            Ok(()) => rustix::fs::renameat(&dir.fd, temporary, &dir.fd, name),
            // Where what took its place is, there is room.
            Err(errno @ (Errno::NOSPC | Errno::DQUOT)) => {
                let Some((_, stat)) = open_regular(&dir.fd, name)? else {
                    return Err(errno);
                };
                rustix::fs::unlinkat(&dir.fd, temporary, AtFlags::empty())?;
                if stat.st_nlink > 1 {
                    return Err(errno);
                }
                let there = rustix::fs::openat(&dir.fd, name, OFlags::RDWR | CAREFULLY, Mode::empty())?;
                self.fill(there.into())
            }
            Err(errno) => Err(errno),
        }
    }

    /// Gives a file all that this one has.
    fn fill(&mut self, mut file: File) -> Result<()> {
        let stat = &self.stat;
        let (user, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        rustix::fs::fchown(&file, Some(user), Some(group))?;
        overwrite(&mut file, &mut self.file).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(bits(stat)))?;
        let times = Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec as i64),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec as i64),
        };
        rustix::fs::futimens(&file, &times)
    }

    /// Takes the name away from it.
    pub fn unlink(&self, dir: &Dir, name: &[u8]) -> Result<()> {
        rustix::fs::unlinkat(&dir.fd, name, AtFlags::empty())
    }
}

/// Lets go of the old files of a large batch.
pub fn let_go(all: Vec<Replaced>) {
    let size: u64 = all.iter().map(|replaced| replaced.stat.st_size as u64).sum();
    if size <= MOST_LATER {
        // Without a thread it happens at once.
        let _ = in_thread(move || {
            // Sooner is no harm.
            std::thread::park_timeout(LATER);
            drop(all);
        });
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        release();
    }
}

fn release() {
    HELD.fetch_sub(1, Ordering::Relaxed);
}

fn time(seconds: i64, nanos: i64) -> Timespec {
    Timespec {
        tv_sec: seconds,
        tv_nsec: nanos as _,
    }
}

/// Capabilities, access lists and the like, which only the file itself has.
fn has_attributes(file: &File) -> Result<bool> {
    let mut names = [0_u8; 256];
    match rustix::fs::flistxattr(file, &mut names) {
        Ok(length) => {
            let mut names = names[..length].split(|byte| *byte == 0);
            Ok(names.any(|name| !name.is_empty() && name != LABEL))
        }
        Err(Errno::RANGE) => Ok(true),
        Err(Errno::OPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno),
    }
}
