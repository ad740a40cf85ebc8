//! Batches: what they put, what they replace, and that they do all of it or nothing.

use crate::support::*;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink as make_link};
use tilt_agent::wire::{FromAgent, FromHost, ModeRule, Offered, Owner, Trouble};

#[test]
fn a_saved_file_is_there_after_one_write_and_two_words() {
    let root = folder();
    let mut agent = Agent::start();
    agent
        .apply(1, root.path(), &file(1, 0, "src/main.go", 0o640, b"package main"))
        .unwrap();
    assert_eq!(fs::read(root.path().join("src/main.go")).unwrap(), b"package main");
    assert_eq!(mode(&root.path().join("src/main.go")), 0o640);
    assert_eq!(mode(&root.path().join("src")), 0o755);
    agent
        .apply(2, root.path(), &file(2, 0, "src/main.go", 0o755, b""))
        .unwrap();
    agent.settle();
    let found = snapshot(root.path());
    assert_eq!(found["src/main.go"], Node::File(0o755, Vec::new()));
    assert_eq!(found.len(), 2, "no temporaries: {found:?}");
}

#[test]
fn all_kinds_of_things_replace_one_another() {
    for without in [&[][..], &["openat2"], &["exchange"], &["openat2", "exchange"]] {
        let root = folder();
        let at = |path: &str| root.path().join(path);
        fs::write(at("file"), "old").unwrap();
        fs::create_dir_all(at("dir/deep/er")).unwrap();
        fs::write(at("dir/deep/x"), "x").unwrap();
        make_link("nowhere", at("link")).unwrap();
        make_link("dir", at("link-to-dir")).unwrap();
        let before = snapshot(root.path());
        let entries = |batch: u32| {
            let mut entries = file(batch, 1, "file/in/it", 0o600, b"new");
            entries.extend(file(batch, 2, "dir", 0o644, b"was a directory"));
            entries.push(dir(batch, "link", 0o750));
            entries.extend(file(batch, 3, "link/y", 0o644, b"y"));
            entries.extend(file(batch, 4, "link-to-dir", 0o644, b"was a link"));
            entries.push(symlink(batch, "new-link", "file/in"));
            entries.push(symlink(batch, "a/b/c", "../x"));
            entries
        };
        let mut agent = Agent::with(without, None);
        agent.say(&whole(1, root.path(), &entries(1), FromHost::Undo { batch: 1 }));
        agent.committed(1).unwrap();
        assert_eq!(
            agent.next(),
            FromAgent::Undone {
                batch: 1,
                problems: Vec::new()
            }
        );
        assert_eq!(snapshot(root.path()), before, "{without:?}");
        agent.apply(2, root.path(), &entries(2)).unwrap();
        agent.settle();
        let expected = [
            ("a", Node::Dir(0o755)),
            ("a/b", Node::Dir(0o755)),
            ("a/b/c", Node::Link("../x".to_owned())),
            ("dir", Node::File(0o644, b"was a directory".to_vec())),
            ("file", Node::Dir(0o755)),
            ("file/in", Node::Dir(0o755)),
            ("file/in/it", Node::File(0o600, b"new".to_vec())),
            ("link", Node::Dir(0o750)),
            ("link/y", Node::File(0o644, b"y".to_vec())),
            ("link-to-dir", Node::File(0o644, b"was a link".to_vec())),
            ("new-link", Node::Link("file/in".to_owned())),
        ];
        let expected: Snapshot = expected.map(|(path, node)| (path.to_owned(), node)).into();
        assert_eq!(snapshot(root.path()), expected, "{without:?}");
    }
}

#[test]
fn nothing_is_visible_before_the_commit_and_nothing_is_left_after_an_undo() {
    let root = folder();
    fs::write(root.path().join("a"), "old").unwrap();
    let mut agent = Agent::start();
    let mut words = vec![root_word(1, root.path())];
    words.extend(file(1, 0, "a", 0o644, b"new"));
    words.extend(file(1, 1, "b/c", 0o644, b"new"));
    words.push(FromHost::Prepare { batch: 1 });
    agent.say(&words);
    assert!(matches!(agent.next(), FromAgent::Prepared { batch: 1, .. }));
    assert_eq!(fs::read(root.path().join("a")).unwrap(), b"old");
    assert!(!root.path().join("b").exists());
    agent.say(&[FromHost::Undo { batch: 1 }]);
    assert!(matches!(agent.next(), FromAgent::Undone { batch: 1, .. }));
    assert_eq!(snapshot(root.path()).len(), 1);
}

