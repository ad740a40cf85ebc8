//! Listing a context. Several threads take folders from one pile; each lists a folder and puts those below it onto the pile.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, RawDirEntry, Stat};
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::{Reason, Tree, TreeError};
use crate::model::context::{Entry, Kind};
use crate::model::filter::Filter;
use crate::world::files;

/// A tree with fewer folders waiting is done before other threads have started.
const WORTH_HELP: usize = 16;
/// What is gained by more is lost again on the kernel's locks.
const MOST_THREADS: usize = 8;
const BUFFER: usize = 64 << 10;
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

pub fn walk(root: &Path, filter: &Filter, stop: &CancellationToken) -> Result<Tree, TreeError> {
    let walk = Walk {
        top: open_root(root)?,
        prefix: root.to_string_lossy().trim_end_matches('/').to_owned(),
        filter,
        stop,
        pile: Mutex::new(Pile::default()),
        changed: Condvar::new(),
    };
    let mut tree = Tree {
        root: root.to_owned(),
        ..Tree::default()
    };
    if filter.matches_entire_dir(root) {
        return Ok(tree);
    }
    let folders = walk.folders(root)?;
    flatten(folders, &mut tree);
    set_hard_links(&mut tree.entries);
    Ok(tree)
}

pub fn open_root(root: &Path) -> Result<OwnedFd, TreeError> {
    let path = root.to_owned();
    rustix::fs::open(root, FOLDER, Mode::empty()).map_err(|error| match error {
        Errno::NOENT => TreeError::Missing { path },
        Errno::NOTDIR => TreeError::NotAFolder { path },
        error => TreeError::Unreadable {
            path,
            reason: files::reason(&error.into()),
        },
    })
}

struct Walk<'a> {
    top: OwnedFd,
    /// The root as patterns know it, without a slash at its end.
    prefix: String,
    filter: &'a Filter,
    stop: &'a CancellationToken,
    pile: Mutex<Pile>,
    changed: Condvar,
}

#[derive(Default)]
struct Pile {
    /// Folders to be listed: their number and path.
    waiting: Vec<(usize, Box<str>)>,
    /// How many have got a number.
    numbered: usize,
    /// How many are being listed.
    busy: usize,
    error: Option<TreeError>,
}

/// What a folder holds, sorted.
#[derive(Default)]
struct Folder {
    found: Vec<Found>,
    faults: Vec<(Box<str>, Reason)>,
    skipped: Vec<Box<str>>,
    has_vanished: bool,
}

struct Found {
    entry: Entry,
    /// Which folder it is.
    number: Option<usize>,
    /// It is there only if something in it is.
    is_left_out: bool,
}

type Listed = Vec<(usize, Folder)>;

