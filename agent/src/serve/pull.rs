//! Files on their way back to the host: what there is, and what is in it.

use super::content::{hash, open_regular};
use super::remove::{names, open_listing};
use super::system::{DIRECTORY, System, bits, cause, kind, look};
use super::voice::Voice;
use crate::glob::{Globs, Progress};
use crate::wire::{Absolute, Beneath, CHUNK, EntryKind, FromAgent, ListedEntry, is_temporary};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// More than these are no answer but an error.
const MOST_ENTRIES: usize = 100_000;

/// Directories in one another.
const DEEPEST: usize = 500;

/// An answer is given in pieces of about this size.
const PIECE: usize = 128 * 1024;

/// Why it cannot be said what there is.
pub struct Refusal {
    errno: i32,
    text: String,
}

impl Refusal {
    fn system(errno: Errno, place: &str) -> Self {
        Self {
            errno: errno.raw_os_error(),
            text: format!("`{place}`: {}", cause(errno)),
        }
    }

    fn own(text: String) -> Self {
        Self { errno: 0, text }
    }

    pub fn into_word(self, id: u32) -> FromAgent {
        FromAgent::Failed {
            id,
            errno: self.errno,
            text: self.text,
        }
    }
}

/// Opens a root, if there is one.
pub fn open_root(root: &Absolute) -> Result<Option<OwnedFd>, Refusal> {
    match rustix::fs::open(root.as_bytes(), DIRECTORY, Mode::empty()) {
        Ok(root) => Ok(Some(root)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(Refusal::system(errno, &root.join(&Beneath::root()))),
    }
}

/// One file or link that a walk comes upon.
pub struct Met<'a> {
    pub dir: &'a OwnedFd,
    pub name: &'a [u8],
    pub path: &'a [u8],
    pub stat: &'a Stat,
}

/// A walk over everything that some patterns match, and no further.
pub struct Walk<'a> {
    pub globs: &'a Globs,
    pub met: &'a mut dyn FnMut(&Met<'_>) -> Result<(), Refusal>,
    /// Told of each directory before what is in it.
    pub entered: &'a mut dyn FnMut(&[u8], &Progress),
    pub count: usize,
}

