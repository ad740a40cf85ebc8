//! What a container may refuse: rights, space, names, places where things are mounted.

use crate::support::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tilt_agent::wire::{FromAgent, FromHost};

/// A file system that goes with the test.
struct Mounted(PathBuf);

impl Mounted {
    fn new(args: &[&str], at: &Path) -> Option<Self> {
        let status = Command::new("mount")
            .args(args)
            .arg(at)
            .stderr(std::process::Stdio::null())
            .status();
        match is_root() && status.is_ok_and(|status| status.success()) {
            true => Some(Self(at.to_owned())),
            false => {
                skip("nothing can be mounted here");
                None
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// What the layers of an image are: `root` shows what is below, and what changes goes into `up`.
struct Layers {
    // What lies on the other goes first.
    _root: Mounted,
    _upper: Mounted,
    root: PathBuf,
    up: PathBuf,
}

impl Layers {
    fn over(lower: &Path, base: &Path) -> Option<Self> {
        let (upper, root) = (base.join("upper"), base.join("root"));
        fs::create_dir(&upper).unwrap();
        fs::create_dir(&root).unwrap();
        let mounted = Mounted::new(&["-t", "tmpfs", "none"], &upper)?;
        let (up, work) = (upper.join("up"), upper.join("work"));
        fs::create_dir(&up).unwrap();
        fs::create_dir(&work).unwrap();
        let [lower, upper, work] = [lower, &up, &work].map(Path::display);
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        Some(Self {
            _root: Mounted::new(&["-t", "overlay", "-o", &options, "none"], &root)?,
            _upper: mounted,
            root,
            up,
        })
    }
}

#[test]
fn a_full_disk_refuses_the_batch_and_has_room_for_the_next() {
    let base = folder();
    let root = base.path().join("small");
    fs::create_dir(&root).unwrap();
    let Some(_mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=1m", "none"], &root) else {
        return;
    };
    fs::write(root.join("old"), "old").unwrap();
    let before = snapshot(&root);
    let mut agent = Agent::start();
    let entries = [
        file(1, 0, "old", 0o644, b"new"),
        file(1, 1, "d/large", 0o644, &vec![7; 3 << 20]),
    ]
    .concat();
    let problems = agent.apply(1, &root, &entries).unwrap_err();
    assert_eq!(problems[0].errno, 28);
    assert!(
        problems[0]
            .text
            .contains(&format!("`{}/d/large`: no space left", root.display())),
        "{problems:?}"
    );
    agent.settle();
    assert_eq!(snapshot(&root), before);
    agent
        .apply(2, &root, &file(2, 0, "d/small", 0o644, &vec![7; 1 << 19]))
        .unwrap();
    // The same where many write: what is on its way when the room is used up goes as well.
    let before = snapshot(&root);
    let small = |number: u32| {
        file(
            3,
            number,
            &format!("e/{}/f{number}", number % 7),
            0o644,
            &vec![7; 1 << 15],
        )
    };
    let many = [vec![offer(3)], (0..200).flat_map(small).collect()].concat();
    let problems = agent.apply(3, &root, &many).unwrap_err();
    assert!(
        problems.iter().all(|problem| problem.errno == 28) && problems[0].text.contains("/e/"),
        "{problems:?}"
    );
    agent.settle();
    assert_eq!(snapshot(&root), before);
}

#[test]
fn many_files_come_back_even_if_the_disk_is_full_by_then() {
    let base = folder();
    let root = base.path().join("small");
    fs::create_dir(&root).unwrap();
    let Some(_mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=1m", "none"], &root) else {
        return;
    };
    let named = |number: u32| format!("d{}/f{number}", number % 3);
    for number in 0..100 {
        fs::create_dir_all(root.join(format!("d{}", number % 3))).unwrap();
        fs::write(root.join(named(number)), vec![1; 4096]).unwrap();
        set_mode(&root.join(named(number)), 0o640);
    }
    let before = snapshot(&root);
    let written = || fs::metadata(root.join(named(7))).unwrap().modified().unwrap();
    let time = written();
    let mut agent = Agent::start();
    for is_full in [false, true] {
        let batch = 1 + u32::from(is_full);
        let entries: Vec<FromHost> = (0..99)
            .flat_map(|number| file(batch, number, &named(number), 0o600, &[2; 4096]))
            .chain([delete(batch, &named(99))])
            .collect();
        agent.say(&whole(batch, &root, &entries, FromHost::Ping { n: 9 }));
        agent.committed(batch).unwrap();
        assert_eq!(agent.next(), FromAgent::Pong { n: 9 });
        assert_eq!(fs::read(root.join(named(7))).unwrap(), [2; 4096]);
        let filler = root.join("filler");
        if is_full {
            fs::write(&filler, vec![3; 1 << 20]).unwrap_err();
        }
        agent.say(&[FromHost::Undo { batch }]);
        let undone = FromAgent::Undone {
            batch,
            problems: Vec::new(),
        };
        assert_eq!(agent.next(), undone);
        if is_full {
            fs::remove_file(&filler).unwrap();
        }
        assert_eq!(snapshot(&root), before);
        assert_eq!(written(), time);
    }
}

#[test]
fn a_file_that_something_is_mounted_over_is_written_in_place() {
    let root = folder();
    fs::write(root.path().join("below"), "below").unwrap();
    fs::write(root.path().join("mounted"), "under").unwrap();
    let from = root.path().join("below");
    let Some(_mounted) = Mounted::new(&["--bind", &from.to_string_lossy()], &root.path().join("mounted")) else {
        return;
    };
    for without in [&[][..], &["exchange"]] {
        let mut agent = Agent::with(without, None);
        let entries = |batch| file(batch, 0, "mounted", 0o600, b"a longer new content");
        agent.say(&whole(1, root.path(), &entries(1), FromHost::Undo { batch: 1 }));
        agent.committed(1).unwrap();
        assert_eq!(
            agent.next(),
            FromAgent::Undone {
                batch: 1,
                problems: Vec::new()
            }
        );
        assert_eq!(fs::read(&from).unwrap(), b"below");
        agent.apply(2, root.path(), &entries(2)).unwrap();
        agent.settle();
        assert_eq!(fs::read(&from).unwrap(), b"a longer new content");
        assert_eq!(mode(&from), 0o600);
        // Found out in the middle of the commit: what was done before it is taken back.
        let entries = [
            file(3, 0, "extra/f", 0o644, b"f"),
            file(3, 1, "below", 0o644, b"f"),
            vec![delete(3, "mounted")],
        ]
        .concat();
        let problems = agent.apply(3, root.path(), &entries).unwrap_err();
        assert!(problems[0].text.contains("mounted there"), "{problems:?}");
        agent.settle();
        assert_eq!(snapshot(root.path()).len(), 2);
        assert_eq!(fs::read(&from).unwrap(), b"a longer new content");
        fs::write(&from, "below").unwrap();
    }
}

#[test]
fn a_read_only_file_system_is_said_to_be_one() {
    let base = folder();
    let Some(_mounted) = Mounted::new(&["-t", "tmpfs", "-o", "ro", "none"], base.path()) else {
        return;
    };
    let mut agent = Agent::start();
    let problems = agent.apply(1, base.path(), &file(1, 0, "a/b", 0o644, b"")).unwrap_err();
    assert!(
        problems[0].text.ends_with("/a/b`: the file system is read-only"),
        "{problems:?}"
    );
}

/// They cannot be renamed.
#[test]
fn directories_of_a_layer_below_are_replaced_and_come_back() {
    let base = folder();
    let low = base.path().join("low");
    fs::create_dir_all(low.join("dir/deep")).unwrap();
    fs::write(low.join("dir/deep/f"), "f").unwrap();
    fs::write(low.join("dir/g"), "g").unwrap();
    fs::write(low.join("h"), "h").unwrap();
    set_mode(&low.join("dir"), 0o711);
    let Some(layers) = Layers::over(&low, base.path()) else {
        return;
    };
    let root = &layers.root;
    let before = snapshot(root);
    let mut agent = Agent::start();
    let replaced = |batch| {
        [
            file(batch, 0, "dir", 0o644, b"now a file"),
            file(batch, 1, "h/x", 0o644, b"now in one"),
        ]
        .concat()
    };
    for (batch, entries) in [(1, replaced(1)), (2, vec![delete(2, "dir"), delete(2, "h")])] {
        agent.say(&whole(batch, root, &entries, FromHost::Undo { batch }));
        agent.committed(batch).unwrap();
        assert_eq!(
            agent.next(),
            FromAgent::Undone {
                batch,
                problems: Vec::new()
            }
        );
        assert_eq!(snapshot(root), before);
    }
    agent.apply(3, root, &replaced(3)).unwrap();
    agent.settle();
    let found = snapshot(root);
    assert_eq!(found["dir"], Node::File(0o644, b"now a file".to_vec()));
    assert_eq!(found.len(), 3, "{found:?}");
    agent.apply(4, root, &[delete(4, "dir"), delete(4, "h")]).unwrap();
    agent.settle();
    assert_eq!(snapshot(root).len(), 0);
}

#[test]
fn files_of_a_layer_below_are_replaced_where_they_lie_and_come_back() {
    let base = folder();
    // Files that are older than any agent.
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let Some(layers) = Layers::over(Path::new(sources), base.path()) else {
        return;
    };
    let (root, up) = (&layers.root, &layers.up);
    let before = snapshot(root);
    let written = |name: &str| fs::metadata(root.join(name)).unwrap().modified().unwrap();
    let times = [written("main.rs"), written("lib.rs")];
    let mut agent = Agent::start();
    let files = format!("/proc/{}/fd", agent.pid());
    let open = || fs::read_dir(&files).unwrap().count();
    let at_first = open();
    let entries = |batch| {
        let mut entries = file(batch, 0, "main.rs", 0o640, b"replaced");
        entries.extend(file(batch, 1, "serve/op.rs", 0o644, b"replaced too"));
        entries.push(delete(batch, "lib.rs"));
        entries
    };
    for batch in [1, 2] {
        let mut words = whole(batch, root, &entries(batch), FromHost::Ping { n: 9 });
        agent.say(&words);
        agent.committed(batch).unwrap();
        assert_eq!(agent.next(), FromAgent::Pong { n: 9 });
        // Nothing was copied up that could go back by its name.
        let there = snapshot(up);
        let has_copies = there.keys().any(|path| path.contains("tilt~"));
        assert_eq!(
            has_copies,
            batch == 2,
            "what came back is of the layer above: {there:?}"
        );
        assert_eq!(fs::read(root.join("main.rs")).unwrap(), b"replaced");
        assert!(!root.join("lib.rs").exists());
        words = vec![FromHost::Undo { batch }];
        agent.say(&words);
        let undone = FromAgent::Undone {
            batch,
            problems: Vec::new(),
        };
        assert_eq!(agent.next(), undone);
        assert_eq!(snapshot(root), before);
        assert_eq!([written("main.rs"), written("lib.rs")], times);
    }
    agent.apply(3, root, &entries(3)).unwrap();
    agent.settle();
    let found = snapshot(root);
    assert_eq!(found["main.rs"], Node::File(0o640, b"replaced".to_vec()));
    assert_eq!(found.len(), before.len() - 1);
    assert_eq!(open(), at_first);
}

#[test]
fn who_may_write_a_file_but_not_its_directory_writes_it_in_place() {
    if !is_root() {
        return skip("only root can become somebody else");
    }
    let root = folder();
    for (name, bits) in [("writable", 0o666), ("closed", 0o644), ("blind", 0o622)] {
        fs::write(root.path().join(name), "a long old content").unwrap();
        set_mode(&root.path().join(name), bits);
    }
    fs::create_dir(root.path().join("theirs")).unwrap();
    std::os::unix::fs::chown(root.path().join("theirs"), Some(NOBODY), Some(NOBODY)).unwrap();
    let before = snapshot(root.path());
    let mut agent = Agent::with(&[], Some(NOBODY));
    let entries = |batch| {
        [
            file(batch, 0, "writable", 0o666, b"new"),
            file(batch, 1, "theirs/f", 0o444, b"new"),
        ]
        .concat()
    };
    agent.say(&whole(1, root.path(), &entries(1), FromHost::Undo { batch: 1 }));
    agent.committed(1).unwrap();
    agent.next();
    assert_eq!(snapshot(root.path()), before);
    agent.apply(2, root.path(), &entries(2)).unwrap();
    assert_eq!(fs::read(root.path().join("writable")).unwrap(), b"new");
    for (batch, entries) in [
        (3, file(3, 0, "closed", 0o644, b"new")),
        (4, file(4, 0, "n/f", 0o644, b"new")),
        (5, vec![delete(5, "writable")]),
    ] {
        let problems = agent
            .apply(
                batch,
                root.path(),
                &[entries, file(batch, 9, "theirs/g", 0o644, b"g")].concat(),
            )
            .unwrap_err();
        assert!(problems[0].text.ends_with("permission denied"), "{problems:?}");
    }
    agent.say(&[root_word(6, root.path())]);
    agent.say(&file(6, 0, "blind", 0o622, b"new"));
    agent.say(&[FromHost::Prepare { batch: 6 }]);
    let FromAgent::Prepared { notes, .. } = agent.next() else {
        panic!("it can be written");
    };
    assert!(notes[0].text.contains("could not be put back"), "{notes:?}");
    agent.say(&[FromHost::Commit { batch: 6 }, FromHost::Keep { batch: 6 }]);
    assert!(matches!(agent.next(), FromAgent::Committed { .. }));
    assert_eq!(fs::read(root.path().join("blind")).unwrap(), b"new");
    agent.settle();
    assert_eq!(snapshot(root.path()).len(), 5);
}

#[test]
fn a_directory_may_be_closed_to_the_agent_itself_once_it_is_filled() {
    let user = is_root().then_some(NOBODY);
    let root = folder();
    if let Some(user) = user {
        std::os::unix::fs::chown(root.path(), Some(user), Some(user)).unwrap();
    }
    let mut agent = Agent::with(&[], user);
    let mut entries = vec![dir(1, "d", 0o555), dir(1, "d/e", 0o500)];
    entries.extend(file(1, 0, "d/e/f", 0o400, b"f"));
    agent.apply(1, root.path(), &entries).unwrap();
    assert_eq!(
        (mode(&root.path().join("d")), mode(&root.path().join("d/e"))),
        (0o555, 0o500)
    );
    agent.apply(2, root.path(), &[delete(2, "d")]).unwrap();
    agent.settle();
    assert_eq!(snapshot(root.path()).len(), 0);
    agent.apply(3, root.path(), &file(3, 0, "open/f", 0o644, b"f")).unwrap();
    agent
        .apply(
            4,
            root.path(),
            &[&file(4, 0, "open/f", 0o644, b"g")[..], &[dir(4, "open", 0o555)]].concat(),
        )
        .unwrap();
    agent.settle();
    let found = snapshot(&root.path().join("open"));
    assert_eq!(found.len(), 1, "{found:?}");
    set_mode(&root.path().join("open"), 0o755);
}
