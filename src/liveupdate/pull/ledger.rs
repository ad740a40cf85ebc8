//! What we do to one place of a container, so that nobody takes it for news from there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::liveupdate::pull::Pulled;
use crate::liveupdate::pull::course::{Hash, hash, of};
use crate::world::agent::{Batch, Change, Content, Globs};

#[derive(Debug)]
pub struct Ledger {
    /// In the container, without a slash at its end.
    root: Vec<u8>,
    globs: Globs,
    state: Mutex<State>,
    /// The last batch that was open is not any more.
    closed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What is in a container while a batch is open may be taken back.
    open: usize,
    /// How many batches there were.
    batches: u64,
    /// What was done since somebody looked, and when; one entry a path.
    done: BTreeMap<Vec<u8>, (u64, Done)>,
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Brought(Hash),
    /// The batch failed, and it may be there all the same; with what was brought before it.
    Maybe {
        brought: Hash,
        before: Option<Hash>,
    },
    /// It became something else while it was sent.
    Unsure,
    /// A file, or a folder with all that was in it.
    Deleted,
}

/// A batch on its way, for as long as it may be taken back or something runs for it.
pub struct Open(Arc<Ledger>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
        self.0.closed.notify_waiters();
    }
}

impl Ledger {
    pub fn new(of: &Pulled) -> Ledger {
        let patterns: Vec<Vec<u8>> = of.patterns.iter().map(|pattern| pattern.as_bytes().to_vec()).collect();
        Ledger {
            root: of.root.trim_end_matches('/').as_bytes().to_vec(),
            globs: Globs::new(&patterns),
            state: Mutex::default(),
            closed: Notify::new(),
        }
    }

    pub fn open(self: &Arc<Self>) -> Open {
        let mut state = self.lock();
        state.open += 1;
        state.batches += 1;
        Open(Arc::clone(self))
    }

    /// To be told while the batch is open, once all of it is there, and before anything runs. Blocks.
    pub fn is_done(&self, batch: &Batch) {
        self.note(batch, batch.changes.iter(), |content, _| {
            hash_of(content).map_or(Done::Unsure, Done::Brought)
        });
    }

    /// What was sent, or part of it, is not what is here by now: this is. What was deleted here is there.
    pub fn is_unsure(&self, batch: &Batch) {
        let without = |change: &&Change| !matches!(change, Change::Delete { .. });
        self.note(batch, batch.changes.iter().filter(without), |_, _| Done::Unsure);
    }

    /// It failed, and may have come to an end that nobody heard of.
    pub fn may_be_done(&self, batch: &Batch) {
        let files = |change: &&Change| matches!(change, Change::File { .. });
        self.note(batch, batch.changes.iter().filter(files), |content, before| {
            let before = match before {
                Some(
                    Done::Brought(before)
                    | Done::Maybe {
                        before: Some(before), ..
                    },
                ) => Some(before),
                _ => None,
            };
            hash_of(content).map_or(Done::Unsure, |brought| Done::Maybe { brought, before })
        });
    }

    /// Whether it does anything here that somebody looks for.
    pub fn concerns(&self, batch: &Batch) -> bool {
        batch.changes.iter().any(|change| match change {
            Change::File { root, path, .. } | Change::HardLink { root, path, .. } => {
                self.matched(batch, *root, path).is_some()
            }
            Change::Delete { root, path } => self.deleted(batch, *root, path).is_some(),
            Change::Dir { .. } | Change::Symlink { .. } => false,
        })
    }

