//! Names, links and words that mean harm: nothing outside is touched, and nothing hangs.

use crate::support::*;
use std::fs;
use std::os::unix::fs::symlink as make_link;
use std::path::Path;
use tilt_agent::wire::{FromAgent, FromHost, Trouble};

/// A root with links that lead out to a canary, and the canary.
fn trap() -> (tempfile::TempDir, tempfile::TempDir) {
    let (root, canary) = (folder(), folder());
    fs::create_dir(canary.path().join("in")).unwrap();
    fs::write(canary.path().join("file"), "alive").unwrap();
    make_link(canary.path(), root.path().join("absolute")).unwrap();
    let name = canary.path().file_name().unwrap().to_string_lossy().into_owned();
    make_link(format!("../{name}"), root.path().join("relative")).unwrap();
    make_link("/", root.path().join("everything")).unwrap();
    make_link(canary.path().join("file"), root.path().join("final")).unwrap();
    make_link("loop", root.path().join("loop")).unwrap();
    fs::create_dir(root.path().join("inner")).unwrap();
    make_link("inner", root.path().join("inside")).unwrap();
    make_link("relative/in", root.path().join("chain")).unwrap();
    (root, canary)
}

fn is_alive(canary: &Path) -> bool {
    let found = snapshot(canary);
    found.len() == 2 && found["file"] == Node::File(0o644, b"alive".to_vec())
}

#[test]
fn links_that_lead_out_are_refused_and_nothing_outside_changes() {
    for without in [&[][..], &["openat2"]] {
        let (root, canary) = trap();
        let before = snapshot(root.path());
        let mut agent = Agent::with(without, None);
        for (batch, way) in (0..).zip(["absolute", "relative", "everything", "chain"]) {
            let path = format!("{way}/file");
            let deeper = format!("{way}/new/file");
            for entries in [
                file(batch, 0, &path, 0o666, b"dead"),
                file(batch, 0, &deeper, 0o666, b"dead"),
                vec![delete(batch, &path)],
                vec![symlink(batch, &path, "x")],
                vec![dir(batch, &format!("{way}/in"), 0o777)],
            ] {
                let problems = agent.apply(batch, root.path(), &entries).unwrap_err();
                assert_eq!(problems[0].kind, Trouble::LeadsOut, "{path} {problems:?}");
                let full = root.path().join(way);
                assert!(
                    problems[0].text.contains(&format!("`{}`", full.display())),
                    "{problems:?}"
                );
                agent.settle();
            }
        }
        assert!(is_alive(canary.path()));
        assert_eq!(snapshot(root.path()), before);
        // The last name is never followed, and what a link leads to inside is fine.
        agent
            .apply(90, root.path(), &file(90, 0, "final", 0o644, b"a file of its own"))
            .unwrap();
        agent
            .apply(91, root.path(), &[delete(91, "absolute"), delete(91, "loop")])
            .unwrap();
        let inside = agent.apply(92, root.path(), &file(92, 0, "inside/f", 0o644, b"f"));
        assert_eq!(inside.is_ok(), without.is_empty());
        assert_eq!(root.path().join("inner/f").exists(), without.is_empty());
        agent.settle();
        assert!(is_alive(canary.path()));
        make_link(root.path().join("inner"), root.path().join("in-full")).unwrap();
        let inside = agent.apply(93, root.path(), &file(93, 0, "in-full/g", 0o644, b"g"));
        assert_eq!(inside.is_ok(), without.is_empty(), "{inside:?}");
    }
}

#[test]
fn a_staged_name_that_somebody_made_a_link_is_not_followed() {
    let (root, canary) = trap();
    make_link(canary.path().join("file"), root.path().join(".a.tilt~")).unwrap();
    make_link(canary.path(), root.path().join(".d.tilt~")).unwrap();
    let mut agent = Agent::start();
    let entries = [file(1, 0, "a", 0o644, b"dead"), file(1, 1, "d/in/file", 0o644, b"dead")].concat();
    agent.apply(1, root.path(), &entries).unwrap();
    agent.settle();
    assert!(is_alive(canary.path()));
    assert_eq!(fs::read(root.path().join("d/in/file")).unwrap(), b"dead");
}

#[test]
fn a_link_swapped_in_while_a_batch_is_open_leads_nowhere() {
    let (root, canary) = trap();
    let mut agent = Agent::start();
    let mut words = vec![root_word(1, root.path())];
    words.extend(file(1, 0, "inner/in/file", 0o644, b"dead"));
    words.push(delete(1, "inner/file"));
    words.push(FromHost::Prepare { batch: 1 });
    agent.say(&words);
    agent.next();
    fs::rename(root.path().join("inner"), root.path().join("away")).unwrap();
    make_link(canary.path(), root.path().join("inner")).unwrap();
    agent.say(&[FromHost::Commit { batch: 1 }, FromHost::Keep { batch: 1 }]);
    agent.next();
    agent.settle();
    assert!(is_alive(canary.path()));
}

