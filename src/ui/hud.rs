//! The live view on a terminal: paints what `view` says, lets log lines scroll above it, and listens to a few keys.
//!
//! It paints at most ten times a second, and only what changed. While nothing happens it does not wake up, except where a
//! duration on the screen grows. It never decides anything: it reads snapshots and logs.

mod keys;
pub(in crate::ui) mod screen;
mod tail;

use std::io::{self, Write};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::engine::handle::{Handle, Snapshot};
use crate::engine::logs::{Checkpoint, LogError, Logs, Page, Time};
use crate::engine::store::now;
use crate::ui::plain::{self, Prefix, Printer};
use crate::ui::style::Style;
use crate::ui::text::{self, Keep};
use crate::ui::view::{self, Line, Look};
use keys::{Key, Keys};
use screen::Screen;
use tail::Recent;

pub use keys::restore;

/// The least time between two paintings.
const PACE: Duration = Duration::from_millis(100);
/// This part of the rows is left to log lines, however many resources there are.
const FOR_LOGS: usize = 4;
/// How much of the log is read at once.
const PAGE: usize = 256 << 10;
/// What a terminal has that does not say its size.
const USUAL_SIZE: Size = Size { columns: 80, rows: 24 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// What is shown at first; the key `s` changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    Live,
    /// Logs only: for what is no terminal, for `TERM=dumb`, and for who asks for it.
    Stream,
}

/// Whether keys are listened to, if standard input is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    ToKeys,
    No,
}

/// What the space bar does, with the address of the web interface.
pub type Browse = Box<dyn Fn(&str) + Send + Sync>;

pub struct HudOptions {
    pub display: Display,
    pub listening: Listening,
    /// Plain for `NO_COLOR`.
    pub style: Style,
    /// Nothing stands before log lines if exactly one resource was asked for.
    pub prefix: Prefix,
    pub out: Box<dyn Write + Send>,
    pub size: Box<dyn Fn() -> Size + Send + Sync>,
    pub browse: Option<Browse>,
}

impl HudOptions {
    /// On standard output.
    pub fn new(display: Display, style: Style) -> HudOptions {
        HudOptions {
            display,
            listening: Listening::ToKeys,
            style,
            prefix: Prefix::Resource,
            out: Box::new(io::stdout()),
            size: Box::new(size_of_stdout),
            browse: None,
        }
    }
}

pub fn size_of_stdout() -> Size {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        },
        _ => USUAL_SIZE,
    }
}

/// Shows what happens until cancelled. Then what was logged so far is printed, and the last view stays on the screen. Ends
/// early if nothing can be written any more; the terminal is restored in any case.
pub async fn run(handle: Handle, logs: Logs, options: HudOptions, cancel: CancellationToken) -> io::Result<()> {
    let keys = match options.listening {
        Listening::ToKeys => Keys::open(),
        Listening::No => None,
    };
    let mut events = Events {
        snapshots: Some(handle.changes()),
        written: Some(logs.changes()),
        resized: signal(SignalKind::window_change()).ok(),
        keys,
        cancel,
    };
    let mut hud = Hud {
        handle,
        logs,
        printer: Printer::new(plain::Options {
            prefix: options.prefix,
            style: options.style,
        }),
        at: Checkpoint::default(),
        recent: Recent::default(),
        unfinished: String::new(),
        screen: Screen::new(options.out),
        display: options.display,
        style: options.style,
        size: options.size,
        browse: options.browse,
    };
    loop {
        hud.show().await?;
        let painted = Instant::now();
        match events.next(hud.wakes_at(painted)).await {
            Event::Ended => break,
            Event::Pressed(key) => hud.pressed(key)?,
            Event::Changed => {}
        }
        if hud.display == Display::Live && events.paused_until(painted + PACE).await == Pause::Ended {
            break;
        }
    }
    hud.finish().await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Changed,
    Pressed(Key),
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Over,
    Ended,
}

/// All that can wake the view up.
struct Events {
    snapshots: Option<watch::Receiver<Snapshot>>,
    written: Option<watch::Receiver<Checkpoint>>,
    resized: Option<Signal>,
    keys: Option<Keys>,
    cancel: CancellationToken,
}

impl Events {
    async fn next(&mut self, wakes_at: Option<Instant>) -> Event {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Event::Ended,
            key = pressed(&mut self.keys) => Event::Pressed(key),
            () = changed(&mut self.snapshots) => Event::Changed,
            () = changed(&mut self.written) => Event::Changed,
            () = resized(&mut self.resized) => Event::Changed,
            () = until(wakes_at) => Event::Changed,
        }
    }

    async fn paused_until(&self, at: Instant) -> Pause {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Pause::Ended,
            () = sleep_until(at) => Pause::Over,
        }
    }
}

