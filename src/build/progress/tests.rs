//! Recorded news of real builds, and what is made of them: `testdata/build/progress/`.

use std::path::PathBuf;

use expect_test::expect_file;
use serde_json::Value;

use super::*;
use crate::model::solve::{self, Transfer};

/// News as `docker buildx build --progress=rawjson` printed them.
pub fn recorded(path: &std::path::Path) -> Vec<Progress> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| progress(&serde_json::from_str(line).unwrap()))
        .collect()
}

pub fn case(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/build")
        .join(name)
}

fn progress(value: &Value) -> Progress {
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = |value: &Value| value.as_str().and_then(Time::parse);
    Progress {
        steps: list("vertexes")
            .iter()
            .map(|it| solve::Step {
                digest: text(&it["digest"]),
                name: text(&it["name"]),
                cached: it["cached"] == true,
                started: time(&it["started"]),
                finished: time(&it["completed"]),
                error: text(&it["error"]),
                ..solve::Step::default()
            })
            .collect(),
        transfers: list("statuses")
            .iter()
            .map(|it| Transfer {
                id: text(&it["id"]),
                step: text(&it["vertex"]),
                name: text(&it["name"]),
                current: it["current"].as_u64().unwrap_or_default(),
                total: it["total"].as_u64().unwrap_or_default(),
                started: time(&it["started"]),
                finished: time(&it["completed"]),
            })
            .collect(),
        output: list("logs")
            .iter()
            .map(|it| Output {
                step: text(&it["vertex"]),
                stderr: it["stream"] == 2,
                bytes: text(&it["data"]).into_bytes(),
                at: time(&it["timestamp"]),
            })
            .collect(),
        warnings: Vec::new(),
    }
}

/// The latest time that a piece of news names: when it came.
pub fn when(news: &Progress) -> Option<Time> {
    let steps = news.steps.iter().flat_map(|it| [it.started, it.finished]);
    let transfers = news.transfers.iter().flat_map(|it| [it.started, it.finished]);
    let output = news.output.iter().map(|it| it.at);
    steps.chain(transfers).chain(output).flatten().max()
}

/// All that is reported, as text. Times and sizes of the recording are what they are.
pub fn told(news: &[Progress]) -> String {
    let (mut steps, mut now, mut out) = (Steps::new(), Time::default(), String::new());
    let mut reports = Vec::new();
    for piece in news {
        now = when(piece).unwrap_or(now).max(now);
        reports.extend(steps.feed(piece, now));
    }
    reports.extend(steps.finish(now));
    for report in reports {
        match report {
            Report::Line { level, text } => {
                for line in text.split('\n') {
                    out.push_str(&format!("{level:5?} {line}\n").replace('\u{1b}', "␛"));
                }
            }
            Report::Progress { text, is_last, .. } => {
                out.push_str(&format!("{}     {text}\n", if is_last { "=" } else { "~" }));
            }
            Report::Stages(_) | Report::Steps(_) => {}
        }
    }
    out.push_str("--\n");
    let first = steps.stages().iter().filter_map(|stage| stage.started).min();
    let clock = |time: Option<Time>| time.zip(first).map(|(time, first)| time.since(first).as_millis());
    for stage in steps.stages() {
        let Stage { started, finished, .. } = stage;
        out.push_str(&format!(
            "{:?}..{:?} cached={} {} {}\n",
            clock(started),
            clock(finished),
            stage.cached,
            stage.name,
            stage.error
        ));
    }
    out
}

#[test]
fn builds_are_told_as_lines_and_stages() {
    for name in ["success", "cached", "context", "bar", "parallel"] {
        let folder = case("progress").join(name);
        let told = told(&recorded(&folder.join("news.jsonl")));
        expect_file![folder.join("want.txt")].assert_eq(&told);
    }
}

/// Whatever comes twice is said once: every piece again right after itself.
#[test]
fn news_that_repeat_are_told_once() {
    for name in ["success", "cached", "context"] {
        let news = recorded(&case("progress").join(name).join("news.jsonl"));
        // Output does not repeat.
        let again = |piece: &Progress| Progress {
            output: Vec::new(),
            ..piece.clone()
        };
        let twice: Vec<Progress> = news.iter().flat_map(|piece| [piece.clone(), again(piece)]).collect();
        assert_eq!(told(&twice), told(&news), "{name}");
    }
}