#[test]
fn odd_names_are_names() {
    let root = folder();
    let long = "n".repeat(255);
    let names = [
        "-rf *",
        "a\nb",
        "…",
        "...",
        " ",
        "\\",
        "$(reboot)",
        "*",
        &long,
        &long.replace('n', "ü")[..254],
    ];
    let mut agent = Agent::start();
    for (batch, name) in (0..).zip(names) {
        agent
            .apply(batch, root.path(), &file(batch, 0, name, 0o644, name.as_bytes()))
            .unwrap();
        agent
            .apply(batch + 100, root.path(), &file(batch + 100, 0, name, 0o644, b"again"))
            .unwrap();
        agent.settle();
        assert_eq!(fs::read(root.path().join(name)).unwrap(), b"again");
    }
    assert_eq!(snapshot(root.path()).len(), names.len());
    let problems = agent
        .apply(900, root.path(), &file(900, 0, &"n".repeat(256), 0o644, b""))
        .unwrap_err();
    assert!(problems[0].text.contains("too long"), "{problems:?}");
}

#[test]
fn what_makes_no_sense_is_said_and_ends_the_agent() {
    let garbage: [&[u8]; 5] = [
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x01\xee",
        b"\0\0\0\x00",
        &frames(&[FromHost::Ping { n: 1 }])[..12],
    ];
    for (index, bytes) in garbage.iter().enumerate() {
        let mut agent = Agent::start();
        agent.write(bytes);
        if index == 4 {
            // A word that never ends is a stream that was cut.
            assert!(agent.hang_up().success());
            continue;
        }
        assert!(matches!(agent.next(), FromAgent::Protocol { .. }), "{index}");
        assert_eq!(agent.wait().code(), Some(3));
    }
    let mut agent = Agent::silent(&[], None);
    agent.next();
    agent.say(&[FromHost::Hello {
        version: 999,
        session: 1,
    }]);
    let FromAgent::Protocol { text } = agent.next() else {
        panic!("it does not speak that");
    };
    assert!(text.contains("999"), "{text}");
    let mut agent = Agent::silent(&[], None);
    agent.next();
    agent.say(&[FromHost::Ping { n: 1 }]);
    assert!(matches!(agent.next(), FromAgent::Protocol { .. }));
}

/// The frames of batches with something wrong in them: never in what kind of word it is, nor in where the root is, for the
/// agent does what it is told and this is somebody's machine.
#[test]
fn bent_batches_do_no_harm_outside_and_the_agent_always_ends() {
    let (root, canary) = trap();
    let user = is_root().then_some(NOBODY);
    if let Some(user) = user {
        for path in [root.path(), &root.path().join("inner")] {
            std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
        }
        set_mode(canary.path(), 0o777);
        set_mode(&canary.path().join("in"), 0o777);
    }
    let mut dice = Dice(0xbad);
    for case in 0..cases(150) {
        let mut words = [
            file(1, 0, "inner/f", 0o644, b"content"),
            file(1, 1, "relative", 0o600, b"x"),
            file(1, 2, "new/dir/f", 0o644, b"content"),
        ]
        .concat();
        words.extend([
            dir(1, "d", 0o755),
            symlink(1, "l", "../../etc"),
            delete(1, "inner/f"),
            delete(1, "absolute/file"),
        ]);
        words.extend([
            offer(1),
            FromHost::Zeros {
                batch: 1,
                entry: 0,
                length: 9,
            },
            FromHost::HardLink {
                batch: 1,
                entry: 5,
                root: 0,
                path: beneath("h"),
                to_root: 0,
                to_path: beneath("inner/f"),
            },
            FromHost::Prepare { batch: 1 },
            FromHost::Commit { batch: 1 },
            FromHost::Undo { batch: 1 },
            FromHost::Keep { batch: 1 },
        ]);
        let mut bytes = frames(&[root_word(1, root.path())]);
        for _ in 0..20 {
            let mut frame = frames(&[dice.of(&words)]);
            if dice.below(3) == 0 && frame.len() > 5 {
                let at = 5 + dice.below(frame.len() - 5);
                frame[at] ^= 1 << dice.below(8);
            }
            bytes.extend(frame);
        }
        let mut agent = Agent::with(if case % 2 == 0 { &[] } else { &["openat2", "exchange"] }, user);
        agent.write(&bytes);
        let status = agent.hang_up();
        assert!(matches!(status.code(), Some(0 | 3)), "{status:?}");
    }
    let alive = snapshot(canary.path());
    assert_eq!(alive.len(), 2, "{alive:?}");
    assert_eq!(alive["file"], Node::File(0o644, b"alive".to_vec()));
    assert!(snapshot(root.path()).keys().all(|path| !path.contains("tilt~")));
}
