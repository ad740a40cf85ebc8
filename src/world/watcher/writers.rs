//! Pure. Which files somebody is writing, so that nobody takes half of one for the whole.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::inbox::Writing;

#[derive(Debug, Default)]
pub struct Writers {
    /// Not closed since it was written to.
    open: HashSet<PathBuf>,
    /// Waited for in vain, as a log is that stays open. Not waited for again until it is closed.
    lasting: HashSet<PathBuf>,
}

impl Writers {
    pub fn note(&mut self, path: &Path, written: Option<Writing>) {
        match written {
            Some(Writing::GoesOn) if !self.lasting.contains(path) => {
                self.open.insert(path.to_owned());
            }
            Some(Writing::Ended) => {
                self.open.remove(path);
                self.lasting.remove(path);
            }
            Some(Writing::GoesOn) | None => {}
        }
    }

    pub fn is_anybody_there(&self) -> bool {
        !self.open.is_empty()
    }

    /// Nobody waits any longer.
    pub fn give_up(&mut self) {
        self.lasting.extend(self.open.drain());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(writers: &mut Writers, path: &str, written: Writing) -> bool {
        writers.note(Path::new(path), Some(written));
        writers.is_anybody_there()
    }

    #[test]
    fn a_file_is_waited_for_until_it_is_closed() {
        let mut writers = Writers::default();
        assert!(note(&mut writers, "/a", Writing::GoesOn));
        writers.note(Path::new("/a"), None);
        assert!(note(&mut writers, "/b", Writing::GoesOn));
        assert!(note(&mut writers, "/a", Writing::Ended));
        assert!(!note(&mut writers, "/b", Writing::Ended));
    }

    #[test]
    fn a_file_that_stays_open_is_waited_for_once() {
        let mut writers = Writers::default();
        assert!(note(&mut writers, "/log", Writing::GoesOn));
        writers.give_up();
        assert!(!note(&mut writers, "/log", Writing::GoesOn));
        assert!(note(&mut writers, "/other", Writing::GoesOn));
        assert!(!note(&mut writers, "/other", Writing::Ended));
        assert!(!note(&mut writers, "/log", Writing::Ended));
        assert!(note(&mut writers, "/log", Writing::GoesOn));
    }
}
