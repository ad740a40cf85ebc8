//! What the files of a plan are now, read from disk: contents, directories, links, or that they are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::liveupdate::plan::{Copied, copied};
use crate::model::filter::{Filter, Ignore};
use crate::model::live::LiveUpdate;
use crate::model::path;
use crate::world::agent::{Batch, Change, Content, Root};
use crate::world::walk;

/// Larger files are read when their turn comes.
const SMALL: u64 = 256 << 10;

const MODE: u32 = 0o7777;

/// What is brought into a container, and in words for people where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    pub batch: Batch,
    /// From here to there.
    pub copies: Vec<(PathBuf, String)>,
    pub deletions: Vec<String>,
    /// What is neither a file nor a directory nor a link, and stays here.
    pub left: Vec<PathBuf>,
    /// Everything that was looked at, as it was then.
    looked_at: Vec<(Copied, Seen)>,
}

/// What was seen of a file: any change shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Dir {
        mode: u32,
    },
    Other {
        device: u64,
        inode: u64,
        changed: (i64, i64),
    },
    /// Behind a link, where nobody looks.
    Elsewhere,
    /// It goes together with nothing else that was seen.
    Torn,
}

/// A local file that cannot be brought in.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{}`: {source}", .path.display())]
pub struct Unreadable {
    pub path: PathBuf,
    source: io::Error,
}

/// What becomes something else while it is read is looked at again so many times.
const ATTEMPTS: usize = 20;

/// Reads what is to be copied. Blocks.
pub fn gather(copies: &[Copied]) -> Result<Gathered, Unreadable> {
    let mut reading = Reading::default();
    for copied in copies {
        reading.take(copied).map_err(|source| Unreadable {
            path: copied.local.clone(),
            source,
        })?;
    }
    Ok(reading.whole())
}

impl Gathered {
    /// What is not what it was when it was read. Whoever reads files while somebody moves them about may have read what was there
    /// for a moment only, and what is back as it was is no change for anybody who watches. Blocks.
    pub fn outdated(&self) -> Vec<Copied> {
        let looked_at = self.looked_at.iter();
        let outdated = looked_at.filter(|(copied, seen)| !seen.is_still(&copied.local));
        outdated.map(|(copied, _)| copied.clone()).collect()
    }

    pub fn everything(&self) -> Vec<Copied> {
        self.looked_at.iter().map(|(copied, _)| copied.clone()).collect()
    }
}

impl Seen {
    fn of(found: Option<&Metadata>) -> Seen {
        match found {
            None => Seen::Nothing,
            Some(found) if found.is_dir() => Seen::Dir {
                mode: found.permissions().mode() & MODE,
            },
            Some(found) => Seen::Other {
                device: found.dev(),
                inode: found.ino(),
                changed: (found.ctime(), found.ctime_nsec()),
            },
        }
    }

    fn is_still(self, local: &Path) -> bool {
        match fs::symlink_metadata(local) {
            _ if self == Seen::Elsewhere => true,
            Ok(found) => self == Seen::of(Some(&found)),
            Err(error) if is_gone(&error) => self == Seen::Nothing,
            Err(_) => self != Seen::Torn,
        }
    }
}

#[derive(Default)]
struct Reading {
    gathered: Gathered,
    /// For each change, which of the things looked at it is about.
    about: Vec<usize>,
    /// Whether a folder here is a link to one.
    links: BTreeMap<PathBuf, bool>,
    /// Files with several names here, by what they are: they are one file there, too.
    linked: BTreeMap<(u64, u64, usize), Vec<u8>>,
}