async fn pressed(keys: &mut Option<Keys>) -> Key {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// Who has ended changes no more.
async fn changed<T>(source: &mut Option<watch::Receiver<T>>) {
    if let Some(receiver) = source {
        if receiver.changed().await.is_ok() {
            return;
        }
        *source = None;
    }
    std::future::pending().await
}

async fn resized(signal: &mut Option<Signal>) {
    if let Some(signal) = signal
        && signal.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Hud {
    handle: Handle,
    logs: Logs,
    printer: Printer,
    at: Checkpoint,
    recent: Recent,
    /// The beginning of a line whose end was not printed yet.
    unfinished: String,
    screen: Screen,
    display: Display,
    style: Style,
    size: Box<dyn Fn() -> Size + Send + Sync>,
    browse: Option<Browse>,
}

impl Hud {
    async fn show(&mut self) -> io::Result<()> {
        let text = self.news().await?;
        match self.display {
            Display::Stream if text.is_empty() => Ok(()),
            Display::Stream => self.screen.write(&text),
            Display::Live => self.paint(&text),
        }
    }

    /// Only whole lines can stand above the block.
    fn paint(&mut self, text: &str) -> io::Result<()> {
        self.unfinished.push_str(text);
        let end = self.unfinished.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.unfinished.split_off(end);
        let lines = std::mem::replace(&mut self.unfinished, rest);
        let lines: Vec<String> = lines.lines().map(painted).collect();
        let above = match lines.as_slice() {
            // One empty line is a line, no text at all is none.
            [line] if line.is_empty() => " ".to_owned(),
            lines => lines.join("\n"),
        };
        let columns = (self.size)().columns;
        let block = self.block();
        self.screen.paint(&above, block, columns)
    }

    fn block(&self) -> Vec<Line> {
        let Size { columns, rows } = (self.size)();
        let mut look = Look {
            width: columns,
            height: rows - rows / FOR_LOGS,
            now: now(),
            style: self.style,
        };
        let mut block = Vec::new();
        if !self.unfinished.is_empty() {
            let line = text::printable(&self.unfinished, Keep::Nothing);
            let line = text::cut(&line, columns.saturating_sub(1));
            block.push(Line {
                width: text::width(&line),
                text: line,
            });
            look.height = look.height.saturating_sub(1);
        }
        block.extend(view::lines(&self.handle.snapshot(), &look, self.recent.tails()));
        block
    }

    /// What was logged since the last time, as text.
    async fn news(&mut self) -> io::Result<String> {
        let mut out = String::new();
        while self.at < self.logs.end() {
            let page = page(self.logs.clone(), self.at).await?;
            if page.gone > 0 {
                out.push_str(&self.printer.gap(page.gone));
            }
            self.recent.pass(&page.segments);
            out.push_str(&self.printer.print(&page.segments, moment()));
            self.at = page.to;
        }
        out.push_str(&self.printer.print(&[], moment()));
        Ok(out)
    }

    /// When there is something new to show even if nothing happens.
    fn wakes_at(&self, painted: Instant) -> Option<Instant> {
        let line = self.printer.wakes_at().map(|at| {
            let wait = u64::try_from(at.0 - moment().0).unwrap_or_default();
            painted + Duration::from_micros(wait)
        });
        let is_ticking = self.display == Display::Live && view::is_ticking(&self.handle.snapshot(), now());
        let tick = is_ticking.then(|| painted + PACE);
        line.into_iter().chain(tick).min()
    }

    fn pressed(&mut self, key: Key) -> io::Result<()> {
        match (key, self.display) {
            (Key::Browse, _) => self.open_browser()?,
            (Key::Stream, Display::Live) => {
                self.screen.erase((self.size)().columns)?;
                self.display = Display::Stream;
                let begun = std::mem::take(&mut self.unfinished);
                self.screen.write(&begun)?;
            }
            (Key::Stream, Display::Stream) => {
                let begun = self.printer.finish();
                self.screen.write(&begun)?;
                self.display = Display::Live;
            }
        }
        Ok(())
    }

    fn open_browser(&mut self) -> io::Result<()> {
        let snapshot = self.handle.snapshot();
        let (Some(web), Some(browse)) = (&snapshot.session.web, &self.browse) else {
            return Ok(());
        };
        let url = view::address(web);
        browse(&url);
        let said = format!("Opening browser: {url}\n");
        match self.display {
            Display::Live => self.paint(&said),
            Display::Stream => self.screen.write(&said),
        }
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.logs.flush().await;
        let mut text = self.news().await?;
        text.push_str(&self.printer.finish());
        match self.display {
            Display::Stream => self.screen.write(&text),
            Display::Live => {
                self.paint(&text)?;
                self.screen.leave()
            }
        }
    }
}

async fn page(logs: Logs, at: Checkpoint) -> io::Result<Page> {
    let page = tokio::task::spawn_blocking(move || logs.read(at, PAGE)).await?;
    page.map_err(|error: LogError| io::Error::other(error))
}

/// A log line in its own colours, which end with it.
fn painted(line: &str) -> String {
    let line = text::printable(line, Keep::Colours);
    match line.contains('\u{1b}') {
        true => line + "\u{1b}[0m",
        false => line,
    }
}

/// Now, as logs count it.
fn moment() -> Time {
    Time(now().micros())
}

#[cfg(test)]
mod tests;
