//! Files and directories as an archive takes them, wherever their content is.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use super::batch::Content;
use crate::world::docker::session::{self, Kind, Meta, Source};

/// Entries in the order in which they are unpacked.
pub struct Packed(Vec<Entry>);

pub struct Entry {
    /// Relative.
    path: String,
    mode: u32,
    /// Nanoseconds since 1970.
    written: i64,
    what: What,
}

enum What {
    Dir,
    Link(String),
    SameAs(String),
    File { size: u64, content: Content },
}

impl Packed {
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Packed {
        Packed(entries.into_iter().collect())
    }
}

impl Entry {
    pub fn dir(path: &str, mode: u32) -> Entry {
        Entry::new(path, mode, What::Dir)
    }

    pub fn link(path: &str, target: &str) -> Entry {
        Entry::new(path, 0o777, What::Link(target.to_owned()))
    }

    pub fn same_as(path: &str, first: &str) -> Entry {
        Entry::new(path, 0o644, What::SameAs(first.to_owned()))
    }

    pub fn bytes(path: &str, mode: u32, bytes: Bytes) -> Entry {
        let size = bytes.len() as u64;
        let content = Content::Bytes(bytes);
        Entry::new(path, mode, What::File { size, content })
    }

    /// A file that is here, of that size.
    pub fn local(path: &str, mode: u32, size: u64, file: PathBuf) -> Entry {
        let content = Content::Local(file);
        Entry::new(path, mode, What::File { size, content })
    }

    fn new(path: &str, mode: u32, what: What) -> Entry {
        Entry {
            path: path.to_owned(),
            mode,
            written: 0,
            what,
        }
    }

    pub fn written(self, written: i64) -> Entry {
        Entry { written, ..self }
    }
}

impl Source for Packed {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn meta(&self, index: usize) -> Meta<'_> {
        let entry = &self.0[index];
        let kind = match &entry.what {
            What::Dir => Kind::Folder,
            What::Link(target) => Kind::Link { target },
            What::SameAs(first) => Kind::File {
                size: 0,
                same_as: Some(first),
            },
            What::File { size, .. } => Kind::File {
                size: *size,
                same_as: None,
            },
        };
        Meta {
            path: &entry.path,
            kind,
            mode: entry.mode,
            written: entry.written,
        }
    }

    fn open(&self, index: usize) -> io::Result<session::Content> {
        match &self.0[index].what {
            What::File {
                content: Content::Bytes(bytes),
                ..
            } => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            What::File {
                content: Content::Local(file),
                ..
            } => Ok(Box::new(File::open(file)?)),
            What::Dir | What::Link(_) | What::SameAs(_) => Ok(Box::new(io::empty())),
        }
    }
}
