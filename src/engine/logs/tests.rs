//! The store through its front door: real files, a real thread.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::lines::{Line, Lines};
use super::query::{Query, Search, Source};
use super::*;
use crate::model::tree::Tree;
use crate::model::yaml::json as json_text;
use crate::world::memory;

/// A store of its own, in a folder that goes with it.
struct Bench {
    folder: tempfile::TempDir,
    logs: Logs,
}

fn bench() -> Bench {
    bench_with(|_| {})
}

fn bench_with(change: impl FnOnce(&mut Config)) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::below(folder.path());
    change(&mut config);
    let logs = Logs::open(config).unwrap();
    Bench { folder, logs }
}

impl Bench {
    async fn all(&self) -> Vec<Segment> {
        self.logs.flush().await;
        let (mut at, mut segments) = (Checkpoint::default(), Vec::new());
        while at < self.logs.end() {
            let page = self.logs.read(at, 100).unwrap();
            at = page.to;
            segments.extend(page.segments);
        }
        segments
    }

    async fn text(&self) -> String {
        self.all().await.iter().map(|segment| &*segment.text).collect()
    }

    async fn found(&self, query: Query) -> Vec<String> {
        self.logs.flush().await;
        let found = self.logs.find(&query).unwrap();
        found.lines.into_iter().map(|line| line.text).collect()
    }
}

fn secret(name: &str, value: &str) -> Secret {
    Secret {
        name: name.to_owned(),
        key: "key".to_owned(),
        value: value.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn what_is_written_is_read_in_order_with_its_span() {
    let it = bench();
    let web = it.logs.span("build:1", "web");
    web.line(Level::Info, "Initial Build", Fields::of_event(BuildEvent::Init));
    web.write(Level::Info, b"one\ntwo\n").await.unwrap();
    it.logs.span("", "").info("for all");
    let segments = it.all().await;
    let told: Vec<_> = segments
        .iter()
        .map(|it| (&*it.span.id, &*it.span.resource, &*it.text, it.fields.build_event))
        .collect();
    assert_eq!(
        told,
        [
            ("build:1", "web", "Initial Build\n", Some(BuildEvent::Init)),
            ("build:1", "web", "one\n", None),
            ("build:1", "web", "two\n", None),
            ("", "", "for all\n", None),
        ]
    );
    let now = writer::now();
    assert!(
        segments
            .iter()
            .all(|it| it.time <= now && it.time.plus(60_000_000) > now)
    );
}

#[tokio::test]
async fn a_change_is_announced_with_the_place_to_read_up_to() {
    let it = bench();
    let mut changes = it.logs.changes();
    it.logs.span("a", "").info("text");
    changes.changed().await.unwrap();
    assert_eq!(*changes.borrow(), Checkpoint(1));
}

#[tokio::test]
async fn an_unfinished_line_is_stored_after_a_while_and_goes_on() {
    let it = bench();
    let mut changes = it.logs.changes();
    let a = it.logs.span("a", "");
    a.write(Level::Info, b"Password: ").await.unwrap();
    changes.changed().await.unwrap();
    a.write(Level::Info, b"given\n").await.unwrap();
    let told: Vec<_> = it
        .all()
        .await
        .iter()
        .map(|it| (it.text.clone(), it.continues))
        .collect();
    assert_eq!(told, [("Password: ".into(), false), ("given\n".into(), true)]);
}

#[tokio::test]
async fn characters_that_were_cut_are_joined_and_broken_ones_replaced() {
    let it = bench();
    let a = it.logs.span("a", "");
    for byte in "añ€😀\n".as_bytes() {
        a.write(Level::Info, &[*byte]).await.unwrap();
        it.logs.flush().await;
    }
    a.write(Level::Info, b"bad \xff\xfe\nend \xe2\x82").await.unwrap();
    drop(a);
    assert_eq!(it.text().await, "añ€😀\nbad \u{fffd}\u{fffd}\nend \u{fffd}");
}

#[tokio::test]
async fn two_outputs_of_a_process_do_not_share_a_line() {
    let it = bench();
    let out = it.logs.span("a", "");
    let err = out.sibling();
    out.write(Level::Info, b"half ").await.unwrap();
    err.write(Level::Info, b"whole\n").await.unwrap();
    out.write(Level::Info, b"rest\n").await.unwrap();
    assert_eq!(it.text().await, "whole\nhalf rest\n");
    out.write(Level::Info, b"stored ").await.unwrap();
    it.logs.flush().await;
    err.write(Level::Info, b"other\n").await.unwrap();
    assert!(it.text().await.ends_with("stored \nother\n"));
}

#[tokio::test]
async fn an_anchor_stands_at_the_beginning_of_a_warning() {
    let it = bench();
    let a = it.logs.span("a", "");
    a.warn("one\nmore of it");
    a.warn("two");
    a.info("fine");
    a.write(Level::Error, b"three\nmore\n").await.unwrap();
    a.write(Level::Error, b"more\n").await.unwrap();
    let anchors: Vec<bool> = it.all().await.iter().map(|it| it.anchor).collect();
    assert_eq!(anchors, [true, false, true, false, true, false, false]);
}

// ---- secrets -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_secret_is_replaced_however_it_is_cut_and_wherever_it_is_stored() {
    let it = bench();
    let (a, b) = (it.logs.span("a", ""), it.logs.span("b", ""));
    // Known before: cut into bytes, with another span between them.
    it.logs.add_secrets(vec![secret("early", "hunter2-hunter2")]);
    for byte in b"x hunter2-hunter2 y\n" {
        a.write(Level::Info, &[*byte]).await.unwrap();
        b.write(Level::Info, b".").await.unwrap();
    }
    // Known later: over several lines, already stored.
    a.write(Level::Info, b"-----KEY\n").await.unwrap();
    b.info("between");
    a.write(Level::Info, b"abcdef\n-----END\nafter\n").await.unwrap();
    it.logs.flush().await;
    it.logs
        .add_secrets(vec![secret("late", "-----KEY\nabcdef\n-----END\n")]);
    let segments = it.all().await;
    let of_a: String = segments
        .iter()
        .filter(|it| &*it.span.id == "a")
        .map(|it| &*it.text)
        .collect();
    assert_eq!(
        of_a,
        "x [redacted secret early:key] y\n[redacted secret late:key]\nafter\n"
    );
    assert!(segments.iter().any(|it| &*it.text == "between\n"));
    assert_nowhere_on_disk(it.folder.path(), "abcdef");
}

fn assert_nowhere_on_disk(folder: &Path, word: &str) {
    let mut files = 0;
    for session in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|it| it.is_dir())
    {
        for file in fs::read_dir(session).unwrap().map(|entry| entry.unwrap().path()) {
            files += 1;
            let bytes = fs::read(&file).unwrap();
            assert!(
                !bytes.windows(word.len()).any(|part| part == word.as_bytes()),
                "{}",
                file.display()
            );
        }
    }
    assert!(files > 1, "there are no files of logs");
}

