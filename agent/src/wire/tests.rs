//! Words survive the way over the wire in any pieces, and nothing that is not a word does any harm.

use super::*;

/// A generator that gives the same numbers in each run: xorshift.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.roll() as u8).collect()
    }
}

/// How many inputs a fuzz test tries.
#[allow(clippy::disallowed_methods, reason = "the one knob of the fuzz tests")]
pub(crate) fn cases(usual: usize) -> usize {
    let asked = std::env::var("TILT_FUZZ_CASES").ok();
    asked.map_or(usual, |cases| cases.parse().expect("TILT_FUZZ_CASES is a number"))
}

fn beneath(path: &str) -> Beneath {
    Beneath::new(path.as_bytes()).expect("a path beneath")
}

fn absolute(path: &str) -> Absolute {
    Absolute::new(path.as_bytes()).expect("an absolute path")
}

pub(crate) fn host_words() -> Vec<FromHost> {
    let (batch, entry, root, id) = (7, 3, 1, 9);
    let (sha256, mode, path) = ([5; 32], 0o644, beneath("a/b.txt"));
    let size = 1 << 40;
    vec![
        FromHost::Hello {
            version: 1,
            session: 12345678901234567890,
        },
        FromHost::Root {
            batch,
            root,
            path: absolute("/app"),
            owner: Owner::Ids(1, 2),
            mode: ModeRule::Fixed(0o600),
        },
        FromHost::Root {
            batch,
            root,
            path: absolute("/"),
            owner: Owner::Container,
            mode: ModeRule::Host,
        },
        FromHost::Root {
            batch,
            root,
            path: absolute("/a/b"),
            owner: Owner::LikeExisting,
            mode: ModeRule::LikeExisting,
        },
        FromHost::Offer {
            batch,
            entries: vec![
                Offered {
                    root,
                    path: path.clone(),
                    size,
                    sha256
                };
                2
            ],
        },
        FromHost::File {
            batch,
            entry,
            root,
            path: path.clone(),
            mode,
            size,
            sha256,
        },
        FromHost::Data {
            batch,
            entry,
            bytes: b"hello".to_vec(),
        },
        FromHost::Zeros {
            batch,
            entry,
            length: 1 << 33,
        },
        FromHost::Same {
            batch,
            entry,
            root,
            path: path.clone(),
            mode,
            size,
            sha256,
        },
        FromHost::Dir {
            batch,
            entry,
            root,
            path: Beneath::root(),
            mode,
        },
        FromHost::Symlink {
            batch,
            entry,
            root,
            path: path.clone(),
            target: b"../x".to_vec(),
        },
        FromHost::HardLink {
            batch,
            entry,
            root,
            path: path.clone(),
            to_root: 2,
            to_path: beneath("c"),
        },
        FromHost::Delete {
            batch,
            entry,
            root,
            path: path.clone(),
        },
        FromHost::Prepare { batch },
        FromHost::Commit { batch },
        FromHost::Keep { batch },
        FromHost::Undo { batch },
        FromHost::Run {
            id,
            argv: vec![b"sh".to_vec(), b"-c".to_vec(), Vec::new()],
            env: vec![(b"A".to_vec(), b"b=c".to_vec())],
            dir: Some(absolute("/app")),
        },
        FromHost::Run {
            id,
            argv: Vec::new(),
            env: Vec::new(),
            dir: None,
        },
        FromHost::Kill { id },
        FromHost::Restart { id },
        FromHost::List {
            id,
            root: absolute("/app"),
            patterns: vec![b"**/*.lock".to_vec()],
        },
        FromHost::Read {
            id,
            root: absolute("/app"),
            path,
        },
        FromHost::Follow {
            id,
            root: absolute("/app"),
            patterns: vec![b"*".to_vec()],
        },
        FromHost::Unfollow { id },
        FromHost::Ping { n: u64::MAX },
        FromHost::Clean {
            id,
            roots: vec![absolute("/app"), absolute("/")],
        },
    ]
}