impl Reading {
    fn take(&mut self, copied: &Copied) -> io::Result<()> {
        let mut attempts = 1;
        loop {
            match self.look(copied) {
                Err(error) if is_another(&error) && attempts < ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    fn look(&mut self, copied: &Copied) -> io::Result<()> {
        let is_beyond = self.is_beyond_a_link(copied);
        let found = match fs::symlink_metadata(&copied.local) {
            _ if is_beyond => None,
            Ok(found) => Some(found),
            Err(error) if is_gone(&error) => None,
            Err(error) => return Err(error),
        };
        let is_dir = found.as_ref().is_some_and(Metadata::is_dir);
        let Some((root, below)) = place(copied, is_dir) else {
            return Ok(());
        };
        let seen = match is_beyond {
            true => Seen::Elsewhere,
            false => Seen::of(found.as_ref()),
        };
        let shown = path::join(&root, &below).display().to_string();
        let root = self.root(root, copied);
        let path = below.as_os_str().as_bytes().to_vec();
        let change = match found {
            None => Change::Delete { root, path },
            Some(found) => self.change(&copied.local, &found, (root, path))?,
        };
        match &change {
            Change::Delete { .. } => self.gathered.deletions.push(shown),
            Change::Dir { .. } => {}
            _ => self.gathered.copies.push((copied.local.clone(), shown)),
        }
        self.about.push(self.gathered.looked_at.len());
        self.gathered.batch.changes.push(change);
        self.gathered.looked_at.push((copied.clone(), seen));
        Ok(())
    }

    /// What such a path names is somewhere else; what was synced from here is gone.
    fn is_beyond_a_link(&mut self, copied: &Copied) -> bool {
        let depth = copied.below.components().count();
        let folders = copied.local.ancestors().skip(1).take(depth.saturating_sub(1));
        for folder in folders {
            let is_link = match self.links.get(folder) {
                Some(is_link) => *is_link,
                None => {
                    let is_link = fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink());
                    self.links.insert(folder.to_owned(), is_link);
                    is_link
                }
            };
            if is_link {
                return true;
            }
        }
        false
    }

    /// Without changes below what is no directory: it goes with all that is in it, or it became none while we were reading.
    fn whole(self) -> Gathered {
        let Reading {
            mut gathered, about, ..
        } = self;
        let changes = std::mem::take(&mut gathered.batch.changes);
        let ends: BTreeSet<(usize, Vec<u8>)> = changes
            .iter()
            .filter(|change| !matches!(change, Change::Dir { .. }))
            .map(|change| (change.root(), change.path().to_vec()))
            .collect();
        let is_below_an_end = |change: &Change| {
            let path = change.path();
            let slashes = (0..path.len()).filter(|at| path[*at] == b'/');
            let mut above = slashes
                .map(|at| &path[..at])
                .chain((!path.is_empty()).then_some(&path[..0]));
            above.any(|above| ends.contains(&(change.root(), above.to_vec())))
        };
        for (change, about) in changes.into_iter().zip(about) {
            match is_below_an_end(&change) {
                false => gathered.batch.changes.push(change),
                true if matches!(change, Change::Delete { .. }) => {}
                true => gathered.looked_at[about].1 = Seen::Torn,
            }
        }
        gathered
    }

    fn change(&mut self, local: &Path, found: &Metadata, (root, path): (usize, Vec<u8>)) -> io::Result<Change> {
        let kind = found.file_type();
        let mode = found.permissions().mode() & MODE;
        if kind.is_dir() {
            return Ok(Change::Dir { root, path, mode });
        }
        if kind.is_symlink() {
            let target = fs::read_link(local)?.into_os_string();
            let target = target.as_bytes().to_vec();
            return Ok(Change::Symlink { root, path, target });
        }
        if kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device() {
            self.gathered.left.push(local.to_owned());
            // What it replaced is gone.
            return Ok(Change::Delete { root, path });
        }
        if found.nlink() > 1 {
            let key = (found.dev(), found.ino(), root);
            if let Some(first) = self.linked.get(&key) {
                let to = first.clone();
                return Ok(Change::HardLink {
                    root,
                    path,
                    to_root: root,
                    to,
                });
            }
        }
        let content = match found.len() <= SMALL {
            true => Content::Bytes(Bytes::from(read(local)?)),
            false => Content::Local(local.to_owned()),
        };
        if found.nlink() > 1 {
            let key = (found.dev(), found.ino(), root);
            self.linked.insert(key, path.clone());
        }
        Ok(Change::File {
            root,
            path,
            mode,
            content,
        })
    }

    fn root(&mut self, path: String, copied: &Copied) -> usize {
        let root = Root {
            path,
            owner: copied.owner,
            mode: copied.mode,
        };
        let roots = &mut self.gathered.batch.roots;
        // There are a few of them, however many files there are.
        roots.iter().position(|known| *known == root).unwrap_or_else(|| {
            roots.push(root);
            roots.len() - 1
        })
    }
}

/// Neither a link nor a pipe that took its place since it was looked at is followed or waited for.
fn read(local: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(local)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok(content)
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether something else has come in its place, or nothing, since it was looked at: a link, a folder.
fn is_another(error: &io::Error) -> bool {
    let kinds = [Errno::LOOP, Errno::ISDIR, Errno::INVAL, Errno::NXIO];
    is_gone(error) || Errno::from_io_error(error).is_some_and(|errno| kinds.contains(&errno))
}

/// The directory in the container that everything stays below, and the way from there. A sync of a file names the file, or with
/// a slash at its end the directory for it. Nothing where there is nothing that could be meant.
fn place(copied: &Copied, is_dir: bool) -> Option<(String, PathBuf)> {
    let root = copied.root.trim_end_matches('/');
    let or_all = |path: &str| {
        if path.is_empty() {
            "/".to_owned()
        } else {
            path.to_owned()
        }
    };
    if !copied.below.as_os_str().is_empty() || is_dir {
        return Some((or_all(root), copied.below.clone()));
    }
    if copied.root.ends_with('/') {
        return Some((or_all(root), PathBuf::from(copied.local.file_name()?)));
    }
    let (parent, name) = root.rsplit_once('/')?;
    Some((or_all(parent), PathBuf::from(name)))
}

/// Everything that is synced, with what is left out left out. What is declared and does not exist is told.
pub fn everything(rules: &LiveUpdate, ignores: &[Ignore]) -> (Vec<Copied>, Vec<PathBuf>) {
    let (filter, _) = Filter::of_well_formed(ignores);
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for sync in &rules.syncs {
        let local = path::join(&rules.base, &sync.local);
        if fs::symlink_metadata(&local).is_err() {
            missing.push(local);
            continue;
        }
        collect(&local, &filter, &mut |file| {
            if let Some(copied) = copied(rules, &file) {
                found.entry(file).or_insert(copied);
            }
        });
    }
    (found.into_values().collect(), missing)
}

/// What cannot be listed is met again when it is read, and told then.
fn collect(path: &Path, filter: &Filter, take: &mut dyn FnMut(PathBuf)) {
    let is_left_out = filter.matches(path);
    let is_dir = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if !is_left_out {
        take(path.to_owned());
    }
    if !is_dir || filter.matches_entire_dir(path) {
        return;
    }
    for (name, _) in walk::list(path).unwrap_or_default() {
        collect(&path.join(name), filter, take);
    }
}

#[cfg(test)]
mod tests;
