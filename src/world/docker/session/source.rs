//! A folder as it is offered: what is in it, in order, and its content on request.

use std::io::{self, Read};

/// What lies at one place of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta<'a> {
    /// Relative, with slashes.
    pub path: &'a str,
    pub kind: Kind<'a>,
    /// The twelve bits that `chmod` knows.
    pub mode: u32,
    /// Nanoseconds since 1970.
    pub written: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    Folder,
    File {
        size: u64,
        /// An earlier entry that is the same file under another name.
        same_as: Option<&'a str>,
    },
    Link {
        target: &'a str,
    },
}

/// The content of a file; ends with an error where what was read is not what was announced.
pub type Content = Box<dyn Read + Send>;

/// A folder, depth first, the entries of each folder in the order of the bytes of their names.
pub trait Source: Send + Sync {
    fn count(&self) -> usize;
    fn meta(&self, index: usize) -> Meta<'_>;
    fn open(&self, index: usize) -> io::Result<Content>;
}

/// A few files that exist only as text.
#[derive(Clone, Debug, Default)]
pub struct Texts(Vec<(String, String)>);

impl Texts {
    pub fn new(files: impl IntoIterator<Item = (String, String)>) -> Texts {
        let mut files: Vec<(String, String)> = files.into_iter().collect();
        files.sort();
        Texts(files)
    }
}

impl Source for Texts {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn meta(&self, index: usize) -> Meta<'_> {
        let (name, text) = &self.0[index];
        Meta {
            path: name,
            kind: Kind::File {
                size: text.len() as u64,
                same_as: None,
            },
            mode: 0o644,
            // BuildKit compares times, not contents: another text must have another time.
            written: i64::from(crate::model::digest::fnv32a(text.as_bytes())) * 1_000_000_000 + text.len() as i64,
        }
    }

    fn open(&self, index: usize) -> io::Result<Content> {
        Ok(Box::new(io::Cursor::new(self.0[index].1.clone().into_bytes())))
    }
}