impl Walk<'_> {
    fn folders(&self, root: &Path) -> Result<Vec<Folder>, TreeError> {
        self.number("".into(), &mut self.lock());
        let mut listed = Vec::new();
        let mut buffer = Vec::with_capacity(BUFFER);
        // Alone at first: most contexts are small.
        while self.lock().waiting.len() < WORTH_HELP
            && let Some(folder) = self.take()
        {
            listed.push(self.list(folder, &mut buffer)?);
        }
        if !self.lock().waiting.is_empty() {
            listed.extend(self.together()?);
        }
        let mut folders: Vec<Folder> = Vec::new();
        folders.resize_with(self.lock().numbered, Folder::default);
        for (number, folder) in listed {
            folders[number] = folder;
        }
        match folders.first() {
            Some(top) if top.has_vanished => Err(TreeError::Missing { path: root.to_owned() }),
            _ => Ok(folders),
        }
    }

    fn together(&self) -> Result<Listed, TreeError> {
        let threads = thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST_THREADS);
        thread::scope(|scope| {
            let helpers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work())).collect();
            let mut all = Vec::new();
            for helper in helpers {
                let listed = helper.join();
                all.extend(listed.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            self.lock().error.take().map_or(Ok(all), Err)
        })
    }

    fn work(&self) -> Listed {
        let mut listed = Vec::new();
        let mut buffer = Vec::with_capacity(BUFFER);
        while let Some(folder) = self.take() {
            match self.list(folder, &mut buffer) {
                Ok(folder) => listed.push(folder),
                Err(error) => {
                    self.lock().error = Some(error);
                    self.changed.notify_all();
                    break;
                }
            }
        }
        listed
    }

    /// The next folder; waits while others may still find some.
    fn take(&self) -> Option<(usize, Box<str>)> {
        let mut pile = self.lock();
        loop {
            if pile.error.is_some() {
                return None;
            }
            if let Some(folder) = pile.waiting.pop() {
                pile.busy += 1;
                return Some(folder);
            }
            if pile.busy == 0 {
                return None;
            }
            pile = self.changed.wait(pile).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Held for a few instructions only; what a panic leaves is never looked at again.
    fn lock(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self, path: Box<str>, pile: &mut Pile) -> usize {
        pile.waiting.push((pile.numbered, path));
        pile.numbered += 1;
        pile.numbered - 1
    }

    fn list(&self, (number, path): (usize, Box<str>), buffer: &mut Vec<u8>) -> Result<(usize, Folder), TreeError> {
        let _busy = Busy(self);
        if self.stop.is_cancelled() {
            return Err(TreeError::Cancelled);
        }
        let mut folder = Folder::default();
        match self.fill(&mut folder, &path, buffer.spare_capacity_mut()) {
            Ok(()) => {}
            // What took its place is for the next look: whoever put it there has just begun.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => folder.has_vanished = true,
            Err(error) if path.is_empty() => {
                return Err(TreeError::Unreadable {
                    path: self.prefix.clone().into(),
                    reason: files::reason(&error.into()),
                });
            }
            Err(error) => folder.faults.push((path, unreadable(error))),
        }
        folder.found.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        let mut pile = self.lock();
        for found in &mut folder.found {
            if found.entry.kind == Kind::Folder {
                found.number = Some(self.number(found.entry.path.clone(), &mut pile));
            }
        }
        drop(pile);
        Ok((number, folder))
    }

    fn fill(&self, folder: &mut Folder, path: &str, buffer: &mut [MaybeUninit<u8>]) -> Result<(), Errno> {
        let name = if path.is_empty() { "." } else { path };
        let flags = FOLDER | OFlags::NOFOLLOW;
        let handle = rustix::fs::openat(&self.top, name, flags, Mode::empty())?;
        let mut whole = format!("{}/{path}", self.prefix);
        if !path.is_empty() {
            whole.push('/');
        }
        let kept = whole.len();
        let mut listing = RawDir::new(&handle, buffer);
        while let Some(item) = listing.next() {
            let item = item?;
            let name = item.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            whole.truncate(kept);
            whole.push_str(&String::from_utf8_lossy(name));
            let relative = &whole[self.prefix.len() + 1..];
            match self.look(&handle, &item, &whole) {
                Ok(Some(found)) => folder.found.push(found),
                Ok(None) => {}
                Err(Trouble::Special) => folder.skipped.push(relative.into()),
                Err(Trouble::Fault(reason)) => folder.faults.push((relative.into(), reason)),
            }
        }
        Ok(())
    }

    /// What a name stands for; nothing where it is left out, or vanished meanwhile.
    fn look(&self, handle: &OwnedFd, item: &RawDirEntry<'_>, whole: &str) -> Result<Option<Found>, Trouble> {
        let path = Path::new(whole);
        let is_left_out = self.filter.matches(path);
        let may_be_folder = matches!(item.file_type(), FileType::Directory | FileType::Unknown);
        if is_left_out && (!may_be_folder || self.filter.matches_entire_dir(path)) {
            return Ok(None);
        }
        let name = item.file_name();
        let stat = match rustix::fs::statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(Trouble::Fault(unreadable(error))),
        };
        if is_left_out && FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(None);
        }
        if name.to_str().is_err() {
            return Err(Trouble::Fault(Reason::Name));
        }
        let Some(kind) = kind(handle, name, &stat)? else {
            return Ok(None);
        };
        Ok(Some(Found {
            entry: entry(&whole[self.prefix.len() + 1..], kind, &stat),
            number: None,
            is_left_out,
        }))
    }
}

/// A folder is being listed. However that ends, nobody goes on waiting for it.
struct Busy<'a, 'b>(&'a Walk<'b>);

