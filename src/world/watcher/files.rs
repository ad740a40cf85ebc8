//! Keeps the known tree equal to the files: scans, looks at what events named, and gathers what changed.
//!
//! A folder is watched before it is listed, so what happens meanwhile is an event or in the list, or both. What is known
//! is always what was last reported, so a state that nobody was told about cannot hide the one that follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backlog::Backlog;
use super::entry::{Entry, Evidence, Kind, Stamp, is_absence};
use super::inbox::{Inbox, Touch};
use super::interest::{Interest, Question};
use super::kernel::{Kernel, Presence};
use super::locks::Repositories;
use super::route;
use super::tree::{Pairs, Tree};
use crate::world::clock;
use crate::world::walk;

#[derive(Debug)]
pub struct Files {
    pub interest: Interest,
    pub kernel: Kernel,
    pub repositories: Repositories,
    /// Folders that cannot be watched or listed, and why.
    pub faults: BTreeMap<PathBuf, String>,
    tree: Tree,
    backlog: Backlog,
    changed: BTreeSet<PathBuf>,
    /// While a watch starts, what is found is how things are and not a change.
    is_starting: bool,
}

/// How far a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Into folders that are not known yet.
    New,
    All,
}

impl Files {
    pub fn new(inbox: Arc<Inbox>) -> Files {
        Files {
            interest: Interest::default(),
            kernel: Kernel::new(inbox),
            repositories: Repositories::default(),
            faults: BTreeMap::new(),
            tree: Tree::default(),
            backlog: Backlog::default(),
            changed: BTreeSet::new(),
            is_starting: false,
        }
    }

    /// Adapts to the watches that there are now.
    pub fn adapt(&mut self) {
        self.is_starting = true;
        for root in self.interest.unplaced() {
            self.establish(&root);
            self.fill_roots_of(&root);
        }
        self.fill();
        self.is_starting = false;
        self.interest.tidy();
        self.prune();
    }

    /// The known folders that a new watch wants more of than others did.
    fn fill(&mut self) {
        let mut missing = Vec::new();
        for (path, folder) in self.tree.whole_folders() {
            let folders = folder.entries().iter().filter(|entry| entry.stamp.is_folder());
            let unknown = folders
                .map(|entry| path.join(&*entry.name))
                .filter(|path| !self.tree.is_whole(path));
            missing.extend(unknown.filter(|path| self.interest.wants(path, Question::Below)));
        }
        for folder in missing {
            self.scan(&folder, Depth::New);
        }
    }

    fn prune(&mut self) {
        let interest = &self.interest;
        self.tree.reduce(
            |path| interest.wants(path, Question::Below),
            |path| interest.is_place(path),
        );
        let (tree, hinges) = (&self.tree, interest.hinge_folders());
        self.kernel.retain(|path| tree.is_whole(path) || hinges.contains(path));
        let kernel = &self.kernel;
        self.faults
            .retain(|path, _| tree.folder(path).is_some() || hinges.contains(path) || kernel.is_watched(path));
    }

    /// Finds out where a root leads now, watching the way to it.
    fn establish(&mut self, root: &Path) -> Option<PathBuf> {
        let mut hinges = Vec::new();
        let place = route::follow(root, |hinge| {
            hinges.push(hinge.to_owned());
            if let Some(folder) = hinge.parent() {
                self.watch(folder);
            }
        });
        self.repositories.find_above(&place);
        let before = self.interest.place(root, place.clone(), hinges);
        before.filter(|before| *before != place)
    }

    /// What others know already stays as they know it: a change that they were not told of yet must stay one.
    fn fill_roots_of(&mut self, root: &Path) {
        for place in self.interest.places_of(root) {
            let known = self.tree.entry(&place).map(|entry| entry.stamp.is_folder());
            let is_left_to_others = place.parent().is_some_and(|parent| self.tree.is_whole(parent));
            match known {
                None if !is_left_to_others => self.examine(&place, Touch::default(), Evidence::Seen),
                Some(true) if !self.tree.is_whole(&place) => self.enter(&place),
                _ => {}
            }
        }
    }

    fn watch(&mut self, folder: &Path) -> Option<Presence> {
        match self.kernel.watch(folder) {
            Ok(presence) => {
                self.faults.remove(folder);
                Some(presence)
            }
            Err(error) => {
                self.faults.insert(folder.to_owned(), error.to_string());
                None
            }
        }
    }

