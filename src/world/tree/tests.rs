//! Contexts on a real file system, and hashes that must never be of what was there before.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tempfile::TempDir;

use super::*;
use crate::model::digest::Hasher;
use crate::model::filter::Ignore;
use crate::world::clock::{self, Duration, SystemTime};

/// A context, and a folder for what is learned about it.
struct Scene {
    root: TempDir,
    cache: TempDir,
}

impl Scene {
    fn new(files: &[&str]) -> Scene {
        let scene = Scene {
            root: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        for file in files {
            scene.write(file, file);
        }
        scene
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn filter(&self, patterns: &[&str]) -> Filter {
        match patterns {
            [] => Filter::default(),
            patterns => Filter::new(&[Ignore::patterns(self.root.path(), patterns.iter().copied())]).unwrap(),
        }
    }

    fn walk(&self, patterns: &[&str]) -> Tree {
        Tree::walk(self.root.path(), &self.filter(patterns), &CancellationToken::new()).unwrap()
    }

    fn paths(&self, patterns: &[&str]) -> Vec<String> {
        self.walk(patterns)
            .entries
            .iter()
            .map(|it| it.path.to_string())
            .collect()
    }

    /// As a session that has just started.
    fn hashes(&self) -> Hashes {
        Hashes::open(self.cache.path().join("hashes"))
    }

    fn hashed(&self, hashes: &Hashes, patterns: &[&str]) -> (Tree, usize) {
        let mut tree = self.walk(patterns);
        let stop = CancellationToken::new();
        let work = hashes.hash(&mut tree, &self.filter(patterns), &stop).unwrap();
        (tree, work.files)
    }

    /// Returns when the times of the context's files would show a change. Nothing announces that a clock moves on.
    fn settle(&self) {
        let tree = self.walk(&[]);
        let newest = tree.entries.iter().map(|it| it.changed.max(it.modified)).max().unwrap();
        let settled = SystemTime::UNIX_EPOCH + Duration::from_nanos(newest.cast_unsigned()) + Duration::from_millis(21);
        while clock::today() < settled {
            std::thread::yield_now();
        }
    }

    fn cache_file(&self) -> PathBuf {
        let folder = self.cache.path().join("hashes");
        fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
    }
}

fn sha(content: &[u8]) -> Option<[u8; 32]> {
    let mut hasher = Hasher::new();
    hasher.update(content);
    Some(hasher.finish_bytes())
}

fn entry<'t>(tree: &'t Tree, path: &str) -> &'t Entry {
    tree.entries.iter().find(|it| &*it.path == path).expect(path)
}

fn set_modified(path: &Path, time: SystemTime) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

/// A folder so deep that the path of what is in it is longer than the kernel takes: nobody can read it, not even root.
fn too_deep(root: &Path) {
    let name = "n".repeat(250);
    let mut folder = walk::open_root(root).unwrap();
    for _ in 0..17 {
        rustix::fs::mkdirat(&folder, &name, 0o755.into()).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY;
        folder = rustix::fs::openat(&folder, &name, flags, rustix::fs::Mode::empty()).unwrap();
    }
}

// ---- walking --------------------------------------------------------------------------------------------------------

#[test]
fn a_tree_lists_each_folder_before_what_it_holds_in_the_order_of_bytes() {
    let scene = Scene::new(&["b", "a.c", "a/z", "a/b/c", "a-b", "é"]);
    symlink("nowhere/at all", scene.path("link")).unwrap();
    fs::create_dir(scene.path("empty")).unwrap();
    let expected = ["a", "a/b", "a/b/c", "a/z", "a-b", "a.c", "b", "empty", "link", "é"];
    let mut bytewise = expected;
    bytewise[4..].sort_unstable();
    assert_eq!(scene.paths(&[]), bytewise);
    let tree = scene.walk(&[]);
    assert!(tree.entries.is_sorted_by(|a, b| a.order(b).is_lt()));
    assert_eq!(
        entry(&tree, "link").kind,
        Kind::Link {
            target: "nowhere/at all".into()
        }
    );
    assert_eq!(entry(&tree, "a/b/c").kind, Kind::File { size: 5 });
    assert_eq!(entry(&tree, "empty").kind, Kind::Folder);
}

#[test]
fn a_large_tree_is_listed_by_several_threads_in_the_same_order() {
    let names: Vec<String> = (0..3000).map(|i| format!("{}/{}/{i}", i % 40, i % 7)).collect();
    let scene = Scene::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let tree = scene.walk(&[]);
    assert_eq!(tree.entries.len(), 3000 + 40 + 280);
    assert!(tree.entries.is_sorted_by(|a, b| a.order(b).is_lt()));
}