#[tokio::test]
async fn a_secret_whose_beginning_was_stored_before_its_end_came_is_replaced() {
    let it = bench();
    let a = it.logs.span("a", "");
    it.logs.add_secrets(vec![secret("slow", "hunter2-hunter2")]);
    a.write(Level::Info, b"see hunter2").await.unwrap();
    assert_eq!(it.text().await, "see hunter2");
    a.write(Level::Info, b"-hunter2 there\n").await.unwrap();
    assert_eq!(it.text().await, "see [redacted secret slow:key] there\n");
    // The same with the value becoming known in between.
    a.write(Level::Info, b"word: pass").await.unwrap();
    it.logs.add_secrets(vec![secret("between", "password")]);
    a.write(Level::Info, b"word.\n").await.unwrap();
    assert!(it.text().await.ends_with("word: [redacted secret between:key].\n"));
}

#[tokio::test]
async fn scrubbing_can_be_turned_off_and_on_again() {
    let it = bench_with(|config| config.scrub = ScrubSecrets::Off);
    let a = it.logs.span("a", "");
    it.logs.add_secrets(vec![secret("s", "hunter2")]);
    a.info("hunter2");
    assert_eq!(it.text().await, "hunter2\n");
    it.logs.scrub(ScrubSecrets::On);
    a.info("hunter2");
    assert_eq!(it.text().await, "[redacted secret s:key]\n".repeat(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Whether a value is known before, between or after, and whether the store waits in between: the text is the same.
    #[test]
    fn when_a_secret_becomes_known_makes_no_difference(
        text in "[ab\n]{0,60}",
        value in "[ab]{5}\n?[ab]{1,3}",
        cuts in prop::collection::vec((1_usize..9, any::<bool>()), 0..12),
        known_at in 0_usize..12,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (early, mixed) = runtime.block_on(async {
            let early = bench();
            early.logs.add_secrets(vec![secret("s", &value)]);
            early.logs.span("a", "").write(Level::Info, text.as_bytes()).await.unwrap();
            let mixed = bench();
            let a = mixed.logs.span("a", "");
            let mut rest = text.as_bytes();
            for (at, (cut, wait)) in cuts.iter().enumerate() {
                if at == known_at {
                    mixed.logs.add_secrets(vec![secret("s", &value)]);
                }
                let (piece, after) = rest.split_at(*cut.min(&rest.len()));
                rest = after;
                a.write(Level::Info, piece).await.unwrap();
                if *wait {
                    mixed.logs.flush().await;
                }
            }
            a.write(Level::Info, rest).await.unwrap();
            mixed.logs.add_secrets(vec![secret("s", &value)]);
            (early.text().await, mixed.text().await)
        });
        prop_assert_eq!(mixed, early);
    }
}

// ---- the ring ------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_oldest_is_dropped_and_a_slow_reader_is_told_how_much() {
    let it = bench_with(|config| config.most = 64 << 10);
    let a = it.logs.span("old", "");
    a.info("the first line");
    let first = it.logs.read(Checkpoint::default(), 1).unwrap();
    drop(a);
    let b = it.logs.span("new", "");
    for number in 0..20_000 {
        b.write(Level::Info, format!("line {number}\n").as_bytes())
            .await
            .unwrap();
    }
    it.logs.flush().await;
    let page = it.logs.read(first.to, usize::MAX).unwrap();
    assert!(page.gone > 10_000, "{}", page.gone);
    assert_eq!(page.from.0, first.to.0 + page.gone);
    let kept = it.all().await;
    assert_eq!(kept.len() as u64, it.logs.end().0 - page.from.0);
    assert_eq!(&*kept.last().unwrap().text, "line 19999\n");
    let numbers: Vec<usize> = kept.iter().map(|it| it.text[5..].trim_end().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    // Of a span without records nobody needs the name.
    let names: Vec<String> = it.logs.spans().iter().map(|span| span.id.to_string()).collect();
    assert_eq!(names, ["new"]);
}

/// A million lines from several spans: all are there, each span's in order, and memory stays where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_loses_nothing_and_takes_no_memory() {
    const SPANS: usize = 4;
    const LINES: usize = 250_000;
    let it = bench_with(|config| config.most = 256 << 20);
    it.logs.span("warm", "").info("up");
    it.logs.flush().await;
    let before = memory::resident();
    let mut writers = tokio::task::JoinSet::new();
    for span in 0..SPANS {
        let writer = it.logs.span(&format!("s:{span}"), "r");
        writers.spawn(async move {
            let line = |number: usize| format!("line {number} of a storm with some text\n");
            for first in (0..LINES).step_by(10) {
                let lines: String = (first..first + 10).map(line).collect();
                writer.write(Level::Info, lines.as_bytes()).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    it.logs.flush().await;
    if let (Some(before), Some(after)) = (before, memory::resident()) {
        // Other tests run beside this one; the lines alone are about 80 MB.
        assert!(after < before + (48 << 20), "{before} then {after}");
    }
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut at = Checkpoint::default();
    while at < it.logs.end() {
        let page = it.logs.read(at, 1 << 20).unwrap();
        assert_eq!(page.gone, 0);
        for segment in &page.segments {
            let expected = next.entry(segment.span.id.to_string()).or_default();
            if segment.span.id.starts_with("s:") {
                assert!(
                    segment.text.starts_with(&format!("line {expected} ")),
                    "{}",
                    segment.text
                );
            }
            *expected += 1;
        }
        at = page.to;
    }
    assert!((0..SPANS).all(|span| next[&format!("s:{span}")] == LINES), "{next:?}");
}

#[tokio::test]
async fn a_long_line_is_stored_in_parts_and_read_as_one() {
    let it = bench();
    let long = "x".repeat(300_000);
    it.logs
        .span("a", "")
        .write(Level::Info, format!("{long}\n").as_bytes())
        .await
        .unwrap();
    assert!(it.all().await.len() > 1);
    assert_eq!(it.found(Query::default()).await, [long]);
}

// ---- the folder ----------------------------------------------------------------------------------------------------

fn sessions(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count()
}

#[tokio::test]
async fn the_folder_of_a_session_goes_with_it_and_those_of_dead_ones_go_too() {
    let folder = tempfile::tempdir().unwrap();
    // What a process leaves that was killed: files, and a lock that nobody holds.
    let dead = folder.path().join("dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("1.log"), "text").unwrap();
    let one = Logs::open(Config::below(folder.path())).unwrap();
    assert!(!dead.exists());
    one.span("a", "").info("kept");
    one.flush().await;
    let two = Logs::open(Config::below(folder.path())).unwrap();
    assert_eq!(sessions(folder.path()), 2);
    let kept = one.read(Checkpoint::default(), 100).unwrap();
    assert_eq!(&*kept.segments[0].text, "kept\n");
    let late = one.span("b", "");
    one.close().await;
    assert_eq!(sessions(folder.path()), 1);
    assert_eq!(late.write(Level::Info, b"x").await, Err(LogError::Closed));
    two.close().await;
    assert_eq!(sessions(folder.path()), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let error = Logs::open(Config::below("/proc/no/such")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the folder for logs cannot be used: mkdir "),
        "{error}"
    );
}

#[derive(Debug, Default)]
struct FullDisk(AtomicBool);

impl Disk for FullDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) {
            // A full disk takes the beginning.
            RealDisk.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        RealDisk.write(file, bytes, offset)
    }
}

/// Writes until the store says that the disk takes something again.
async fn until_told(it: &Bench, writer: &SpanWriter) -> String {
    let mut at = it.logs.end();
    loop {
        writer.write(Level::Info, b"again\n").await.unwrap();
        it.logs.flush().await;
        let page = it.logs.read(at, 10_000).unwrap();
        let told = page.segments.iter().find(|it| it.text.contains("could not be written"));
        if let Some(told) = told {
            return told.text.trim_end().to_owned();
        }
        at = page.to;
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_fits_into_memory_and_is_told_afterwards() {
    let disk = Arc::new(FullDisk::default());
    let it = bench_with(|config| config.disk = disk.clone());
    let a = it.logs.span("a", "");
    a.info("before");
    it.logs.flush().await;
    disk.0.store(true, Ordering::SeqCst);
    a.info("meanwhile: hunter2");
    assert_eq!(it.text().await, "before\nmeanwhile: hunter2\n");
    it.logs.add_secrets(vec![secret("s", "hunter2")]);
    assert_eq!(it.text().await, "before\nmeanwhile: [redacted secret s:key]\n");
    disk.0.store(false, Ordering::SeqCst);
    let told = until_told(&it, &a).await;
    assert!(told.ends_with("nothing is lost") && told.contains("storage"), "{told}");
    let text = it.text().await;
    assert!(
        text.starts_with("before\nmeanwhile: [redacted secret s:key]\nagain\n"),
        "{text}"
    );
    let warning = it
        .all()
        .await
        .into_iter()
        .find(|it| it.text.contains("could not be written"))
        .unwrap();
    assert_eq!((warning.level, &*warning.span.id), (Level::Warn, ""));
}

#[tokio::test]
async fn a_full_disk_does_not_fill_memory() {
    let disk = Arc::new(FullDisk::default());
    let it = bench_with(|config| {
        config.disk = disk.clone();
        config.most_in_memory = 200_000;
    });
    disk.0.store(true, Ordering::SeqCst);
    let a = it.logs.span("a", "");
    for _ in 0..50 {
        a.write(Level::Info, "0123456789012345678901234567890\n".repeat(1000).as_bytes())
            .await
            .unwrap();
    }
    it.logs.flush().await;
    let kept = it.all().await;
    assert!(kept.len() < 10_000, "{}", kept.len());
    disk.0.store(false, Ordering::SeqCst);
    let told = until_told(&it, &a).await;
    assert!(told.ends_with("lines of that time are lost"), "{told}");
}

#[tokio::test]
async fn a_folder_that_vanishes_is_made_again() {
    let it = bench_with(|config| config.most = 80_000);
    let a = it.logs.span("a", "");
    a.info("first");
    it.logs.flush().await;
    for session in fs::read_dir(it.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if session.is_dir() {
            fs::remove_dir_all(session).unwrap();
        }
    }
    for _ in 0..2000 {
        a.info("a line that makes the ring turn");
    }
    assert!(it.text().await.ends_with("a line that makes the ring turn\n"));
}

// ---- queries -------------------------------------------------------------------------------------------------------

async fn sample() -> Bench {
    let it = bench();
    let build = it.logs.span("build:1", "web");
    build.line(Level::Info, "Initial Build", Fields::of_event(BuildEvent::Init));
    build.info("STEP 1/1");
    it.logs.span("pod:web:p", "web").info("Serving");
    it.logs.span("cmd:lint:update", "lint").info("linting");
    it.logs.span("localserve:1", "api").warn("slow query");
    it.logs.span("localserve:1", "api").error("crashed");
    it.logs.span("tiltfile:(Tiltfile):1", "(Tiltfile)").info("Loading");
    it.logs.span("", "").info("Tilt started");
    it
}

#[tokio::test]
async fn each_filter_of_a_query_filters() {
    let it = sample().await;
    let all = [
        "Initial Build",
        "STEP 1/1",
        "Serving",
        "linting",
        "slow query",
        "crashed",
        "Loading",
        "Tilt started",
    ];
    assert_eq!(it.found(Query::default()).await, all);
    let none = Query::default;
    let resources = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let table: [(Query, &[&str]); 9] = [
        (
            Query {
                resources: resources(&["web"]),
                ..none()
            },
            &["Initial Build", "STEP 1/1", "Serving"],
        ),
        (
            Query {
                resources: resources(&["(Tiltfile)", "lint"]),
                ..none()
            },
            &["linting", "Loading"],
        ),
        (
            Query {
                level: Some(Level::Warn),
                ..none()
            },
            &["Initial Build", "slow query"],
        ),
        (
            Query {
                level: Some(Level::Error),
                resources: resources(&["api"]),
                ..none()
            },
            &["crashed"],
        ),
        (
            Query {
                source: Source::Build,
                ..none()
            },
            &["Initial Build", "STEP 1/1", "linting", "Loading"],
        ),
        (
            Query {
                source: Source::Runtime,
                ..none()
            },
            &["Initial Build", "Serving", "slow query", "crashed", "Tilt started"],
        ),
        (
            Query {
                tail: Some(2),
                ..none()
            },
            &["Loading", "Tilt started"],
        ),
        (
            Query {
                tail: Some(0),
                ..none()
            },
            &[],
        ),
        (
            Query {
                tail: Some(1),
                source: Source::Build,
                level: None,
                resources: resources(&["lint"]),
                ..none()
            },
            &["linting"],
        ),
    ];
    for (query, expected) in table {
        assert_eq!(it.found(query.clone()).await, expected, "{query:?}");
    }
}

#[tokio::test]
async fn text_and_expressions_are_found_in_any_case() {
    let it = sample().await;
    let search = |text: &str| Query {
        search: Some(Search::parse(text).unwrap()),
        ..Query::default()
    };
    assert_eq!(it.found(search("SERVING")).await, ["Serving"]);
    assert_eq!(it.found(search("1/1")).await, ["STEP 1/1"]);
    assert_eq!(it.found(search("/^l.*ING$/")).await, ["linting", "Loading"]);
    assert_eq!(
        Search::parse("/(/").unwrap_err().to_string(),
        "`/(/` is not a regular expression: unclosed group"
    );
}

#[tokio::test]
async fn since_leaves_out_what_is_older() {
    let it = bench_with(|config| config.most = 256 << 10);
    let a = it.logs.span("a", "");
    for _ in 0..3000 {
        a.info("an old line, of which there are many");
    }
    it.logs.flush().await;
    let since = writer::now().plus(1);
    while writer::now() <= since {
        tokio::task::yield_now().await;
    }
    a.info("new");
    let query = Query {
        since: Some(since),
        ..Query::default()
    };
    assert_eq!(it.found(query).await, ["new"]);
}

#[tokio::test]
async fn the_last_lines_are_found_far_back_too() {
    let it = bench();
    let (rare, often) = (it.logs.span("rare", "rare"), it.logs.span("often", "often"));
    rare.write(Level::Info, b"far back\n").await.unwrap();
    for _ in 0..200 {
        often
            .write(Level::Info, "some filling text\n".repeat(1000).as_bytes())
            .await
            .unwrap();
    }
    let query = |name: &str, tail| Query {
        resources: vec![name.to_owned()],
        tail: Some(tail),
        ..Query::default()
    };
    assert_eq!(it.found(query("rare", 3)).await, ["far back"]);
    assert_eq!(it.found(query("often", 3)).await.len(), 3);
}

// ---- printed forms -------------------------------------------------------------------------------------------------

fn segment(id: &str, resource: &str, text: &str) -> Segment {
    Segment {
        span: Arc::new(Span {
            id: id.into(),
            resource: resource.into(),
        }),
        time: Time(1_795_245_067_201_381),
        level: Level::Info,
        anchor: false,
        continues: false,
        fields: Fields::default(),
        text: text.into(),
    }
}

fn line(segment: &Segment) -> Line {
    let (mut lines, mut done) = (Lines::default(), Vec::new());
    lines.push(segment, &mut done);
    done.pop().unwrap()
}

#[test]
fn a_line_has_every_key_in_json_in_upstreams_order() {
    assert_eq!(
        json::lines(&line(&segment("localserve:1", "server", "a --> \"b\"\n"))),
        [concat!(
            r#"{"time":"2026-11-21T07:11:07Z","resource":"server","level":"info","message":"a --\u003e \"b\"","#,
            r#""spanID":"localserve:1","progressID":"","buildEvent":"","source":"runtime"}"#
        )]
    );
    let init = Segment {
        fields: Fields::of_event(BuildEvent::Init),
        level: Level::Error,
        ..segment("build:5", "lint", "1 File Changed: [web/index.html]\n")
    };
    let tail = r#""spanID":"build:5","progressID":"","buildEvent":"init","source":"build"}"#;
    let head = r#"{"time":"2026-11-21T07:11:07Z","resource":"lint","level":"error","message":"#;
    assert_eq!(
        json::lines(&line(&init)),
        [
            format!(r#"{head}"",{tail}"#),
            format!(r#"{head}"1 File Changed: [web/index.html]",{tail}"#)
        ]
    );
}

#[test]
fn a_page_is_the_log_list_of_the_web_interface() {
    let page = Page {
        segments: vec![
            segment("", "", "up\n"),
            Segment {
                fields: Fields::of_progress("[1/3]", Weight::MustPrint),
                anchor: true,
                level: Level::Warn,
                ..segment("build:4", "demo", "FROM bb")
            },
        ],
        from: Checkpoint(5),
        to: Checkpoint(7),
        gone: 0,
    };
    assert_eq!(
        json_text::compact(&json::log_list(&page)),
        concat!(
            r#"{"fromCheckpoint":5,"segments":[{"level":"INFO","text":"up\n","time":"2026-11-21T07:11:07.201381Z"},"#,
            r#"{"anchor":true,"fields":{"progressID":"[1/3]","progressMustPrint":"1"},"level":"WARN","spanId":"build:4","#,
            r#""text":"FROM bb","time":"2026-11-21T07:11:07.201381Z"}],"#,
            r#""spans":{"":{},"build:4":{"manifestName":"demo"}},"toCheckpoint":7}"#
        )
    );
    let nothing = json::log_list(&Page::default());
    assert_eq!(nothing.get("toCheckpoint"), Some(&Tree::Int(-1)));
}

#[test]
fn a_log_list_is_read_back_as_the_segments_it_was_made_of() {
    let page = Page {
        segments: vec![
            segment("", "", "up\n"),
            Segment {
                fields: Fields::of_progress("[1/3]", Weight::MustPrint),
                anchor: true,
                level: Level::Warn,
                ..segment("build:4", "demo", "FROM ")
            },
            segment("cmd:x", "other", "between\n"),
            Segment {
                continues: true,
                fields: Fields::of_event(BuildEvent::Fallback),
                ..segment("build:4", "demo", "bb\n")
            },
        ],
        from: Checkpoint(5),
        to: Checkpoint(9),
        gone: 0,
    };
    let sent = json_text::compact(&json::log_list(&page));
    let received = json_text::parse(&sent).unwrap();
    assert_eq!(json::segments(&received), page.segments);
    assert_eq!(json::segments(&json::log_list(&Page::default())), []);
}
