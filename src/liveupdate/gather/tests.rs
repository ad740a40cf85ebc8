//! What files come to when they are read for a container.

use std::os::unix::fs::symlink;

use super::*;
use crate::model::live::Sync;

fn copy_of(local: &Path, root: &str, below: &str) -> Copied {
    Copied {
        local: local.to_owned(),
        root: root.to_owned(),
        below: below.into(),
        ..Copied::default()
    }
}

fn paths(gathered: &Gathered) -> Vec<String> {
    let changes = gathered.batch.changes.iter();
    let shown = changes.map(|change| {
        let root = &gathered.batch.roots[change.root()].path;
        let word = match change {
            Change::File { .. } => "file",
            Change::Dir { .. } => "dir",
            Change::Symlink { .. } => "link",
            Change::HardLink { .. } => "same",
            Change::Delete { .. } => "gone",
        };
        format!("{word} {root} {}", String::from_utf8_lossy(change.path()))
    });
    shown.collect()
}

#[test]
fn a_file_goes_to_the_file_that_its_sync_names_or_into_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.conf");
    fs::write(&file, "x").unwrap();
    let named = |root: &str| paths(&gather(&[copy_of(&file, root, "")]).unwrap());
    assert_eq!(named("/etc/app/b.conf"), ["file /etc/app b.conf"]);
    assert_eq!(named("/etc/app/"), ["file /etc/app a.conf"]);
    assert_eq!(named("/b.conf"), ["file / b.conf"]);
}

#[test]
fn what_is_gone_is_deleted_there_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lib/a.js");
    let gathered = gather(&[copy_of(&file, "/app", "lib/a.js")]).unwrap();
    assert_eq!(paths(&gathered), ["gone /app lib/a.js"]);
    assert_eq!(gathered.deletions, ["/app/lib/a.js"]);
}

#[test]
fn directories_links_and_files_with_two_names_are_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("d")).unwrap();
    fs::write(path("one"), "1").unwrap();
    fs::hard_link(path("one"), path("two")).unwrap();
    symlink("one", path("l")).unwrap();
    let names = ["d", "l", "one", "two"];
    let copies: Vec<Copied> = names.iter().map(|name| copy_of(&path(name), "/app", name)).collect();
    let gathered = gather(&copies).unwrap();
    assert_eq!(
        paths(&gathered),
        ["dir /app d", "link /app l", "file /app one", "same /app two"]
    );
    assert_eq!(gathered.batch.roots.len(), 1);
    assert_eq!(gathered.copies.len(), 3, "directories are not worth a line");
}

#[test]
fn a_large_file_is_read_later_and_a_pipe_never() {
    let folder = tempfile::tempdir().unwrap();
    let large = folder.path().join("large");
    fs::write(&large, vec![7; SMALL as usize + 1]).unwrap();
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let gathered = gather(&[copy_of(&large, "/app", "large"), copy_of(&pipe, "/app", "pipe")]).unwrap();
    assert!(matches!(
        &gathered.batch.changes[..],
        [
            Change::File {
                content: Content::Local(_),
                ..
            },
            // What it replaced is gone.
            Change::Delete { .. }
        ]
    ));
    assert_eq!(gathered.left, [pipe]);
}

#[test]
fn what_is_below_something_that_is_no_directory_any_more_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("src")).unwrap();
    fs::write(path("src/f"), "another one").unwrap();
    symlink("src", path("link")).unwrap();
    fs::write(path("file"), "").unwrap();
    let names = ["file", "file/f", "gone", "gone/f", "gone/f/g", "link", "link/f", "src"];
    let copies: Vec<Copied> = names.iter().map(|name| copy_of(&path(name), "/app", name)).collect();
    let gathered = gather(&copies).unwrap();
    assert_eq!(
        paths(&gathered),
        ["file /app file", "gone /app gone", "link /app link", "dir /app src"]
    );
    assert_eq!(gathered.outdated(), []);
    // A link that is left out says nothing itself.
    let gathered = gather(&[copy_of(&path("link/f"), "/app", "link/f")]).unwrap();
    assert_eq!(paths(&gathered), ["gone /app link/f"]);
    assert_eq!(gathered.outdated(), []);
}

#[test]
fn what_changes_after_it_was_read_is_outdated() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("d")).unwrap();
    for name in ["same", "written", "removed"] {
        fs::write(path(name), "1").unwrap();
    }
    let names = ["absent", "appeared", "d", "removed", "same", "written"];
    let copies: Vec<Copied> = names.iter().map(|name| copy_of(&path(name), "/app", name)).collect();
    let gathered = gather(&copies).unwrap();
    assert_eq!(gathered.outdated(), []);
    fs::write(path("d/x"), "a directory is no other by what is in it").unwrap();
    fs::write(path("appeared"), "1").unwrap();
    fs::write(path("written"), "22").unwrap();
    fs::remove_file(path("removed")).unwrap();
    let outdated: Vec<_> = gathered.outdated().into_iter().map(|copied| copied.below).collect();
    assert_eq!(outdated, ["appeared", "removed", "written"].map(PathBuf::from));
}

#[test]
fn everything_is_what_is_synced_without_what_is_left_out_and_missing_paths_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("web/node_modules/x")).unwrap();
    fs::write(path("web/a.js"), "a").unwrap();
    fs::write(path("web/node_modules/x/b.js"), "b").unwrap();
    fs::write(path("other"), "o").unwrap();
    let sync = |local: &str, container: &str| Sync {
        local: local.to_owned(),
        container: container.to_owned(),
        ..Sync::default()
    };
    let rules = LiveUpdate {
        base: folder.path().to_owned(),
        syncs: vec![sync("web", "/app"), sync("nowhere", "/n")],
        ..LiveUpdate::default()
    };
    let ignores = [Ignore::patterns(folder.path(), ["**/node_modules"])];
    let (found, missing) = everything(&rules, &ignores);
    let found: Vec<&Path> = found.iter().map(|copied| copied.local.as_path()).collect();
    assert_eq!(found, [path("web"), path("web/a.js")]);
    assert_eq!(missing, [path("nowhere")]);
}
