//! Storms, locks, lost events and limits.

use super::*;
use crate::world::clock;
use crate::world::watcher::files::Files;
use crate::world::watcher::interest::Turn;
use crate::world::watcher::kernel::inject_rescan;
use rustix::io::Errno;

#[test]
fn a_storm_is_a_few_batches_and_complete() {
    // So much silence that a busy machine does not make it.
    let mut bench = Bench::with(Settle {
        quiet: Duration::from_millis(100),
        widest: Duration::from_millis(500),
        ..Settle::default()
    });
    bench.folder("w");
    bench.keep("w", &["w"], &[]);
    for file in 0..5_000 {
        bench.write(&format!("w/{}/f{file}", file % 50), "1");
    }
    let heard = bench.heard();
    assert_eq!(heard.len(), 5_050);
    assert!(bench.batches <= 20, "{} batches", bench.batches);
}

#[test]
fn a_full_queue_of_the_kernel_loses_no_change() {
    let mut bench = Bench::watching(&[("w/gone/x", "1"), ("w/same", "1"), ("w/other", "1")]);
    let inbox = Arc::clone(&bench.inbox);
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let held = inbox.gate.lock().unwrap();
    // Different files each, so that the kernel cannot take one event for the one before it.
    for round in 0..limit / 2 {
        bench.write(&format!("w/flood{}", round % 2_000), &round.to_string());
    }
    bench.remove("w/gone");
    bench.write("w/new/deep/x", "1");
    bench.write("w/other", "2");
    drop(held);
    let mut all = Changes::new();
    while !bench
        .others
        .iter()
        .any(|event| matches!(event, WatchEvent::Overflowed { .. }))
    {
        bench.gather(&mut all);
    }
    bench.write("w/new/deep/y", "1");
    bench.gather_until(&mut all, "w/new/deep/y");
    let mut heard = all.remove("w").unwrap();
    for file in 0..2_000 {
        assert!(heard.remove(&format!("w/flood{file}")), "{file}");
    }
    let expected = [
        "w/gone",
        "w/gone/x",
        "w/new",
        "w/new/deep",
        "w/new/deep/x",
        "w/new/deep/y",
        "w/other",
    ];
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), expected);
    assert!(bench.causes.iter().any(|cause| matches!(cause, Cause::Rescan { .. })));
}

#[test]
fn a_rescan_that_finds_nothing_reports_nothing() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/b/c", "1")]);
    inject_rescan(&bench.inbox);
    assert_eq!(bench.heard(), [""; 0]);
    let overflowed = |event: &WatchEvent| matches!(event, WatchEvent::Overflowed { .. });
    assert!(bench.others.iter().any(overflowed), "{:?}", bench.others);
}

#[test]
fn a_lock_of_the_index_holds_changes_back_until_it_is_gone() {
    let mut bench = Bench::new();
    bench.write("w/.git/HEAD", "");
    bench.write("w/sub/a", "1");
    bench.keep("w", &["w/sub"], &[]);
    bench.write("w/.git/index.lock", "");
    bench.write("w/sub/a", "2");
    let unlocked = {
        let (lock, started) = (bench.path("w/.git/index.lock"), clock::now());
        std::thread::spawn(move || {
            while started.elapsed() < Duration::from_millis(300) {
                std::thread::yield_now();
            }
            fs::remove_file(lock).unwrap();
            clock::now()
        })
    };
    assert_eq!(bench.until("w", "w/sub/a"), changes(&[]));
    let now = clock::now();
    assert!(unlocked.join().unwrap() <= now);
    assert_eq!(bench.batches, 1);
}

#[test]
fn a_lock_that_stays_holds_changes_back_no_longer_than_its_cap() {
    let settle = Settle {
        lock: Duration::from_millis(50),
        ..Settle::default()
    };
    let mut bench = Bench::with(settle);
    bench.write("w/.git/index.lock", "");
    bench.write("w/a", "1");
    bench.keep("w", &["w"], &["w/.git"]);
    bench.write("w/a", "2");
    assert_eq!(bench.until("w", "w/a"), changes(&[]));
}

#[test]
fn a_file_that_stays_open_is_looked_at_all_the_same() {
    let mut bench = Bench::with(Settle {
        writing: Duration::from_millis(50),
        ..Settle::default()
    });
    bench.write("w/log", "");
    bench.keep("w", &["w"], &[]);
    let mut log = fs::OpenOptions::new().append(true).open(bench.path("w/log")).unwrap();
    for line in ["1", "2"] {
        std::io::Write::write_all(&mut log, line.as_bytes()).unwrap();
        assert_eq!(bench.heard(), ["w/log"]);
    }
}

#[test]
fn a_limit_of_the_kernel_is_reported_explained_and_recovered_from() {
    let bench = Bench::new();
    bench.write("w/a/x", "1");
    let mut files = Files::new(Arc::default());
    files.kernel.refuse = Some(Errno::NOSPC);
    files.interest.keep(
        "w".to_owned(),
        WatchSpec {
            paths: vec![bench.path("w")],
            ignores: Vec::new(),
        },
    );
    files.adapt();
    let turns = files.interest.turns(&files.faults);
    let [Turn::Failed(name, error)] = turns.as_slice() else {
        panic!("{turns:?}");
    };
    assert_eq!(name, "w");
    assert!(error.contains("fs.inotify.max_user_watches"), "{error}");
    assert_eq!(files.interest.turns(&files.faults), []);
    bench.write("w/a/x", "2");
    assert_eq!(files.rescan().into_iter().collect::<Vec<_>>(), [bench.path("w/a/x")]);
    files.kernel.refuse = None;
    assert!(files.rescan().is_empty());
    assert_eq!(files.interest.turns(&files.faults), [Turn::Recovered("w".to_owned())]);
    assert!(files.kernel.is_watched(&bench.path("w/a")));
}

#[test]
fn dropping_the_handle_ends_the_thread_and_the_events() {
    // The folder lives on until the end: its going would be a change.
    let Bench {
        watcher,
        mut events,
        folder: _folder,
        ..
    } = Bench::watching(&[]);
    drop(watcher);
    assert_eq!(events.blocking_recv(), None);
}
