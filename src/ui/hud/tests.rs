//! What stands on a terminal after all that was written to it, and that nothing is written without need.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::*;
use crate::engine::action::Action;
use crate::engine::handle::Answers;
use crate::engine::logs::Config;
use crate::engine::state::{Cause, State};
use crate::ui::fake_terminal::{Paper, Terminal};
use crate::ui::scene::{Scene, at, running, updated};

fn block(lines: &[&str]) -> Vec<Line> {
    let line = |line: &&str| Line {
        text: (*line).to_owned(),
        width: text::width(line),
    };
    lines.iter().map(line).collect()
}

struct Shown {
    screen: Screen,
    paper: Paper,
    terminal: Terminal,
}

impl Shown {
    fn on(columns: usize) -> Shown {
        let paper = Paper::default();
        Shown {
            screen: Screen::new(Box::new(paper.clone())),
            paper,
            terminal: Terminal::new(columns),
        }
    }

    fn paint(&mut self, above: &str, lines: &[&str]) -> String {
        let columns = self.terminal.columns;
        self.screen.paint(above, block(lines), columns).expect("painted");
        self.terminal.feed(&self.paper.take());
        self.terminal.text()
    }
}

#[test]
fn the_block_is_painted_over() {
    let mut shown = Shown::on(20);
    assert_eq!(shown.paint("", &["a 1", "b 1", "sum"]), "a 1\nb 1\nsum\n");
    assert_eq!(shown.paint("", &["a", "b 2", "c 2", "sum"]), "a\nb 2\nc 2\nsum\n");
    assert_eq!(shown.paint("", &["sum"]), "sum\n");
}

#[test]
fn log_lines_scroll_above_the_block() {
    let mut shown = Shown::on(20);
    shown.paint("", &["a", "sum"]);
    assert_eq!(shown.paint("one", &["a", "sum"]), "one\na\nsum\n");
    let long = "x".repeat(40);
    let wrapped = "x".repeat(20);
    assert_eq!(
        shown.paint(&format!("{long}\ntwo"), &["b", "sum"]),
        format!("one\n{wrapped}\n{wrapped}\ntwo\nb\nsum\n")
    );
}

#[test]
fn what_has_not_changed_is_not_written() {
    let mut shown = Shown::on(20);
    shown.paint("", &["a", "sum"]);
    shown.screen.paint("", block(&["a", "sum"]), 20).expect("painted");
    assert_eq!(shown.paper.take(), "");
}

#[test]
fn a_terminal_that_became_narrow_shows_the_block_once() {
    let mut shown = Shown::on(40);
    shown.paint("log", &["a quite long line of 30 columns", "b", "sum"]);
    shown.terminal.resize(12);
    assert_eq!(
        shown.paint("", &["a quite l…", "b", "sum"]),
        "log\na quite l…\nb\nsum\n"
    );
    shown.terminal.resize(40);
    assert_eq!(shown.paint("more", &["a quite", "sum"]), "log\nmore\na quite\nsum\n");
}

#[test]
fn the_block_can_be_taken_away_and_come_back() {
    let mut shown = Shown::on(20);
    shown.paint("log", &["a", "sum"]);
    shown.screen.erase(20).expect("erased");
    shown.screen.write("stream\n").expect("written");
    let text = shown.paper.take().replace('\n', "\r\n");
    shown.terminal.feed(&text);
    assert_eq!(shown.terminal.text(), "log\nstream\n\n");
    assert_eq!(shown.paint("", &["a", "sum"]), "log\nstream\na\nsum\n");
}

