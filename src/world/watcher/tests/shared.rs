//! Several watches, ignored places, and paths that come and go.

use super::*;
use std::os::unix::fs::symlink;

#[test]
fn each_watch_hears_of_its_own() {
    let mut bench = Bench::watching(&[("w/a/x", "1"), ("w/b/x", "1")]);
    bench.keep("a", &["w/a"], &[]);
    bench.keep("file", &["w/b/x"], &[]);
    bench.keep("not b", &["w"], &["w/b"]);
    bench.write("w/a/x", "2");
    bench.write("w/b/x", "2");
    bench.write("w/mark", "");
    let heard = bench.until("w", "w/mark");
    let expected: [(&str, &[&str]); 4] = [
        ("a", &["w/a/x"]),
        ("file", &["w/b/x"]),
        ("not b", &["w/a/x", "w/mark"]),
        ("w", &["w/a/x", "w/b/x"]),
    ];
    assert_eq!(heard, changes(&expected));
}

#[test]
fn a_released_watch_hears_nothing() {
    let mut bench = Bench::watching(&[("w/a/x", "1")]);
    bench.keep("a", &["w/a"], &[]);
    bench.watcher.release("a");
    bench.write("w/a/x", "2");
    assert_eq!(bench.heard(), ["w/a/x"]);
    assert_eq!(bench.others, []);
}

#[test]
fn an_equal_watch_changes_nothing_and_a_different_one_starts_anew() {
    let mut bench = Bench::watching(&[("w/a", "1"), ("w/b", "1")]);
    let spec = |ignored: &[&str]| WatchSpec {
        paths: vec![bench.path("w")],
        ignores: ignored.iter().map(|path| Ignore::whole(bench.path(path))).collect(),
    };
    let other = spec(&["w/a"]);
    bench.watcher.keep("w", spec(&[])).unwrap();
    bench.watcher.keep("w", other).unwrap();
    assert_eq!(bench.next(), WatchEvent::Started { name: "w".to_owned() });
    bench.write("w/a", "2");
    bench.write("w/b", "2");
    assert_eq!(bench.heard(), ["w/b"]);
}

#[test]
fn what_is_ignored_is_no_change_and_costs_no_watch() {
    let mut bench = Bench::new();
    bench.write("w/node_modules/deep/er/x", "1");
    bench.write("w/src/x", "1");
    bench.keep("w", &["w"], &["**/node_modules", "**/*.log", "!w/keep.log"]);
    bench.write("w/node_modules/deep/er/x", "2");
    bench.write("w/a.log", "2");
    bench.write("w/keep.log", "2");
    assert_eq!(bench.heard(), ["w/keep.log"]);
    bench.write("w/src/node_modules/y", "1");
    assert_eq!(bench.heard(), [""; 0]);
    let mut files = super::super::files::Files::new(Arc::default());
    let spec = WatchSpec {
        paths: vec![bench.path("w")],
        ignores: vec![Ignore::patterns(bench.folder.path(), ["**/node_modules"])],
    };
    files.interest.keep("w".to_owned(), spec.clone());
    files.adapt();
    let alone = files.kernel.count();
    assert!(files.kernel.is_watched(&bench.path("w/src")));
    assert!(!files.kernel.is_watched(&bench.path("w/node_modules")));
    files.interest.keep("again".to_owned(), spec);
    files.adapt();
    assert_eq!(files.kernel.count(), alone);
    files.interest.keep(
        "all".to_owned(),
        WatchSpec {
            paths: vec![bench.path("w")],
            ignores: Vec::new(),
        },
    );
    files.adapt();
    assert!(files.kernel.is_watched(&bench.path("w/node_modules/deep/er")));
    for name in ["w", "again", "all"] {
        files.interest.release(name);
    }
    files.adapt();
    assert_eq!(files.kernel.count(), 0);
}

#[test]
fn a_missing_path_is_reported_when_it_appears() {
    let mut bench = Bench::watching(&[]);
    bench.keep("file", &["x/y/Tiltfile"], &[]);
    bench.write("x/y/other", "1");
    bench.write("x/y/Tiltfile", "1");
    assert_eq!(bench.until("file", "x/y/Tiltfile"), changes(&[]));
    bench.write("x/y/Tiltfile", "2");
    assert_eq!(bench.until("file", "x/y/Tiltfile"), changes(&[]));
    bench.remove("x");
    assert_eq!(bench.until("file", "x/y/Tiltfile"), changes(&[]));
    bench.write("x/y/Tiltfile", "2");
    assert_eq!(bench.until("file", "x/y/Tiltfile"), changes(&[]));
}

#[test]
fn a_watched_folder_that_vanishes_and_returns_is_watched_again() {
    let mut bench = Bench::watching(&[("p/r/a", "1")]);
    bench.keep("r", &["p/r"], &[]);
    bench.rename("p", "q");
    assert_eq!(bench.until("r", "p/r"), changes(&[("r", &["p/r/a"])]));
    bench.write("q/r/a", "2");
    bench.rename("q", "p");
    assert_eq!(bench.until("r", "p/r"), changes(&[("r", &["p/r/a"])]));
    bench.write("p/r/a", "3");
    assert_eq!(bench.until("r", "p/r/a"), changes(&[]));
    bench.remove("p/r");
    assert_eq!(bench.until("r", "p/r"), changes(&[("r", &["p/r/a"])]));
    bench.write("p/r/b", "1");
    assert_eq!(bench.until("r", "p/r/b"), changes(&[("r", &["p/r"])]));
}

#[test]
fn a_watched_path_may_be_or_lead_through_a_link() {
    let mut bench = Bench::watching(&[("real/a", "1"), ("real/sub/b", "1"), ("next/a", "1")]);
    symlink("real", bench.path("link")).unwrap();
    bench.keep("link", &["link"], &[]);
    bench.keep("through", &["link/sub/b"], &[]);
    bench.keep("real", &["real"], &[]);
    bench.write("real/sub/b", "2");
    let heard = bench.until("real", "real/sub/b");
    assert_eq!(
        heard,
        changes(&[("link", &["link/sub/b"]), ("through", &["link/sub/b"])])
    );
    bench.remove("link");
    symlink("next", bench.path("link")).unwrap();
    let heard = bench.until("link", "link/a");
    assert!(heard["through"].contains("link/sub/b"), "{heard:?}");
    bench.write("next/a", "2");
    assert_eq!(bench.until("link", "link/a"), changes(&[]));
}

#[test]
fn a_malformed_pattern_is_refused_when_the_watch_is_kept() {
    let bench = Bench::new();
    let ignores = vec![Ignore::patterns(bench.folder.path(), ["["])];
    let spec = WatchSpec {
        paths: Vec::new(),
        ignores,
    };
    assert!(bench.watcher.keep("w", spec).is_err());
}
