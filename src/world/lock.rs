//! Advisory locks on files, so that two instances do not change one folder at the same time. Several may share one: then nobody has it alone.
//!
//! The lock is the kernel's: it vanishes with the process that held it, so a crash never leaves anything locked. The
//! lock file itself stays behind on purpose: removing it would let a waiter lock a file that nobody else sees.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use crate::world::files::FileError;

/// Held until dropped.
#[derive(Debug)]
#[must_use = "the lock is released as soon as this is dropped"]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that is not yet another program has the file open as well. Where the kernel
        // cannot unlock, closing is all that is left.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Waits until the lock is ours. `busy` is called once, before waiting, if another instance holds it.
    pub fn wait(path: &Path, busy: impl FnOnce()) -> Result<Lock, FileError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => return Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => busy(),
            Err(TryLockError::Error(source)) => return Err(FileError::new("lock", path, source)),
        }
        file.lock().map_err(|source| FileError::new("lock", path, source))?;
        Ok(Lock { file })
    }

    /// Waits until nobody holds the lock alone.
    pub fn share(path: &Path) -> Result<Lock, FileError> {
        let file = open(path)?;
        file.lock_shared()
            .map_err(|source| FileError::new("lock", path, source))?;
        Ok(Lock { file })
    }

    /// The lock if nobody holds it.
    pub fn attempt(path: &Path) -> Result<Option<Lock>, FileError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(FileError::new("lock", path, source)),
        }
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| FileError::new("mkdir", folder, source))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    options
        .open(path)
        .map_err(|source| FileError::new("open", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_held_lock_is_refused_until_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("below/it.lock");
        let held = Lock::wait(&path, || panic!("nobody holds it")).unwrap();
        assert!(Lock::attempt(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::attempt(&path).unwrap().is_some());
    }

    /// A process that is being started has all files of its parent until it becomes another program.
    #[test]
    fn a_lock_that_was_dropped_is_free_even_if_a_child_still_has_the_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("it.lock");
        let take: [fn(&Path) -> Lock; 3] = [
            |path| Lock::wait(path, || ()).unwrap(),
            |path| Lock::share(path).unwrap(),
            |path| Lock::attempt(path).unwrap().unwrap(),
        ];
        for take in take {
            let held = take(&path);
            let _childs = held.file.try_clone().unwrap();
            drop(held);
            assert!(Lock::attempt(&path).unwrap().is_some());
        }
    }

    #[test]
    fn several_share_a_lock_that_nobody_has_alone_meanwhile() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("it.lock");
        let (one, other) = (Lock::share(&path).unwrap(), Lock::share(&path).unwrap());
        drop(one);
        assert!(Lock::attempt(&path).unwrap().is_none());
        drop(other);
        assert!(Lock::attempt(&path).unwrap().is_some());
    }

    #[test]
    fn waiting_is_announced_once_and_ends_with_the_other_holder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("it.lock");
        let held = Lock::wait(&path, || ()).unwrap();
        let (announce, announced) = mpsc::channel();
        let waiter = std::thread::spawn(move || Lock::wait(&path, || announce.send(()).unwrap()).map(|_| ()));
        announced.recv().unwrap();
        drop(held);
        waiter.join().unwrap().unwrap();
    }

    #[test]
    fn a_lock_that_cannot_be_made_says_where() {
        let error = Lock::attempt(Path::new("/proc/no/such.lock")).unwrap_err();
        assert_eq!(error.to_string(), "mkdir /proc/no: no such file or directory");
    }
}
