//! Printed forms: lines and pages in JSON, and back.

use super::super::lines::{Line, Lines};
use super::*;
use crate::model::tree::Tree;
use crate::model::yaml::json as json_text;

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
