//! Pure. Paths as they may be named on the wire, and the names of what an agent leaves beside them for a moment.

use std::fmt;

/// Longest path that a system takes, and longest name in one.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// Why bytes are no path of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    Absolute,
    Relative,
    /// `..`, `.` or nothing between two slashes.
    Component,
    Nul,
    TooLong,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absolute => "a path that should be relative is absolute",
            Self::Relative => "a path that should be absolute is relative",
            Self::Component => "a path has a component that is `..`, `.` or empty",
            Self::Nul => "a path has a NUL in it",
            Self::TooLong => "a path is longer than 4095 bytes",
        })
    }
}

impl std::error::Error for PathFault {}

/// A path relative to a root; empty means the root itself. It has no way up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Beneath(Vec<u8>);

/// An absolute path, slashes single and none at its end but for the root of all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Absolute(Vec<u8>);

impl Beneath {
    pub fn new(bytes: &[u8]) -> Result<Self, PathFault> {
        if bytes.first() == Some(&b'/') {
            return Err(PathFault::Absolute);
        }
        check(bytes)?;
        Ok(Self(bytes.to_vec()))
    }

    pub fn root() -> Self {
        Self(Vec::new())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
    }

    /// The path of the directory that it is in, and its name there. The root has none.
    pub fn split(&self) -> Option<(&[u8], &[u8])> {
        if self.0.is_empty() {
            return None;
        }
        Some(match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&self.0[..at], &self.0[at + 1..]),
            None => (&[], &self.0),
        })
    }
}

impl Absolute {
    pub fn new(bytes: &[u8]) -> Result<Self, PathFault> {
        let rest = bytes.strip_prefix(b"/").ok_or(PathFault::Relative)?;
        check(rest)?;
        Ok(Self(bytes.to_vec()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
    }

    /// The full path of what lies beneath, for people.
    pub fn join(&self, path: &Beneath) -> String {
        let root = String::from_utf8_lossy(&self.0);
        let path = String::from_utf8_lossy(&path.0);
        match (path.is_empty(), root.ends_with('/')) {
            (true, _) => root.into_owned(),
            (false, true) => format!("{root}{path}"),
            (false, false) => format!("{root}/{path}"),
        }
    }
}

impl fmt::Debug for Beneath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Absolute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Names longer than the system takes are left to it to refuse: it knows the limit of the file system.
fn check(relative: &[u8]) -> Result<(), PathFault> {
    if relative.len() > LONGEST_PATH {
        return Err(PathFault::TooLong);
    }
    if relative.contains(&0) {
        return Err(PathFault::Nul);
    }
    let is_fault = |name: &[u8]| matches!(name, b"" | b"." | b"..");
    if !relative.is_empty() && relative.split(|byte| *byte == b'/').any(is_fault) {
        return Err(PathFault::Component);
    }
    Ok(())
}

const SUFFIX: &[u8] = b".tilt~";

/// The name beside a target under which its successor is staged, and then the target itself kept until it is clear that
/// nobody wants it back. It depends on the name alone, so that whoever comes next finds and removes what was left over.
pub fn temporary_name(name: &[u8]) -> Vec<u8> {
    let mut temporary = vec![b'.'];
    if name.len() + 1 + SUFFIX.len() <= LONGEST_NAME {
        temporary.extend_from_slice(name);
    } else {
        temporary.extend_from_slice(&name[..name.len().min(200)]);
        temporary.extend_from_slice(format!("-{:016x}", fnv(name)).as_bytes());
    }
    temporary.extend_from_slice(SUFFIX);
    temporary
}

/// Whether an agent made that name: it is nobody's file.
pub fn is_temporary(name: &[u8]) -> bool {
    name.len() > SUFFIX.len() + 1 && name.starts_with(b".") && name.ends_with(SUFFIX)
}

/// FNV-1a: short, and the same in every version.
fn fnv(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