    fn note<'c>(
        &self,
        batch: &Batch,
        changes: impl Iterator<Item = &'c Change>,
        brought: impl Fn(&Content, Option<Done>) -> Done,
    ) {
        for change in changes {
            match change {
                Change::File {
                    root, path, content, ..
                } => {
                    if let Some(path) = self.matched(batch, *root, path) {
                        let before = self.lock().done.get(&path).map(|(_, done)| *done);
                        self.put(path, brought(content, before));
                    }
                }
                Change::HardLink {
                    root,
                    path,
                    to_root,
                    to,
                } => {
                    if let Some(path) = self.matched(batch, *root, path) {
                        let same = self.matched(batch, *to_root, to);
                        let same = same.and_then(|to| Some(self.lock().done.get(&to)?.1));
                        self.put(path, same.unwrap_or(Done::Unsure));
                    }
                }
                Change::Delete { root, path } => {
                    if let Some(path) = self.deleted(batch, *root, path) {
                        self.put(path, Done::Deleted);
                    }
                }
                Change::Dir { .. } | Change::Symlink { .. } => {}
            }
        }
    }

    fn put(&self, path: Vec<u8>, done: Done) {
        let mut state = self.lock();
        state.last += 1;
        let at = state.last;
        state.done.insert(path, (at, done));
    }

    /// Waits until no batch is open, and says which was the last one.
    pub(super) async fn quiet(&self) -> u64 {
        loop {
            let closed = self.closed.notified();
            tokio::pin!(closed);
            // From here on no notification is missed.
            closed.as_mut().enable();
            {
                let state = self.lock();
                if state.open == 0 {
                    return state.batches;
                }
            }
            closed.await;
        }
    }

    /// What was done since this was asked last, in its order; nothing if there was a batch since the one that is named.
    pub(super) fn take(&self, last: u64) -> Option<Vec<(Vec<u8>, Done)>> {
        let mut state = self.lock();
        if state.open > 0 || state.batches != last {
            return None;
        }
        let mut done: Vec<_> = std::mem::take(&mut state.done).into_iter().collect();
        done.sort_by_key(|(_, (at, _))| *at);
        Some(done.into_iter().map(|(path, (_, done))| (path, done)).collect())
    }

    /// Where a file is below our place, if anybody looks there.
    fn matched(&self, batch: &Batch, root: usize, path: &[u8]) -> Option<Vec<u8>> {
        let full = full(batch, root, path);
        let path = relative(&self.root, &full)?;
        self.globs.is_match(&self.globs.along(path)).then(|| path.to_vec())
    }

    /// The same of what may have held such files.
    fn deleted(&self, batch: &Batch, root: usize, path: &[u8]) -> Option<Vec<u8>> {
        let full = full(batch, root, path);
        if is_below(&self.root, &full) {
            return Some(Vec::new());
        }
        let path = relative(&self.root, &full)?;
        let at = self.globs.along(path);
        (self.globs.is_match(&at) || self.globs.leads_on(&at)).then(|| path.to_vec())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash_of(content: &Content) -> Option<Hash> {
    match content {
        Content::Bytes(bytes) => Some(of(bytes)),
        Content::Local(path) => hash(path).ok().flatten(),
    }
}

/// In the container, without a slash at its end.
fn full(batch: &Batch, root: usize, path: &[u8]) -> Vec<u8> {
    let root = batch.roots[root].path.trim_end_matches('/').as_bytes();
    match path.is_empty() {
        true => root.to_vec(),
        false => [root, path].join(&b'/'),
    }
}

fn relative<'p>(root: &[u8], full: &'p [u8]) -> Option<&'p [u8]> {
    match full.strip_prefix(root)? {
        [] => Some(&[]),
        [b'/', below @ ..] => Some(below),
        _ => None,
    }
}