impl Walk<'_> {
    pub fn go(&mut self, dir: impl AsFd, path: &[u8], at: &Progress, depth: usize) -> Result<(), Refusal> {
        if depth > DEEPEST {
            let path = String::from_utf8_lossy(path);
            return Err(Refusal::own(format!(
                "`{path}`: directories are too deep in one another"
            )));
        }
        let listing = match open_listing(dir, b".") {
            Ok(listing) => listing,
            // What may not be listed is not for this user, and what is gone is gone.
            Err(Errno::ACCESS | Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(Refusal::system(errno, &String::from_utf8_lossy(path))),
        };
        (self.entered)(path, at);
        let refused = |errno| Refusal::system(errno, &String::from_utf8_lossy(path));
        let mut found = names(&listing).map_err(refused)?;
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, _) in found {
            if is_temporary(&name) {
                continue;
            }
            let next = self.globs.step(at, &name);
            let (is_match, leads_on) = (self.globs.is_match(&next), self.globs.leads_on(&next));
            if !is_match && !leads_on {
                continue;
            }
            let path = join(path, &name);
            let Some(stat) = look(&listing, &name).map_err(refused)? else {
                continue;
            };
            match kind(&stat) {
                FileType::Directory if leads_on => match open_listing(&listing, &name) {
                    Ok(inner) => self.go(inner, &path, &next, depth + 1)?,
                    Err(Errno::ACCESS | Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                    Err(errno) => return Err(refused(errno)),
                },
                FileType::RegularFile | FileType::Symlink if is_match => {
                    self.count += 1;
                    if self.count > MOST_ENTRIES {
                        return Err(Refusal::own(format!("more than {MOST_ENTRIES} files match")));
                    }
                    let met = Met {
                        dir: &listing,
                        name: &name,
                        path: &path,
                        stat: &stat,
                    };
                    (self.met)(&met)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A name in a directory that may be the root.
pub fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    match path.is_empty() {
        true => name.to_vec(),
        false => [path, name].join(&b'/'),
    }
}

/// Says all that matches, with its hashes.
pub fn list(voice: &Voice, id: u32, root: &Absolute, patterns: &[Vec<u8>]) -> Result<(), Refusal> {
    let mut entries = Vec::new();
    let mut size = 0;
    if let Some(dir) = open_root(root)? {
        let globs = Globs::new(patterns);
        let mut met = |met: &Met<'_>| {
            let Some(entry) = entry(root, met)? else {
                return Ok(());
            };
            size += 100 + met.path.len() + entry.target.len();
            entries.push(entry);
            if size > PIECE {
                size = 0;
                let entries = std::mem::take(&mut entries);
                voice.say(&FromAgent::Listed {
                    id,
                    entries,
                    last: false,
                });
            }
            match voice.is_deaf() {
                true => Err(Refusal::own("nobody listens".to_owned())),
                false => Ok(()),
            }
        };
        let mut walk = Walk {
            globs: &globs,
            met: &mut met,
            entered: &mut |_, _| {},
            count: 0,
        };
        walk.go(&dir, b"", &globs.start(), 0)?;
    }
    voice.say(&FromAgent::Listed {
        id,
        entries,
        last: true,
    });
    Ok(())
}

/// Nothing where it went, or became something else, in between.
fn entry(root: &Absolute, met: &Met<'_>) -> Result<Option<ListedEntry>, Refusal> {
    // Names that cannot be said on the wire cannot be files of the host either.
    let Ok(path) = Beneath::new(met.path) else {
        return Ok(None);
    };
    let refused = |errno| Refusal::system(errno, &root.join(&path));
    if kind(met.stat) == FileType::Symlink {
        let target = match rustix::fs::readlinkat(met.dir, met.name, Vec::new()) {
            Ok(target) => target.into_bytes(),
            Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(errno) => return Err(refused(errno)),
        };
        let stat = met.stat;
        return Ok(Some(listed(
            path,
            EntryKind::Symlink,
            stat,
            target.len() as u64,
            [0; 32],
            target,
        )));
    }
    let Some((mut file, stat)) = open_regular(met.dir, met.name).map_err(refused)? else {
        return Ok(None);
    };
    let hashed = hash(&mut file, stat.st_size as u64, |_| Ok(()));
    let (sha256, size) = hashed.map_err(|error| refused(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    Ok(Some(listed(path, EntryKind::File, &stat, size, sha256, Vec::new())))
}

fn listed(path: Beneath, kind: EntryKind, stat: &Stat, size: u64, sha256: [u8; 32], target: Vec<u8>) -> ListedEntry {
    let nanos = stat.st_ctime_nsec as i64;
    ListedEntry {
        path,
        kind,
        mode: bits(stat),
        size,
        changed_nanos: stat.st_ctime.saturating_mul(1_000_000_000).saturating_add(nanos),
        sha256,
        target,
    }
}

/// Sends one file. What is no regular file, or lies behind a link that leads out, is refused.
pub fn read(voice: &Voice, system: &System, id: u32, at: (&Absolute, &Beneath)) -> Result<(), Refusal> {
    let (root, path) = at;
    let full = root.join(path);
    let refused = |errno| Refusal::system(errno, &full);
    let missing = || Refusal::system(Errno::NOENT, &full);
    let dir = open_root(root)?.ok_or_else(missing)?;
    let (parent, name) = path.split().ok_or_else(|| refused(Errno::ISDIR))?;
    let parent = open_parent(system, dir, parent).map_err(|errno| match errno {
        Errno::XDEV => Refusal::own(format!("`{full}`: a symbolic link on the way leads out")),
        errno => refused(errno),
    })?;
    let (mut file, stat) = open_regular(&parent, name)
        .map_err(refused)?
        .ok_or_else(|| Refusal::own(format!("`{full}` is no regular file")))?;
    let said = hash(&mut file, CHUNK as u64, |bytes| {
        let bytes = bytes.to_vec();
        voice.say(&FromAgent::Piece { id, bytes });
        match voice.is_deaf() {
            true => Err(std::io::ErrorKind::BrokenPipe.into()),
            false => Ok(()),
        }
    });
    let (sha256, size) = said.map_err(|error| refused(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    let mode = bits(&stat);
    voice.say(&FromAgent::ReadEnd { id, size, mode, sha256 });
    Ok(())
}

fn open_parent(system: &System, root: OwnedFd, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    if path.is_empty() {
        return Ok(root);
    }
    if system.openat2 {
        return system.open_beneath(root, path, DIRECTORY);
    }
    path.split(|byte| *byte == b'/').try_fold(root, |dir, name| {
        rustix::fs::openat(dir, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())
    })
}
