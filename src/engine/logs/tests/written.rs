//! What is written, and how it is read: order, spans, unfinished lines, anchors.

use super::*;

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
