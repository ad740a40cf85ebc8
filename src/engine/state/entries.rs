//! Pure. What is kept by name, many of a kind: copies share all of it until one of them is changed.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::engine::state::Name;

type ByName<T> = BTreeMap<Name, Arc<T>>;

#[derive(Debug, PartialEq)]
pub struct Entries<T>(Arc<ByName<T>>);

impl<T> Entries<T> {
    /// The names of what came, went or became another one, which is told by the pointers.
    pub fn changed<'a>(&'a self, before: &'a Entries<T>) -> Vec<&'a Name> {
        let mut changed = Vec::new();
        if Arc::ptr_eq(&self.0, &before.0) {
            return changed;
        }
        let (mut old, mut new) = (before.iter().peekable(), self.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (None, None) => return changed,
                (Some((was, _)), Some((is, _))) if was == is => {
                    let (was, is) = (old.next(), new.next());
                    if let (Some((_, was)), Some((name, is))) = (was, is)
                        && !Arc::ptr_eq(was, is)
                    {
                        changed.push(name);
                    }
                }
                (Some((was, _)), Some((is, _))) if was < is => changed.extend(old.next().map(|(name, _)| name)),
                (Some(_), None) => changed.extend(old.next().map(|(name, _)| name)),
                (_, Some(_)) => changed.extend(new.next().map(|(name, _)| name)),
            }
        }
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Entries<T> {
        Entries(Arc::default())
    }
}

impl<T> Clone for Entries<T> {
    fn clone(&self) -> Entries<T> {
        Entries(Arc::clone(&self.0))
    }
}

impl<T> Deref for Entries<T> {
    type Target = ByName<T>;

    fn deref(&self) -> &ByName<T> {
        &self.0
    }
}

impl<T> DerefMut for Entries<T> {
    fn deref_mut(&mut self) -> &mut ByName<T> {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a, T> IntoIterator for &'a Entries<T> {
    type Item = (&'a Name, &'a Arc<T>);
    type IntoIter = std::collections::btree_map::Iter<'a, Name, Arc<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[(&str, &Arc<u8>)]) -> Entries<u8> {
        let mut entries = Entries::default();
        for (name, value) in names {
            entries.insert((*name).into(), Arc::clone(value));
        }
        entries
    }

    #[test]
    fn what_came_went_or_became_another_one_is_named_once() {
        let (one, other) = (Arc::new(1), Arc::new(1));
        let before = entries(&[("b", &one), ("c", &one), ("d", &one), ("f", &one)]);
        let now = entries(&[("a", &one), ("c", &one), ("d", &other), ("e", &one)]);
        let names: Vec<&str> = now.changed(&before).into_iter().map(|name| &**name).collect();
        assert_eq!(names, ["a", "b", "d", "e", "f"]);
        assert!(now.changed(&now.clone()).is_empty());
    }

    #[test]
    fn a_copy_does_not_see_what_changes_later() {
        let one = Arc::new(1);
        let mut now = entries(&[("a", &one)]);
        let before = now.clone();
        now.insert("b".into(), one);
        assert_eq!((before.len(), now.len()), (1, 2));
    }
}