/// Whether it is in a folder, or is that itself; everything is below the empty one.
pub(super) fn is_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || relative(folder, path).is_some()
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;
    use crate::world::agent::Root;

    fn ledger(root: &str, patterns: &[&str]) -> Arc<Ledger> {
        Arc::new(Ledger::new(&Pulled {
            folder: "/p".into(),
            root: root.to_owned(),
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
        }))
    }

    fn batch(roots: &[&str], changes: &[Change]) -> Batch {
        let root = |path: &&str| Root {
            path: (*path).to_owned(),
            ..Root::default()
        };
        Batch {
            roots: roots.iter().map(root).collect(),
            changes: changes.to_vec(),
        }
    }

    fn file(path: &str) -> Change {
        Change::File {
            root: 0,
            path: path.into(),
            mode: 0o644,
            content: Content::Bytes("x".into()),
        }
    }

    fn delete(root: usize, path: &str) -> Change {
        let path = path.into();
        Change::Delete { root, path }
    }

    /// What was done, each path as text.
    fn done(ledger: &Ledger) -> Vec<(String, Done)> {
        let last = ledger.lock().batches;
        let done = ledger.take(last).expect("no batch is open");
        let text = |(path, done)| (String::from_utf8(path).unwrap(), done);
        done.into_iter().map(text).collect()
    }

    fn brought(path: &str) -> (String, Done) {
        (path.to_owned(), Done::Brought(of(b"x")))
    }

    #[test]
    fn only_what_somebody_looks_for_is_remembered() {
        let ledger = ledger("/app/db", &["migrations/**", "one", "*/deep.lock"]);
        let files = [
            "db/one",
            "db/migrations/1",
            "db/x/deep.lock",
            "db/one.more",
            "db/x/y",
            "other",
        ];
        ledger.is_done(&batch(&["/app/"], &files.map(file)));
        assert_eq!(done(&ledger), ["one", "migrations/1", "x/deep.lock"].map(brought));
        assert_eq!(done(&ledger), []);
    }

    #[test]
    fn what_was_done_last_to_a_path_counts() {
        let ledger = ledger("/", &["**"]);
        let all = [file("a"), delete(0, "b"), delete(0, "a"), file("b")];
        ledger.is_done(&batch(&["/app"], &all));
        assert_eq!(done(&ledger), [("app/a".to_owned(), Done::Deleted), brought("app/b")]);
        ledger.is_done(&batch(&["/app"], &[file("a")]));
        ledger.is_unsure(&batch(&["/app"], &[file("a")]));
        assert_eq!(done(&ledger), [("app/a".to_owned(), Done::Unsure)]);
        let link = Change::HardLink {
            root: 0,
            path: b"b".to_vec(),
            to_root: 0,
            to: b"a".to_vec(),
        };
        ledger.is_done(&batch(&["/app"], &[file("a"), link]));
        assert_eq!(done(&ledger), ["app/a", "app/b"].map(brought));
    }

    #[test]
    fn what_failed_may_have_come_to_an_end() {
        let ledger = ledger("/app", &["*"]);
        let failed = batch(&["/app"], &[file("a"), delete(0, "b")]);
        ledger.may_be_done(&failed);
        let maybe = |before| {
            (
                "a".to_owned(),
                Done::Maybe {
                    brought: of(b"x"),
                    before,
                },
            )
        };
        assert_eq!(done(&ledger), [maybe(None)]);
        // Nobody has looked since it was there once.
        ledger.is_done(&batch(&["/app"], &[file("a")]));
        ledger.may_be_done(&failed);
        ledger.may_be_done(&failed);
        assert_eq!(done(&ledger), [maybe(Some(of(b"x")))]);
        ledger.is_unsure(&failed);
        assert_eq!(done(&ledger), [("a".to_owned(), Done::Unsure)]);
    }

    #[test]
    fn a_batch_concerns_nobody_who_looks_for_something_else() {
        let ledger = ledger("/app", &["*.lock"]);
        let concerns = |change: Change| ledger.concerns(&batch(&["/app"], &[file("other"), change]));
        assert!(concerns(file("a.lock")) && concerns(delete(0, "a.lock")) && concerns(delete(0, "")));
        assert!(!concerns(file("b")) && !concerns(delete(0, "b")));
    }

    #[test]
    fn what_was_deleted_may_have_held_what_somebody_looks_for() {
        let ledger = ledger("/app/db", &["two/*.sql"]);
        let deletions = ["db/one", "dbx", "db/two/1.sql", "db/two", "db/two/1.sql/deep"].map(|path| delete(0, path));
        ledger.is_done(&batch(&["/app"], &deletions));
        assert_eq!(
            done(&ledger),
            ["two/1.sql", "two"].map(|path| (path.to_owned(), Done::Deleted))
        );
        ledger.is_done(&batch(&["/"], &[delete(0, "app")]));
        assert_eq!(done(&ledger), [(String::new(), Done::Deleted)]);
        assert!(is_below(b"any", b"") && is_below(b"a/b", b"a") && is_below(b"a", b"a"));
        assert!(!is_below(b"ab", b"a") && !is_below(b"a", b"a/b"));
    }

    #[tokio::test]
    async fn nobody_looks_while_a_batch_may_be_taken_back() {
        let ledger = ledger("/app", &["*"]);
        let before = ledger.quiet().await;
        let (one, two) = (ledger.open(), ledger.open());
        assert_eq!(ledger.take(before), None);
        let mut looks = std::pin::pin!(ledger.quiet());
        assert!(poll!(looks.as_mut()).is_pending());
        drop(one);
        assert!(poll!(looks.as_mut()).is_pending());
        drop(two);
        let last = looks.await;
        // There were batches since.
        assert_eq!(ledger.take(before), None);
        assert_eq!(ledger.take(last), Some(Vec::new()));
    }
}