#[test]
fn what_is_not_as_announced_is_refused_once_and_changes_nothing() {
    let root = folder();
    fs::write(root.path().join("a"), "old").unwrap();
    let before = snapshot(root.path());
    let mut agent = Agent::start();
    let mut wrong = file(1, 0, "a", 0o644, b"new");
    wrong[1] = FromHost::Data {
        batch: 1,
        entry: 0,
        bytes: b"nEw".to_vec(),
    };
    let mut short = file(2, 0, "n/a", 0o644, b"new");
    short[1] = FromHost::Data {
        batch: 2,
        entry: 0,
        bytes: b"ne".to_vec(),
    };
    let mut long = file(3, 0, "a", 0o644, b"new");
    long[1] = FromHost::Data {
        batch: 3,
        entry: 0,
        bytes: b"new!".to_vec(),
    };
    for (batch, entries) in [(1, wrong), (2, short), (3, long)] {
        let problems = agent.apply(batch, root.path(), &entries).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].kind, Trouble::NotAsAnnounced);
        assert!(
            problems[0].text.starts_with(&format!("`{}/", root.path().display())),
            "{problems:?}"
        );
        agent.settle();
        assert_eq!(snapshot(root.path()), before);
    }
    agent.apply(4, root.path(), &file(4, 0, "a", 0o644, b"new")).unwrap();
}

#[test]
fn of_many_files_the_one_that_is_wrong_is_named_and_all_others_come_without_it() {
    for without in [&[][..], &["exchange"]] {
        let root = folder();
        fs::create_dir(root.path().join("d1")).unwrap();
        fs::write(root.path().join("d1/f1"), "old").unwrap();
        // What an agent before left over.
        let leftover = tilt_agent::wire::temporary_name(b"f2");
        fs::create_dir(root.path().join("d2")).unwrap();
        fs::write(root.path().join("d2").join(std::ffi::OsStr::from_bytes(&leftover)), "").unwrap();
        let before = snapshot(root.path());
        let many = |batch: u32| {
            let one = |number: u32| {
                let path = format!("d{}/f{number}", number % 10);
                file(batch, number, &path, 0o640, format!("content {number}").as_bytes())
            };
            let mut words = vec![offer(batch)];
            words.extend((0..500).flat_map(one));
            words.extend(file(batch, 500, "d3/empty", 0o600, b""));
            words.push(FromHost::HardLink {
                batch,
                entry: 501,
                root: 0,
                path: beneath("link"),
                to_root: 0,
                to_path: beneath("d1/f1"),
            });
            words
        };
        let mut agent = Agent::with(without, None);
        let mut bent = many(1);
        let FromHost::File { sha256, .. } = &mut bent[1 + 2 * 123] else {
            panic!("{:?}", bent[247]);
        };
        sha256[0] ^= 1;
        let problems = agent.apply(1, root.path(), &bent).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].kind, Trouble::NotAsAnnounced);
        assert_eq!(problems[0].path, beneath("d3/f123"));
        let twice = [many(2), file(2, 600, "d3/f123", 0o640, b"again")].concat();
        let problems = agent.apply(2, root.path(), &twice).unwrap_err();
        assert!(problems[0].text.contains("in the batch twice"), "{problems:?}");
        let mut short = many(3);
        short.remove(2);
        let problems = agent.apply(3, root.path(), &short).unwrap_err();
        assert!(problems[0].text.contains("9 of 9 bytes were not sent"), "{problems:?}");
        let mut found = snapshot(root.path());
        // Nobody but who cleans up looks for what others left.
        found.extend(before.clone());
        assert_eq!(found, before);
        agent.apply(4, root.path(), &many(4)).unwrap();
        agent.settle();
        let found = snapshot(root.path());
        for number in 0..500 {
            let path = format!("d{}/f{number}", number % 10);
            assert_eq!(
                found[&path],
                Node::File(0o640, format!("content {number}").into_bytes()),
                "{path}"
            );
        }
        assert_eq!(found.len(), 500 + 10 + 2);
        assert_eq!(fs::metadata(root.path().join("d1/f1")).unwrap().nlink(), 2);
    }
}

