//! Watches of the kernel: one for each folder that somebody wants, whoever and how many they are.
//!
//! The only file that names the crate `notify`. It asks the kernel for more than is needed (each opening of a file is an
//! event), which ends here without waking anybody.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use rustix::io::Errno;

use super::WatchError;
use super::inbox::{Inbox, Touch, Writing};

/// Whether the kernel says when a file that was written is closed.
const TELLS_ENDS: bool = cfg!(any(target_os = "linux", target_os = "android"));

#[derive(Debug)]
pub struct Kernel {
    inbox: Arc<Inbox>,
    /// Nothing until the kernel gave us a queue.
    queue: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    #[cfg(test)]
    pub refuse: Option<Errno>,
}

/// Whether there is something to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Watched,
    /// Nothing is there, or not a folder.
    Missing,
    /// We may not look inside.
    Unreadable,
}

impl Kernel {
    pub fn new(inbox: Arc<Inbox>) -> Kernel {
        Kernel {
            inbox,
            queue: None,
            watched: BTreeSet::new(),
            #[cfg(test)]
            refuse: None,
        }
    }

    /// Watches a folder, if it is not watched already.
    pub fn watch(&mut self, folder: &Path) -> Result<Presence, WatchError> {
        if self.watched.contains(folder) {
            return Ok(Presence::Watched);
        }
        // A file would be watched as itself, and lost with its first atomic save.
        if !folder.is_dir() {
            return Ok(Presence::Missing);
        }
        #[cfg(test)]
        if let Some(errno) = self.refuse {
            return refused(folder, notify::Error::io(errno.into()));
        }
        match self.queue()?.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(folder.to_owned());
                Ok(Presence::Watched)
            }
            Err(error) => refused(folder, error),
        }
    }

    /// Forgets a folder and all below it: it went away, or nobody wants it any more.
    pub fn forget_below(&mut self, folder: &Path) {
        let below = self
            .watched
            .range::<Path, _>((Bound::Included(folder), Bound::Unbounded));
        let below: Vec<PathBuf> = below.take_while(|path| path.starts_with(folder)).cloned().collect();
        for path in below {
            self.forget(&path);
        }
    }

    /// A watch that the kernel has dropped by itself is as good as removed, so a failure to remove one means nothing.
    fn forget(&mut self, folder: &Path) {
        self.watched.remove(folder);
        if let Some(queue) = &mut self.queue {
            let _gone_either_way = queue.unwatch(folder);
        }
    }

    /// Keeps watching only what is wanted.
    pub fn retain(&mut self, is_wanted: impl Fn(&Path) -> bool) {
        let unwanted: Vec<PathBuf> = self.watched.iter().filter(|path| !is_wanted(path)).cloned().collect();
        for path in unwanted {
            self.forget(&path);
        }
    }

    /// After lost events nobody knows which folders are still those that we watch: each is watched anew when it is
    /// looked at. The kernel's watches stay, so nothing is missed meanwhile.
    pub fn doubt_all(&mut self) {
        self.watched.clear();
    }

    pub fn is_watched(&self, folder: &Path) -> bool {
        self.watched.contains(folder)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.watched.len()
    }

    fn queue(&mut self) -> Result<&mut RecommendedWatcher, WatchError> {
        if self.queue.is_none() {
            let inbox = Arc::clone(&self.inbox);
            let queue = notify::recommended_watcher(move |event| deliver(&inbox, event));
            self.queue = Some(queue.map_err(unstartable)?);
        }
        self.queue.as_mut().ok_or(WatchError::Instances)
    }
}

fn unstartable(error: notify::Error) -> WatchError {
    match errno(&error) {
        Some(Errno::MFILE) | Some(Errno::NFILE) => WatchError::Instances,
        _ => WatchError::Queue { reason: reason(&error) },
    }
}

fn refused(folder: &Path, error: notify::Error) -> Result<Presence, WatchError> {
    match (&error.kind, errno(&error)) {
        (ErrorKind::PathNotFound, _) | (_, Some(Errno::NOENT | Errno::NOTDIR)) => Ok(Presence::Missing),
        (_, Some(Errno::ACCESS | Errno::PERM)) => Ok(Presence::Unreadable),
        (ErrorKind::MaxFilesWatch, _) | (_, Some(Errno::NOSPC)) => Err(WatchError::Watches {
            path: folder.to_owned(),
        }),
        (_, Some(Errno::MFILE | Errno::NFILE)) => Err(WatchError::Instances),
        _ => Err(WatchError::Folder {
            path: folder.to_owned(),
            reason: reason(&error),
        }),
    }
}

fn errno(error: &notify::Error) -> Option<Errno> {
    match &error.kind {
        ErrorKind::Io(source) => source.raw_os_error().map(Errno::from_raw_os_error),
        _ => None,
    }
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::Io(source) => crate::world::files::reason(source),
        _ => error.to_string(),
    }
}

/// Runs on the thread that reads the kernel's queue.
fn deliver(inbox: &Inbox, event: notify::Result<notify::Event>) {
    #[cfg(test)]
    drop(inbox.gate.lock());
    let event = match event {
        Ok(event) => event,
        Err(error) => return inbox.lose(format!("the kernel's queue could not be read: {}", reason(&error))),
    };
    if event.need_rescan() {
        inbox.lose("the kernel's queue of file events overflowed".to_owned());
    }
    if let Some(touch) = touch(event.kind) {
        for path in event.paths {
            let written = touch.written.filter(|_| !is_new(event.kind) || is_opened(&path));
            inbox.note(path, Touch { written, ..touch });
        }
    }
}

/// Nothing for what cannot be a change.
fn touch(kind: EventKind) -> Option<Touch> {
    let goes_on = TELLS_ENDS.then_some(Writing::GoesOn);
    let (data, shape, written) = match kind {
        // A file that was written through memory shows nothing else than that it is closed.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => (false, false, Some(Writing::Ended)),
        EventKind::Access(_) => return None,
        EventKind::Modify(ModifyKind::Metadata(_)) => (false, false, None),
        EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => (true, true, Some(Writing::Ended)),
        EventKind::Create(CreateKind::Folder) => (true, true, None),
        EventKind::Create(_) => (true, true, goes_on),
        EventKind::Modify(_) => (true, false, goes_on),
        EventKind::Any => (true, false, None),
        EventKind::Other => return None,
    };
    Some(Touch { data, shape, written })
}

fn is_new(kind: EventKind) -> bool {
    matches!(kind, EventKind::Create(_))
}

/// Whether whoever made it has it open, or had. A link or a name for another file is all there.
fn is_opened(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.nlink() == 1)
}

/// For tests: what the crate says when the kernel dropped events.
#[cfg(test)]
pub fn inject_rescan(inbox: &Inbox) {
    let event = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
    deliver(inbox, Ok(event));
}