/// Pieces as they are written.
struct Pipe(mpsc::UnboundedSender<String>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The reader may have seen enough.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Session {
    snapshots: watch::Sender<Snapshot>,
    logs: Logs,
    written: mpsc::UnboundedReceiver<String>,
    terminal: Terminal,
    cancel: CancellationToken,
    view: tokio::task::JoinHandle<io::Result<()>>,
    _folder: tempfile::TempDir,
    _actions: mpsc::UnboundedReceiver<Action>,
}

impl Session {
    fn of(state: State, display: Display) -> Session {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = Logs::open(Config::below(folder.path())).expect("logs");
        let (snapshots, receiver) = watch::channel(Arc::new(state));
        let (sender, actions) = mpsc::unbounded_channel();
        let handle = Handle::new(sender, receiver, Arc::new(Answers::default()));
        let (pipe, written) = mpsc::unbounded_channel();
        let options = HudOptions {
            listening: Listening::No,
            out: Box::new(Pipe(pipe)),
            size: Box::new(|| Size { columns: 60, rows: 12 }),
            ..HudOptions::new(display, Style::Plain)
        };
        let cancel = CancellationToken::new();
        let tracker = tokio_util::task::TaskTracker::new();
        Session {
            view: tracker.spawn(run(handle, logs.clone(), options, cancel.clone())),
            snapshots,
            logs,
            written,
            terminal: Terminal::new(60),
            cancel,
            _folder: folder,
            _actions: actions,
        }
    }

    /// Waits until the screen has this on it.
    async fn until(&mut self, wanted: &str) -> String {
        while !self.terminal.text().contains(wanted) {
            let piece = self.written.recv().await.expect("the view is shown");
            self.terminal.feed(&piece);
        }
        self.terminal.text()
    }

    async fn end(mut self) -> String {
        self.cancel.cancel();
        self.view.await.expect("no panic").expect("shown");
        while let Ok(piece) = self.written.try_recv() {
            self.terminal.feed(&piece);
        }
        self.terminal.text()
    }
}

fn one(change: impl FnOnce(&mut crate::engine::state::ResourceState)) -> State {
    Scene::new().job("api", change).0
}

#[tokio::test]
async fn snapshots_and_logs_reach_the_screen() {
    let mut session = Session::of(one(|it| updated(it, 100, None)), Display::Live);
    session.until("1 ready").await;
    let span = session.logs.span("build:1", "api");
    span.info("hello\u{1b}[2J there");
    session.until("          api │ hello there").await;
    session
        .snapshots
        .send_replace(Arc::new(one(|it| updated(it, 100, Some("exit status 2")))));
    let text = session.until("1 failing").await;
    assert!(text.contains("    hello there\n"), "its log stands below it:\n{text}");
    span.info("the last words");
    let text = session.end().await;
    assert!(text.contains("api │ the last words"), "{text}");
    assert_eq!(text.matches("1 failing").count(), 1, "{text}");
    assert!(
        text.ends_with("http://localhost:10350/\n\n"),
        "the cursor is below:\n{text:?}"
    );
}

#[tokio::test]
async fn an_unfinished_line_is_shown_before_its_end_comes() {
    let mut session = Session::of(one(|it| updated(it, 100, None)), Display::Live);
    session.until("1 ready").await;
    let span = session.logs.span("build:1", "api");
    span.write(crate::engine::logs::Level::Info, b"password: ")
        .await
        .expect("written");
    session.until("api │ password:").await;
    span.write(crate::engine::logs::Level::Info, b"****\n")
        .await
        .expect("written");
    let text = session.until("api │ password: ****").await;
    assert_eq!(text.matches("password").count(), 1, "{text}");
    session.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_quiet_view_writes_once_and_does_not_wake_up() {
    let mut session = Session::of(one(|it| updated(it, 100, None)), Display::Live);
    session.until("1 ready").await;
    let more = tokio::time::timeout(Duration::from_secs(3600), session.written.recv()).await;
    assert!(more.is_err(), "{more:?}");
    session.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_running_duration_ticks_ten_times_a_second_at_most() {
    let state = one(|it| running(it, 0, vec![Cause::Initial]));
    let started = now();
    assert!(at(0) < started, "the scene lies in the past");
    let mut session = Session::of(state, Display::Live);
    session.until("1 pending").await;
    let second = tokio::time::timeout(Duration::from_secs(1), async {
        let mut count = 0;
        while session.written.recv().await.is_some() {
            count += 1;
            assert!(count <= 10, "too often");
        }
    });
    assert!(second.await.is_err(), "it goes on");
    session.end().await;
}

#[tokio::test]
async fn a_stream_has_log_lines_only() {
    let mut session = Session::of(one(|it| updated(it, 100, None)), Display::Stream);
    let span = session.logs.span("build:1", "api");
    span.info("hello");
    while !session.terminal.text().contains("hello") {
        let piece = session.written.recv().await.expect("shown");
        session.terminal.feed(&piece.replace('\n', "\r\n"));
    }
    assert_eq!(session.end().await, "          api │ hello\n\n");
}