    /// Looks at all that events named, and returns what changed by it.
    pub fn look(&mut self, noted: HashMap<PathBuf, Touch>) -> BTreeSet<PathBuf> {
        let noted: BTreeMap<PathBuf, Touch> = noted.into_iter().collect();
        for (path, _) in noted.iter().filter(|(_, touch)| touch.shape) {
            self.kernel.forget_below(path);
        }
        let hinged = noted
            .iter()
            .filter(|(_, touch)| touch.shape)
            .flat_map(|(path, _)| self.interest.roots_on(path));
        let hinged: BTreeSet<PathBuf> = hinged.cloned().collect();
        hinged.iter().for_each(|root| self.re_establish(root));
        for (path, touch) in noted {
            let evidence = if touch.data {
                Evidence::Written
            } else {
                Evidence::Touched
            };
            self.examine(&path, touch, evidence);
        }
        self.examine_other_names();
        std::mem::take(&mut self.changed)
    }

    /// A file with several names has an event for the one by which it was changed.
    fn examine_other_names(&mut self) {
        let inodes: BTreeSet<u64> = self.changed.iter().filter_map(|path| shared_inode(path)).collect();
        if inodes.is_empty() {
            return;
        }
        let mut others = Vec::new();
        for (path, folder) in self.tree.whole_folders() {
            let same = folder
                .entries()
                .iter()
                .filter(|entry| inodes.contains(&entry.stamp.inode()));
            others.extend(same.map(|entry| path.join(&*entry.name)));
        }
        for other in others {
            if !self.changed.contains(&other) {
                self.examine(&other, Touch::default(), Evidence::Written);
            }
        }
    }

    /// Compares everything with what was known, because events were lost or could not be had.
    pub fn rescan(&mut self) -> BTreeSet<PathBuf> {
        self.kernel.doubt_all();
        self.faults.clear();
        for root in self.interest.roots() {
            self.re_establish(&root);
        }
        std::mem::take(&mut self.changed)
    }

    fn re_establish(&mut self, root: &Path) {
        let shape = Touch {
            shape: true,
            ..Touch::default()
        };
        if let Some(before) = self.establish(root) {
            // A link leads elsewhere now. Whatever was there and is there may differ.
            self.changed.extend(self.tree.take_below(&before));
            self.changed.insert(before.clone());
            let left = self.changed.clone();
            let (old, new) = (before, self.interest.places_of(root));
            self.examine_all(&new, shape);
            let moved: Vec<PathBuf> = left
                .iter()
                .filter_map(|path| path.strip_prefix(&old).ok())
                .map(|rest| rest.to_owned())
                .collect();
            for place in &new {
                self.changed.extend(moved.iter().map(|rest| joined(place, rest)));
                self.changed.extend(self.tree.below(place));
            }
            return;
        }
        let places = self.interest.places_of(root);
        self.examine_all(&places, shape);
    }

    fn examine_all(&mut self, places: &[PathBuf], touch: Touch) {
        for place in places {
            self.examine(place, touch, Evidence::Seen);
        }
    }

    /// Compares one path with what was known of it.
    fn examine(&mut self, path: &Path, touch: Touch, evidence: Evidence) {
        let is_tracked = path.parent().is_some_and(|parent| self.tree.is_whole(parent)) || self.interest.is_place(path);
        if !is_tracked {
            return;
        }
        let now = match Stamp::of(path) {
            Ok(now) => now,
            Err(error) => return self.fail(path, &error),
        };
        let old = self.tree.entry(path).cloned();
        let was_folder = old.as_ref().is_some_and(|old| old.stamp.is_folder());
        let is_folder = now.is_some_and(|now| now.is_folder());
        let entry = self.meet(path, old, now, evidence);
        self.tree.set(path, entry);
        let is_readable_again = self.tree.folder(path).is_some_and(|folder| folder.is_unreadable);
        if is_folder && (touch.shape || !was_folder || is_readable_again) {
            self.enter(path);
        }
    }

    fn enter(&mut self, folder: &Path) {
        let depth = if self.is_starting { Depth::New } else { Depth::All };
        if self.interest.wants(folder, Question::Below) {
            self.scan(folder, depth);
        }
    }

    /// What is to be known of a path from now on, reporting what changed.
    fn meet(&mut self, path: &Path, old: Option<Entry>, now: Option<Stamp>, evidence: Evidence) -> Option<Entry> {
        let name = path.file_name().unwrap_or(OsStr::new("/"));
        if self.is_starting && old.is_some() {
            return old;
        }
        if let Some(old) = &old
            && old.stamp.is_folder()
            && !now.is_some_and(|now| now.is_folder())
        {
            self.lose_below(path);
        }
        match (old, now) {
            (None, None) => None,
            (Some(_), None) => {
                self.report(path);
                None
            }
            (None, Some(now)) if self.is_starting => {
                self.notice_repository(path);
                Some(Entry::first_seen(name, now, path))
            }
            (None, Some(now)) => {
                self.notice_repository(path);
                self.report(path);
                Some(Entry::reported(name, now, path))
            }
            (Some(old), Some(now)) if now.kind == Kind::File && !self.interest.wants(path, Question::Path) => {
                Some(Entry::new(&old.name, now))
            }
            (Some(old), Some(now)) => {
                let (entry, is_change) = old.compare(now, path, evidence);
                if is_change {
                    self.report(path);
                }
                Some(entry)
            }
        }
    }

