//! Hashes of content that outlive the session: a file is read again only if its state differs from when it was read.
//!
//! The rule of doubt is git's: a state that was younger than a tick of the file system's clock when the file was read proves
//! nothing, so it is not kept. The one thing that escapes is a program that writes through a memory map: the kernel dates such
//! writes when it stores them. Of two processes, the one that saves last is heeded, and what the other learned is read again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio_util::sync::CancellationToken;

use super::known::{self, Known, Stamp, seek};
use super::read::{self, Reading};
use super::walk::{open_root, set_hard_links, set_stat};
use super::{Reason, Tree, TreeError};
use crate::model::context::{self, Entry, Kind};
use crate::model::digest;
use crate::model::filter::Filter;
use crate::world::clock::{self, SystemTime};
use crate::world::files::FileError;
use crate::world::replace;

const MOST_THREADS: usize = 8;
/// Files that one thread can read before another one has started.
const FEW: usize = 8;
/// Contexts that are remembered on disk.
const MOST_ROOTS: usize = 64;
/// Reading this much again after a restart costs less than writing everything down after every edit.
const UNSAVED: Work = Work {
    files: 64,
    bytes: 4 << 20,
};

/// What was read because nothing was known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub files: usize,
    pub bytes: u64,
}

impl Work {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// The hashes of all contexts. One of it serves a whole session.
#[derive(Debug)]
pub struct Hashes {
    folder: PathBuf,
    /// Held to find a context's own lock.
    roots: Mutex<HashMap<PathBuf, Arc<Mutex<Context>>>>,
}

#[derive(Debug, Default)]
struct Context {
    /// By path, in the order of trees.
    known: Vec<Known>,
    unsaved: Work,
    is_loaded: bool,
    is_on_disk: bool,
}

/// What reading a file came to, by the place of its entry.
type Outcome = (usize, Result<Option<Reading>, Reason>);

impl Hashes {
    /// Hashes that are kept in a folder, which need not exist yet.
    pub fn open(folder: impl Into<PathBuf>) -> Hashes {
        Hashes {
            folder: folder.into(),
            roots: Mutex::default(),
        }
    }

    /// Fills in the hash of every file. Those that vanished meanwhile are taken out; those that cannot be read, or change while
    /// they are, are faults of the tree. `filter` is the one that the tree was walked with. Blocks, and uses several threads.
    pub fn hash(&self, tree: &mut Tree, filter: &Filter, stop: &CancellationToken) -> Result<Work, TreeError> {
        let context = self.context(&tree.root);
        // Held while files are read: who else wants the same context would read the same files.
        let mut context = lock(&context);
        if !context.is_loaded {
            context.load(&self.file(&tree.root));
        }
        context.fill(&mut tree.entries);
        let mut work = Work::default();
        let mut fresh = Vec::new();
        // More than one round only where the first name of a file with several names vanished.
        loop {
            let unread = unread(tree);
            if unread.is_empty() {
                break;
            }
            let outcomes = read_all(tree, &unread, stop)?;
            fresh.extend(apply(tree, outcomes, &mut work));
        }
        copy_to_hard_links(&mut tree.entries);
        tree.faults.sort_by(|a, b| context::order(&a.path, &b.path));
        if work.files > 0 {
            fresh.sort_by(|a, b| context::order(&a.path, &b.path));
            context.learn(tree, fresh, filter);
        }
        Ok(work)
    }

    /// Writes down what was learned, where that is worth it. Cheap if nothing was.
    pub fn save(&self) -> Result<(), FileError> {
        let roots: Vec<_> = lock(&self.roots)
            .iter()
            .map(|(root, it)| (root.clone(), Arc::clone(it)))
            .collect();
        for (root, context) in roots {
            let mut context = lock(&context);
            if !context.is_worth_saving() {
                continue;
            }
            let error = |source| FileError::new("mkdir", &self.folder, source);
            fs::create_dir_all(&self.folder).map_err(error)?;
            replace::replace(&self.file(&root), &known::encode(&context.known))?;
            context.unsaved = Work::default();
            context.is_on_disk = true;
            replace::keep_newest(&self.folder, MOST_ROOTS)?;
        }
        Ok(())
    }

    fn context(&self, root: &Path) -> Arc<Mutex<Context>> {
        Arc::clone(lock(&self.roots).entry(root.to_owned()).or_default())
    }