#[test]
fn deletions_go_whole_trees_and_what_is_not_there_is_fine() {
    let root = folder();
    fs::create_dir_all(root.path().join("a/b/c")).unwrap();
    fs::write(root.path().join("a/b/f"), "f").unwrap();
    fs::write(root.path().join("z"), "z").unwrap();
    let canary = folder();
    fs::write(canary.path().join("alive"), "yes").unwrap();
    make_link(canary.path(), root.path().join("a/out")).unwrap();
    let before = snapshot(root.path());
    let mut agent = Agent::start();
    let entries = |batch| {
        vec![
            delete(batch, "a/b/f"),
            delete(batch, "a"),
            delete(batch, "missing/x"),
            delete(batch, "z"),
        ]
    };
    agent.say(&whole(1, root.path(), &entries(1), FromHost::Undo { batch: 1 }));
    agent.committed(1).unwrap();
    agent.next();
    assert_eq!(snapshot(root.path()), before);
    agent.apply(2, root.path(), &entries(2)).unwrap();
    agent.settle();
    assert_eq!(snapshot(root.path()).len(), 0);
    assert!(canary.path().join("alive").exists());
    agent
        .apply(
            3,
            root.path(),
            &[FromHost::Delete {
                batch: 3,
                entry: 0,
                root: 0,
                path: beneath(""),
            }],
        )
        .unwrap();
    agent.settle();
    assert!(!root.path().exists());
    fs::create_dir(root.path()).unwrap();
}

#[test]
fn a_root_that_is_not_there_is_made_and_unmade() {
    let base = folder();
    let root = base.path().join("x/y/z");
    let mut agent = Agent::start();
    let entries = |batch| [file(batch, 0, "f", 0o644, b"1"), file(batch, 1, "d/g", 0o644, b"2")].concat();
    agent.say(&whole(1, &root, &entries(1), FromHost::Undo { batch: 1 }));
    agent.committed(1).unwrap();
    agent.next();
    assert_eq!(snapshot(base.path()).len(), 0);
    agent.apply(2, &root, &entries(2)).unwrap();
    assert_eq!(fs::read(root.join("d/g")).unwrap(), b"2");
    agent
        .apply(3, &root.join("f"), &file(3, 0, "now", 0o644, b"a directory"))
        .unwrap();
    assert_eq!(fs::read(root.join("f/now")).unwrap(), b"a directory");
    let problems = agent
        .apply(4, &root.join("d/g/h"), &file(4, 0, "x", 0o644, b""))
        .unwrap_err();
    assert!(problems[0].text.contains("not a directory"), "{problems:?}");
    let words = [root_word(5, &base.path().join("new")), dir(5, "", 0o700)];
    agent.say(&words);
    agent.say(&[
        FromHost::Prepare { batch: 5 },
        FromHost::Commit { batch: 5 },
        FromHost::Keep { batch: 5 },
    ]);
    agent.committed(5).unwrap();
    assert_eq!(mode(&base.path().join("new")), 0o700);
}

#[test]
fn only_what_the_container_lacks_is_wanted_and_the_rest_gets_its_bits() {
    let root = folder();
    fs::write(root.path().join("same"), "same").unwrap();
    fs::write(root.path().join("other"), "diff").unwrap();
    set_mode(&root.path().join("same"), 0o600);
    let offered = |path: &str, content: &[u8]| Offered {
        root: 0,
        path: beneath(path),
        size: content.len() as u64,
        sha256: sha256(content),
    };
    let mut agent = Agent::start();
    let entries = vec![
        offered("missing/f", b""),
        offered("same", b"same"),
        offered("other", b"DIFF"),
        offered("same", b"Same"),
    ];
    agent.say(&[root_word(1, root.path()), FromHost::Offer { batch: 1, entries }]);
    assert_eq!(
        agent.next(),
        FromAgent::Wanted {
            batch: 1,
            bitmap: vec![0b1101]
        }
    );
    let same = |batch, content: &[u8]| FromHost::Same {
        batch,
        entry: 0,
        root: 0,
        path: beneath("same"),
        mode: 0o755,
        size: 4,
        sha256: sha256(content),
    };
    agent.say(&[
        same(1, b"same"),
        FromHost::Prepare { batch: 1 },
        FromHost::Commit { batch: 1 },
    ]);
    agent.committed(1).unwrap();
    assert_eq!(mode(&root.path().join("same")), 0o755);
    agent.say(&[FromHost::Undo { batch: 1 }]);
    agent.next();
    assert_eq!(mode(&root.path().join("same")), 0o600);
    let problems = agent.apply(2, root.path(), &[same(2, b"else")]).unwrap_err();
    assert_eq!(problems[0].kind, Trouble::Missing);
}

