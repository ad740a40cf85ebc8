//! Pure. The live view of `tilt up`: one line a resource, the last log lines below what fails, and a summary.

mod row;

use std::collections::BTreeMap;

use crate::engine::state::{Name, State, WebAddress};
use crate::model::time::Time;
use crate::ui::style::Style;
use crate::ui::text::{self, Keep};

use row::{Row, rows};
pub use row::{Sign, standing};

/// How many log lines stand below something that fails.
pub const TAIL: usize = 5;
/// Names are given no more columns than this.
const WIDEST_NAME: usize = 28;
/// What a row has besides names, words and links: the sign, blanks, the duration, and the column that stays free.
const AROUND: usize = 13;

/// What the view is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub width: usize,
    pub height: usize,
    pub now: Time,
    pub style: Style,
}

/// The last log lines of resources, by name.
pub type Tails = BTreeMap<Name, Vec<String>>;

/// A line that fits; its width is that of the text without colours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub width: usize,
}

/// What is shown at a moment. No line is as wide as the terminal, and together they are not as high.
pub fn lines(state: &State, look: &Look, tails: &Tails) -> Vec<Line> {
    let rows = rows(state, look.now);
    let room = look.height.saturating_sub(2);
    let shown = Shown::choose(&rows, room, tails);
    let columns = Columns::of(&shown.rows, look.width);
    let mut lines = Vec::new();
    for (row, tail) in &shown.rows {
        lines.push(columns.line(row, look));
        lines.extend(tail.iter().map(|text| tail_line(text, look)));
    }
    if shown.left_out > 0 && room > 0 {
        let more = format!("  … and {} more", shown.left_out);
        lines.push(Ink::new(look).put(Tone::Faint, &more).line());
    }
    lines.push(summary(state, &rows, look));
    lines
}

/// The resources whose log lines the view shows.
pub fn failing(state: &State, now: Time) -> Vec<Name> {
    let rows = rows(state, now);
    let failing = rows.into_iter().filter(|row| row.sign == Sign::Failing);
    failing.map(|row| row.name).collect()
}

/// Whether the view changes by itself as time goes by.
pub fn is_ticking(state: &State, now: Time) -> bool {
    rows(state, now).iter().any(|row| row.sign == Sign::Busy)
}

/// Where the web interface is, as a browser is sent there.
pub fn address(web: &WebAddress) -> String {
    let host = match web.host.as_str() {
        "" => "localhost",
        "0.0.0.0" => "127.0.0.1",
        host => host,
    };
    format!("http://{host}:{}/", web.port)
}

struct Shown<'a> {
    rows: Vec<(&'a Row, &'a [String])>,
    left_out: usize,
}

impl<'a> Shown<'a> {
    /// In the order of definition if all of it fits, else what fails and what runs before the rest. Log lines get the room
    /// that is left, and never less than half of what the quiet rows would take.
    fn choose(rows: &'a [Row], room: usize, tails: &'a Tails) -> Shown<'a> {
        let urgent = rows.iter().filter(|row| row.sign <= Sign::Busy).count();
        let spare = room.saturating_sub(urgent);
        let mut for_tails = room.saturating_sub(rows.len()).max(spare / 2);
        let mut order: Vec<&Row> = rows.iter().collect();
        let tails_of: BTreeMap<&str, &[String]> = order
            .iter()
            .filter(|row| row.sign == Sign::Failing)
            .map(|row| (&*row.name, last(tails, &row.name, &mut for_tails)))
            .collect();
        let taken: usize = tails_of.values().map(|tail| tail.len()).sum();
        let for_rows = room - taken.min(room);
        let mut left_out = 0;
        if rows.len() > for_rows {
            // The first row is the Tiltfile's, which everything else comes from.
            order[1..].sort_by_key(|row| row.sign);
            let kept = for_rows.saturating_sub(1);
            left_out = rows.len() - kept;
            order.truncate(kept);
        }
        let tail = |row: &Row| tails_of.get(&*row.name).copied().unwrap_or_default();
        Shown {
            rows: order.into_iter().map(|row| (row, tail(row))).collect(),
            left_out,
        }
    }
}

/// The last few lines, taken out of the room that there is.
fn last<'a>(tails: &'a Tails, name: &str, room: &mut usize) -> &'a [String] {
    let all = tails.get(name).map(Vec::as_slice).unwrap_or_default();
    let count = all.len().min(TAIL).min(*room);
    *room -= count;
    &all[all.len() - count..]
}

/// Where the parts of a row begin.
struct Columns {
    name: usize,
    what: usize,
}

impl Columns {
    fn of(rows: &[(&Row, &[String])], width: usize) -> Columns {
        let widest = |of: fn(&Row) -> &str| rows.iter().map(|(row, _)| text::width(of(row))).max();
        let name = widest(|row| &row.name).unwrap_or_default();
        let name = name.min(WIDEST_NAME).min(width / 3);
        let followed = rows.iter().filter(|(row, _)| row.is_followed());
        let what = followed.clone().map(|(row, _)| text::width(&row.what)).max();
        let links = followed.map(|(row, _)| row.links.iter().map(|link| text::width(link) + 2).sum::<usize>());
        let behind = AROUND + links.max().unwrap_or_default();
        let room = width.saturating_sub(name + behind).max(width * 2 / 5);
        Columns {
            name,
            what: what.unwrap_or_default().min(room),
        }
    }

