//! Pure. What a build context holds, as a builder is told of it.

use std::cmp::Ordering;

/// One file, folder or link of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From the root of the context, with `/` between names.
    pub path: Box<str>,
    pub kind: Kind,
    /// The permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// When the content was changed: nanoseconds since 1970. Programs set this as they please.
    pub modified: i64,
    /// When anything was changed: nanoseconds since 1970. Nobody can set this.
    pub changed: i64,
    pub inode: u64,
    pub device: u64,
    /// An earlier entry that is the same file under another name.
    pub hard_link: Option<Box<str>>,
    /// The sha256 of a file's content, where it was read.
    pub hash: Option<[u8; 32]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File { size: u64 },
    Folder,
    Link { target: Box<str> },
}

impl Entry {
    /// The sender's and the receiver's list of files are in this order.
    pub fn order(&self, other: &Entry) -> Ordering {
        order(&self.path, &other.path)
    }
}

/// Folder by folder, the names of each in the order of their bytes: `a`, `a/b`, `a.c`.
pub fn order(one: &str, other: &str) -> Ordering {
    // No name holds a NUL, so the end of a name comes before all that could go on.
    let ranked = |byte: u8| if byte == b'/' { 0 } else { byte };
    let (one, other) = (one.as_bytes(), other.as_bytes());
    match one.iter().zip(other).find(|(a, b)| a != b) {
        Some((a, b)) => ranked(*a).cmp(&ranked(*b)),
        None => one.len().cmp(&other.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_folder_follows_it_at_once() {
        let sorted = ["a", "a/b", "a/b/c", "a/c", "a b", "a-b", "a.c", "ab", "b", "é"];
        for pair in sorted.windows(2) {
            assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(order(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(order("a/b", "a/b"), Ordering::Equal);
    }
}
