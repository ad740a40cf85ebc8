//! A build context on disk: what it holds, in the order in which differences are told, with hashes of its content.
//!
//! A walk reads no file and opens no folder that is left out as a whole. What can be told about everything but a few entries is
//! told: an entry that cannot be read is a fault of the tree, not the end of the walk, since a Dockerfile need not touch it.
//! Links are never followed. Sockets, pipes and devices are passed over, and named. Extended attributes are not looked at.

mod hashes;
mod known;
mod offer;
mod read;
mod walk;

use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::model::context::{Entry, Kind};
use crate::model::filter::Filter;

pub use hashes::{Hashes, Work};
pub use offer::CHANGING;

/// A context as it was when somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    pub root: PathBuf,
    /// Each folder before what it holds, names in the order of their bytes.
    pub entries: Vec<Entry>,
    /// What could not be read; in the order of `entries`.
    pub faults: Vec<Fault>,
    /// Sockets, pipes and devices, relative to the root.
    pub skipped: Vec<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    #[error("canceled")]
    Cancelled,
    #[error("there is no folder `{}`", path.display())]
    Missing { path: PathBuf },
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    #[error("cannot read the folder `{}`: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
}

/// Why an entry is not known as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{path}` {reason}", path = root.join(&**path).display())]
pub struct Fault {
    root: PathBuf,
    /// Relative to the root.
    pub path: Box<str>,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("cannot be sent: its name is not UTF-8")]
    Name,
    #[error("cannot be sent: what it links to is not UTF-8")]
    Target,
    #[error("changes while it is read")]
    Changing,
}

impl Tree {
    /// Lists what is below `root` and not left out. `filter` knows the root by the same path.
    pub fn walk(root: &Path, filter: &Filter, stop: &CancellationToken) -> Result<Tree, TreeError> {
        walk::walk(root, filter, stop)
    }

    /// Refuses a tree of which something could not be read.
    pub fn whole(&self) -> Result<(), Fault> {
        self.faults.first().cloned().map_or(Ok(()), Err)
    }

    /// Whether nothing happened to any file between the two, not even something that was undone. Whoever built from a tree
    /// may only claim so if a later look at the same root says this.
    pub fn is_as_before(&self, earlier: &Tree) -> bool {
        let same = |(now, then): (&Entry, &Entry)| match now.kind {
            // Something that is left out may have come or gone in it.
            Kind::Folder => now.path == then.path && now.kind == then.kind && now.mode == then.mode,
            _ => now == then,
        };
        self.entries.len() == earlier.entries.len()
            && self.faults == earlier.faults
            && self.entries.iter().zip(&earlier.entries).all(same)
    }

    fn fault(&mut self, path: &str, reason: Reason) {
        self.faults.push(Fault {
            root: self.root.clone(),
            path: path.into(),
            reason,
        });
    }
}

#[cfg(test)]
mod tests;
