//! What stands on a terminal while recorded builds run: `testdata/build/live/`.

use std::path::Path;

use expect_test::expect_file;

use super::*;
use crate::build::progress::Steps;
use crate::build::progress::tests::{case, recorded, when};
use crate::ui::fake_terminal::{Paper, Terminal};
use crate::ui::hud::{Display as Wanted, Size};

struct Stage {
    display: Display,
    paper: Paper,
    terminal: Terminal,
    size: Size,
}

impl Stage {
    fn new(names: &[&str], wanted: Wanted, (columns, rows): (usize, usize)) -> Stage {
        let paper = Paper::default();
        Stage {
            display: Display::new(names, wanted, Style::Plain, Box::new(paper.clone())),
            paper,
            terminal: Terminal::new(columns),
            size: Size { columns, rows },
        }
    }

    fn shown(&mut self) -> String {
        self.terminal.feed(&self.paper.take());
        self.terminal.text()
    }
}

/// Two recorded builds side by side, from the same moment on; the screen whenever it looks another way, times taken out.
fn side_by_side(builds: &[(&str, &str)], waiting: &[&str], size: (usize, usize)) -> String {
    let names: Vec<&str> = builds
        .iter()
        .map(|(name, _)| *name)
        .chain(waiting.iter().copied())
        .collect();
    let mut stage = Stage::new(&names, Wanted::Live, size);
    let mut news = Vec::new();
    for (name, folder) in builds {
        let pieces = recorded(&case("progress").join(folder).join("news.jsonl"));
        let first = pieces.iter().filter_map(when).min().unwrap();
        let mut now = first;
        for piece in pieces {
            now = when(&piece).unwrap_or(now).max(now);
            news.push((now.since(first), *name, piece));
        }
    }
    news.sort_by_key(|(at, _, _)| *at);
    let begin = Time::from_micros(1_800_000_000_000_000);
    let mut steps: Vec<(&str, Steps)> = builds.iter().map(|(name, _)| (*name, Steps::new())).collect();
    let (mut out, mut last) = (String::new(), String::new());
    for (name, _) in builds {
        stage.display.start(name, begin, stage.size).unwrap();
    }
    for (at, name, piece) in &news {
        let now = begin + *at;
        let (_, steps) = steps.iter_mut().find(|(of, _)| of == name).unwrap();
        for report in steps.feed(piece, now) {
            stage.display.report(name, &report, now, stage.size).unwrap();
        }
        if !news.iter().any(|(later, of, _)| of == name && later > at) {
            let outcome = if steps.failed().is_some() {
                Outcome::Failed
            } else {
                Outcome::Built
            };
            stage.display.finish(name, outcome, now, stage.size).unwrap();
        }
        let shown = stage.shown();
        assert!(shown.lines().all(|line| text::width(line) < size.0), "{shown}");
        assert!(shown.lines().count() <= size.1, "{shown}");
        if shown != last {
            out.push_str(&format!("— {}ms\n{shown}", at.as_millis()));
            last = shown;
        }
    }
    out
}

#[test]
fn builds_share_a_terminal() {
    let folder = case("live");
    let check = |name: &str, shown: String| expect_file![Path::new(&folder).join(name)].assert_eq(&shown);
    let two = [("web", "success"), ("worker", "parallel")];
    check("two.txt", side_by_side(&two, &["docs"], (80, 24)));
    check("narrow.txt", side_by_side(&two, &["docs"], (32, 24)));
    check("low.txt", side_by_side(&two, &["docs", "api"], (60, 5)));
}

#[test]
fn what_is_no_terminal_gets_lines() {
    let mut stage = Stage::new(&["web", "worker"], Wanted::Stream, (80, 24));
    let mut steps = Steps::new();
    let news = recorded(&case("progress").join("success").join("news.jsonl"));
    let mut now = news.iter().filter_map(when).min().unwrap();
    stage.display.start("web", now, stage.size).unwrap();
    for piece in news {
        now = when(&piece).unwrap_or(now).max(now);
        for report in steps.feed(&piece, now) {
            stage.display.report("web", &report, now, stage.size).unwrap();
        }
    }
    stage.display.finish("web", Outcome::Built, now, stage.size).unwrap();
    stage.display.finish("worker", Outcome::Known, now, stage.size).unwrap();
    stage.display.end(now, stage.size).unwrap();
    let text = stage.paper.take();
    expect_file![case("live").join("lines.txt")].assert_eq(&text);
}

#[test]
fn progress_that_goes_on_is_told_less_and_less_often() {
    let mut stage = Stage::new(&["web"], Wanted::Stream, (80, 24));
    for second in 0..40 {
        let report = Report::Progress {
            id: "context".to_owned(),
            text: format!("{second} MB"),
            is_last: second == 39,
        };
        let now = Time::from_micros(second * 1_000_000);
        stage.display.report("web", &report, now, stage.size).unwrap();
    }
    assert_eq!(stage.paper.take(), "0 MB\n5 MB\n15 MB\n35 MB\n39 MB\n");
}

#[test]
fn a_terminal_that_is_resized_shows_the_board_once() {
    let mut stage = Stage::new(&["a-rather-long-name", "b"], Wanted::Live, (60, 24));
    let now = Time::default();
    stage.display.start("a-rather-long-name", now, stage.size).unwrap();
    stage.display.finish("b", Outcome::Known, now, stage.size).unwrap();
    stage.shown();
    stage.terminal.resize(24);
    stage.size.columns = 24;
    stage.display.tick(now + Duration::from_secs(1), stage.size).unwrap();
    assert_eq!(stage.shown(), "a-rather-lo…  building…\nb             nothing …\n");
}

#[test]
fn more_images_than_rows_become_a_count() {
    let names: Vec<String> = (0..30).map(|at| format!("image-{at}")).collect();
    let mut board = Board::new(&names);
    let now = Time::default();
    for name in &names[..20] {
        board.start(name, now);
        board.finish(name, Outcome::Built, now);
    }
    board.finish("image-20", Outcome::Failed, now);
    board.start("image-21", now);
    let look = Look {
        columns: 60,
        rows: 4,
        now,
        style: Style::Plain,
    };
    let shown: Vec<String> = board.lines(&look).into_iter().map(|line| line.text).collect();
    assert_eq!(
        shown,
        [
            "image-20  failed after 0ms",
            "image-21  building 0.0s",
            "30 images: 1 running, 1 failed, 8 waiting, 20 done"
        ]
    );
}
