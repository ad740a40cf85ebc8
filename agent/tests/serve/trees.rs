//! Random trees made of one another: after each batch the container's tree is the host's, byte and mode, or the one before.

use crate::support::*;
use std::path::Path;
use tilt_agent::wire::{FromAgent, FromHost};

const NAMES: [&str; 4] = ["a", "b", "cc", "d.txt"];

/// A random tree.
fn grow(dice: &mut Dice, at: &str, depth: usize, tree: &mut Snapshot) {
    for name in NAMES {
        let path = if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}/{name}")
        };
        match dice.below(7) {
            0 | 1 => {
                let length = dice.of(&[0, 1, 10, 70_000]);
                let content = vec![dice.below(3) as u8; length];
                tree.insert(path, Node::File(dice.of(&[0o644, 0o755, 0o600, 0o444]), content));
            }
            2 if at.is_empty() || depth < 3 => {
                drop(tree.insert(path, Node::Link(dice.of(&["x", "a", "..", "nowhere/at"]).to_owned())))
            }
            3 | 4 if depth < 3 => {
                tree.insert(path.clone(), Node::Dir(dice.of(&[0o755, 0o700, 0o775])));
                grow(dice, &path, depth + 1, tree);
            }
            _ => {}
        }
    }
}

/// What makes one tree of another.
fn entries(batch: u32, from: &Snapshot, to: &Snapshot) -> Vec<FromHost> {
    let mut entries = Vec::new();
    for (index, (path, node)) in to.iter().enumerate() {
        let was = from.get(path);
        match node {
            same if was == Some(same) => {}
            Node::File(mode, content) => match was {
                Some(Node::File(_, before)) if before == content => entries.push(FromHost::Same {
                    batch,
                    entry: 0,
                    root: 0,
                    path: beneath(path),
                    mode: *mode,
                    size: content.len() as u64,
                    sha256: sha256(content),
                }),
                _ => entries.extend(file(batch, index as u32, path, *mode, content)),
            },
            Node::Dir(mode) => entries.push(dir(batch, path, *mode)),
            Node::Link(target) => entries.push(symlink(batch, path, target)),
            Node::Other => unreachable!("no test makes one"),
        }
    }
    for path in from.keys().filter(|path| !to.contains_key(*path)) {
        // What was in a directory that is none any more goes with it.
        let parent = path.rsplit_once('/').map(|(parent, _)| parent);
        let stays = parent.is_none_or(|parent| {
            matches!(
                (from.get(parent), to.get(parent)),
                (Some(Node::Dir(_)), Some(Node::Dir(_)))
            )
        });
        if stays {
            entries.push(delete(batch, path));
        }
    }
    entries
}

#[test]
fn a_tree_becomes_any_other_tree_or_stays_as_it_is() {
    let user = is_root().then_some(NOBODY);
    let agents: [(&[&str], Option<u32>); 5] = [
        (&[], None),
        (&[], user),
        (&["openat2"], None),
        (&["exchange"], user),
        (&["openat2", "exchange"], None),
    ];
    for (number, (without, user)) in agents.into_iter().enumerate() {
        let root = folder();
        if let Some(user) = user {
            std::os::unix::fs::chown(root.path(), Some(user), Some(user)).unwrap();
        }
        let mut agent = Agent::with(without, user);
        let mut dice = Dice(0x0dd + number as u64);
        let mut now = Snapshot::new();
        for batch in 0..cases(60) as u32 {
            let mut next = Snapshot::new();
            grow(&mut dice, "", 0, &mut next);
            let mut entries = entries(batch, &now, &next);
            if dice.below(2) == 0 {
                entries.insert(0, offer(batch));
            }
            match dice.below(4) {
                0 => {
                    agent.say(&whole(batch, root.path(), &entries, FromHost::Undo { batch }));
                    agent.committed(batch).unwrap();
                    let undone = agent.next();
                    assert_eq!(
                        undone,
                        FromAgent::Undone {
                            batch,
                            problems: Vec::new()
                        }
                    );
                }
                1 => {
                    let mut wrong = file(batch, 99_999, "wrong", 0o644, b"x");
                    wrong.truncate(1);
                    agent.apply(batch, root.path(), &[entries, wrong].concat()).unwrap_err();
                }
                _ => {
                    agent.apply(batch, root.path(), &entries).unwrap();
                    now = next;
                }
            }
            agent.settle();
            assert_eq!(snapshot(root.path()), now, "batch {batch} of {without:?} as {user:?}");
        }
    }
}