    fn file(&self, root: &Path) -> PathBuf {
        self.folder
            .join(digest::sha256_hex(root.as_os_str().as_encoded_bytes()))
    }
}

/// What a panic left is as good as before: an entry is put in whole or not at all.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    fn load(&mut self, file: &Path) {
        let saved = fs::read(file).ok().and_then(|bytes| known::decode(&bytes));
        self.is_on_disk = saved.is_some();
        self.known = saved.unwrap_or_default();
        self.is_loaded = true;
    }

    /// Fills in the hashes that are known.
    fn fill(&self, entries: &mut [Entry]) {
        let mut at = 0;
        for entry in entries {
            let Some(stamp) = Stamp::of(entry) else { continue };
            at = seek(&self.known, at, &entry.path);
            let known = self
                .known
                .get(at)
                .filter(|it| it.path == entry.path && it.stamp == stamp);
            entry.hash = known.map(|it| it.hash);
        }
    }

    /// Takes in what was read. What the tree would hold if it were there is gone; of what the filter hides, nothing is said.
    fn learn(&mut self, tree: &Tree, fresh: Vec<Known>, filter: &Filter) {
        let today = day();
        let mut old = std::mem::take(&mut self.known).into_iter().peekable();
        let mut fresh = fresh.into_iter().peekable();
        for entry in &tree.entries {
            while let Some(it) = old.next_if(|it| context::order(&it.path, &entry.path).is_lt()) {
                self.known
                    .extend(Some(it).filter(|it| it.is_hidden(tree, filter, today)));
            }
            let known = old.next_if(|it| it.path == entry.path);
            if let Some(read) = fresh.next_if(|it| it.path == entry.path) {
                self.unsaved.add(read.stamp.size);
                self.known.push(read);
            } else if let Some(known) = known.filter(|it| Stamp::of(entry) == Some(it.stamp)) {
                self.known.push(Known { day: today, ..known });
            }
        }
        self.known.extend(old.filter(|it| it.is_hidden(tree, filter, today)));
    }

    fn is_worth_saving(&self) -> bool {
        let Work { files, bytes } = self.unsaved;
        files > 0 && (!self.is_on_disk || files >= UNSAVED.files || bytes >= UNSAVED.bytes)
    }
}

impl Known {
    /// Another image may see it in the same context.
    fn is_hidden(&self, tree: &Tree, filter: &Filter, today: u32) -> bool {
        self.is_recent(today) && filter.matches(&tree.root.join(&*self.path))
    }
}

fn day() -> u32 {
    let age = clock::today().duration_since(SystemTime::UNIX_EPOCH);
    age.map_or(0, |age| u32::try_from(age.as_secs() / 86_400).unwrap_or(u32::MAX))
}

/// The places of files that have to be read. Of a file's names the first counts.
fn unread(tree: &Tree) -> Vec<usize> {
    let faults: HashSet<&str> = tree.faults.iter().map(|fault| &*fault.path).collect();
    let is_unread = |entry: &Entry| {
        let is_unknown = entry.hash.is_none() && entry.hard_link.is_none() && matches!(entry.kind, Kind::File { .. });
        is_unknown && !faults.contains(&*entry.path)
    };
    let places = tree.entries.iter().enumerate();
    places
        .filter(|(_, entry)| is_unread(entry))
        .map(|(place, _)| place)
        .collect()
}

/// Reads the files at these places, large and small as they come, each by whoever is free.
fn read_all(tree: &Tree, places: &[usize], stop: &CancellationToken) -> Result<Vec<Outcome>, TreeError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let root = open_root(&tree.root)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = vec![0; read::BUFFER];
        let mut outcomes = Vec::new();
        while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed))
            && !stop.is_cancelled()
        {
            let path = &tree.entries[*place].path;
            outcomes.push((*place, read::read(root.as_fd(), path, &mut buffer)));
        }
        outcomes
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let helpers = threads.min(MOST_THREADS).min(places.len() / FEW + 1) - 1;
    let mut outcomes = thread::scope(|scope| {
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(work)).collect();
        let mut outcomes = work();
        for helper in helpers {
            let more = helper.join();
            outcomes.extend(more.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        outcomes
    });
    if outcomes.len() < places.len() {
        return Err(TreeError::Cancelled);
    }
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    Ok(outcomes)
}

/// Puts what was read into the tree. Gives what may be relied upon the next time.
fn apply(tree: &mut Tree, outcomes: Vec<Outcome>, work: &mut Work) -> Vec<Known> {
    let mut fresh = Vec::new();
    let mut vanished = Vec::new();
    let today = day();
    for (place, outcome) in outcomes {
        let entry = &mut tree.entries[place];
        match outcome {
            Ok(Some(reading)) => {
                set_stat(entry, &reading.stat);
                entry.hash = Some(reading.hash);
                if let Some(stamp) = Stamp::of(entry) {
                    work.add(stamp.size);
                    let path = entry.path.clone();
                    let hash = reading.hash;
                    let known = Known {
                        path,
                        stamp,
                        hash,
                        day: today,
                    };
                    fresh.extend(Some(known).filter(|_| reading.is_settled));
                }
            }
            Ok(None) => vanished.push(place),
            Err(reason) => {
                let path = entry.path.clone();
                tree.fault(&path, reason);
            }
        }
    }
    remove(tree, &vanished);
    fresh
}

fn remove(tree: &mut Tree, vanished: &[usize]) {
    if vanished.is_empty() {
        return;
    }
    let mut place = 0;
    tree.entries.retain(|_| {
        place += 1;
        vanished.binary_search(&(place - 1)).is_err()
    });
    set_hard_links(&mut tree.entries);
}

/// A further name of a file has the content, and by now the state, of the first.
fn copy_to_hard_links(entries: &mut [Entry]) {
    let names: HashSet<Box<str>> = entries.iter().filter_map(|entry| entry.hard_link.clone()).collect();
    if names.is_empty() {
        return;
    }
    let first = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| names.contains(&entry.path));
    let first: HashMap<Box<str>, usize> = first.map(|(place, entry)| (entry.path.clone(), place)).collect();
    for place in 0..entries.len() {
        let name = entries[place].hard_link.as_ref();
        let Some(first) = name.and_then(|name| first.get(name)) else {
            continue;
        };
        let first = entries[*first].clone();
        let entry = &mut entries[place];
        if (first.inode, first.device) == (entry.inode, entry.device) {
            *entry = Entry {
                path: entry.path.clone(),
                hard_link: entry.hard_link.clone(),
                ..first
            };
        }
    }
}
