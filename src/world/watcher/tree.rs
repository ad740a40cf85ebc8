//! The last known tree: what was there when it was last reported, folder by folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::iter::Peekable;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use super::entry::{Entry, Stamp};

#[derive(Debug, Default)]
pub struct Tree(BTreeMap<PathBuf, Folder>);

#[derive(Debug, Default)]
pub struct Folder {
    /// All names count, and not only those that are watched by themselves.
    pub is_whole: bool,
    /// It could not be listed; `entries` is what was known before.
    pub is_unreadable: bool,
    /// By name.
    entries: Vec<Entry>,
}

impl Folder {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// Takes entries that are in the order of names.
    pub fn replace(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.shrink_to_fit();
        std::mem::replace(&mut self.entries, entries)
    }

    pub fn get(&self, name: &OsStr) -> Option<&Entry> {
        self.find(name).ok().map(|at| &self.entries[at])
    }

    pub fn set(&mut self, name: &OsStr, entry: Option<Entry>) {
        match (self.find(name), entry) {
            (Ok(at), Some(entry)) => self.entries[at] = entry,
            (Ok(at), None) => drop(self.entries.remove(at)),
            (Err(at), Some(entry)) => self.entries.insert(at, entry),
            (Err(_), None) => {}
        }
    }

    fn find(&self, name: &OsStr) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| (*entry.name).cmp(name))
    }
}

impl Tree {
    pub fn folder(&self, path: &Path) -> Option<&Folder> {
        self.0.get(path)
    }

    pub fn folder_mut(&mut self, path: &Path) -> Option<&mut Folder> {
        self.0.get_mut(path)
    }

    /// Makes the folder known, if it is not.
    pub fn open(&mut self, path: &Path) -> &mut Folder {
        self.0.entry(path.to_owned()).or_default()
    }

    pub fn is_whole(&self, path: &Path) -> bool {
        self.folder(path).is_some_and(|folder| folder.is_whole)
    }

    pub fn entry(&self, path: &Path) -> Option<&Entry> {
        self.folder(path.parent()?)?.get(path.file_name()?)
    }

    pub fn set(&mut self, path: &Path, entry: Option<Entry>) {
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            self.open(parent).set(name, entry);
        }
    }

    /// All that is known below the folder.
    pub fn below(&self, folder: &Path) -> Vec<PathBuf> {
        let folders = self
            .0
            .range::<Path, _>((Bound::Included(folder), Bound::Unbounded))
            .take_while(|(path, _)| path.starts_with(folder));
        folders
            .flat_map(|(path, folder)| folder.entries.iter().map(move |entry| path.join(&*entry.name)))
            .collect()
    }

    /// Forgets all that is below the folder, and returns it.
    pub fn take_below(&mut self, folder: &Path) -> Vec<PathBuf> {
        let taken = self.below(folder);
        let below = self
            .0
            .range::<Path, _>((Bound::Included(folder), Bound::Unbounded))
            .map(|(path, _)| path);
        let below: Vec<PathBuf> = below.take_while(|it| it.starts_with(folder)).cloned().collect();
        below.iter().for_each(|path| drop(self.0.remove(path)));
        taken
    }

    /// Reduces folders of which not everything is needed to what is, and forgets those of which nothing is.
    pub fn reduce(&mut self, is_whole: impl Fn(&Path) -> bool, is_needed: impl Fn(&Path) -> bool) {
        self.0.retain(|path, folder| {
            if folder.is_whole && !is_whole(path) {
                folder.is_whole = false;
                folder.entries.retain(|entry| is_needed(&path.join(&*entry.name)));
            }
            folder.is_whole || !folder.entries.is_empty()
        });
    }

    pub fn whole_folders(&self) -> impl Iterator<Item = (&PathBuf, &Folder)> {
        self.0.iter().filter(|(_, folder)| folder.is_whole)
    }
}

/// What was known beside what was found, by name; both are in the order of names.
pub struct Pairs {
    known: Peekable<IntoIter<Entry>>,
    found: Peekable<IntoIter<(Box<OsStr>, Stamp)>>,
}

impl Pairs {
    pub fn new(known: Vec<Entry>, found: Vec<(Box<OsStr>, Stamp)>) -> Pairs {
        Pairs {
            known: known.into_iter().peekable(),
            found: found.into_iter().peekable(),
        }
    }
}

impl Iterator for Pairs {
    type Item = (Box<OsStr>, Option<Entry>, Option<Stamp>);

    fn next(&mut self) -> Option<Self::Item> {
        let known = self.known.peek().map(|entry| &entry.name);
        let found = self.found.peek().map(|(name, _)| name);
        let (takes_known, takes_found) = match (known, found) {
            (None, None) => return None,
            (Some(known), Some(found)) => (known <= found, found <= known),
            (known, found) => (known.is_some(), found.is_some()),
        };
        let old = takes_known.then(|| self.known.next()).flatten();
        let now = takes_found.then(|| self.found.next()).flatten();
        match (old, now) {
            (old, Some((name, stamp))) => Some((name, old, Some(stamp))),
            (Some(old), None) => Some((old.name.clone(), Some(old), None)),
            (None, None) => None,
        }
    }
}
