//! An agent of one's own, words to say to it, and trees to compare.

use sha2::Digest;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tilt_agent::wire::{Absolute, Beneath, Decoder, FromAgent, FromHost, ModeRule, Owner, Problem, VERSION, Word};

/// Nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody without rights.
pub const NOBODY: u32 = 65_534;

pub struct Agent {
    /// Where the program is for somebody who may not look into our folders.
    _program: Option<tempfile::TempDir>,
    child: Child,
    input: Option<ChildStdin>,
    words: Receiver<FromAgent>,
}

impl Agent {
    pub fn start() -> Self {
        Self::with(&[], None)
    }

    /// As a user, without some of what the system offers. Both sides have said hello.
    pub fn with(without: &[&str], user: Option<u32>) -> Self {
        let mut agent = Self::silent(without, user);
        let hello = agent.next();
        assert!(matches!(hello, FromAgent::Hello { version: VERSION, .. }), "{hello:?}");
        agent.say(&[hello_word()]);
        agent
    }

    /// Started, but not yet greeted.
    pub fn silent(without: &[&str], user: Option<u32>) -> Self {
        let own = env!("CARGO_BIN_EXE_tilt-agent");
        let public = user.map(|_| {
            let public = folder();
            // By a process of its own: a file that this one had open to write could not be run.
            let copied = Command::new("cp").arg(own).arg(public.path()).status();
            assert!(copied.is_ok_and(|status| status.success()));
            public
        });
        let program = public
            .as_ref()
            .map_or_else(|| own.into(), |public| public.path().join("tilt-agent"));
        let mut command = Command::new(program);
        command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        for name in without {
            command.args(["--without", name]);
        }
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let mut child = command.spawn().expect("the agent starts");
        let input = child.stdin.take();
        let mut output = child.stdout.take().expect("it was asked for");
        let (sender, words) = channel();
        std::thread::spawn(move || {
            let mut decoder = Decoder::<FromAgent>::default();
            let mut buffer = vec![0; 256 * 1024];
            while let Ok(length) = output.read(&mut buffer) {
                if length == 0 {
                    break;
                }
                decoder.feed(&buffer[..length]);
                while let Some(word) = decoder.next().expect("the agent speaks properly") {
                    if sender.send(word).is_err() {
                        return;
                    }
                }
            }
        });
        Self {
            _program: public,
            child,
            input,
            words,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn say(&mut self, words: &[FromHost]) {
        self.write(&frames(words));
    }

    pub fn write(&mut self, bytes: &[u8]) {
        // One that has said goodbye does not read on.
        let _ = self.input.as_mut().expect("the stream is open").write_all(bytes);
    }

    pub fn next(&mut self) -> FromAgent {
        self.words.recv_timeout(PATIENCE).expect("the agent answers")
    }

    /// Ends the stream and waits for the agent to end.
    pub fn hang_up(&mut self) -> ExitStatus {
        drop(self.input.take());
        self.child.wait().expect("it is our child")
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it is our child")
    }

    /// A batch in one write: root 0 and its entries, to its end.
    pub fn apply(&mut self, batch: u32, root: &Path, entries: &[FromHost]) -> Result<(), Vec<Problem>> {
        self.say(&whole(batch, root, entries, FromHost::Keep { batch }));
        self.committed(batch)
    }

    pub fn committed(&mut self, batch: u32) -> Result<(), Vec<Problem>> {
        let mut word = self.next();
        // The answer to `offer`.
        if matches!(&word, FromAgent::Wanted { bitmap, .. } if bitmap.is_empty()) {
            word = self.next();
        }
        match word {
            FromAgent::Prepared { batch: same, .. } => assert_eq!(same, batch),
            FromAgent::Refused { problems, .. } => return Err(problems),
            other => panic!("{other:?}"),
        }
        match self.next() {
            FromAgent::Committed { batch: same } => {
                assert_eq!(same, batch);
                Ok(())
            }
            FromAgent::Refused { problems, .. } => Err(problems),
            other => panic!("{other:?}"),
        }
    }

    /// Waits until all that was said before is done.
    pub fn settle(&mut self) {
        self.say(&[FromHost::Ping { n: 77 }]);
        assert_eq!(self.next(), FromAgent::Pong { n: 77 });
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.input.take());
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test cannot run, or fails where nothing may be left out.
#[track_caller]
pub fn skip(why: &str) {
    assert!(std::env::var_os("TILT_TEST_NO_SKIP").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

pub fn hello_word() -> FromHost {
    FromHost::Hello {
        version: VERSION,
        session: 1,
    }
}

pub fn frames(words: &[FromHost]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        word.encode(&mut bytes).expect("short enough");
    }
    bytes
}

pub fn beneath(path: &str) -> Beneath {
    Beneath::new(path.as_bytes()).expect("a path beneath")
}

pub fn absolute(path: &Path) -> Absolute {
    Absolute::new(path.as_os_str().as_bytes()).expect("an absolute path")
}

pub fn root_word(batch: u32, path: &Path) -> FromHost {
    FromHost::Root {
        batch,
        root: 0,
        path: absolute(path),
        owner: Owner::LikeExisting,
        mode: ModeRule::Host,
    }
}

pub fn whole(batch: u32, root: &Path, entries: &[FromHost], last: FromHost) -> Vec<FromHost> {
    let mut words = vec![root_word(batch, root)];
    words.extend_from_slice(entries);
    words.extend([FromHost::Prepare { batch }, FromHost::Commit { batch }, last]);
    words
}

/// What makes the agent take a batch for a large one.
pub fn offer(batch: u32) -> FromHost {
    FromHost::Offer {
        batch,
        entries: Vec::new(),
    }
}

pub fn sha256(content: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(content).into()
}

/// Both words of a file, in pieces of a quarter of a megabyte.
pub fn file(batch: u32, entry: u32, path: &str, mode: u32, content: &[u8]) -> Vec<FromHost> {
    let mut words = vec![FromHost::File {
        batch,
        entry,
        root: 0,
        path: beneath(path),
        mode,
        size: content.len() as u64,
        sha256: sha256(content),
    }];
    for bytes in content.chunks(tilt_agent::wire::CHUNK) {
        words.push(FromHost::Data {
            batch,
            entry,
            bytes: bytes.to_vec(),
        });
    }
    words
}

pub fn dir(batch: u32, path: &str, mode: u32) -> FromHost {
    FromHost::Dir {
        batch,
        entry: 0,
        root: 0,
        path: beneath(path),
        mode,
    }
}

pub fn symlink(batch: u32, path: &str, target: &str) -> FromHost {
    FromHost::Symlink {
        batch,
        entry: 0,
        root: 0,
        path: beneath(path),
        target: target.as_bytes().to_vec(),
    }
}

pub fn delete(batch: u32, path: &str) -> FromHost {
    FromHost::Delete {
        batch,
        entry: 0,
        root: 0,
        path: beneath(path),
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    File(u32, Vec<u8>),
    Dir(u32),
    Link(String),
    Other,
}

pub type Snapshot = BTreeMap<String, Node>;

/// All that is below a directory, temporaries and all.
pub fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    collect(root, "", &mut found);
    found
}

fn collect(root: &Path, at: &str, found: &mut Snapshot) {
    let Ok(entries) = root.join(at).read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if at.is_empty() { name } else { format!("{at}/{name}") };
        let full = root.join(&path);
        let Ok(metadata) = full.symlink_metadata() else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o7777;
        let node = if metadata.is_dir() {
            collect(root, &path, found);
            Node::Dir(mode)
        } else if metadata.is_symlink() {
            Node::Link(full.read_link().expect("a link").to_string_lossy().into_owned())
        } else if metadata.is_file() {
            Node::File(mode, std::fs::read(&full).unwrap_or_default())
        } else {
            Node::Other
        };
        found.insert(path, node);
    }
}

pub fn owner(path: &Path) -> (u32, u32) {
    let metadata = path.symlink_metadata().expect("it is there");
    (metadata.uid(), metadata.gid())
}

pub fn mode(path: &Path) -> u32 {
    path.symlink_metadata().expect("it is there").permissions().mode() & 0o7777
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A directory that anybody may look into.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    set_mode(folder.path(), 0o755);
    folder
}

/// The same numbers in each run.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// How many inputs a test with random ones tries.
pub fn cases(usual: usize) -> usize {
    let asked = std::env::var("TILT_FUZZ_CASES").ok();
    asked.map_or(usual, |cases| cases.parse().expect("TILT_FUZZ_CASES is a number"))
}
