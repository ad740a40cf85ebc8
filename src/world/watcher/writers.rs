//! Pure. Which files somebody is writing, so that nobody takes half of one for the whole.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::inbox::Writing;
use crate::world::coalesce;

#[derive(Debug, Default)]
pub struct Writers {
    /// Not closed since it was written to, with its size when it was last looked at.
    open: HashMap<PathBuf, Option<u64>>,
    /// When one of them had become larger.
    grown: Option<Instant>,
    /// Waited for in vain, as a log is that stays open. Not waited for again until it is closed.
    lasting: HashSet<PathBuf>,
}

impl Writers {
    pub fn note(&mut self, path: &Path, written: Option<Writing>) {
        match written {
            Some(Writing::GoesOn) if !self.lasting.contains(path) => {
                self.open.entry(path.to_owned()).or_default();
            }
            Some(Writing::Ended) => {
                self.open.remove(path);
                self.lasting.remove(path);
            }
            Some(Writing::GoesOn) | None => {}
        }
    }

    /// Whether somebody is writing, as far as it is seen by the sizes of what is open.
    pub fn look(&mut self, now: Instant, size: impl Fn(&Path) -> u64) -> coalesce::Files {
        if self.open.is_empty() {
            return coalesce::Files::Closed;
        }
        for (path, known) in &mut self.open {
            let size = size(path);
            if known.replace(size).is_some_and(|known| known != size) {
                self.grown = Some(now);
            }
        }
        coalesce::Files::Open { grown: self.grown }
    }

    /// Nobody waits any longer.
    pub fn give_up(&mut self) {
        self.lasting.extend(self.open.drain().map(|(path, _)| path));
        self.grown = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn note(writers: &mut Writers, path: &str, written: Writing) -> bool {
        writers.note(Path::new(path), Some(written));
        writers.look(crate::world::clock::now(), |_| 0) != coalesce::Files::Closed
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
    #[test]
    fn a_file_that_grows_is_still_being_written() {
        let mut writers = Writers::default();
        writers.note(Path::new("/a"), Some(Writing::GoesOn));
        let start = crate::world::clock::now();
        let mut look = |after, size| writers.look(start + Duration::from_millis(after), |_| size);
        assert_eq!(look(5, 0), coalesce::Files::Open { grown: None });
        let grown = |after| coalesce::Files::Open {
            grown: Some(start + Duration::from_millis(after)),
        };
        assert_eq!(look(10, 100), grown(10));
        assert_eq!(look(15, 100), grown(10));
        assert_eq!(look(20, 200), grown(20));
    }
}