impl Drop for Busy<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
        self.0.changed.notify_all();
    }
}

enum Trouble {
    /// A socket, pipe or device.
    Special,
    Fault(Reason),
}

fn unreadable(error: Errno) -> Reason {
    Reason::Unreadable(files::reason(&error.into()))
}

fn kind(handle: &OwnedFd, name: &std::ffi::CStr, stat: &Stat) -> Result<Option<Kind>, Trouble> {
    Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File { size: size(stat) },
        FileType::Directory => Kind::Folder,
        FileType::Symlink => match rustix::fs::readlinkat(handle.as_fd(), name, Vec::new()) {
            Ok(target) => Kind::Link {
                target: target.to_str().map_err(|_| Trouble::Fault(Reason::Target))?.into(),
            },
            // Gone, or not a link any more.
            Err(Errno::NOENT | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(Trouble::Fault(unreadable(error))),
        },
        _ => return Err(Trouble::Special),
    }))
}

fn entry(path: &str, kind: Kind, stat: &Stat) -> Entry {
    let mut entry = Entry {
        path: path.into(),
        kind,
        mode: 0,
        modified: 0,
        changed: 0,
        inode: 0,
        device: 0,
        hard_link: None,
        hash: None,
    };
    set_stat(&mut entry, stat);
    // For `set_hard_links`: an empty path says that there are more names, and that the first of them is not known yet.
    let has_names = stat.st_nlink > 1 && matches!(entry.kind, Kind::File { .. });
    entry.hard_link = has_names.then(|| "".into());
    entry
}

pub fn set_stat(entry: &mut Entry, stat: &Stat) {
    entry.mode = stat.st_mode & 0o7777;
    entry.modified = nanos(stat.st_mtime, stat.st_mtime_nsec);
    entry.changed = nanos(stat.st_ctime, stat.st_ctime_nsec);
    entry.inode = stat.st_ino;
    entry.device = stat.st_dev;
    if let Kind::File { size: known } = &mut entry.kind {
        *known = size(stat);
    }
}

pub fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

pub fn nanos(seconds: i64, rest: impl TryInto<i64>) -> i64 {
    let rest = rest.try_into().unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// Puts all folders into one list, each behind its own entry.
fn flatten(mut folders: Vec<Folder>, tree: &mut Tree) {
    let mut open = Vec::new();
    if let Some(top) = folders.first_mut() {
        open.push(begin(tree, std::mem::take(top)));
    }
    // Folders that are left out, waiting for something in them: their depth and entry.
    let mut undecided: Vec<(usize, Entry)> = Vec::new();
    while let Some(folder) = open.last_mut() {
        let Some(found) = folder.next() else {
            open.pop();
            undecided.retain(|(depth, _)| *depth <= open.len());
            continue;
        };
        let below = found.number.map(|number| std::mem::take(&mut folders[number]));
        if below.as_ref().is_some_and(|below| below.has_vanished) {
            continue;
        }
        if found.is_left_out {
            undecided.push((open.len() + 1, found.entry));
        } else {
            tree.entries.extend(undecided.drain(..).map(|(_, entry)| entry));
            tree.entries.push(found.entry);
        }
        if let Some(below) = below {
            open.push(begin(tree, below));
        }
    }
}

fn begin(tree: &mut Tree, folder: Folder) -> std::vec::IntoIter<Found> {
    for (path, reason) in folder.faults {
        tree.fault(&path, reason);
    }
    tree.skipped.extend(folder.skipped);
    folder.found.into_iter()
}

/// Finds the first name of each file that has several, going by those that seem to be such.
pub fn set_hard_links(entries: &mut [Entry]) {
    let several = entries.iter().filter(|entry| entry.hard_link.is_some());
    let mut first: HashMap<(u64, u64), Option<Box<str>>> = several.map(|it| ((it.device, it.inode), None)).collect();
    if first.is_empty() {
        return;
    }
    for entry in entries {
        if let Some(name) = first.get_mut(&(entry.device, entry.inode)) {
            entry.hard_link.clone_from(name);
            name.get_or_insert_with(|| entry.path.clone());
        }
    }
}
