//! Pure. All objects of a session, and what changed lately.
//!
//! There is one table. Its owner changes it; everybody else reads copies, which share what did not change. Every change gets
//! the next version, so that a watch can say where it stopped; only so many changes are remembered, and a watch that fell
//! further behind starts over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kinds::KINDS;
use super::schema::Kind;
use super::stored::Stored;
use crate::model::digest;
use crate::model::time::Time;

type ByName = BTreeMap<Box<str>, Arc<Stored>>;

/// Events are shared between copies in chunks of so many.
const CHUNK: usize = 64;
/// How many full chunks are remembered. Each event holds a whole object, so this is what a large session pays in memory.
const CHUNKS: usize = 12;

#[derive(Clone, Debug)]
pub struct Table {
    version: u64,
    /// What makes the uids of this session differ from those of another.
    salt: Box<str>,
    kinds: Vec<Arc<ByName>>,
    chunks: Vec<Arc<Vec<Event>>>,
    /// The version of the newest event that was forgotten.
    forgotten: u64,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Event {
    pub version: u64,
    pub change: Change,
    /// As it is now; of one that is gone: as it was last, with the version of its going.
    pub object: Arc<Stored>,
    /// As it was before, where it was there.
    pub before: Option<Arc<Stored>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Modified,
    Deleted,
}

/// What happened since a version is no longer known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too old resource version: {asked} ({oldest})")]
pub struct Expired {
    pub asked: u64,
    /// The oldest version that can be asked for.
    pub oldest: u64,
}

impl Table {
    /// `salt` is different for every session.
    pub fn new(salt: &str) -> Table {
        Table {
            version: 1,
            salt: salt.into(),
            kinds: KINDS.iter().map(|_| Arc::default()).collect(),
            chunks: vec![Arc::default()],
            forgotten: 1,
        }
    }

    /// The version of the latest change.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, kind: &Kind, name: &str) -> Option<&Arc<Stored>> {
        self.kinds[place(kind)].get(name)
    }

    /// All objects of a kind, by name.
    pub fn list(&self, kind: &Kind) -> impl ExactSizeIterator<Item = &Arc<Stored>> {
        self.kinds[place(kind)].values()
    }

    /// Whether no object of a kind differs between two copies of the table.
    pub fn same_kind(&self, other: &Table, kind: &Kind) -> bool {
        Arc::ptr_eq(&self.kinds[place(kind)], &other.kinds[place(kind)])
    }

    /// Adds or replaces an object, which gets its uid, its time and its version here. An object that says nothing new is
    /// left as it is.
    pub fn put(&mut self, object: Stored, now: Time) -> Arc<Stored> {
        let before = self.get(object.kind, &object.name).cloned();
        match before {
            Some(known) if known.says_the_same(&object) => known,
            known => self.record(object, known, now),
        }
    }

    fn record(&mut self, mut object: Stored, before: Option<Arc<Stored>>, now: Time) -> Arc<Stored> {
        self.version += 1;
        object.meta.version = self.version;
        match &before {
            Some(known) => {
                object.meta.uid = known.meta.uid.clone();
                object.meta.created = known.meta.created;
            }
            None => {
                object.meta.uid = self.uid(&object);
                object.meta.created = now;
            }
        }
        let object = Arc::new(object);
        Arc::make_mut(&mut self.kinds[place(object.kind)]).insert(object.name.clone(), Arc::clone(&object));
        let change = if before.is_some() {
            Change::Modified
        } else {
            Change::Added
        };
        self.remember(change, Arc::clone(&object), before);
        object
    }

    /// Takes an object away. What is returned has the version of its going.
    pub fn remove(&mut self, kind: &Kind, name: &str) -> Option<Arc<Stored>> {
        if !self.kinds[place(kind)].contains_key(name) {
            return None;
        }
        let before = Arc::make_mut(&mut self.kinds[place(kind)]).remove(name)?;
        self.version += 1;
        let mut gone = Stored::clone(&before);
        gone.meta.version = self.version;
        let gone = Arc::new(gone);
        self.remember(Change::Deleted, Arc::clone(&gone), Some(before));
        Some(gone)
    }

    /// Everything that changed after a version, oldest first.
    pub fn events_since(&self, version: u64) -> Result<impl Iterator<Item = &Event>, Expired> {
        if version < self.forgotten {
            return Err(Expired {
                asked: version,
                oldest: self.forgotten,
            });
        }
        let ends_later = move |chunk: &&Arc<Vec<Event>>| chunk.last().is_some_and(|event| event.version > version);
        let chunks = self.chunks.iter().filter(ends_later);
        Ok(chunks
            .flat_map(|chunk| chunk.iter())
            .filter(move |event| event.version > version))
    }

