//! Pure. Values with a name, their repetition, and how much of that a document may ask for.

use std::collections::HashMap;

use super::Error;
use super::faults::syntax;
use crate::model::tree::Tree;

/// A million values, or 64 MiB of text, is more than any honest document repeats.
const MOST_COPIED: Size = Size {
    nodes: 1 << 20,
    bytes: 64 << 20,
};

#[derive(Clone, Copy, Default)]
pub struct Size {
    pub nodes: u64,
    pub bytes: u64,
}

/// The anchors of one document.
#[derive(Default)]
pub struct Anchors {
    /// Without an alias in sight nothing needs to be kept.
    keeps: bool,
    /// `None` while the value is still being read.
    known: HashMap<String, Option<(Tree, Size)>>,
    /// What was read so far, with repeated parts counted each time.
    read: Size,
    repeated: Size,
    /// What remembering and repeating copied. Go shares the text of repeated parts, a tree does not.
    copied: Size,
}

/// What an alias stands for.
pub enum Repeated {
    Value(Tree),
    /// The very value that the alias is a part of.
    Itself,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.nodes += other.nodes;
        self.bytes += other.bytes;
    }
}

impl Anchors {
    pub fn of(text: &str) -> Anchors {
        Anchors {
            keeps: text.contains('*'),
            ..Anchors::default()
        }
    }

    /// Takes note of a value; what was read before it tells its size when it is complete.
    pub fn count(&mut self, bytes: usize) -> Size {
        let before = self.read;
        self.read.add(Size {
            nodes: 1,
            bytes: bytes as u64,
        });
        before
    }

    /// Marks an anchor as being inside its own value.
    pub fn open(&mut self, name: &str) {
        self.known.insert(name.to_owned(), None);
    }

    pub fn remember(&mut self, name: String, tree: &Tree, before: Size) -> Result<(), Error> {
        if self.keeps {
            let size = Size {
                nodes: self.read.nodes - before.nodes,
                bytes: self.read.bytes - before.bytes,
            };
            self.copy(size)?;
            self.known.insert(name, Some((tree.clone(), size)));
        }
        Ok(())
    }

    pub fn repeat(&mut self, name: &str) -> Result<Repeated, Error> {
        let size = match self.known.get(name) {
            Some(Some((_, size))) => *size,
            Some(None) => return Ok(Repeated::Itself),
            None => return Err(syntax(format!("unknown anchor '{name}' referenced"))),
        };
        self.read.add(size);
        self.repeated.add(size);
        if self.repeated.nodes > 100 && self.read.nodes > 1000 {
            let ratio = self.repeated.nodes as f64 / self.read.nodes as f64;
            if ratio > allowed_ratio(self.read.nodes) {
                return Err(excessive());
            }
        }
        self.copy(size)?;
        let known = self.known.get(name).and_then(Option::as_ref);
        Ok(known.map_or(Repeated::Itself, |(tree, _)| Repeated::Value(tree.clone())))
    }

    fn copy(&mut self, size: Size) -> Result<(), Error> {
        self.copied.add(size);
        let too_much = self.copied.nodes > MOST_COPIED.nodes || self.copied.bytes > MOST_COPIED.bytes;
        if too_much { Err(excessive()) } else { Ok(()) }
    }
}

/// Go's rule: small documents may be nearly all aliases, large ones at most a tenth.
fn allowed_ratio(nodes: u64) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let nodes = (nodes as f64).clamp(LOW, HIGH);
    0.99 - 0.89 * (nodes - LOW) / (HIGH - LOW)
}

fn excessive() -> Error {
    syntax("document contains excessive aliasing")
}