#[test]
fn owner_and_bits_follow_the_rules() {
    if !is_root() {
        return skip("only root can give files away");
    }
    let root = folder();
    fs::write(root.path().join("old"), "old").unwrap();
    std::os::unix::fs::chown(root.path().join("old"), Some(12), Some(34)).unwrap();
    set_mode(&root.path().join("old"), 0o600);
    fs::create_dir(root.path().join("theirs")).unwrap();
    std::os::unix::fs::chown(root.path().join("theirs"), Some(56), Some(78)).unwrap();
    let mut agent = Agent::start();
    let entries = |batch| {
        [
            file(batch, 0, "old", 0o4755, b"n"),
            file(batch, 1, "theirs/new/x", 0o644, b"n"),
        ]
        .concat()
    };
    agent.apply(1, root.path(), &entries(1)).unwrap();
    assert_eq!(owner(&root.path().join("old")), (12, 34));
    assert_eq!(mode(&root.path().join("old")), 0o4755);
    assert_eq!(owner(&root.path().join("theirs/new")), (56, 78));
    assert_eq!(owner(&root.path().join("theirs/new/x")), (56, 78));
    let mut words = whole(2, root.path(), &entries(2), FromHost::Keep { batch: 2 });
    words[0] = FromHost::Root {
        batch: 2,
        root: 0,
        path: absolute(root.path()),
        owner: Owner::Ids(1, 2),
        mode: ModeRule::Fixed(0o640),
    };
    agent.say(&words);
    agent.committed(2).unwrap();
    assert_eq!(owner(&root.path().join("old")), (1, 2));
    assert_eq!(mode(&root.path().join("old")), 0o640);
    words = whole(
        3,
        root.path(),
        &[
            symlink(3, "theirs/l", "x"),
            file(3, 0, "old", 0o777, b"m").remove(0),
            FromHost::Data {
                batch: 3,
                entry: 0,
                bytes: b"m".to_vec(),
            },
        ],
        FromHost::Keep { batch: 3 },
    );
    words[0] = FromHost::Root {
        batch: 3,
        root: 0,
        path: absolute(root.path()),
        owner: Owner::Container,
        mode: ModeRule::LikeExisting,
    };
    agent.say(&words);
    agent.committed(3).unwrap();
    assert_eq!(owner(&root.path().join("old")), (0, 0));
    assert_eq!(mode(&root.path().join("old")), 0o640);
    assert_eq!(owner(&root.path().join("theirs/l")), (0, 0));
}

#[test]
fn two_names_of_one_file_stay_one_file() {
    let root = folder();
    fs::write(root.path().join("there"), "there").unwrap();
    let link = |path: &str, to: &str| FromHost::HardLink {
        batch: 1,
        entry: 9,
        root: 0,
        path: beneath(path),
        to_root: 0,
        to_path: beneath(to),
    };
    let mut agent = Agent::start();
    let mut entries = file(1, 0, "new", 0o644, b"new");
    entries.extend(file(1, 1, "d/new", 0o644, b"inner"));
    entries.extend([link("e/second", "new"), link("third", "there"), link("fourth", "d/new")]);
    agent.apply(1, root.path(), &entries).unwrap();
    let inode = |path: &str| root.path().join(path).metadata().unwrap().ino();
    assert_eq!(inode("e/second"), inode("new"));
    assert_eq!(inode("third"), inode("there"));
    assert_eq!(inode("fourth"), inode("d/new"));
}

#[test]
fn holes_stay_holes() {
    let root = folder();
    let mut content = vec![0; 3 << 20];
    content.extend_from_slice(b"middle");
    content.extend(vec![0; 5 << 20]);
    let zeros = |length| FromHost::Zeros {
        batch: 1,
        entry: 0,
        length,
    };
    let mut entries = vec![file(1, 0, "sparse", 0o644, &content).remove(0)];
    entries.extend([
        zeros(3 << 20),
        FromHost::Data {
            batch: 1,
            entry: 0,
            bytes: b"middle".to_vec(),
        },
        zeros(5 << 20),
    ]);
    let mut agent = Agent::start();
    agent.apply(1, root.path(), &entries).unwrap();
    let written = root.path().join("sparse");
    assert_eq!(fs::read(&written).unwrap(), content);
    assert!(written.metadata().unwrap().blocks() * 512 < 1 << 20);
}

#[test]
fn a_batch_may_span_more_directories_than_are_remembered() {
    let root = folder();
    for number in 0..700 {
        fs::create_dir(root.path().join(format!("old{number}"))).unwrap();
    }
    let mut agent = Agent::start();
    let mut entries = Vec::new();
    for (round, number) in (0..2).flat_map(|round| (0..700).map(move |number| (round, number))) {
        entries.extend(file(1, 0, &format!("old{number}/f{round}"), 0o644, b""));
        entries.extend(file(1, 1, &format!("new/n{number}/in/f{round}"), 0o644, b""));
    }
    agent.apply(1, root.path(), &entries).unwrap();
    agent.settle();
    assert_eq!(snapshot(root.path()).len(), 700 + 1400 + 1 + 700 + 700 + 1400);
}

