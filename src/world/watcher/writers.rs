//! Pure. Which files somebody is writing, so that nobody takes half of one for the whole.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::inbox::Writing;

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

    pub fn is_anybody_there(&self) -> bool {
        !self.open.is_empty()
    }

    /// When something that is open was last seen to be larger than before.
    pub fn grown(&mut self, now: Instant, size: impl Fn(&Path) -> u64) -> Option<Instant> {
        for (path, known) in &mut self.open {
            let size = size(path);
            if known.replace(size).is_some_and(|known| known != size) {
                self.grown = Some(now);
            }
        }
        self.grown
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
    #[test]
    fn a_file_that_grows_is_still_being_written() {
        let mut writers = Writers::default();
        writers.note(Path::new("/a"), Some(Writing::GoesOn));
        let start = crate::world::clock::now();
        let at = |after| start + Duration::from_millis(after);
        let mut grown = |after, size| writers.grown(at(after), |_| size);
        assert_eq!(grown(5, 0), None);
        assert_eq!(grown(10, 100), Some(at(10)));
        assert_eq!(grown(15, 100), Some(at(10)));
        assert_eq!(grown(20, 200), Some(at(20)));
    }
}
