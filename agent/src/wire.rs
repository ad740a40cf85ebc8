//! Pure. The words between host and agent: frames of a length, a kind and a payload.
//!
//! A frame is a length (four bytes, big endian) of what follows, a byte that says which word it is, and the word's fields
//! in their order: numbers big endian, bytes and lists after their length (four bytes). The two directions have kinds of
//! their own, so that an echo is told from an answer.
//!
//! One *batch* is one transaction: `Root`s, then entries, then `Prepare`, `Commit` and `Keep` (or `Undo`). All of it may
//! be sent in one write; the first `Refused` then is the only answer and nothing has changed. Every batch ends with `Keep`
//! or `Undo`, also a refused one, and has a number of its own. An `Offer` is answered by one `Wanted`, whose bits stand in
//! the order of the offered files. A `Dir` comes before what is in it, the target of a `HardLink` before the link.

mod codec;
mod path;
#[cfg(test)]
pub(crate) mod tests;

pub use codec::{Decoder, Word};
pub use path::{Absolute, Beneath, PathFault, is_temporary, temporary_name};

use codec::{Field, Reader, record, words};
use std::fmt;

/// Both sides say which version they speak before anything else.
pub const VERSION: u16 = 1;

/// How much of a file one `Data` or `Piece` carries.
pub const CHUNK: usize = 256 * 1024;

/// Longest kind and payload of a frame: a longer one is garbage and never allocated.
pub const LONGEST_FRAME: usize = 1024 * 1024 + 64 * 1024;

pub type Sha256 = [u8; 32];

/// What cannot be a word of the other side, or cannot be said by this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireError {
    TooLong { length: u64 },
    Empty,
    UnknownKind(u8),
    Truncated,
    TrailingBytes,
    UnknownVariant(u8),
    NotText,
    Path(PathFault),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length } => write!(f, "a frame of {length} bytes is longer than {LONGEST_FRAME}"),
            Self::Empty => f.write_str("a frame without a kind"),
            Self::UnknownKind(kind) => write!(f, "no word has the kind {kind}"),
            Self::Truncated => f.write_str("a word that ends before its fields do"),
            Self::TrailingBytes => f.write_str("a word that goes on after its last field"),
            Self::UnknownVariant(tag) => write!(f, "a choice has no variant {tag}"),
            Self::NotText => f.write_str("text that is not UTF-8"),
            Self::Path(fault) => write!(f, "{fault}"),
        }
    }
}

impl std::error::Error for WireError {}

/// Whose a new file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The replaced file's, else the parent directory's.
    LikeExisting,
    /// The agent's own user and group.
    Container,
    Ids(u32, u32),
}

/// Which permission bits a new file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeRule {
    /// Those that the host sent.
    Host,
    /// The replaced file's, else those that the host sent.
    LikeExisting,
    /// These; a directory can be searched by who can read it.
    Fixed(u32),
}

/// Why an entry cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The system said no: `errno` says why.
    System,
    /// A symbolic link on the way leads out of the root.
    LeadsOut,
    /// Size or hash are not what was announced, or a file was not sent to its end.
    NotAsAnnounced,
    /// What `Same` or `HardLink` speak of is not there.
    Missing,
    /// The words do not fit together: a fault of the host.
    Misuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Symlink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Code(i32),
    Signal(i32),
}

/// How `Follow` learns of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowedBy {
    Kernel,
    Polling,
}

record! {
    /// A file whose content the host has; the agent says whether it has it too.
    pub struct Offered {
        pub root: u16,
        pub path: Beneath,
        pub size: u64,
        pub sha256: Sha256,
    }
}

record! {
    /// One thing that went wrong. The text names the full path in the container.
    pub struct Problem {
        pub root: u16,
        pub path: Beneath,
        pub kind: Trouble,
        /// 0 where the system had no part in it.
        pub errno: i32,
        pub text: String,
    }
}

record! {
    /// What `List` found.
    pub struct ListedEntry {
        pub path: Beneath,
        pub kind: EntryKind,
        pub mode: u32,
        pub size: u64,
        /// When its content or what is known of it changed last, since 1970; nobody can set this back.
        pub changed_nanos: i64,
        /// Of a regular file's content, all zeros for a symbolic link.
        pub sha256: Sha256,
        /// Where a symbolic link leads, as it is written.
        pub target: Vec<u8>,
    }
}

record! {
    /// What the machine below can do; what it cannot is done in another way.
    pub struct Abilities {
        pub openat2: bool,
        pub exchange: bool,
        pub inotify: bool,
    }
}