#[test]
fn entries_tell_what_the_file_system_tells() {
    let scene = Scene::new(&["tool"]);
    fs::set_permissions(scene.path("tool"), Permissions::from_mode(0o4751)).unwrap();
    let (tree, metadata) = (scene.walk(&[]), fs::metadata(scene.path("tool")).unwrap());
    let found = entry(&tree, "tool");
    assert_eq!(found.mode, 0o4751);
    assert_eq!((found.inode, found.device), (metadata.ino(), metadata.dev()));
    assert_eq!(found.modified, metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec());
    assert_eq!(found.changed, metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec());
}

#[test]
fn what_is_left_out_is_not_listed_and_folders_only_for_what_is_taken_back() {
    let scene = Scene::new(&[
        "src/a",
        "src/b.log",
        "logs/keep/x",
        "logs/y",
        "logs/deep/z",
        "node_modules/m",
    ]);
    fs::create_dir(scene.path("logs/keep/hollow")).unwrap();
    let patterns = ["**/*.log", "logs", "!logs/keep/x", "node_modules"];
    assert_eq!(
        scene.paths(&patterns),
        ["logs", "logs/keep", "logs/keep/x", "src", "src/a"]
    );
    assert_eq!(scene.paths(&["**", "!src"]), ["src", "src/a", "src/b.log"]);
    assert_eq!(scene.paths(&["**"]), Vec::<String>::new());
}