pub(crate) fn agent_words() -> Vec<FromAgent> {
    let (batch, id) = (7, 9);
    let problem = Problem {
        root: 1,
        path: beneath("a/ü"),
        kind: Trouble::System,
        errno: 28,
        text: "`/app/a/ü`: no space left".to_owned(),
    };
    let listed = ListedEntry {
        path: beneath("yarn.lock"),
        kind: EntryKind::Symlink,
        mode: 0o777,
        size: 3,
        changed_nanos: -5,
        sha256: [0; 32],
        target: b"abc".to_vec(),
    };
    vec![
        FromAgent::Hello {
            version: 1,
            pid: 17,
            uid: 0,
            gid: 0,
            arch: "x86_64".to_owned(),
            kernel: "6.1".to_owned(),
            abilities: Abilities {
                openat2: true,
                exchange: false,
                inotify: true,
            },
            supervised: false,
        },
        FromAgent::Wanted {
            batch,
            bitmap: vec![0b101],
        },
        FromAgent::Prepared {
            batch,
            notes: Vec::new(),
        },
        FromAgent::Refused {
            batch,
            problems: vec![problem.clone(), Problem::misuse(0, Beneath::root(), "what?")],
        },
        FromAgent::Committed { batch },
        FromAgent::Undone {
            batch,
            problems: vec![problem],
        },
        FromAgent::Output {
            id,
            stream: Stream::Stdout,
            bytes: b"out\n".to_vec(),
        },
        FromAgent::Output {
            id,
            stream: Stream::Stderr,
            bytes: Vec::new(),
        },
        FromAgent::Exited {
            id,
            ending: Ending::Code(0),
        },
        FromAgent::Exited {
            id,
            ending: Ending::Signal(9),
        },
        FromAgent::CannotRun {
            id,
            errno: 2,
            text: "no such program".to_owned(),
        },
        FromAgent::Restarted { id, pid: 8 },
        FromAgent::NotRestarted {
            id,
            tried: true,
            text: "no".to_owned(),
        },
        FromAgent::AppExited {
            ending: Ending::Code(-1),
        },
        FromAgent::AppStarted { pid: 8 },
        FromAgent::Listed {
            id,
            entries: vec![listed],
            last: true,
        },
        FromAgent::Piece {
            id,
            bytes: vec![0; 70_000],
        },
        FromAgent::ReadEnd {
            id,
            size: 70_000,
            mode: 0o644,
            sha256: [9; 32],
        },
        FromAgent::Following {
            id,
            by: FollowedBy::Polling,
        },
        FromAgent::Changed { id },
        FromAgent::Failed {
            id,
            errno: 13,
            text: "permission denied".to_owned(),
        },
        FromAgent::Pong { n: 0 },
        FromAgent::Cleaned { id, removed: 3 },
        FromAgent::Protocol {
            text: "what?".to_owned(),
        },
    ]
}

pub(crate) fn frames<W: Word>(words: &[W]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words {
        word.encode(&mut out).expect("short enough");
    }
    out
}

/// The words of a stream that arrives in pieces, up to an error.
fn decoded<W: Word>(bytes: &[u8], mut piece: impl FnMut() -> usize) -> (Vec<W>, Option<WireError>) {
    let mut decoder = Decoder::<W>::default();
    let mut words = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (fed, left) = rest.split_at(piece().clamp(1, rest.len()));
        decoder.feed(fed);
        rest = left;
        loop {
            match decoder.next() {
                Ok(Some(word)) => words.push(word),
                Ok(None) => break,
                Err(error) => return (words, Some(error)),
            }
        }
    }
    (words, None)
}

#[test]
fn every_word_comes_out_as_it_went_in_whatever_the_pieces() {
    let (host, agent) = (host_words(), agent_words());
    let mut dice = Dice(42);
    for limit in [1, 2, 7, 1000, usize::MAX] {
        let mut piece = || dice.below(limit) + 1;
        assert_eq!(decoded(&frames(&host), &mut piece), (host.clone(), None));
        assert_eq!(decoded(&frames(&agent), &mut piece), (agent.clone(), None));
    }
}

#[test]
fn the_bytes_of_a_frame_are_as_written_down() {
    let bytes = frames(&[FromHost::Data {
        batch: 1,
        entry: 2,
        bytes: b"hi".to_vec(),
    }]);
    assert_eq!(bytes, b"\0\0\0\x0f\x05\0\0\0\x01\0\0\0\x02\0\0\0\x02hi");
    assert_eq!(
        frames(&[FromAgent::Committed { batch: 258 }]),
        b"\0\0\0\x05\x85\0\0\x01\x02"
    );
}

#[test]
fn a_word_cut_short_or_with_more_behind_it_is_an_error() {
    for frame in host_words().iter().map(|word| frames(std::slice::from_ref(word))) {
        for cut in 5..frame.len() {
            assert!(FromHost::decode(&frame[4..cut]).is_err());
        }
        let longer = [&frame[4..], b"x"].concat();
        assert_eq!(FromHost::decode(&longer), Err(WireError::TrailingBytes));
    }
    assert_eq!(FromHost::decode(&[]), Err(WireError::Empty));
}

#[test]
fn an_echo_is_no_answer() {
    let (_, error) = decoded::<FromAgent>(&frames(&host_words()), || usize::MAX);
    assert_eq!(error, Some(WireError::UnknownKind(1)));
    let (_, error) = decoded::<FromHost>(&frames(&agent_words()), || usize::MAX);
    assert_eq!(error, Some(WireError::UnknownKind(129)));
}

