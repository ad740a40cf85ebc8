//! What the system below offers and refuses, and in which words that is said.

use crate::wire::{Abilities, Beneath, Owner, Problem, Trouble};
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid};
use rustix::io::{Errno, Result};
use rustix::process::Resource;
use rustix::time::ClockId;
use std::os::fd::{AsFd, OwnedFd};

/// Open a directory to look things up in it, which needs no right to list it.
pub const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Never through a symbolic link, never waiting for the other end of a FIFO.
pub const CAREFULLY: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Who the agent is and what it can count on.
#[derive(Debug, Clone, Copy)]
pub struct System {
    pub uid: u32,
    pub gid: u32,
    pub openat2: bool,
    pub exchange: bool,
    pub inotify: bool,
    /// In seconds of the wall clock, as files count.
    pub began: i64,
    /// Files that may be held open for a way back: half of all that may be open.
    pub most_held: usize,
}

impl System {
    /// `without` names what is not to be used, as if it were not there.
    pub fn probe(without: &[String]) -> Self {
        let may = |name: &str| !without.iter().any(|word| word == name);
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let has_openat2 = || rustix::fs::openat2(rustix::fs::CWD, ".", DIRECTORY, Mode::empty(), beneath).is_ok();
        let has_inotify = || rustix::fs::inotify::init(rustix::fs::inotify::CreateFlags::CLOEXEC).is_ok();
        Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            openat2: may("openat2") && has_openat2(),
            exchange: may("exchange"),
            inotify: may("inotify") && has_inotify(),
            began: rustix::time::clock_gettime(ClockId::Realtime).tv_sec,
            most_held: rustix::process::getrlimit(Resource::Nofile)
                .current
                .map_or(0, |most| most as usize / 2),
        }
    }

    pub fn abilities(&self) -> Abilities {
        Abilities {
            openat2: self.openat2,
            exchange: self.exchange,
            inotify: self.inotify,
        }
    }

    /// Opens what may lie behind symbolic links, as long as they stay beneath `root`.
    pub fn open_beneath(&self, root: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
                // Something was renamed while the kernel looked.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Whose a thing is to be that replaces `existing` in a directory of `parent`'s.
    pub fn owner(&self, rule: Owner, existing: Option<&Stat>, parent: (u32, u32)) -> (u32, u32) {
        match rule {
            Owner::Container => (self.uid, self.gid),
            Owner::Ids(user, group) => (user, group),
            Owner::LikeExisting => existing.map_or(parent, |stat| (stat.st_uid, stat.st_gid)),
        }
    }

    /// Gives a thing away. Who may not do that keeps it: that is no fault.
    pub fn give(&self, dir: impl AsFd, name: &[u8], owner: (u32, u32)) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let (user, group) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
        match rustix::fs::chownat(&dir, name, Some(user), Some(group), flags) {
            Err(Errno::PERM | Errno::INVAL) => match rustix::fs::chownat(&dir, name, None, Some(group), flags) {
                Err(Errno::PERM | Errno::INVAL) => Ok(()),
                other => other,
            },
            other => other,
        }
    }
}

/// What there is by that name, itself and not what it may lead to.
pub fn look(dir: impl AsFd, name: &[u8]) -> Result<Option<Stat>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The permission bits.
pub fn bits(stat: &Stat) -> u32 {
    stat.st_mode & 0o7777
}

/// Changes the bits of what is no symbolic link.
pub fn set_mode(dir: impl AsFd, name: &[u8], mode: u32) -> Result<()> {
    let mode = Mode::from_raw_mode(mode);
    match rustix::fs::openat(&dir, name, OFlags::RDONLY | CAREFULLY, Mode::empty()) {
        Ok(file) => rustix::fs::fchmod(&file, mode),
        Err(Errno::ACCESS) => {
            let file = rustix::fs::openat(&dir, name, OFlags::PATH | CAREFULLY, Mode::empty())?;
            if kind(&rustix::fs::fstat(&file)?) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
            let number = std::os::fd::AsRawFd::as_raw_fd(&file);
            let path = format!("/proc/self/fd/{number}");
            rustix::fs::chmodat(rustix::fs::CWD, path, mode, AtFlags::empty()).map_err(|_| Errno::ACCESS)
        }
        Err(errno) => Err(errno),
    }
}

/// Why an entry cannot be applied, before it is said of which.
#[derive(Debug)]
pub enum Fault {
    System(Errno),
    LeadsOut(String),
    NotAsAnnounced(String),
    Missing(String),
    Misuse(String),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::System(Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

impl Fault {
    /// Content that was announced and did not come.
    pub fn missing(left: u64, size: u64) -> Self {
        Self::NotAsAnnounced(format!("{left} of {size} bytes were not sent"))
    }

    /// `full` is the path in the container.
    pub fn problem(self, root: u16, path: &Beneath, full: &str) -> Problem {
        let (kind, errno, why) = match self {
            Self::System(errno) => (Trouble::System, errno.raw_os_error(), cause(errno)),
            Self::LeadsOut(text) => {
                return Problem {
                    root,
                    path: path.clone(),
                    kind: Trouble::LeadsOut,
                    errno: 0,
                    text,
                };
            }
            Self::NotAsAnnounced(why) => (Trouble::NotAsAnnounced, 0, why),
            Self::Missing(why) => (Trouble::Missing, 0, why),
            Self::Misuse(why) => (Trouble::Misuse, 0, why),
        };
        Problem {
            root,
            path: path.clone(),
            kind,
            errno,
            text: format!("`{full}`: {why}"),
        }
    }

    /// Whether everything else would fail as well.
    pub fn is_about_all(&self) -> bool {
        matches!(self, Self::System(Errno::NOSPC | Errno::DQUOT))
    }
}

/// A cause in a few words.
pub fn cause(errno: Errno) -> String {
    let text = match errno {
        Errno::NOSPC => "no space left on the file system",
        Errno::DQUOT => "the quota of the file system is used up",
        Errno::ROFS => "the file system is read-only",
        Errno::ACCESS => "permission denied",
        Errno::PERM => "not permitted",
        Errno::NAMETOOLONG => "the name is too long for the file system",
        Errno::LOOP => "too many symbolic links",
        Errno::NOTDIR => "a part of the path is not a directory",
        Errno::ISDIR => "it is a directory",
        Errno::NOENT => "it does not exist",
        Errno::TXTBSY => "the program is running and cannot be written in place",
        Errno::BUSY => "it is in use, or something is mounted there",
        Errno::MFILE | Errno::NFILE => "too many directories and files at once",
        Errno::INVAL => "the file system does not take such a name or operation",
        _ => return std::io::Error::from(errno).to_string(),
    };
    text.to_owned()
}
