//! What is kept of much: the ring, a storm of lines, lines that are long.

use std::collections::HashMap;

use super::*;
use crate::world::memory;

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