#[test]
fn a_frame_that_is_too_long_is_refused_before_it_arrives() {
    let mut decoder = Decoder::<FromHost>::default();
    decoder.feed(&u32::MAX.to_be_bytes());
    let error = WireError::TooLong {
        length: u64::from(u32::MAX),
    };
    assert_eq!(decoder.next(), Err(error.clone()));
    decoder.feed(&frames(&[FromHost::Ping { n: 1 }]));
    assert_eq!(decoder.next(), Err(error), "what is broken stays broken");
    let word = FromHost::Data {
        batch: 1,
        entry: 1,
        bytes: vec![0; LONGEST_FRAME],
    };
    let mut out = b"before".to_vec();
    assert!(word.encode(&mut out).is_err());
    assert_eq!(out, b"before");
}

#[test]
fn a_count_that_lies_allocates_nothing() {
    let frame = [&[3][..], &7_u32.to_be_bytes(), &u32::MAX.to_be_bytes()].concat();
    assert_eq!(FromHost::decode(&frame), Err(WireError::Truncated));
}

#[test]
fn a_path_has_no_way_out() {
    let faults: &[(&[u8], PathFault)] = &[
        (b"/etc/passwd", PathFault::Absolute),
        (b"..", PathFault::Component),
        (b"a/../b", PathFault::Component),
        (b"a/..", PathFault::Component),
        (b"./a", PathFault::Component),
        (b"a//b", PathFault::Component),
        (b"a/", PathFault::Component),
        (b"a\0b", PathFault::Nul),
        (&[b'a'; 4096], PathFault::TooLong),
    ];
    for (path, fault) in faults {
        assert_eq!(
            Beneath::new(path).unwrap_err(),
            *fault,
            "{:?}",
            String::from_utf8_lossy(path)
        );
        let frame = [&[11][..], &[0; 10], &(path.len() as u32).to_be_bytes(), path].concat();
        assert_eq!(FromHost::decode(&frame), Err(WireError::Path(*fault)));
    }
    for path in ["", "a", "...", "..a", "a/.b/c~", "\u{1}\n", "-rf *"] {
        assert!(Beneath::new(path.as_bytes()).is_ok(), "{path:?}");
    }
    assert_eq!(Absolute::new(b"app").unwrap_err(), PathFault::Relative);
    assert_eq!(Absolute::new(b"").unwrap_err(), PathFault::Relative);
    assert_eq!(Absolute::new(b"/app/../etc").unwrap_err(), PathFault::Component);
    assert_eq!(Absolute::new(b"/app/").unwrap_err(), PathFault::Component);
}

#[test]
fn the_name_of_a_temporary_is_a_name_however_long_the_target_is() {
    assert_eq!(temporary_name(b"main.go"), b".main.go.tilt~");
    for length in 1..=255 {
        let name = vec![b'n'; length];
        let temporary = temporary_name(&name);
        assert!(temporary.len() <= 255 && is_temporary(&temporary));
        assert_eq!(temporary, temporary_name(&name));
    }
    let (mut one, mut other) = (vec![b'n'; 255], vec![b'n'; 255]);
    one[254] = b'1';
    other[254] = b'2';
    assert_ne!(temporary_name(&one), temporary_name(&other));
    assert!(!is_temporary(b"main.go") && !is_temporary(b".tilt~") && !is_temporary(b"..tilt"));
}

#[test]
fn garbage_and_bent_frames_are_errors_and_nothing_worse() {
    let (host, agent) = (frames(&host_words()), frames(&agent_words()));
    let mut dice = Dice(0x5eed);
    for _ in 0..cases(4000) {
        let length = dice.below(300);
        let noise = dice.bytes(length);
        decoded::<FromHost>(&noise, || 13);
        decoded::<FromAgent>(&noise, || 13);
        let framed = [&(length as u32).to_be_bytes()[..], &noise].concat();
        decoded::<FromHost>(&framed, || usize::MAX);
        decoded::<FromAgent>(&framed, || usize::MAX);
        let limit = dice.below(host.len());
        decoded::<FromHost>(&bent(&host[..limit], &mut dice), || usize::MAX);
        let limit = dice.below(2000.min(agent.len()));
        decoded::<FromAgent>(&bent(&agent[..limit], &mut dice), || usize::MAX);
    }
}

/// Some bits turned, a piece taken out, a piece put in.
pub(crate) fn bent(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.below(bytes.len());
        match dice.below(3) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => {
                let end = (at + dice.below(6)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let length = dice.below(6);
                let more = dice.bytes(length);
                bytes.splice(at..at, more);
            }
        }
    }
    bytes
}
