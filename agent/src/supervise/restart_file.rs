//! A file whose change means that the command should start again, for Tiltfiles that write to it as their last step.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// How often the file is looked at where the kernel does not tell.
pub const POLL: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct RestartFile {
    path: PathBuf,
    seen: Option<Stamp>,
    /// Of its folder, because the file may be replaced. Nothing where there is no such folder, or no more watches.
    watch: Option<OwnedFd>,
}

/// What tells one content from the next without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl RestartFile {
    pub fn watch(path: PathBuf) -> RestartFile {
        // Where it can be made it is, for whoever will write to it; where not, it may still appear.
        let _ = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o666)
            .open(&path);
        let watch = watch(&path);
        RestartFile {
            seen: stamp(&path),
            watch,
            path,
        }
    }

    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }

    /// Whether it was changed since this was asked last. A file that is removed is no order to restart.
    pub fn was_changed(&mut self) -> bool {
        let was_written = self.drain();
        let now = stamp(&self.path);
        let is_new = now.is_some() && now != self.seen;
        self.seen = now;
        // Two writes within one tick of the file system's clock look the same, but each of them was told.
        is_new || (was_written && now.is_some())
    }

    fn drain(&mut self) -> bool {
        let Some(watch) = &self.watch else {
            self.watch = watch_again(&self.path);
            return false;
        };
        let mut was_written = false;
        let mut is_gone = false;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(watch, &mut buffer);
        while let Ok(event) = events.next() {
            is_gone |= event.events().contains(ReadFlags::IGNORED);
            let is_ours = event.file_name().map(|name| name.to_bytes())
                == self.path.file_name().map(|name| name.as_encoded_bytes());
            was_written |= is_ours && event.events().intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO);
        }
        if is_gone {
            self.watch = None;
        }
        was_written
    }
}

fn watch(path: &Path) -> Option<OwnedFd> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    // A change of attributes alone is what some `touch`es do.
    let what = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB | WatchFlags::ONLYDIR;
    inotify::add_watch(&inotify, folder, what).ok()?;
    Some(inotify)
}

/// Only where the folder is there at last; what changed meanwhile is seen by the stamp.
fn watch_again(path: &Path) -> Option<OwnedFd> {
    path.parent().filter(|folder| folder.is_dir()).and_then(|_| watch(path))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp {
        inode: found.ino(),
        size: found.size(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}
