//! The part of a terminal that is painted over: lines above it scroll away, the block below them stays.
//!
//! indicatif puts the two together; what it takes a terminal to be is corrected here. It fills lines with blanks so that they
//! wrap into each other, which a resize would undo: here each line is a line, and before painting over them it is counted
//! how many rows they take at the width that the terminal has by then.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::ui::view::Line;

/// Terminals that know these show all between them at once; others pass over them.
const BEGIN: &str = "\u{1b}[?2026h";
const END: &str = "\u{1b}[?2026l";
const CLEAR_BELOW: &str = "\u{1b}[J";
const CLEAR_REST: &str = "\u{1b}[K";
/// indicatif is told at least this width: it counts on a character to fit into a row.
const LEAST_WIDTH: u16 = 20;

pub struct Screen {
    out: Box<dyn Write + Send>,
    paper: Paper,
    multi: MultiProgress,
    bar: ProgressBar,
    shown: Vec<Line>,
}

impl Screen {
    pub fn new(out: Box<dyn Write + Send>) -> Screen {
        let paper = Paper::default();
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
        // What is not there any more is cleared by the paper, after all is written.
        multi.set_move_cursor(true);
        let style = ProgressStyle::with_template("{msg}").expect("the template is a constant");
        let bar = multi.add(ProgressBar::new_spinner().with_style(style));
        Screen {
            out,
            paper,
            multi,
            bar,
            shown: Vec::new(),
        }
    }

    /// Puts lines above the block, and shows the block as it is now. Writes nothing if nothing changed.
    pub fn paint(&mut self, above: &str, block: Vec<Line>, columns: usize) -> io::Result<()> {
        let is_resized = self.paper.lock().columns != columns;
        if above.is_empty() && block == self.shown && !is_resized {
            return Ok(());
        }
        self.paper.lock().columns = columns;
        if !above.is_empty() {
            self.paper.lock().is_scrolling = true;
            self.multi.println(above)?;
            self.paper.lock().is_scrolling = false;
        }
        let text: Vec<&str> = block.iter().map(|line| line.text.as_str()).collect();
        let text = text.join("\n");
        self.paper.lock().block = block.iter().map(|line| line.width).collect();
        self.bar.set_message(text);
        self.shown = block;
        let painted = std::mem::take(&mut self.paper.lock().painted);
        self.write(&format!("{BEGIN}{painted}{END}"))
    }

    /// Takes the block away: what is written next stands where it stood.
    pub fn erase(&mut self, columns: usize) -> io::Result<()> {
        self.shown.clear();
        let up = {
            let mut paper = self.paper.lock();
            paper.columns = columns;
            let up = paper.to_top();
            paper.drawn.clear();
            up
        };
        self.write(&format!("{up}{CLEAR_BELOW}"))
    }

    /// Leaves the block where it is, for good.
    pub fn leave(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.shown).is_empty() {
            true => Ok(()),
            false => {
                self.paper.lock().drawn.clear();
                self.write("\r\n")
            }
        }
    }

    pub fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Drop for Screen {
    /// Or the bar would draw itself once more.
    fn drop(&mut self) {
        self.multi.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// What indicatif takes for a terminal.
// The lock is held for a line at a time and by one task: indicatif wants to share it.
#[derive(Clone, Debug, Default)]
struct Paper(Arc<Mutex<Sheet>>);

#[derive(Debug, Default)]
struct Sheet {
    columns: usize,
    painted: String,
    /// The widths of the lines that indicatif holds as the block, and of those that are on the screen.
    block: Vec<usize>,
    drawn: Vec<usize>,
    is_scrolling: bool,
    /// A line was written whose blanks come next.
    is_filling: bool,
    is_first: bool,
}

impl Sheet {
    /// From the end of the last line of the block to the beginning of the first one.
    fn to_top(&self) -> String {
        let columns = self.columns.max(1);
        let rows: usize = self.drawn.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        match rows.saturating_sub(1) {
            0 => "\r".to_owned(),
            up => format!("\u{1b}[{up}A\r"),
        }
    }

    fn begin(&mut self) {
        let up = self.to_top();
        self.painted.push_str(&up);
        if self.is_scrolling {
            self.painted.push_str(CLEAR_BELOW);
        }
        (self.is_first, self.is_filling) = (true, false);
    }

    fn line(&mut self, text: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.painted.push_str("\r\n");
        }
        self.painted.push_str(text);
        // A line above may fill its row to the end, where this would take the last character away.
        if !self.is_scrolling {
            self.painted.push_str(CLEAR_REST);
        }
        self.is_filling = true;
    }
}

impl Paper {
    fn lock(&self) -> MutexGuard<'_, Sheet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TermLike for Paper {
    fn width(&self) -> u16 {
        u16::try_from(self.lock().columns).unwrap_or(u16::MAX).max(LEAST_WIDTH)
    }

    /// The block was made to fit.
    fn height(&self) -> u16 {
        u16::MAX
    }

    /// Where it believes to be is not where a resize has put us: `begin` goes to the top.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    /// A drawing is a carriage return, and then each line with the blanks behind it.
    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut sheet = self.lock();
        match text {
            "\r" => sheet.begin(),
            _ if sheet.is_filling => sheet.is_filling = false,
            text => sheet.line(text),
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut sheet = self.lock();
        let end = match sheet.is_scrolling {
            false => CLEAR_BELOW,
            // The block has not been there yet: it begins below what was just written.
            true if sheet.block.is_empty() => "\r\n",
            true => "",
        };
        sheet.painted.push_str(end);
        sheet.drawn = sheet.block.clone();
        Ok(())
    }
}