words! {
    /// What the host says.
    pub enum FromHost {
        1 => Hello { version: u16, session: u64 },
        2 => Root { batch: u32, root: u16, path: Absolute, owner: Owner, mode: ModeRule },
        3 => Offer { batch: u32, entries: Vec<Offered> },
        4 => File { batch: u32, entry: u32, root: u16, path: Beneath, mode: u32, size: u64, sha256: Sha256 },
        5 => Data { batch: u32, entry: u32, bytes: Vec<u8> },
        6 => Zeros { batch: u32, entry: u32, length: u64 },
        7 => Same { batch: u32, entry: u32, root: u16, path: Beneath, mode: u32, size: u64, sha256: Sha256 },
        8 => Dir { batch: u32, entry: u32, root: u16, path: Beneath, mode: u32 },
        9 => Symlink { batch: u32, entry: u32, root: u16, path: Beneath, target: Vec<u8> },
        10 => HardLink { batch: u32, entry: u32, root: u16, path: Beneath, to_root: u16, to_path: Beneath },
        11 => Delete { batch: u32, entry: u32, root: u16, path: Beneath },
        12 => Prepare { batch: u32 },
        13 => Commit { batch: u32 },
        14 => Keep { batch: u32 },
        15 => Undo { batch: u32 },
        16 => Run { id: u32, argv: Vec<Vec<u8>>, env: Vec<(Vec<u8>, Vec<u8>)>, dir: Option<Absolute> },
        17 => Kill { id: u32 },
        18 => Restart { id: u32 },
        19 => List { id: u32, root: Absolute, patterns: Vec<Vec<u8>> },
        20 => Read { id: u32, root: Absolute, path: Beneath },
        21 => Follow { id: u32, root: Absolute, patterns: Vec<Vec<u8>> },
        22 => Unfollow { id: u32 },
        23 => Ping { n: u64 },
        24 => Clean { id: u32, roots: Vec<Absolute> },
    }
}

words! {
    /// What the agent says.
    pub enum FromAgent {
        /// Unasked and first.
        129 => Hello {
            version: u16,
            pid: u32,
            uid: u32,
            gid: u32,
            arch: String,
            kernel: String,
            abilities: Abilities,
            supervised: bool,
        },
        /// Bit `i % 8` of byte `i / 8` is set where the i-th offered file is not there with that content.
        130 => Wanted { batch: u32, bitmap: Vec<u8> },
        /// All is staged. The notes say what could not be undone.
        131 => Prepared { batch: u32, notes: Vec<Problem> },
        132 => Refused { batch: u32, problems: Vec<Problem> },
        133 => Committed { batch: u32 },
        /// The problems say what is not as before, usually nothing.
        134 => Undone { batch: u32, problems: Vec<Problem> },
        135 => Output { id: u32, stream: Stream, bytes: Vec<u8> },
        136 => Exited { id: u32, ending: Ending },
        137 => CannotRun { id: u32, errno: i32, text: String },
        138 => Restarted { id: u32, pid: u32 },
        /// Where it was tried, the program is what does not start.
        139 => NotRestarted { id: u32, tried: bool, text: String },
        140 => AppExited { ending: Ending },
        141 => AppStarted { pid: u32 },
        142 => Listed { id: u32, entries: Vec<ListedEntry>, last: bool },
        143 => Piece { id: u32, bytes: Vec<u8> },
        144 => ReadEnd { id: u32, size: u64, mode: u32, sha256: Sha256 },
        /// From now on no change goes unseen.
        145 => Following { id: u32, by: FollowedBy },
        146 => Changed { id: u32 },
        /// A `List`, `Read`, `Follow` or `Clean` that cannot be done, or not to its end.
        147 => Failed { id: u32, errno: i32, text: String },
        148 => Pong { n: u64 },
        149 => Cleaned { id: u32, removed: u32 },
        /// The last word: what the host said is not understood.
        150 => Protocol { text: String },
    }
}

impl Problem {
    /// A misunderstanding between the two programs.
    pub fn misuse(root: u16, path: Beneath, text: impl Into<String>) -> Self {
        Self {
            root,
            path,
            kind: Trouble::Misuse,
            errno: 0,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field for Owner {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::LikeExisting => out.push(0),
            Self::Container => out.push(1),
            Self::Ids(user, group) => {
                out.push(2);
                user.put(out);
                group.put(out);
            }
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(from)? {
            0 => Ok(Self::LikeExisting),
            1 => Ok(Self::Container),
            2 => Ok(Self::Ids(u32::take(from)?, u32::take(from)?)),
            tag => Err(WireError::UnknownVariant(tag)),
        }
    }
}

impl Field for ModeRule {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Host => out.push(0),
            Self::LikeExisting => out.push(1),
            Self::Fixed(mode) => {
                out.push(2);
                mode.put(out);
            }
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(from)? {
            0 => Ok(Self::Host),
            1 => Ok(Self::LikeExisting),
            2 => Ok(Self::Fixed(u32::take(from)?)),
            tag => Err(WireError::UnknownVariant(tag)),
        }
    }
}

impl Field for Ending {
    fn put(&self, out: &mut Vec<u8>) {
        let (tag, number) = match self {
            Self::Code(code) => (0, code),
            Self::Signal(signal) => (1, signal),
        };
        out.push(tag);
        number.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(from)? {
            0 => Ok(Self::Code(i32::take(from)?)),
            1 => Ok(Self::Signal(i32::take(from)?)),
            tag => Err(WireError::UnknownVariant(tag)),
        }
    }
}

/// Choices without fields: one byte each, in the order given.
macro_rules! choice {
    ($($name:ident { $($number:literal => $variant:ident),* $(,)? })*) => {$(
        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$variant => $number),* });
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                match u8::take(from)? {
                    $($number => Ok(Self::$variant),)*
                    tag => Err(WireError::UnknownVariant(tag)),
                }
            }
        }
    )*};
}

choice! {
    Trouble { 0 => System, 1 => LeadsOut, 2 => NotAsAnnounced, 3 => Missing, 4 => Misuse }
    EntryKind { 0 => File, 1 => Symlink }
    Stream { 0 => Stdout, 1 => Stderr }
    FollowedBy { 0 => Kernel, 1 => Polling }
}
