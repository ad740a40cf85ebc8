//! Pure. What a container is told to become, and what comes back: plain values for everybody above.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;

use crate::model::live::{ModeRule, Ownership};
use crate::model::time::Time;

/// Changes that become visible together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub roots: Vec<Root>,
    /// In the order in which they were found; the agent decides the order in which they are made.
    pub changes: Vec<Change>,
}

/// A directory of the container that we may change things in, and nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Absolute.
    pub path: String,
    pub owner: Ownership,
    pub mode: ModeRule,
}

/// One change below a root. Paths are relative to it, without `.` and `..`; the empty one is the root itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    File {
        root: usize,
        path: Vec<u8>,
        mode: u32,
        content: Content,
    },
    Dir {
        root: usize,
        path: Vec<u8>,
        mode: u32,
    },
    Symlink {
        root: usize,
        path: Vec<u8>,
        target: Vec<u8>,
    },
    /// One more name for a file of the batch, or one that is there.
    HardLink {
        root: usize,
        path: Vec<u8>,
        to_root: usize,
        to: Vec<u8>,
    },
    /// With all that is in it. What is not there is no failure.
    Delete {
        root: usize,
        path: Vec<u8>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Bytes),
    /// A file here, read when its turn comes.
    Local(PathBuf),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What the container did not do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// As people write it; empty where the whole batch is meant.
    pub path: String,
    pub cause: Cause,
    pub reason: String,
}

/// Why, as far as that decides what somebody can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Denied,
    ReadOnly,
    Full,
    /// A path that leaves its root, or a name that cannot be one.
    Outside,
    /// A program that it takes is not in the image.
    NoProgram,
    Other,
}

/// What was read of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub size: u64,
    pub mode: u32,
    pub hash: [u8; 32],
}

impl Exit {
    /// As a shell tells it.
    pub fn code(self) -> i32 {
        match self {
            Exit::Code(code) => code,
            Exit::Signal(signal) => 128 + signal,
        }
    }

    pub fn is_success(self) -> bool {
        self == Exit::Code(0)
    }

    /// Whether the command ended as it wanted to: what was killed, mostly for want of memory, tells nothing of what it runs.
    pub fn is_its_own(self) -> bool {
        self.code() != 137
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

/// Something below a root of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: Vec<u8>,
    pub kind: Kind,
    pub mode: u32,
    pub size: u64,
    /// When its content or what is known of it changed last, by the clock of its machine.
    pub changed: Time,
    /// Of a regular file's content.
    pub hash: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Symlink { target: Vec<u8> },
}

impl Change {
    pub fn root(&self) -> usize {
        match self {
            Change::File { root, .. }
            | Change::Dir { root, .. }
            | Change::Symlink { root, .. }
            | Change::HardLink { root, .. }
            | Change::Delete { root, .. } => *root,
        }
    }

    pub fn path(&self) -> &[u8] {
        match self {
            Change::File { path, .. }
            | Change::Dir { path, .. }
            | Change::Symlink { path, .. }
            | Change::HardLink { path, .. }
            | Change::Delete { path, .. } => path,
        }
    }
}
