//! Builds as they are shown while they run: a block that is painted over on a terminal, lines anywhere else.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::build::{Level, Report};
use crate::model::time::Time;
use crate::ui::build::{Board, Look, Outcome};
use crate::ui::hud::screen::Screen;
use crate::ui::hud::{Display as Wanted, Size};
use crate::ui::style::Style;
use crate::ui::text::{self, Keep};

/// The least time between two paintings.
const PACE: Duration = Duration::from_millis(100);
/// How long a line of progress stands where lines stay; each one that is shown doubles it.
const PROGRESS_WAIT: Duration = Duration::from_secs(5);
/// Rows that are left to what was there before.
const LEFT_FREE: usize = 2;

pub struct Display {
    board: Board,
    style: Style,
    out: Out,
    painted: Option<Time>,
    /// When a line of progress was shown, and how long it stands.
    progress: HashMap<(String, String), (Time, Duration)>,
}

enum Out {
    Live(Box<Screen>),
    Lines(Box<dyn Write + Send>),
}

impl Display {
    pub fn new<S: AsRef<str>>(names: &[S], wanted: Wanted, style: Style, out: Box<dyn Write + Send>) -> Display {
        Display {
            board: Board::new(names),
            style,
            out: match wanted {
                Wanted::Live => Out::Live(Box::new(Screen::new(out))),
                Wanted::Stream => Out::Lines(out),
            },
            painted: None,
            progress: HashMap::new(),
        }
    }

    pub fn start(&mut self, name: &str, now: Time, size: Size) -> io::Result<()> {
        self.board.start(name, now);
        self.tick(now, size)
    }

    pub fn report(&mut self, name: &str, report: &Report, now: Time, size: Size) -> io::Result<()> {
        self.board.report(name, report);
        match report {
            // The live view shows how far a step is in the step's own line.
            Report::Progress { .. } if matches!(self.out, Out::Live(_)) => self.tick(now, size),
            Report::Line { level, text } if self.shows(*level) => self.say(name, text, now, size),
            Report::Progress { id, text, is_last } if *is_last || self.is_due(name, id, now) => {
                self.say(name, text, now, size)
            }
            _ => self.tick(now, size),
        }
    }

    /// How it came out. On a terminal its header says so; elsewhere a line does.
    pub fn finish(&mut self, name: &str, outcome: Outcome, now: Time, size: Size) -> io::Result<()> {
        self.board.finish(name, outcome, now);
        match self.out {
            Out::Live(_) => self.paint("", now, size),
            Out::Lines(_) => {
                let image = self.board.images.iter().find(|image| image.name == name);
                let standing = image.map(|image| image.standing(now)).unwrap_or_default();
                self.say(name, &standing, now, size)
            }
        }
    }

    /// Text of an image that stays: a failure, for one.
    pub fn say(&mut self, name: &str, text: &str, now: Time, size: Size) -> io::Result<()> {
        let prefix = match self.board.images.len() {
            1 => String::new(),
            _ => format!("{} │ ", text::padded(name, self.board.width)),
        };
        let keep = match self.style {
            Style::Plain => Keep::Nothing,
            Style::Colour => Keep::Colours,
        };
        let lines = text
            .split('\n')
            .map(|line| format!("{prefix}{}", text::printable(line, keep)));
        let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        let text = lines.join("\n");
        match &mut self.out {
            Out::Live(_) => self.paint(&text, now, size),
            Out::Lines(out) => {
                writeln!(out, "{text}")?;
                out.flush()
            }
        }
    }

    /// Paints if it is time to: to be called about ten times a second while builds run.
    pub fn tick(&mut self, now: Time, size: Size) -> io::Result<()> {
        match self.painted {
            Some(painted) if now.since(painted) < PACE => Ok(()),
            _ => self.paint("", now, size),
        }
    }

    /// Leaves the last state where it is.
    pub fn end(&mut self, now: Time, size: Size) -> io::Result<()> {
        self.paint("", now, size)?;
        match &mut self.out {
            Out::Live(screen) => screen.leave(),
            Out::Lines(out) => out.flush(),
        }
    }

    fn paint(&mut self, above: &str, now: Time, size: Size) -> io::Result<()> {
        let look = Look {
            columns: size.columns,
            rows: size.rows.saturating_sub(LEFT_FREE),
            now,
            style: self.style,
        };
        let Out::Live(screen) = &mut self.out else {
            return Ok(());
        };
        self.painted = Some(now);
        screen.paint(above, self.board.lines(&look), size.columns)
    }

    /// A live view shows the steps themselves; of their lines only warnings stay.
    fn shows(&self, level: Level) -> bool {
        match (&self.out, level) {
            (_, Level::Warn) => true,
            (Out::Lines(_), Level::Info) => true,
            (Out::Live(_), Level::Info) | (_, Level::Debug) => false,
        }
    }

    fn is_due(&mut self, name: &str, id: &str, now: Time) -> bool {
        let key = (name.to_owned(), id.to_owned());
        let wait = match self.progress.get(&key) {
            Some((at, wait)) if now.since(*at) < *wait => return false,
            Some((_, wait)) => *wait * 2,
            None => PROGRESS_WAIT,
        };
        self.progress.insert(key, (now, wait));
        true
    }
}
