//! Watching real files.

mod disturbed;
mod model;
mod saves;
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::inbox::Inbox;
use super::service::Service;
use super::{Cause, Settle, WatchEvent, WatchSpec, Watcher};
use crate::model::filter::Ignore;
use crate::world::clock::Duration;

/// A folder, and a watcher that tests talk to.
struct Bench {
    // Dropped first: its thread ends before the folder goes.
    watcher: Watcher,
    events: UnboundedReceiver<WatchEvent>,
    inbox: Arc<Inbox>,
    folder: tempfile::TempDir,
    batches: usize,
    causes: Vec<Cause>,
    others: Vec<WatchEvent>,
}

type Changes = BTreeMap<String, BTreeSet<String>>;

impl Bench {
    fn new() -> Bench {
        Bench::with(Settle::default())
    }

    fn with(settle: Settle) -> Bench {
        let (send, events) = unbounded_channel();
        let inbox = Arc::new(Inbox::default());
        let service = Service::new(Arc::clone(&inbox), settle, send);
        Bench {
            watcher: Watcher::run(service, Arc::clone(&inbox)).unwrap(),
            events,
            inbox,
            folder: tempfile::tempdir().unwrap(),
            batches: 0,
            causes: Vec::new(),
            others: Vec::new(),
        }
    }

    /// A bench with files, whose folder `w` is watched.
    fn watching(files: &[(&str, &str)]) -> Bench {
        let mut bench = Bench::new();
        bench.folder("w");
        files.iter().for_each(|(path, text)| bench.write(path, text));
        bench.keep("w", &["w"], &[]);
        bench
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    fn folder(&self, path: &str) {
        fs::create_dir_all(self.path(path)).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.path(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    fn keep(&mut self, name: &str, paths: &[&str], ignored: &[&str]) {
        let spec = WatchSpec {
            paths: paths.iter().map(|path| self.path(path)).collect(),
            ignores: vec![Ignore::patterns(self.folder.path(), ignored.iter().copied())],
        };
        let spec = match ignored {
            [] => WatchSpec {
                ignores: Vec::new(),
                ..spec
            },
            _ => spec,
        };
        self.watcher.keep(name, spec).unwrap();
        let started = WatchEvent::Started { name: name.to_owned() };
        while self.next() != started {}
    }

    /// The next event; one that never comes fails the test.
    fn next(&mut self) -> WatchEvent {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let events = &mut self.events;
        let next = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(20), events.recv()).await });
        next.expect("an event comes").expect("the watcher runs")
    }

    /// Gathers changes until the watch of the name heard of a path, which is taken out again.
    fn until(&mut self, name: &str, last: &str) -> Changes {
        let mut all = Changes::new();
        while !all.get_mut(name).is_some_and(|paths| paths.remove(last)) {
            self.gather(&mut all);
        }
        all.retain(|_, paths| !paths.is_empty());
        all
    }

    /// Gathers changes until `w` heard of a path.
    fn gather_until(&mut self, all: &mut Changes, last: &str) {
        while !all.get("w").is_some_and(|paths| paths.contains(last)) {
            self.gather(all);
        }
    }

    fn gather(&mut self, all: &mut Changes) {
        match self.next() {
            WatchEvent::Changed { changes, cause } => {
                self.batches += 1;
                self.causes.push(cause);
                for (name, paths) in changes {
                    assert!(paths.is_sorted(), "{paths:?}");
                    let paths = paths.iter().map(|path| relative(self.folder.path(), path));
                    all.entry(name).or_default().extend(paths);
                }
            }
            other => self.others.push(other),
        }
    }

    /// What the watch `w` heard of by now. A file that is written at the end tells when that is all.
    fn heard(&mut self) -> Vec<String> {
        let mark = format!("w/mark{}", self.batches);
        self.write(&mark, "");
        let all = self.until("w", &mark);
        all.get("w").into_iter().flatten().cloned().collect()
    }
}

fn relative(base: &Path, path: &Path) -> String {
    path.strip_prefix(base).unwrap().to_string_lossy().into_owned()
}

fn changes(all: &[(&str, &[&str])]) -> Changes {
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    all.iter()
        .map(|(name, list)| ((*name).to_owned(), paths(list)))
        .collect()
}
