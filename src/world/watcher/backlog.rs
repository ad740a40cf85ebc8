//! Reading content before it ever changes, so that a first rewrite with the same bytes is seen to be none. It is done
//! while nothing else is to do, a little at a time, up to a budget.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::entry::{Kind, SMALL};
use super::tree::Tree;

/// How many files one step reads at most.
const STEP: usize = 16;
const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 64 << 20;

#[derive(Debug, Default)]
pub struct Backlog {
    /// Folders, and how many of their entries are done.
    folders: VecDeque<(PathBuf, usize)>,
    files: usize,
    bytes: u64,
}

impl Backlog {
    /// A budget is for one start: when all is read, the next has its own.
    pub fn add(&mut self, folder: &Path) {
        if self.folders.is_empty() {
            (self.files, self.bytes) = (0, 0);
        }
        self.folders.push_back((folder.to_owned(), 0));
    }

    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    pub fn learn_some(&mut self, tree: &mut Tree) -> bool {
        let Some((path, done)) = self.folders.pop_front() else {
            return false;
        };
        let Some(folder) = tree.folder_mut(&path) else {
            return !self.folders.is_empty();
        };
        let entries = folder.entries_mut();
        let end = entries.len().min(done.saturating_add(STEP));
        for entry in entries.get_mut(done..end).unwrap_or_default() {
            let size = entry.stamp.size;
            let is_unknown = entry.stamp.kind == Kind::File && entry.hash.is_none();
            if is_unknown && size <= SMALL {
                if self.files >= MOST_FILES || self.bytes + size > MOST_BYTES {
                    self.folders.clear();
                    return false;
                }
                self.files += 1;
                self.bytes += size;
                entry.learn(&path.join(&*entry.name));
            }
        }
        if end < entries.len() {
            self.folders.push_front((path, end));
        }
        !self.folders.is_empty()
    }
}
