//! Git's `index.lock`: while it is there, git is about to change more files.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::world::clock::{self, Duration};
use crate::world::coalesce::GitLock;

/// Of a file that names a folder.
const LONGEST: u64 = 64 << 10;

/// Repositories above and among what is watched: their top folders, and where their lock would be.
#[derive(Debug, Default)]
pub struct Repositories(BTreeMap<PathBuf, PathBuf>);

impl Repositories {
    /// Adds the repository that a path is in.
    pub fn find_above(&mut self, path: &Path) {
        if let Some(top) = path.ancestors().find(|folder| folder.join(".git").exists()) {
            self.add(top);
        }
    }

    /// Adds the repository whose top this folder is.
    pub fn add(&mut self, top: &Path) {
        self.0.insert(top.to_owned(), git_folder(top).join("index.lock"));
    }

    /// The youngest lock of the repositories that these paths are in.
    pub fn lock<'a>(&self, paths: impl Iterator<Item = &'a PathBuf>) -> GitLock {
        let mut tops: Vec<(&PathBuf, &PathBuf)> = self.0.iter().collect();
        let mut concerned = Vec::new();
        for path in paths {
            tops.retain(|(top, lock)| {
                let is_in = path.starts_with(top);
                if is_in {
                    concerned.push(*lock);
                }
                !is_in
            });
            if tops.is_empty() {
                break;
            }
        }
        let ages = concerned.into_iter().filter_map(|lock| age(lock));
        ages.min().map_or(GitLock::Free, |age| GitLock::Held { age })
    }
}

fn age(lock: &Path) -> Option<Duration> {
    let made = fs::metadata(lock).ok()?.modified().ok()?;
    Some(clock::today().duration_since(made).unwrap_or_default())
}

/// In a linked worktree and in a submodule, `.git` is a file that names the folder.
fn git_folder(top: &Path) -> PathBuf {
    let git = top.join(".git");
    let text = short_text(&git).unwrap_or_default();
    match text.strip_prefix("gitdir:") {
        Some(target) => top.join(target.trim()),
        None => git,
    }
}

/// Never waits: whatever has that name may be a pipe.
fn short_text(path: &Path) -> io::Result<String> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let mut text = String::new();
    if file.metadata()?.is_file() {
        file.take(LONGEST).read_to_string(&mut text)?;
    }
    Ok(text)
}