fn at(millis: i64) -> Time {
    Time::from_micros(1_800_000_000_000_000 + millis * 1000)
}

fn step(name: &str, started: Option<i64>, finished: Option<i64>) -> solve::Step {
    solve::Step {
        digest: name.to_owned(),
        name: name.to_owned(),
        started: started.map(at),
        finished: finished.map(at),
        ..solve::Step::default()
    }
}

fn news(step: solve::Step) -> Progress {
    Progress {
        steps: vec![step],
        ..Progress::default()
    }
}

fn lines(reports: Vec<Report>) -> Vec<String> {
    let text = |report| match report {
        Report::Line { level, text } => Some(format!("{level:?} {text}")),
        Report::Progress { text, is_last, .. } => Some(format!("{is_last} {text}")),
        Report::Stages(_) | Report::Steps(_) => None,
    };
    reports.into_iter().filter_map(text).collect()
}

#[test]
fn a_step_that_runs_again_keeps_its_first_start_and_its_last_end() {
    let mut steps = Steps::new();
    let name = "[2/2] RUN make";
    let told = lines(steps.feed(&news(step(name, Some(0), Some(200))), at(200)));
    assert_eq!(told, ["Info      [2/2] RUN make [done: 200ms]"]);
    assert!(lines(steps.feed(&news(step(name, Some(300), None)), at(300))).is_empty());
    assert_eq!(steps.live()[0].state, StepState::Running { since: at(200) });
    assert!(lines(steps.feed(&news(step(name, Some(300), Some(350))), at(350))).is_empty());
    let stage = &steps.stages()[0];
    assert_eq!((stage.started, stage.finished), (Some(at(0)), Some(at(350))));
    // An old piece that comes late changes nothing.
    steps.feed(&news(step(name, Some(0), Some(200))), at(360));
    assert_eq!(steps.stages()[0].finished, Some(at(350)));
}

#[test]
fn a_step_that_is_cached_has_no_start() {
    let mut steps = Steps::new();
    let cached = solve::Step {
        cached: true,
        ..step("[1/2] COPY a b", None, None)
    };
    assert_eq!(
        lines(steps.feed(&news(cached), at(0))),
        ["Info      [1/2] COPY a b [cached]"]
    );
    assert_eq!(steps.live()[0].state, StepState::Cached);
    assert!(lines(steps.feed(&news(step("[1/2] COPY a b", Some(1), Some(2))), at(2))).is_empty());
}

#[test]
fn a_step_of_the_builders_own_is_mentioned_when_it_is_slow() {
    let mut steps = Steps::new();
    let name = "[internal] load metadata for docker.io/library/node:20";
    assert_eq!(
        lines(steps.feed(&news(step(name, Some(0), None)), at(0))),
        [format!("Debug      {name}")]
    );
    assert!(lines(steps.tick(at(900))).is_empty());
    assert_eq!(lines(steps.tick(at(1000))), [format!("Info      {name}")]);
    assert!(lines(steps.tick(at(2000))).is_empty());
    assert_eq!(
        lines(steps.feed(&news(step(name, Some(0), Some(2500))), at(2500))),
        [format!("Info      {name} [done: 2.5s]")]
    );
}

#[test]
fn what_travels_is_counted_once_it_takes_long() {
    let mut steps = Steps::new();
    let name = "[internal] load build context";
    steps.feed(&news(step(name, Some(0), None)), at(0));
    let sent = |current: u64| Progress {
        transfers: vec![Transfer {
            id: "transferring context:".to_owned(),
            step: name.to_owned(),
            current,
            ..Transfer::default()
        }],
        ..Progress::default()
    };
    assert!(lines(steps.feed(&sent(1_000), at(500))).is_empty());
    assert_eq!(steps.live()[0].detail, "1.00kB");
    let told = lines(steps.feed(&sent(12_345_678), at(1500)));
    assert_eq!(told, ["false      [background] read source files 12.3MB"]);
    assert!(
        lines(steps.feed(&sent(12_345_679), at(1600))).is_empty(),
        "nothing new to be read"
    );
    steps.feed(&sent(20_000_000), at(1700));
    let told = lines(steps.feed(&news(step(name, Some(0), Some(1800))), at(1800)));
    assert_eq!(told, ["true      [background] read source files 20.0MB [done: 1.8s]"]);
}

