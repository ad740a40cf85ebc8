//! Files on their way back: listed, read, followed.

use crate::support::*;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink as make_link;
use std::path::Path;
use std::time::{Duration, Instant};
use tilt_agent::wire::{EntryKind, FollowedBy, FromAgent, FromHost, ListedEntry};

fn list(agent: &mut Agent, root: &Path, patterns: &[&str]) -> Vec<ListedEntry> {
    let patterns = patterns.iter().map(|pattern| pattern.as_bytes().to_vec()).collect();
    agent.say(&[FromHost::List {
        id: 4,
        root: absolute(root),
        patterns,
    }]);
    let mut all = Vec::new();
    loop {
        match agent.next() {
            FromAgent::Listed { id: 4, entries, last } => {
                all.extend(entries);
                if last {
                    return all;
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn read(agent: &mut Agent, root: &Path, path: &str) -> Result<Vec<u8>, String> {
    agent.say(&[FromHost::Read {
        id: 5,
        root: absolute(root),
        path: beneath(path),
    }]);
    let mut content = Vec::new();
    loop {
        match agent.next() {
            FromAgent::Piece { id: 5, bytes } => content.extend(bytes),
            FromAgent::ReadEnd {
                size, sha256: found, ..
            } => {
                assert_eq!((size, found), (content.len() as u64, sha256(&content)));
                return Ok(content);
            }
            FromAgent::Failed { id: 5, text, .. } => return Err(text),
            other => panic!("{other:?}"),
        }
    }
}

fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[test]
fn what_matches_is_listed_with_its_hash_and_nothing_else_is_opened() {
    let root = folder();
    fs::create_dir_all(root.path().join("db/migrations/old")).unwrap();
    fs::write(root.path().join("db/migrations/1.sql"), "one").unwrap();
    fs::write(root.path().join("db/migrations/old/0.sql"), "zero").unwrap();
    fs::write(root.path().join("db/other"), "other").unwrap();
    fs::write(root.path().join("db/migrations/.2.sql.tilt~"), "ours").unwrap();
    make_link("../../../outside", root.path().join("db/migrations/link")).unwrap();
    make_link("/", root.path().join("db/migrations/all")).unwrap();
    fifo(&root.path().join("db/migrations/fifo"));
    let mut agent = Agent::start();
    let found = list(&mut agent, root.path(), &["db/migrations/**"]);
    let paths: Vec<String> = found.iter().map(|entry| format!("{:?}", entry.path)).collect();
    assert_eq!(
        paths,
        [
            "\"db/migrations/1.sql\"",
            "\"db/migrations/all\"",
            "\"db/migrations/link\"",
            "\"db/migrations/old/0.sql\""
        ]
    );
    assert_eq!(
        (found[0].sha256, found[0].size, found[0].mode),
        (sha256(b"one"), 3, 0o644)
    );
    assert_eq!(
        (found[2].kind, &*found[2].target),
        (EntryKind::Symlink, &b"../../../outside"[..])
    );
    assert_eq!(list(&mut agent, root.path(), &["*.lock", "nothing/**"]), []);
    assert_eq!(list(&mut agent, &root.path().join("missing"), &["**"]), []);
}

#[test]
fn many_files_are_listed_in_pieces_and_too_many_are_an_error() {
    let root = folder();
    for number in 0..3000 {
        fs::write(root.path().join(format!("{number}-{}", "n".repeat(100))), "").unwrap();
    }
    let mut agent = Agent::start();
    assert_eq!(list(&mut agent, root.path(), &["**"]).len(), 3000);
}

#[test]
fn a_file_is_read_whole_and_nothing_that_is_none_or_lies_outside() {
    let (root, outside) = (folder(), folder());
    let content: Vec<u8> = (0..700_000_u32).map(|byte| byte as u8).collect();
    fs::create_dir(root.path().join("d")).unwrap();
    fs::write(root.path().join("d/large"), &content).unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    make_link(outside.path(), root.path().join("out")).unwrap();
    make_link(outside.path().join("secret"), root.path().join("link")).unwrap();
    fifo(&root.path().join("fifo"));
    for without in [&[][..], &["openat2"]] {
        let mut agent = Agent::with(without, None);
        assert_eq!(read(&mut agent, root.path(), "d/large").unwrap(), content);
        for path in ["out/secret", "link", "fifo", "d", "missing", "missing/x"] {
            read(&mut agent, root.path(), path).unwrap_err();
        }
    }
}

#[test]
fn a_change_below_is_told_and_one_that_matches_nothing_is_not() {
    for (without, by) in [(&[][..], FollowedBy::Kernel), (&["inotify"], FollowedBy::Polling)] {
        let root = folder();
        fs::create_dir(root.path().join("d")).unwrap();
        let mut agent = Agent::with(without, None);
        let patterns = vec![b"yarn.lock".to_vec(), b"d/**/*.sql".to_vec()];
        agent.say(&[FromHost::Follow {
            id: 6,
            root: absolute(root.path()),
            patterns,
        }]);
        assert_eq!(agent.next(), FromAgent::Following { id: 6, by });
        fs::write(root.path().join("other"), "x").unwrap();
        fs::write(root.path().join("d/other"), "x").unwrap();
        fs::write(root.path().join("yarn.lock"), "x").unwrap();
        assert_eq!(agent.next(), FromAgent::Changed { id: 6 });
        fs::create_dir_all(root.path().join("d/new/deep")).unwrap();
        fs::write(root.path().join("d/new/deep/1.sql"), "x").unwrap();
        assert_eq!(agent.next(), FromAgent::Changed { id: 6 });
        agent.say(&[FromHost::Unfollow { id: 6 }]);
    }
}

/// Follows two patterns.
fn following(root: &Path) -> Agent {
    let mut agent = Agent::with(&[], None);
    agent.say(&[FromHost::Follow {
        id: 6,
        root: absolute(root),
        patterns: vec![b"*.lock".to_vec(), b"d/**".to_vec()],
    }]);
    let by = FollowedBy::Kernel;
    assert_eq!(agent.next(), FromAgent::Following { id: 6, by });
    agent
}

#[test]
fn what_somebody_writes_is_waited_for_and_told_in_the_end() {
    let root = folder();
    let at = |name: &str| root.path().join(name);
    fs::create_dir(at("d")).unwrap();
    fs::create_dir(at("begun")).unwrap();
    let mut agent = following(root.path());
    // In a folder that is watched, and in one that comes with it.
    for (name, told) in [("yarn.lock", "yarn.lock"), ("begun/1.sql", "d/new/1.sql")] {
        let began = Instant::now();
        let mut file = fs::File::create(at(name)).unwrap();
        if told != name {
            fs::rename(at("begun"), at("d/new")).unwrap();
        }
        assert_eq!(agent.next(), FromAgent::Changed { id: 6 });
        // What nobody has open is told long before.
        assert!(began.elapsed() > Duration::from_millis(900), "{told}");
        file.write_all(b"whole").unwrap();
        drop(file);
        assert_eq!(agent.next(), FromAgent::Changed { id: 6 });
    }
}
