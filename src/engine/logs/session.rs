//! The folder of a session's logs: its own, gone when the session ends, and cleared by the next one if this was killed.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::world::files::FileError;
use crate::world::lock::Lock;

const LOCK: &str = "lock";
/// Held while folders come and go, so that nobody takes a folder whose owner has not locked it yet for a dead one.
const GATE: &str = ".gate";

/// Removed when dropped.
#[derive(Debug)]
pub struct Session {
    folder: PathBuf,
    _lock: Lock,
}

impl Session {
    pub fn begin(parent: &Path) -> Result<Session, FileError> {
        let gate = Lock::wait(&parent.join(GATE), || ())?;
        clear_dead(parent);
        let folder = parent.join(uuid::Uuid::new_v4().to_string());
        // Logs are nobody else's business.
        let made = DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|source| FileError::new("mkdir", &folder, source))?;
        let lock = Lock::wait(&folder.join(LOCK), || ())?;
        drop(gate);
        Ok(Session { folder, _lock: lock })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What is left is cleared by the next session.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Removes the folders that nobody holds. One that cannot be removed must not stop a session: the next one tries again.
fn clear_dead(parent: &Path) {
    let folders = fs::read_dir(parent).into_iter().flatten().flatten();
    let is_session = |path: &PathBuf| path.is_dir() && path.join(LOCK).exists();
    for folder in folders.map(|entry| entry.path()).filter(is_session) {
        if let Ok(Some(_held)) = Lock::attempt(&folder.join(LOCK)) {
            drop(fs::remove_dir_all(&folder));
        }
    }
}
