//! Pure. The entries of one map while it is being read, with an index once there are many.

use std::collections::HashMap;

use crate::model::tree::{Map, Tree};

/// From here on looking through the list costs more than keeping an index.
const SMALL: usize = 32;

#[derive(Default)]
pub struct Entries {
    list: Vec<(Box<str>, Tree)>,
    index: HashMap<Box<str>, usize>,
}

impl Entries {
    /// The value of a key that is already there.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        let position = match self.list.len() {
            0..SMALL => self.list.iter().position(|entry| &*entry.0 == key),
            _ => self.index.get(key).copied(),
        };
        position.map(|position| &mut self.list[position].1)
    }

    /// Adds a key that is not there yet.
    pub fn push(&mut self, key: Box<str>, value: Tree) {
        let count = self.list.len() + 1;
        if count == SMALL {
            let keys = self.list.iter().enumerate();
            self.index = keys.map(|(position, entry)| (entry.0.clone(), position)).collect();
        }
        if count >= SMALL {
            self.index.insert(key.clone(), count - 1);
        }
        self.list.push((key, value));
    }

    pub fn into_map(self) -> Map {
        Map::from_entries(self.list)
    }
}
