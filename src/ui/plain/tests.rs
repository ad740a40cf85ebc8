//! Cases of `testdata/stream/`: `in.jsonl` is what happens, `out.txt` what is printed. `TILT_BLESS` has no place here: an
//! expectation is written, not taken over.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::engine::logs::segment::Progress;
use crate::engine::logs::{Fields, Span};
use crate::model::tree::Tree;
use crate::model::yaml::json;

fn text<'a>(tree: &'a Tree, key: &str) -> &'a str {
    tree.get(key).and_then(Tree::as_text).unwrap_or_default()
}

fn is_set(tree: &Tree, key: &str) -> bool {
    tree.get(key) == Some(&Tree::Bool(true))
}

fn millis(tree: &Tree, key: &str) -> Option<Time> {
    match tree.get(key)? {
        Tree::Int(value) => Some(Time(value * 1000)),
        Tree::Float(value) => Some(Time((value * 1000.0) as i64)),
        _ => None,
    }
}

fn segment(tree: &Tree) -> Segment {
    let progress = tree.get("progress").and_then(Tree::as_text).map(|id| Progress {
        id: id.into(),
        weight: if is_set(tree, "must") {
            Weight::MustPrint
        } else {
            Weight::Skippable
        },
    });
    Segment {
        span: Arc::new(Span {
            id: text(tree, "span").into(),
            resource: text(tree, "of").into(),
        }),
        time: millis(tree, "at").unwrap_or_default(),
        level: Level::of_name(text(tree, "level")).unwrap_or_default(),
        anchor: is_set(tree, "anchor"),
        continues: is_set(tree, "continues"),
        fields: Fields {
            build_event: BuildEvent::of_name(text(tree, "event")),
            progress,
        },
        text: text(tree, "text").into(),
    }
}

fn options(tree: &Tree) -> Options {
    Options {
        prefix: if is_set(tree, "one") {
            Prefix::Nothing
        } else {
            Prefix::Resource
        },
        style: if is_set(tree, "colour") {
            Style::Colour
        } else {
            Style::Plain
        },
    }
}

/// What is printed for a script: segments, `print` at a time, `gap` and `finish`.
fn printed(script: &str) -> String {
    let steps = json::parse_stream(script).expect("the script is JSON");
    let mut printer = Printer::new(
        steps
            .iter()
            .find_map(|it| it.get("options"))
            .map_or_else(Options::default, options),
    );
    let (mut out, mut batch) = (String::new(), Vec::new());
    for step in &steps {
        if let Some(now) = millis(step, "print") {
            out.push_str(&printer.print(&std::mem::take(&mut batch), now));
        } else if is_set(step, "finish") {
            out.push_str(&printer.finish());
        } else if let Some(Tree::Int(count)) = step.get("gap") {
            out.push_str(&printer.gap(*count as u64));
        } else if step.get("options").is_none() {
            batch.push(segment(step));
        }
    }
    assert!(batch.is_empty(), "the script ends without printing");
    out
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/stream");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.collect();
    cases.sort();
    cases
}

#[test]
fn segments_print_as_upstream_prints_them() {
    let cases = cases();
    assert!(cases.len() >= 5, "{cases:?}");
    for case in cases {
        let script = fs::read_to_string(case.join("in.jsonl")).unwrap();
        let expected = fs::read_to_string(case.join("out.txt")).unwrap();
        let name = case.file_name().unwrap().display();
        assert_eq!(printed(&script), expected, "{name}");
    }
}

#[test]
fn an_unfinished_line_says_when_it_wants_to_be_shown() {
    let mut printer = Printer::new(Options::default());
    let partial = json::parse_stream(r#"{"span":"s","of":"web","at":1000,"text":"Password: "}"#).unwrap();
    assert_eq!(printer.wakes_at(), None);
    assert_eq!(printer.print(&[segment(&partial[0])], Time(1_000_000)), "");
    let wake = printer.wakes_at().unwrap();
    assert_eq!(wake, Time(1_250_000));
    assert_eq!(printer.print(&[], wake), "          web │ Password: ");
    assert_eq!(printer.wakes_at(), None);
    assert_eq!(printer.finish(), "\n");
}

#[test]
fn a_name_of_many_bytes_is_cut_between_characters() {
    assert_eq!(column("abcdefghijklm"), "abcdefghijklm");
    assert_eq!(column("abcdefghijklmn"), "abcdefghijkl…");
    assert_eq!(column("ééééééé"), "éééééé…");
    assert_eq!(column("aéééééé"), "aéééééé");
    assert_eq!(column("aéééééééé"), "aééééé…");
}
