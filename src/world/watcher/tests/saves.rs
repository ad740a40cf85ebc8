//! What people and their editors do to files.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn a_saved_file_is_reported_once() {
    let mut bench = Bench::watching(&[("w/a", "1")]);
    bench.write("w/a", "2");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
    assert_eq!(bench.heard(), [""; 0]);
    assert_eq!(bench.batches, 2);
}

#[test]
fn an_atomic_save_is_a_change_of_the_final_path_alone() {
    let mut bench = Bench::watching(&[("w/a", "1")]);
    bench.write("w/a.tmp.4711", "2");
    bench.rename("w/a.tmp.4711", "w/a");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn what_editors_write_beside_a_file_is_no_change() {
    let mut bench = Bench::watching(&[("w/a", "1")]);
    // As vim saves with a backup.
    bench.write("w/4913", "");
    bench.remove("w/4913");
    bench.write("w/.a.swp", "x");
    bench.rename("w/a", "w/a~");
    bench.write("w/a", "2");
    bench.remove("w/a~");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn a_rewrite_with_the_same_bytes_is_no_change_though_only_seen_after_the_start() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/b", "1")]);
    bench.write("w/a", "1");
    bench.write("w/b.new", "1");
    bench.rename("w/b.new", "w/b");
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn a_change_that_keeps_size_and_times_is_a_change() {
    let mut bench = Bench::watching(&[("w/a", "1")]);
    let modified = fs::metadata(bench.path("w/a")).unwrap().modified().unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(bench.path("w/a")).unwrap();
    std::io::Write::write_all(&mut file, b"2").unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    assert_eq!(bench.heard(), ["w/a"]);
}

#[test]
fn a_mode_that_changes_is_a_change_and_one_that_does_not_is_none() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/b", "1")]);
    let mode = |path: &str, mode| fs::set_permissions(bench.path(path), fs::Permissions::from_mode(mode)).unwrap();
    let same = fs::metadata(bench.path("w/b")).unwrap().permissions().mode();
    mode("w/a", 0o755);
    mode("w/b", same);
    assert_eq!(bench.heard(), ["w/a"]);
}

#[test]
fn a_half_written_state_does_not_hide_the_final_one() {
    let mut bench = Bench::watching(&[("w/a", "first")]);
    bench.write("w/a", "");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
    bench.write("w/a", "first");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
}

#[test]
fn a_file_that_is_being_written_is_looked_at_when_it_is_closed() {
    let mut bench = Bench::with(Settle {
        quiet: Duration::ZERO,
        writing: Settle::default().lock,
        longest: Settle::default().lock,
        ..Settle::default()
    });
    bench.write("w/a", "1");
    bench.keep("w", &["w"], &[]);
    let mut file = fs::File::create(bench.path("w/a")).unwrap();
    let mut made = fs::File::create(bench.path("w/b")).unwrap();
    // The watcher has many turns.
    for turn in 0..50 {
        bench.keep(&format!("turn {turn}"), &["elsewhere"], &[]);
    }
    std::io::Write::write_all(&mut file, b"1").unwrap();
    std::io::Write::write_all(&mut made, b"1").unwrap();
    drop((file, made));
    assert_eq!(bench.heard(), ["w/b"]);
    assert_eq!(bench.batches, 1);
}

#[test]
fn a_removed_file_and_a_folder_that_takes_its_place_are_changes() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/b", "1")]);
    bench.remove("w/a");
    bench.remove("w/b");
    bench.write("w/b/c", "1");
    assert_eq!(bench.heard(), ["w/a", "w/b", "w/b/c"]);
    bench.remove("w/b");
    bench.write("w/b", "1");
    assert_eq!(bench.heard(), ["w/b", "w/b/c"]);
}

#[test]
fn a_renamed_folder_changes_all_that_was_in_it_and_is_watched_under_its_new_name() {
    let mut bench = Bench::watching(&[("w/a/x", "1"), ("w/a/deep/y", "1")]);
    bench.rename("w/a", "w/b");
    let expected = [
        "w/a",
        "w/a/deep",
        "w/a/deep/y",
        "w/a/x",
        "w/b",
        "w/b/deep",
        "w/b/deep/y",
        "w/b/x",
    ];
    assert_eq!(bench.heard(), expected);
    bench.write("w/b/deep/y", "2");
    assert_eq!(bench.heard(), ["w/b/deep/y"]);
    bench.rename("w/b", "w/a");
    bench.heard();
    bench.write("w/a/deep/y", "3");
    assert_eq!(bench.heard(), ["w/a/deep/y"]);
}

#[test]
fn new_folders_are_found_with_what_is_already_in_them() {
    let mut bench = Bench::watching(&[]);
    for round in 0..50 {
        bench.write(&format!("w/{round}/b/c"), "1");
    }
    let heard = bench.heard();
    let expected = (0..50).flat_map(|round| ["", "/b", "/b/c"].map(|end| format!("w/{round}{end}")));
    assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), expected.collect());
    bench.write("w/49/b/c", "2");
    assert_eq!(bench.heard(), ["w/49/b/c"]);
}

#[test]
fn a_folder_whose_times_change_is_no_change() {
    let mut bench = Bench::watching(&[("w/a/x", "1")]);
    bench.write("w/a/x~", "1");
    bench.remove("w/a/x~");
    fs::File::open(bench.path("w/a"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn a_pipe_that_is_called_like_a_repository_holds_nobody_up() {
    let mut bench = Bench::watching(&[("w/a", "1")]);
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = bench.path("w/.git");
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert_eq!(bench.heard(), ["w/.git"]);
    bench.write("w/a", "2");
    assert_eq!(bench.heard(), ["w/a"]);
}

#[test]
fn a_folder_whose_mode_changes_is_a_change() {
    use std::os::unix::fs::PermissionsExt;
    let mut bench = Bench::watching(&[("w/a/x", "1")]);
    let set = |bench: &Bench, mode| fs::set_permissions(bench.path("w/a"), fs::Permissions::from_mode(mode)).unwrap();
    set(&bench, 0o700);
    assert_eq!(bench.heard(), ["w/a"]);
    set(&bench, 0o700);
    assert_eq!(bench.heard(), [""; 0]);
}

#[test]
fn a_file_that_is_written_by_one_of_its_names_changes_by_all_of_them() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/d/x", "1")]);
    fs::hard_link(bench.path("w/a"), bench.path("w/d/b")).unwrap();
    assert_eq!(bench.heard(), ["w/d/b"]);
    bench.write("w/d/b", "2");
    assert_eq!(bench.heard(), ["w/a", "w/d/b"]);
    bench.write("w/a", "3");
    assert_eq!(bench.heard(), ["w/a", "w/d/b"]);
}

#[test]
fn links_inside_are_files_and_are_not_followed() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("other/x", "1")]);
    symlink(bench.path("other"), bench.path("w/link")).unwrap();
    assert_eq!(bench.heard(), ["w/link"]);
    bench.write("other/x", "2");
    assert_eq!(bench.heard(), [""; 0]);
    bench.remove("w/a");
    symlink("x", bench.path("w/a")).unwrap();
    assert_eq!(bench.heard(), ["w/a"]);
}

#[test]
fn a_name_that_is_not_utf_8_is_a_name() {
    use std::os::unix::ffi::OsStrExt;
    let mut bench = Bench::watching(&[]);
    let name = std::ffi::OsStr::from_bytes(b"a\xff\n");
    fs::write(bench.path("w").join(name), "1").unwrap();
    assert_eq!(bench.heard(), ["w/a\u{fffd}\n"]);
}
