//! Pure. Lines and segments in JSON: what `tilt logs --json` prints and what the web interface reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::lines::Line;
use super::query::Source;
use super::segment::{BuildEvent, Fields, Level, Page, Progress, Segment, Span, Time, Weight};
use crate::model::time;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// A line as `tilt logs --json` prints it, without a line break. Every key is there, in this order.
pub fn line(line: &Line) -> String {
    let progress = line.fields.progress.as_ref();
    let entries = [
        ("time", time::of_seconds(line.time.secs())),
        ("resource", line.span.resource.to_string()),
        ("level", level(line.level)),
        ("message", line.text.clone()),
        ("spanID", line.span.id.to_string()),
        (
            "progressID",
            progress.map_or_else(String::new, |progress| progress.id.to_string()),
        ),
        ("buildEvent", event(&line.fields).to_owned()),
        ("source", Source::of_span(&line.span.id).name().to_owned()),
    ];
    let written = entries.map(|(key, value)| format!("{}:{}", text(key), text(&value)));
    format!("{{{}}}", written.join(","))
}

/// What `tilt logs --json` prints for a line: an update's beginning comes after an empty line.
pub fn lines(whole: &Line) -> Vec<String> {
    let mut printed = Vec::with_capacity(2);
    if whole.fields.build_event == Some(BuildEvent::Init) {
        let empty = Line {
            text: String::new(),
            ..whole.clone()
        };
        printed.push(line(&empty));
    }
    printed.push(line(whole));
    printed
}

fn level(level: Level) -> String {
    match level {
        Level::None => "info".to_owned(),
        level => level.name().to_lowercase(),
    }
}

fn event(fields: &Fields) -> &'static str {
    fields.build_event.map_or("", BuildEvent::name)
}

fn text(text: &str) -> String {
    json::compact(&Tree::text(text))
}

/// The `logList` of the web interface's view: the segments, the spans that they belong to, and where to go on.
pub fn log_list(page: &Page) -> Tree {
    let mut list = Map::new();
    if page.segments.is_empty() {
        // Nothing new.
        list.push("fromCheckpoint", Tree::Int(-1));
        list.push("toCheckpoint", Tree::Int(-1));
        return Tree::Map(list);
    }
    let mut spans = Map::new();
    let mut last: Option<&Span> = None;
    for segment in &page.segments {
        if last != Some(&segment.span) {
            spans.insert(segment.span.id.clone(), span(&segment.span));
            last = Some(&segment.span);
        }
    }
    list.push("spans", Tree::Map(spans));
    list.push(
        "segments",
        Tree::List(page.segments.iter().map(self::segment).collect()),
    );
    list.push("fromCheckpoint", number(page.from.0));
    list.push("toCheckpoint", number(page.to.0));
    Tree::Map(list)
}

fn number(value: u64) -> Tree {
    Tree::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn span(span: &Span) -> Tree {
    let mut map = Map::new();
    if !span.resource.is_empty() {
        map.push("manifestName", Tree::text(span.resource.clone()));
    }
    Tree::Map(map)
}

/// What is empty is left out.
fn segment(segment: &Segment) -> Tree {
    let mut map = Map::new();
    if !segment.span.id.is_empty() {
        map.push("spanId", Tree::text(segment.span.id.clone()));
    }
    map.push("time", Tree::text(time::of_micros(segment.time.0)));
    if !segment.text.is_empty() {
        map.push("text", Tree::text(segment.text.clone()));
    }
    map.push("level", Tree::text(segment.level.name()));
    if segment.anchor {
        map.push("anchor", Tree::Bool(true));
    }
    // Upstream's reader has to guess it.
    if segment.continues {
        map.push("continues", Tree::Bool(true));
    }
    let fields = fields(&segment.fields);
    if !fields.is_empty() {
        map.push("fields", Tree::Map(fields));
    }
    Tree::Map(map)
}

fn fields(fields: &Fields) -> Map {
    let mut map = Map::new();
    if let Some(event) = fields.build_event {
        map.push("buildEvent", Tree::text(event.name()));
    }
    if let Some(progress) = &fields.progress {
        map.push("progressID", Tree::text(progress.id.clone()));
        if progress.weight == Weight::MustPrint {
            map.push("progressMustPrint", Tree::text("1"));
        }
    }
    map
}

/// The segments of such a `logList`. What is missing in one is as it is by default, so that no text is lost.
pub fn segments(list: &Tree) -> Vec<Segment> {
    let mut spans: HashMap<&str, Arc<Span>> = HashMap::new();
    let entries = list.get("segments").and_then(Tree::as_list).unwrap_or_default();
    let segments = entries.iter().map(|entry| {
        let id = text_of(entry, "spanId");
        let span = spans.entry(id).or_insert_with(|| {
            let resource = list.at(&["spans", id, "manifestName"]).and_then(Tree::as_text);
            Arc::new(Span {
                id: id.into(),
                resource: resource.unwrap_or_default().into(),
            })
        });
        segment_of(entry, Arc::clone(span))
    });
    segments.collect()
}

fn segment_of(entry: &Tree, span: Arc<Span>) -> Segment {
    Segment {
        span,
        time: Time(time::Time::parse(text_of(entry, "time")).unwrap_or_default().micros()),
        level: Level::of_name(text_of(entry, "level")).unwrap_or_default(),
        anchor: is_true(entry, "anchor"),
        continues: is_true(entry, "continues"),
        fields: entry.get("fields").map(fields_of).unwrap_or_default(),
        text: text_of(entry, "text").into(),
    }
}

fn fields_of(entry: &Tree) -> Fields {
    let progress = text_of(entry, "progressID");
    let weight = match text_of(entry, "progressMustPrint") {
        "" => Weight::Skippable,
        _ => Weight::MustPrint,
    };
    Fields {
        build_event: BuildEvent::of_name(text_of(entry, "buildEvent")),
        progress: (!progress.is_empty()).then(|| Progress {
            id: progress.into(),
            weight,
        }),
    }
}

fn text_of<'t>(entry: &'t Tree, key: &str) -> &'t str {
    entry.get(key).and_then(Tree::as_text).unwrap_or_default()
}

fn is_true(entry: &Tree, key: &str) -> bool {
    matches!(entry.get(key), Some(Tree::Bool(true)))
}