/// Of a large batch small files are written by several threads.
#[derive(Clone, Copy)]
enum Size {
    Small,
    Large,
}

/// A batch of everything, and the tree that it begins with.
fn everything(root: &Path, size: Size) -> Vec<FromHost> {
    std::fs::create_dir_all(root.join("dir/in")).unwrap();
    std::fs::write(root.join("dir/in/f"), "f").unwrap();
    std::fs::write(root.join("old"), "old").unwrap();
    std::fs::write(root.join("gone"), "gone").unwrap();
    let mut entries = match size {
        Size::Small => Vec::new(),
        Size::Large => vec![offer(1)],
    };
    entries.extend(file(1, 0, "old", 0o755, b"new content"));
    entries.extend(file(1, 1, "new/deep/file", 0o600, b"12345"));
    entries.push(symlink(1, "link", "old"));
    entries.extend(file(1, 2, "dir", 0o644, b"no directory"));
    entries.push(delete(1, "gone"));
    entries
}

#[test]
fn a_stream_cut_at_any_byte_leaves_one_tree_or_the_other() {
    cut_anywhere(Size::Small);
    cut_anywhere(Size::Large);
}

fn cut_anywhere(size: Size) {
    let after = {
        let root = folder();
        let entries = everything(root.path(), size);
        let mut agent = Agent::start();
        agent.apply(1, root.path(), &entries).unwrap();
        agent.settle();
        snapshot(root.path())
    };
    let length = {
        let root = folder();
        let words = whole(
            1,
            root.path(),
            &everything(root.path(), size),
            FromHost::Keep { batch: 1 },
        );
        frames(&words).len()
    };
    let mut kept = 0;
    for cut in 0..=length {
        let root = folder();
        let entries = everything(root.path(), size);
        let before = snapshot(root.path());
        let words = whole(1, root.path(), &entries, FromHost::Keep { batch: 1 });
        let bytes = frames(&words);
        let mut agent = Agent::with(if cut % 2 == 0 { &[] } else { &["exchange"] }, None);
        agent.write(&bytes[..cut.min(bytes.len())]);
        agent.hang_up();
        let found = snapshot(root.path());
        assert!(found == before || found == after, "cut at {cut}: {found:?}");
        kept += usize::from(found == after);
    }
    // Commit came whole, or Keep as well: a frame of five bytes and its length.
    assert!((1..=12).contains(&kept), "{kept}");
}

#[test]
fn an_agent_killed_at_any_time_leaves_nothing_that_the_next_one_does_not_mend() {
    let mut dice = Dice(99);
    for _ in 0..cases(40) {
        let root = folder();
        let entries = everything(root.path(), dice.of(&[Size::Small, Size::Large]));
        let mut agent = Agent::start();
        let bytes = frames(&whole(1, root.path(), &entries, FromHost::Keep { batch: 1 }));
        agent.write(&bytes[..dice.below(bytes.len() + 1)]);
        drop(agent);
        let mut agent = Agent::start();
        agent.apply(1, root.path(), &entries).unwrap();
        agent.say(&[FromHost::Clean {
            id: 1,
            roots: vec![absolute(root.path())],
        }]);
        assert!(matches!(agent.next(), FromAgent::Cleaned { .. }));
        let found = snapshot(root.path());
        assert!(found.keys().all(|path| !path.contains("tilt~")), "{found:?}");
        assert_eq!(found["old"], Node::File(0o755, b"new content".to_vec()));
        assert!(!found.contains_key("gone"));
    }
}