    fn remember(&mut self, change: Change, object: Arc<Stored>, before: Option<Arc<Stored>>) {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
        }
        if self.chunks.len() > CHUNKS {
            let oldest = self.chunks.remove(0);
            self.forgotten = oldest.last().map_or(self.forgotten, |event| event.version);
        }
        let event = Event {
            version: self.version,
            change,
            object,
            before,
        };
        if let Some(chunk) = self.chunks.last_mut() {
            Arc::make_mut(chunk).push(event);
        }
    }

    /// Looks like a random UUID, yet the same session makes the same ones again, which the simulator needs.
    fn uid(&self, object: &Stored) -> Box<str> {
        let seed = format!("{} {} {} {}", self.salt, self.version, object.kind.name, object.name);
        let hex = digest::sha256_hex(seed.as_bytes());
        let part = |from: usize, to: usize| &hex[from..to];
        let text = format!(
            "{}-{}-4{}-a{}-{}",
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32)
        );
        text.into()
    }
}

/// Where a kind stands in the table of kinds.
fn place(kind: &Kind) -> usize {
    let is_it = |known: &&Kind| std::ptr::eq(*known, kind);
    KINDS
        .iter()
        .position(is_it)
        .expect("every kind is in the table of kinds")
}

#[cfg(test)]
mod tests {
    use super::super::kinds::{CMD, CONFIG_MAP};
    use super::*;
    use crate::model::tree::Tree;

    fn cmd(name: &str, args: &[&str]) -> Stored {
        let mut object = Stored::new(&CMD, name);
        let args = args.iter().map(|arg| Tree::text(*arg)).collect();
        object.spec.insert("args", Tree::List(args));
        object
    }

    fn seen(table: &Table, since: u64) -> Vec<(Change, String)> {
        let events = table.events_since(since).unwrap();
        events
            .map(|event| (event.change, event.object.name.to_string()))
            .collect()
    }

    #[test]
    fn an_object_keeps_its_identity_and_gets_a_new_version_only_when_it_changes() {
        let mut table = Table::new("s");
        let first = table.put(cmd("a", &["x"]), Time::from_micros(1));
        let same = table.put(cmd("a", &["x"]), Time::from_micros(2));
        assert_eq!(same.meta, first.meta);
        let changed = table.put(cmd("a", &["y"]), Time::from_micros(3));
        assert_eq!(
            (changed.meta.uid.clone(), changed.meta.created),
            (first.meta.uid.clone(), first.meta.created)
        );
        assert!(changed.meta.version > first.meta.version);
        table.remove(&CMD, "a").unwrap();
        assert_ne!(
            table.put(cmd("a", &["y"]), Time::from_micros(4)).meta.uid,
            first.meta.uid
        );
    }

    #[test]
    fn a_copy_does_not_see_what_changes_later() {
        let mut table = Table::new("s");
        table.put(cmd("a", &[]), Time::default());
        let copy = table.clone();
        table.put(cmd("b", &[]), Time::default());
        assert_eq!((copy.list(&CMD).len(), table.list(&CMD).len()), (1, 2));
        assert!(copy.same_kind(&table, &CONFIG_MAP) && !copy.same_kind(&table, &CMD));
    }

    #[test]
    fn events_are_told_from_any_version_that_is_remembered() {
        let mut table = Table::new("s");
        let a = table.put(cmd("a", &[]), Time::default());
        table.put(cmd("b", &[]), Time::default());
        table.put(cmd("a", &["x"]), Time::default());
        let gone = table.remove(&CMD, "b").unwrap();
        assert_eq!(gone.meta.version, table.version());
        let names = |list: &[(Change, &str)]| -> Vec<(Change, String)> {
            list.iter().map(|(change, name)| (*change, name.to_string())).collect()
        };
        let after_a = [(Change::Added, "b"), (Change::Modified, "a"), (Change::Deleted, "b")];
        assert_eq!(seen(&table, a.meta.version), names(&after_a));
        assert_eq!(seen(&table, table.version()), []);
    }

    #[test]
    fn who_fell_too_far_behind_is_told_so() {
        let mut table = Table::new("s");
        for turn in 0..(CHUNK * CHUNKS + 2 * CHUNK) {
            table.put(cmd("a", &[&turn.to_string()]), Time::default());
        }
        let expired = table.events_since(2).err().unwrap();
        assert_eq!(expired.asked, 2);
        let events = table.events_since(expired.oldest).unwrap().count();
        assert_eq!(events as u64, table.version() - expired.oldest);
        assert!(events >= CHUNK * (CHUNKS - 1));
    }
}
