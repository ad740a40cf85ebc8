//! Secrets: replaced however they are cut, whenever they become known, wherever they are stored.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

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