#[test]
fn layers_are_counted_together() {
    let mut steps = Steps::new();
    let name = "[1/2] FROM docker.io/library/node:20";
    steps.feed(&news(step(name, Some(0), None)), at(0));
    let layer = |id: &str, current, total| Transfer {
        id: id.to_owned(),
        step: name.to_owned(),
        current,
        total,
        ..Transfer::default()
    };
    let pulling = Progress {
        transfers: vec![
            layer("resolve docker.io/library/node:20", 0, 0),
            layer("sha256:a", 1_000_000, 4_000_000),
            layer("sha256:b", 500_000, 1_000_000),
        ],
        ..Progress::default()
    };
    let told = lines(steps.feed(&pulling, at(1000)));
    assert_eq!(
        told,
        ["false      [1/2] FROM docker.io/library/node:20 1.50MB / 5.00MB"]
    );
}

#[test]
fn output_that_was_interrupted_is_repeated_when_its_step_fails() {
    let mut steps = Steps::new();
    let (a, b) = ("[a 2/2] RUN a", "[b 2/2] RUN b");
    steps.feed(&news(step(a, Some(0), None)), at(0));
    steps.feed(&news(step(b, Some(1), None)), at(1));
    let said = |name: &str, text: &str| Progress {
        output: vec![Output {
            step: name.to_owned(),
            bytes: text.into(),
            ..Output::default()
        }],
        ..Progress::default()
    };
    assert_eq!(lines(steps.feed(&said(a, "trou"), at(2))), Vec::<String>::new());
    assert_eq!(
        lines(steps.feed(&said(b, "hello\n"), at(3))),
        ["Info      [b 2/2] → hello"]
    );
    assert_eq!(
        lines(steps.feed(&said(a, "ble\n\n"), at(4))),
        ["Info      [a 2/2] → trouble"]
    );
    assert_eq!(
        lines(steps.feed(&said(b, "again\n"), at(5))),
        ["Info      [b 2/2] → again"]
    );
    let failed = solve::Step {
        error: "exit code: 1".to_owned(),
        ..step(a, Some(0), Some(6))
    };
    let told = lines(steps.feed(&news(failed), at(6)));
    assert_eq!(told, ["Info \n     ERROR IN: [a 2/2] RUN a\n     → trouble"]);
    assert_eq!(
        (steps.failed(), steps.last_output(a)),
        (Some(a), vec!["trouble".to_owned()])
    );
    let canceled = solve::Step {
        error: "process \"b\" did not complete: context canceled".to_owned(),
        ..step(b, Some(1), Some(7))
    };
    assert_eq!(
        lines(steps.feed(&news(canceled), at(7))),
        ["Info      [b 2/2] RUN b [canceled]"]
    );
}

#[test]
fn the_classic_builder_is_told_in_the_same_form() {
    let mut cases = std::fs::read_dir(case("classic"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect::<Vec<_>>();
    cases.sort();
    assert!(cases.len() > 2);
    for folder in cases {
        let stream = std::fs::read_to_string(folder.join("stream.txt")).unwrap();
        let failure = std::fs::read_to_string(folder.join("message.txt")).ok();
        // In pieces of seven characters, a hundredth of a second each.
        let chars: Vec<char> = stream.chars().collect();
        let mut classic = Classic::new();
        let mut pieces: Vec<Progress> = Vec::new();
        for (i, piece) in chars.chunks(7).enumerate() {
            let piece: String = piece.iter().collect();
            pieces.push(classic.feed(&piece, at(10 * i as i64)));
        }
        pieces.push(classic.finish(failure.as_deref().map(str::trim), at(10 * chars.len() as i64)));
        expect_file![folder.join("want.txt")].assert_eq(&told(&pieces));
    }
}