    fn notice_repository(&mut self, path: &Path) {
        if path.file_name() == Some(OsStr::new(".git"))
            && let Some(top) = path.parent()
        {
            self.repositories.add(top);
        }
    }

    fn report(&mut self, path: &Path) {
        if !self.is_starting {
            self.changed.insert(path.to_owned());
        }
    }

    /// A folder is gone, with all that was in it.
    fn lose_below(&mut self, folder: &Path) {
        self.kernel.forget_below(folder);
        for path in self.tree.take_below(folder) {
            self.report(&path);
        }
        self.faults.retain(|path, _| !path.starts_with(folder));
    }

    fn scan(&mut self, start: &Path, depth: Depth) {
        let mut ahead = vec![start.to_owned()];
        while let Some(folder) = ahead.pop() {
            self.scan_folder(&folder, depth, &mut ahead);
        }
    }

    fn scan_folder(&mut self, path: &Path, depth: Depth, ahead: &mut Vec<PathBuf>) {
        let presence = self.watch(path);
        self.tree.open(path).is_whole = true;
        let found = match walk::list(path) {
            Ok(found) => found,
            // Its own absence is an event of the folder that it was in.
            Err(error) if is_absence(&error) => return self.lose_below(path),
            Err(error) => return self.fail(path, &error),
        };
        let today = clock::today();
        let found: Vec<(Box<OsStr>, Stamp)> = found
            .into_iter()
            .map(|(name, metadata)| (name.into(), Stamp::new(&metadata, today)))
            .collect();
        let known = self.tree.open(path).replace(Vec::new());
        let mut entries = Vec::with_capacity(found.len());
        for (name, old, now) in Pairs::new(known, found) {
            let path = path.join(&*name);
            let Some(entry) = self.meet(&path, old, now, Evidence::Seen) else {
                continue;
            };
            let is_due = entry.stamp.is_folder() && (depth == Depth::All || !self.tree.is_whole(&path));
            entries.push(entry);
            if is_due && self.interest.wants(&path, Question::Below) {
                ahead.push(path);
            }
        }
        let folder = self.tree.open(path);
        folder.replace(entries);
        folder.is_unreadable = presence == Some(Presence::Unreadable);
        if self.is_starting {
            self.backlog.add(path);
        }
    }

    /// What cannot be looked at is taken to be as it was. Below roots there may be folders that are not ours to read:
    /// they are looked at again when their mode changes.
    fn fail(&mut self, path: &Path, error: &io::Error) {
        if let Some(folder) = self.tree.folder_mut(path) {
            folder.is_unreadable = true;
        }
        if error.kind() != io::ErrorKind::PermissionDenied || self.interest.is_place(path) {
            let reason = crate::world::files::reason(error);
            self.faults
                .insert(path.to_owned(), format!("can't read `{}`: {reason}", path.display()));
        }
    }

    /// Whether an event can mean anything.
    pub fn concerns(&self, path: &Path, touch: Touch) -> bool {
        if touch.shape && self.interest.roots_on(path).next().is_some() {
            return true;
        }
        let is_tracked = path.parent().is_some_and(|parent| self.tree.is_whole(parent)) || self.interest.is_place(path);
        is_tracked && (touch.shape || self.tree.folder(path).is_some() || self.interest.wants(path, Question::Path))
    }

    /// Reads a few files whose content is not known yet. Returns whether there is more to read.
    pub fn learn_some(&mut self) -> bool {
        self.backlog.learn_some(&mut self.tree)
    }

    pub fn has_to_learn(&self) -> bool {
        !self.backlog.is_empty()
    }
}

/// Of a file that has other names as well.
fn shared_inode(path: &Path) -> Option<u64> {
    let found = std::fs::symlink_metadata(path).ok()?;
    (found.is_file() && found.nlink() > 1).then(|| found.ino())
}

fn joined(place: &Path, rest: &Path) -> PathBuf {
    match rest.as_os_str().is_empty() {
        true => place.to_owned(),
        false => place.join(rest),
    }
}