/// Names of folders that were opened while `look` ran.
fn opened(folders: &[PathBuf], look: impl FnOnce()) -> Vec<usize> {
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let ids: Vec<i32> = folders
        .iter()
        .map(|folder| inotify::add_watch(&watch, folder, WatchFlags::OPEN).unwrap())
        .collect();
    look();
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(&watch, &mut buffer);
    let mut found = Vec::new();
    while let Ok(event) = reader.next() {
        found.extend(ids.iter().position(|id| *id == event.wd()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn an_ignored_directory_is_never_opened() {
    let scene = Scene::new(&["src/a", "node_modules/a/b", "out/keep/x", "out/other/y"]);
    let folders = ["src", "node_modules", "node_modules/a", "out", "out/keep", "out/other"].map(|it| scene.path(it));
    let patterns = ["node_modules", "out", "!out/keep"];
    let seen = opened(&folders, || drop(scene.hashed(&scene.hashes(), &patterns)));
    assert_eq!(seen, [0, 3, 4]);
    let seen = opened(&folders, || drop(scene.walk(&["**", "!src"])));
    assert_eq!(seen, [0]);
}

#[test]
fn a_loop_of_links_is_a_link_and_nothing_more() {
    let scene = Scene::new(&["a/f"]);
    symlink("..", scene.path("a/up")).unwrap();
    symlink("self", scene.path("self")).unwrap();
    assert_eq!(scene.paths(&[]), ["a", "a/f", "a/up", "self"]);
    let (tree, read) = scene.hashed(&scene.hashes(), &[]);
    assert_eq!((tree.whole(), read), (Ok(()), 1));
}

#[test]
fn sockets_and_pipes_are_passed_over_and_named() {
    let scene = Scene::new(&["a"]);
    let _socket = UnixListener::bind(scene.path("socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scene.path("pipe"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let mut tree = scene.walk(&[]);
    tree.skipped.sort();
    assert_eq!(tree.skipped, ["pipe".into(), "socket".into()]);
    assert_eq!(scene.paths(&[]), ["a"]);
}

#[test]
fn a_name_that_is_no_text_is_a_fault_unless_it_is_left_out() {
    let scene = Scene::new(&["a"]);
    fs::write(scene.root.path().join(OsStr::from_bytes(b"b\xff.bin")), "").unwrap();
    symlink(OsStr::from_bytes(b"\xfe"), scene.path("link")).unwrap();
    let tree = scene.walk(&[]);
    let mut faults: Vec<String> = tree.faults.iter().map(Fault::to_string).collect();
    faults.sort();
    let root = scene.root.path().display();
    let expected = [
        format!("`{root}/b\u{fffd}.bin` cannot be sent: its name is not UTF-8"),
        format!("`{root}/link` cannot be sent: what it links to is not UTF-8"),
    ];
    assert_eq!(faults, expected);
    assert!(tree.whole().is_err());
    assert_eq!(scene.walk(&["*.bin", "link"]).whole(), Ok(()));
}

#[test]
fn a_root_that_is_no_folder_is_named() {
    let scene = Scene::new(&["file"]);
    let error = |path: &str| {
        let walked = Tree::walk(&scene.path(path), &Filter::default(), &CancellationToken::new());
        walked.unwrap_err().to_string()
    };
    let root = scene.root.path().display();
    assert_eq!(error("gone"), format!("there is no folder `{root}/gone`"));
    assert_eq!(error("file"), format!("`{root}/file` is not a folder"));
}

#[test]
fn a_root_behind_a_link_is_walked() {
    let scene = Scene::new(&["real/a"]);
    symlink("real", scene.path("link")).unwrap();
    let tree = Tree::walk(&scene.path("link"), &Filter::default(), &CancellationToken::new()).unwrap();
    assert_eq!(tree.entries.len(), 1);
}

#[test]
fn what_cannot_be_read_is_a_fault_that_names_it_and_the_rest_is_known() {
    let scene = Scene::new(&["a", "b"]);
    too_deep(scene.root.path());
    let (tree, read) = scene.hashed(&scene.hashes(), &[]);
    assert_eq!(read, 2);
    let fault = tree.whole().unwrap_err();
    assert!(
        fault.to_string().ends_with("cannot be read: file name too long"),
        "{fault}"
    );
    assert_eq!(scene.walk(&["n*"]).whole(), Ok(()));
    // Depth alone cannot be removed with a path either.
    let name = "n".repeat(250);
    let top = walk::open_root(scene.root.path()).unwrap();
    for depth in (0..17).rev() {
        let mut folder = rustix::io::dup(&top).unwrap();
        for _ in 0..depth {
            let flags = rustix::fs::OFlags::DIRECTORY;
            folder = rustix::fs::openat(&folder, &name, flags, rustix::fs::Mode::empty()).unwrap();
        }
        rustix::fs::unlinkat(&folder, &name, rustix::fs::AtFlags::REMOVEDIR).unwrap();
    }
}

#[test]
fn walking_and_hashing_end_when_they_are_canceled() {
    let scene = Scene::new(&["a"]);
    let stop = CancellationToken::new();
    let mut tree = scene.walk(&[]);
    stop.cancel();
    let walked = Tree::walk(scene.root.path(), &Filter::default(), &stop);
    assert_eq!(walked.map(drop), Err(TreeError::Cancelled));
    let hashed = scene.hashes().hash(&mut tree, &Filter::default(), &stop);
    assert_eq!(hashed, Err(TreeError::Cancelled));
}

// ---- hashing --------------------------------------------------------------------------------------------------------

#[test]
fn a_file_is_read_once_also_after_a_restart() {
    let scene = Scene::new(&["a", "b/c"]);
    scene.settle();
    let hashes = scene.hashes();
    let (tree, read) = scene.hashed(&hashes, &[]);
    assert_eq!(read, 2);
    assert_eq!(entry(&tree, "b/c").hash, sha(b"b/c"));
    assert_eq!(scene.hashed(&hashes, &[]).1, 0);
    hashes.save().unwrap();
    let (again, read) = scene.hashed(&scene.hashes(), &[]);
    assert_eq!((again.entries, read), (tree.entries, 0));
}

#[test]
fn a_file_that_changed_within_the_clocks_granularity_is_hashed_again() {
    let scene = Scene::new(&["a"]);
    let hashes = scene.hashes();
    let time = fs::metadata(scene.path("a")).unwrap().modified().unwrap();
    for round in 0..200 {
        let content = format!("{round:03}");
        scene.write("a", &content);
        set_modified(&scene.path("a"), time);
        let (tree, _) = scene.hashed(&hashes, &[]);
        assert_eq!(entry(&tree, "a").hash, sha(content.as_bytes()), "round {round}");
    }
}

#[test]
fn times_that_prove_nothing_are_not_relied_upon() {
    let scene = Scene::new(&["future", "whole-seconds", "plain"]);
    scene.settle();
    set_modified(&scene.path("future"), clock::today() + Duration::from_secs(3600));
    set_modified(
        &scene.path("whole-seconds"),
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    );
    let hashes = scene.hashes();
    assert_eq!(scene.hashed(&hashes, &[]).1, 3);
    // The second one was touched less than two seconds ago on a file system that seems to count in seconds.
    assert_eq!(scene.hashed(&hashes, &["plain"]).1, 2);
    assert_eq!(scene.hashed(&hashes, &["future", "whole-seconds"]).1, 0);
}

#[test]
fn a_change_of_the_same_size_with_its_time_set_back_is_noticed() {
    let scene = Scene::new(&["a"]);
    scene.settle();
    let hashes = scene.hashes();
    scene.hashed(&hashes, &[]);
    assert_eq!(scene.hashed(&hashes, &[]).1, 0);
    let time = fs::metadata(scene.path("a")).unwrap().modified().unwrap();
    scene.write("a", "b");
    set_modified(&scene.path("a"), time);
    let (tree, read) = scene.hashed(&hashes, &[]);
    assert_eq!((entry(&tree, "a").hash, read), (sha(b"b"), 1));
}

#[test]
fn another_file_in_its_place_is_read_though_size_and_time_are_the_same() {
    let scene = Scene::new(&["a", "out/b"]);
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001);
    set_modified(&scene.path("a"), time);
    scene.write("out/b", "b");
    set_modified(&scene.path("out/b"), time);
    scene.settle();
    let hashes = scene.hashes();
    scene.hashed(&hashes, &[]);
    fs::rename(scene.path("out/b"), scene.path("a")).unwrap();
    assert_eq!(entry(&scene.hashed(&hashes, &[]).0, "a").hash, sha(b"b"));
}

#[test]
fn a_file_that_vanishes_before_it_is_read_is_left_out() {
    let scene = Scene::new(&["a", "b", "c/d"]);
    let mut tree = scene.walk(&[]);
    fs::remove_file(scene.path("b")).unwrap();
    fs::remove_dir_all(scene.path("c")).unwrap();
    let stop = CancellationToken::new();
    scene.hashes().hash(&mut tree, &Filter::default(), &stop).unwrap();
    let paths: Vec<_> = tree.entries.iter().map(|it| &*it.path).collect();
    assert_eq!((paths, tree.whole()), (vec!["a", "c"], Ok(())));
}

#[test]
fn a_file_that_grew_since_it_was_listed_is_known_as_it_is_now() {
    let scene = Scene::new(&["a"]);
    let mut tree = scene.walk(&[]);
    scene.write("a", "much more");
    let stop = CancellationToken::new();
    scene.hashes().hash(&mut tree, &Filter::default(), &stop).unwrap();
    assert_eq!(tree.entries, scene.hashed(&scene.hashes(), &[]).0.entries);
    assert_eq!(entry(&tree, "a").kind, Kind::File { size: 9 });
}

#[test]
fn a_file_that_is_never_of_the_size_that_it_says_is_a_fault() {
    // The kernel makes up what is in these while they are read, and says that they are empty.
    let root = Path::new("/proc/sys/kernel/random");
    let stop = CancellationToken::new();
    let mut tree = Tree::walk(root, &Filter::default(), &stop).unwrap();
    let cache = tempfile::tempdir().unwrap();
    Hashes::open(cache.path())
        .hash(&mut tree, &Filter::default(), &stop)
        .unwrap();
    let fault = tree.faults.iter().find(|it| &*it.path == "boot_id").expect("a fault");
    assert_eq!(
        fault.to_string(),
        "`/proc/sys/kernel/random/boot_id` changes while it is read"
    );
    assert_eq!(entry(&tree, "boot_id").hash, None);
}

#[test]
fn further_names_of_a_file_name_the_first_and_are_not_read() {
    let scene = Scene::new(&["a"]);
    fs::hard_link(scene.path("a"), scene.path("b")).unwrap();
    fs::hard_link(scene.path("a"), scene.path("c")).unwrap();
    let (tree, read) = scene.hashed(&scene.hashes(), &[]);
    let links: Vec<_> = tree.entries.iter().map(|it| it.hard_link.as_deref()).collect();
    assert_eq!(links, [None, Some("a"), Some("a")]);
    assert_eq!((read, entry(&tree, "c").hash), (1, sha(b"a")));
    let (tree, _) = scene.hashed(&scene.hashes(), &["a"]);
    assert_eq!(entry(&tree, "c").hard_link.as_deref(), Some("b"));
    assert_eq!(
        entry(&scene.hashed(&scene.hashes(), &["a", "b"]).0, "c").hard_link,
        None
    );
}

#[test]
fn where_the_first_name_of_a_file_vanishes_the_next_one_is_read() {
    let scene = Scene::new(&["a"]);
    fs::hard_link(scene.path("a"), scene.path("b")).unwrap();
    fs::hard_link(scene.path("a"), scene.path("c")).unwrap();
    let mut tree = scene.walk(&[]);
    fs::remove_file(scene.path("a")).unwrap();
    let stop = CancellationToken::new();
    scene.hashes().hash(&mut tree, &Filter::default(), &stop).unwrap();
    let shown: Vec<_> = tree
        .entries
        .iter()
        .map(|it| (&*it.path, it.hard_link.as_deref(), it.hash))
        .collect();
    assert_eq!(shown, [("b", None, sha(b"a")), ("c", Some("b"), sha(b"a"))]);
}

#[test]
fn images_that_see_different_parts_of_a_context_share_what_is_known() {
    let scene = Scene::new(&["a", "b", "c"]);
    scene.settle();
    let hashes = scene.hashes();
    assert_eq!(scene.hashed(&hashes, &["c"]).1, 2);
    assert_eq!(scene.hashed(&hashes, &["a"]).1, 1);
    assert_eq!(scene.hashed(&hashes, &["c"]).1, 0);
    assert_eq!(scene.hashed(&hashes, &[]).1, 0);
}

#[test]
fn what_is_gone_is_forgotten_and_what_another_image_sees_is_not() {
    let names: Vec<String> = (0..100).map(|i| format!("gone/{i}")).collect();
    let scene = Scene::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    scene.write("other", "");
    scene.settle();
    let hashes = scene.hashes();
    scene.hashed(&hashes, &[]);
    hashes.save().unwrap();
    let before = fs::metadata(scene.cache_file()).unwrap().len();
    fs::remove_dir_all(scene.path("gone")).unwrap();
    (0..100).for_each(|i| scene.write(&format!("new/{i}"), "x"));
    scene.settle();
    scene.hashed(&hashes, &["other"]);
    hashes.save().unwrap();
    let after = fs::metadata(scene.cache_file()).unwrap().len();
    assert!(after <= before, "{before} bytes became {after}");
    assert_eq!(scene.hashed(&scene.hashes(), &[]).1, 0);
}

#[test]
fn a_damaged_or_strange_cache_means_that_everything_is_read() {
    let scene = Scene::new(&["a", "b"]);
    scene.settle();
    let hashes = scene.hashes();
    scene.hashed(&hashes, &[]);
    hashes.save().unwrap();
    let file = scene.cache_file();
    let whole = fs::read(&file).unwrap();
    assert_eq!(scene.hashed(&scene.hashes(), &[]).1, 0);
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        assert_eq!(scene.hashed(&scene.hashes(), &[]).1, 2, "the first {length} bytes");
    }
    fs::write(&file, [b"another form", &whole[..]].concat()).unwrap();
    let cold = scene.hashes();
    assert_eq!(scene.hashed(&cold, &[]).1, 2);
    cold.save().expect("a damaged file is replaced");
    assert_eq!(scene.hashed(&scene.hashes(), &[]).1, 0);
}

#[test]
fn a_cache_of_another_context_is_never_taken_for_this_one() {
    let (one, other) = (Scene::new(&["a"]), Scene::new(&["a"]));
    one.settle();
    other.settle();
    let hashes = one.hashes();
    one.hashed(&hashes, &[]);
    hashes.save().unwrap();
    assert_eq!(other.hashed(&one.hashes(), &[]).1, 1);
}

#[test]
fn two_processes_that_save_at_once_leave_a_whole_cache() {
    let scene = Scene::new(&["a", "b"]);
    scene.settle();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let hashes = scene.hashes();
                    scene.hashed(&hashes, &[]);
                    hashes.save().unwrap();
                }
            });
        }
    });
    assert_eq!(scene.hashed(&scene.hashes(), &[]).1, 0);
}

#[test]
fn images_of_one_session_hash_at_once_and_read_every_file_once() {
    let names: Vec<String> = (0..50).map(|i| i.to_string()).collect();
    let scene = Scene::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    scene.settle();
    let hashes = scene.hashes();
    let read: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| scene.hashed(&hashes, &[]).1)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(read, 50);
}

#[test]
fn a_tree_is_as_before_unless_something_happened_even_if_it_was_undone() {
    let scene = Scene::new(&["a", "b/c"]);
    scene.settle();
    let hashes = scene.hashes();
    let before = scene.hashed(&hashes, &["left-out"]).0;
    scene.write("left-out", "changes the times of a folder");
    assert!(scene.hashed(&hashes, &["left-out"]).0.is_as_before(&before));
    let time = fs::metadata(scene.path("a")).unwrap().modified().unwrap();
    scene.write("a", "x");
    scene.write("a", "a");
    set_modified(&scene.path("a"), time);
    assert!(!scene.hashed(&hashes, &["left-out"]).0.is_as_before(&before));
}