    fn line(&self, row: &Row, look: &Look) -> Line {
        let name = text::padded(&text::cut(&row.name, self.name), self.name);
        let mut ink = Ink::new(look)
            .put(row.sign.tone(), row.sign.glyph(look.now))
            .put(Tone::Usual, " ");
        ink = ink.put(Tone::Bold, &name).put(Tone::Usual, "  ");
        if !row.is_followed() {
            return ink.put(row.sign.text_tone(), &row.what).line();
        }
        let what = text::padded(&text::cut(&row.what, self.what), self.what);
        ink = ink.put(row.sign.text_tone(), &what);
        let took = row.took.map(text::short).unwrap_or_default();
        ink = ink.put(Tone::Faint, &format!("  {took:>6}"));
        for link in &row.links {
            ink = ink.put(Tone::Usual, "  ").put(Tone::Faint, link);
        }
        ink.line()
    }
}

fn tail_line(line: &str, look: &Look) -> Line {
    let line = text::printable(line, Keep::Nothing);
    Ink::new(look).put(Tone::Faint, &format!("    {line}")).line()
}

fn summary(state: &State, rows: &[Row], look: &Look) -> Line {
    let of_resources = rows.iter().filter(|row| row.is_resource);
    let count = |wanted: &[Sign]| of_resources.clone().filter(|row| wanted.contains(&row.sign)).count();
    let counts = [
        (Tone::Good, count(&[Sign::Ready]), "ready"),
        (Tone::Bad, count(&[Sign::Failing]), "failing"),
        (Tone::Usual, count(&[Sign::Busy, Sign::Waiting]), "pending"),
        (Tone::Faint, count(&[Sign::Off]), "off"),
    ];
    let mut parts: Vec<(Tone, String)> = Vec::new();
    if let Some(fatal) = &state.session.fatal {
        parts.push((Tone::Bad, text::first_line(fatal)));
    } else if state.session.ending.is_some() {
        parts.push((Tone::Usual, "shutting down".to_owned()));
    }
    let counts = counts.into_iter().filter(|(_, count, _)| *count > 0);
    parts.extend(counts.map(|(tone, count, word)| (tone, format!("{count} {word}"))));
    if !rows.iter().any(|row| row.is_resource) {
        parts.push((Tone::Usual, "no resources".to_owned()));
    }
    parts.extend(state.session.web.as_ref().map(|web| (Tone::Bold, address(web))));
    let mut ink = Ink::new(look);
    for (at, (tone, part)) in parts.iter().enumerate() {
        ink = ink.put(Tone::Faint, if at > 0 { " · " } else { "" }).put(*tone, part);
    }
    ink.line()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Usual,
    Good,
    Bad,
    Hot,
    Faint,
    Bold,
}

/// A line being written: nothing goes over its end.
struct Ink {
    line: Line,
    style: Style,
    /// Columns there are; the last one of the terminal stays free, or it would wrap.
    room: usize,
    is_full: bool,
}

impl Ink {
    fn new(look: &Look) -> Ink {
        Ink {
            line: Line::default(),
            style: look.style,
            room: look.width.saturating_sub(1),
            is_full: false,
        }
    }

    fn put(mut self, tone: Tone, part: &str) -> Ink {
        if self.is_full || part.is_empty() {
            return self;
        }
        let left = self.room - self.line.width;
        let fitting = text::cut(part, left);
        self.is_full = fitting != part;
        self.line.width += text::width(&fitting);
        let painted = match tone {
            Tone::Usual => fitting,
            Tone::Good => self.style.green(&fitting),
            Tone::Bad => self.style.red(&fitting),
            Tone::Hot => self.style.yellow(&fitting),
            Tone::Faint => self.style.faint(&fitting),
            Tone::Bold => self.style.bold(&fitting),
        };
        self.line.text.push_str(&painted);
        self
    }

    fn line(self) -> Line {
        self.line
    }
}

impl Sign {
    fn glyph(self, now: Time) -> &'static str {
        const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        match self {
            Sign::Failing => "✖",
            Sign::Busy => TURNS[(now.micros().div_euclid(100_000)).rem_euclid(TURNS.len() as i64) as usize],
            Sign::Waiting => "○",
            Sign::Ready => "✔",
            Sign::Off => "⏸",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Sign::Failing => Tone::Bad,
            Sign::Busy => Tone::Hot,
            Sign::Waiting => Tone::Usual,
            Sign::Ready => Tone::Good,
            Sign::Off => Tone::Faint,
        }
    }

    fn text_tone(self) -> Tone {
        match self {
            Sign::Failing => Tone::Bad,
            Sign::Off | Sign::Waiting => Tone::Faint,
            Sign::Busy | Sign::Ready => Tone::Usual,
        }
    }
}

#[cfg(test)]
mod tests;