#[test]
fn a_root_that_cannot_be_entered_is_the_one_problem() {
    let root = folder();
    std::os::unix::fs::symlink("nowhere", root.path().join("dangling")).unwrap();
    let mut agent = Agent::start();
    let entries = [file(1, 0, "a", 0o644, b"1"), file(1, 1, "b", 0o644, b"2")].concat();
    let problems = agent.apply(1, &root.path().join("dangling"), &entries).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].text.contains("dangling`: a symbolic link"), "{problems:?}");
    let loops = root.path().join("loop");
    std::os::unix::fs::symlink("loop", &loops).unwrap();
    let problems = agent.apply(2, &loops, &[]).unwrap_err();
    assert_eq!(
        (problems[0].kind, problems[0].errno),
        (Trouble::System, 40),
        "{problems:?}"
    );
}

#[test]
fn words_out_of_order_are_refused_and_the_next_batch_works() {
    let root = folder();
    let mut agent = Agent::start();
    let twice = [file(1, 0, "a", 0o644, b"1"), file(1, 1, "a", 0o644, b"2")].concat();
    let both = [file(2, 0, "a", 0o644, b"1"), file(2, 1, "a/b", 0o644, b"2")].concat();
    let nested = [file(3, 0, "n/a", 0o644, b"1"), file(3, 1, "n/a/b", 0o644, b"2")].concat();
    let own = file(4, 0, ".a.tilt~", 0o644, b"1");
    let no_file = vec![FromHost::Data {
        batch: 5,
        entry: 3,
        bytes: Vec::new(),
    }];
    let mut rootless = file(6, 0, "a", 0o644, b"");
    if let FromHost::File { root, .. } = &mut rootless[0] {
        *root = 8;
    }
    for (batch, entries) in (1..).zip([twice, both, nested, own, no_file, rootless]) {
        let problems = agent.apply(batch, root.path(), &entries).unwrap_err();
        assert_eq!(problems[0].kind, Trouble::Misuse, "{problems:?}");
        agent.settle();
        assert_eq!(snapshot(root.path()).len(), 0, "{batch}");
    }
    agent.say(&[FromHost::Commit { batch: 7 }]);
    assert!(matches!(agent.next(), FromAgent::Refused { batch: 7, .. }));
    agent.say(&[FromHost::Keep { batch: 8 }]);
    assert!(matches!(agent.next(), FromAgent::Refused { batch: 8, .. }));
    agent.apply(9, root.path(), &file(9, 0, "a", 0o644, b"1")).unwrap();
}

#[test]
fn two_open_batches_do_not_take_one_anothers_files() {
    let root = folder();
    let mut agent = Agent::start();
    let mut first = vec![root_word(1, root.path())];
    first.extend(file(1, 0, "a", 0o644, b"first"));
    agent.say(&first);
    let problems = agent
        .apply(2, root.path(), &file(2, 0, "a", 0o644, b"second"))
        .unwrap_err();
    assert!(problems[0].text.contains("batch 1"), "{problems:?}");
    agent.apply(3, root.path(), &file(3, 0, "b", 0o644, b"third")).unwrap();
    agent.say(&[
        FromHost::Prepare { batch: 1 },
        FromHost::Commit { batch: 1 },
        FromHost::Keep { batch: 1 },
    ]);
    agent.committed(1).unwrap();
    agent.settle();
    assert_eq!(snapshot(root.path()).len(), 2);
}

#[test]
fn what_an_agent_before_left_over_is_cleaned_up() {
    let root = folder();
    fs::create_dir_all(root.path().join("d/.x.tilt~/y")).unwrap();
    fs::write(root.path().join(".a.tilt~"), "stale").unwrap();
    fs::create_dir(root.path().join(".b.tilt~")).unwrap();
    let outside = folder();
    fs::write(outside.path().join(".o.tilt~"), "not ours").unwrap();
    make_link(outside.path(), root.path().join("out")).unwrap();
    let mut agent = Agent::start();
    let entries = [file(1, 0, "a", 0o644, b"new"), file(1, 1, "b/c", 0o644, b"new")].concat();
    agent.apply(1, root.path(), &entries).unwrap();
    agent.settle();
    assert!(!root.path().join(".a.tilt~").exists() && !root.path().join(".b.tilt~").exists());
    let roots = vec![absolute(root.path()), absolute(&root.path().join("missing"))];
    agent.say(&[FromHost::Clean { id: 5, roots }]);
    assert_eq!(agent.next(), FromAgent::Cleaned { id: 5, removed: 1 });
    assert!(outside.path().join(".o.tilt~").exists());
    assert!(snapshot(root.path()).keys().all(|path| !path.contains("tilt~")));
}
