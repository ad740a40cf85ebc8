//! Pure. How one string is written in a YAML document: which quotes it needs, and where a long one is folded.
//!
//! The choices are those of Go's yaml v2 emitter, down to the tab that forces double quotes, since what `kubectl` and
//! Tilt print is compared by eye and by tools.

use super::resolve::{self, Scalar};

/// Words beyond this column go to the next line.
const BEST_WIDTH: usize = 80;
/// A longer key needs the explicit `? key` form.
const LONGEST_SIMPLE_KEY: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Where a string stands: as a key in front of a colon, or alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Key,
    Value,
}

/// What a string is made of, as far as it matters for writing it.
#[derive(Default)]
struct Traits {
    indicators: bool,
    special: bool,
    breaks: bool,
    outer_blank: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

pub fn style(text: &str, place: Place) -> Style {
    let traits = Traits::of(text);
    if traits.breaks {
        let literal = place == Place::Value && !traits.special && !traits.space_break && !traits.trailing_space;
        return if literal { Style::Literal } else { Style::Double };
    }
    if means_something_else(text) {
        return Style::Double;
    }
    if traits.special {
        return Style::Double;
    }
    let plain = !traits.indicators && !traits.outer_blank;
    if plain { Style::Plain } else { Style::Single }
}

/// Whether a key can stand in front of its colon.
pub fn fits_simple_key(text: &str) -> bool {
    text.len() <= LONGEST_SIMPLE_KEY && !text.contains('\n')
}

/// Whether the text, unquoted, would not be read as this very string.
fn means_something_else(text: &str) -> bool {
    // No word, number or date starts otherwise, except for the merge key.
    let suspicious = matches!(
        text.as_bytes().first(),
        None | Some(
            b'+' | b'-' | b'.' | b'~' | b'<' | b'0'
                ..=b'9' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O'
        )
    );
    suspicious && (text == "<<" || resolve::plain(text) != Scalar::Text || resolve::looks_base_60(text))
}

impl Traits {
    fn of(text: &str) -> Traits {
        let mut traits = Traits {
            indicators: text.starts_with("---") || text.starts_with("..."),
            outer_blank: text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']),
            trailing_space: text.ends_with(' '),
            ..Traits::default()
        };
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            traits.indicators |= is_indicator(c, previous, chars.peek().copied());
            traits.special |= !is_printable(c);
            traits.breaks |= c == '\n';
            traits.break_space |= c == ' ' && previous == Some('\n');
            traits.space_break |= c == '\n' && previous == Some(' ');
            previous = Some(c);
        }
        traits
    }
}

fn is_indicator(c: char, previous: Option<char>, next: Option<char>) -> bool {
    match c {
        '#' => previous.is_none_or(is_blank),
        ':' => next.is_none_or(is_blank),
        '?' | '-' => previous.is_none() && next.is_none_or(is_blank),
        ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => previous.is_none(),
        _ => false,
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\0')
}

/// Everything else is escaped: control characters (a tab is one), what lies beyond the first Unicode plane, marks of
/// byte order, and the line separators, which readers disagree about.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Writes strings at a known column.
pub struct Writer<'a> {
    pub out: &'a mut String,
    /// Characters since the last line break.
    pub column: usize,
    /// Where a folded or literal text continues.
    pub indent: usize,
    pub place: Place,
}

impl Writer<'_> {
    pub fn write(&mut self, text: &str) {
        match style(text, self.place) {
            Style::Plain => self.folded(text, "", |out, c| out.push(c)),
            Style::Single => self.folded(text, "'", |out, c| {
                out.push(c);
                if c == '\'' {
                    out.push(c);
                }
            }),
            Style::Double => self.double(text),
            Style::Literal => self.literal(text),
        }
    }

    /// Plain and single quoted text: a single space beyond the best width becomes a line break.
    fn folded(&mut self, text: &str, quote: &str, push: impl Fn(&mut String, char)) {
        self.out.push_str(quote);
        let fits = self.place == Place::Key || self.column + quote.len() + text.len() <= BEST_WIDTH;
        if fits && quote.is_empty() {
            self.out.push_str(text);
        } else if fits {
            text.chars().for_each(|c| push(self.out, c));
        } else {
            self.column += quote.len();
            self.fold(text, quote, push);
        }
        self.out.push_str(quote);
    }

    fn fold(&mut self, text: &str, quote: &str, push: impl Fn(&mut String, char)) {
        let mut previous_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((index, c)) = chars.next() {
            let next_space = chars.peek().is_some_and(|next| next.1 == ' ');
            let inner = quote.is_empty() || (index > 0 && chars.peek().is_some());
            if c == ' ' && !previous_space && self.column > BEST_WIDTH && inner && !next_space {
                self.new_line();
            } else {
                push(self.out, c);
                self.column += if c == '\'' && !quote.is_empty() { 2 } else { 1 };
            }
            previous_space = c == ' ';
        }
    }

    fn new_line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.column = self.indent;
    }

    fn double(&mut self, text: &str) {
        self.out.push('"');
        self.column += 1;
        let mut previous_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((index, c)) = chars.next() {
            let inner = index > 0 && chars.peek().is_some();
            if c == ' ' && self.place == Place::Value && !previous_space && self.column > BEST_WIDTH && inner {
                self.new_line();
                // The break stands for the first space only; a second one would be taken for indentation.
                if chars.peek().is_some_and(|next| next.1 == ' ') {
                    self.out.push('\\');
                    self.column += 1;
                }
            } else {
                self.column += escape(self.out, c);
            }
            previous_space = c == ' ';
        }
        self.out.push('"');
    }

    fn literal(&mut self, text: &str) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            self.out.push('2');
        }
        if !text.ends_with('\n') {
            self.out.push('-');
        } else if text == "\n" || text.ends_with("\n\n") {
            self.out.push('+');
        }
        for line in text.split_terminator('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', self.indent));
                self.out.push_str(line);
            }
        }
    }
}

/// Writes one character inside double quotes; how many columns it took.
fn escape(out: &mut String, c: char) -> usize {
    let start = out.len();
    match c {
        '\0' => out.push_str("\\0"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{b}' => out.push_str("\\v"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\u{1b}' => out.push_str("\\e"),
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{85}' => out.push_str("\\N"),
        '\u{2028}' => out.push_str("\\L"),
        '\u{2029}' => out.push_str("\\P"),
        c if is_printable(c) => {
            out.push(c);
            return 1;
        }
        c => match u32::from(c) {
            code @ ..=0xff => out.push_str(&format!("\\x{code:02X}")),
            code @ ..=0xffff => out.push_str(&format!("\\u{code:04X}")),
            code => out.push_str(&format!("\\U{code:08X}")),
        },
    }
    out.len() - start
}
