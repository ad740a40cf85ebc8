//! Pure. A Tiltfile's text made ready for the parser, with a way back from every position to what the user wrote.
//!
//! The parser knows no `while` loop and no tabs, which published Tiltfiles use. A loop `while COND:` becomes an endless `for` whose
//! body starts with `if not (COND): break`; a tab becomes spaces; `*args` goes behind named arguments; `x *= y` is spelled out. Text that
//! would exhaust the parser is refused here, by depth.

mod arguments;

use std::cell::OnceCell;
use std::collections::HashMap;

use arguments::Piece;

/// Calls for the iterable of rewritten loops; no program names it by accident.
pub const FOREVER: &str = "__tilt_forever()";
const LOOP_VARIABLE: &str = "__tilt_loop";
const TAB_WIDTH: usize = 8;
/// Deeper nesting of brackets or blocks than any real program has; the parser recurses on each.
const MAX_DEPTH: usize = 200;
/// Longest run of tokens without a comma, bracket or new line: the parser recurses on operators.
const MAX_RUN: usize = 4000;
const MAX_BYTES: usize = 16 << 20;

/// The text that the parser sees.
#[derive(Debug)]
pub struct Source {
    pub original: String,
    pub rewritten: String,
    segments: Vec<Segment>,
    /// Where each line of the original begins.
    lines: Vec<usize>,
    anchors: OnceCell<Anchors>,
}

/// By begin and end of an expression in the rewritten text: where the sign stands that says what it does.
pub type Anchors = HashMap<(u32, u32), usize>;

/// A stretch of the rewritten text that stands one to one in the original, or (`copied: false`) was made up at one place of it.
#[derive(Debug, Clone, Copy)]
struct Segment {
    rewritten: usize,
    original: usize,
    copied: bool,
}

/// Text that the parser must not be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TooMuch {
    pub offset: usize,
    pub message: &'static str,
}

impl Source {
    pub fn new(text: &str) -> Result<Source, TooMuch> {
        if text.len() > MAX_BYTES {
            return Err(TooMuch {
                offset: 0,
                message: "file is larger than 16 MiB",
            });
        }
        let mut scan = Scan::new(text);
        scan.run()?;
        let (rewritten, segments) = match arguments::reordered(&scan.out) {
            Some(pieces) => assembled(&pieces, &scan.out, &scan.segments),
            None => (scan.out, scan.segments),
        };
        Ok(Source {
            original: text.to_owned(),
            rewritten,
            segments,
            lines: std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
            anchors: OnceCell::new(),
        })
    }

    /// Where a byte of the rewritten text comes from.
    pub fn original_offset(&self, rewritten: usize) -> usize {
        let index = self
            .segments
            .partition_point(|s| s.rewritten <= rewritten)
            .saturating_sub(1);
        let Some(segment) = self.segments.get(index) else {
            return 0;
        };
        let ahead = if segment.copied {
            rewritten.saturating_sub(segment.rewritten)
        } else {
            0
        };
        (segment.original + ahead).min(self.original.len())
    }

    /// Line and column, both from 1, of a byte of the rewritten text; columns count characters.
    pub fn position(&self, rewritten: usize) -> (usize, usize) {
        let offset = self.original_offset(rewritten);
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let before = &self.original.as_bytes()[self.lines[line - 1]..offset];
        (line, String::from_utf8_lossy(before).chars().count() + 1)
    }

    /// The text of a line, counted from 1.
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = self.lines.get(line.saturating_sub(1)) else {
            return "";
        };
        self.original[*start..].lines().next().unwrap_or_default()
    }

    /// Notes where the signs of expressions stand, which is known once the text is parsed.
    pub fn note_anchors(&self, anchors: Anchors) {
        self.anchors.get_or_init(|| anchors);
    }

    /// Where the sign of the expression between two bytes of the rewritten text stands.
    pub fn anchor(&self, begin: u32, end: u32) -> Option<usize> {
        self.anchors.get()?.get(&(begin, end)).copied()
    }
}

/// Text in another order, and where it comes from.
fn assembled(pieces: &[Piece], text: &str, segments: &[Segment]) -> (String, Vec<Segment>) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut moved: Vec<Segment> = Vec::with_capacity(segments.len() + pieces.len());
    for piece in pieces {
        let range = match piece {
            Piece::Kept(range) => range.clone(),
            Piece::Made(made) => {
                let original = moved.last().map_or(0, |last| last.original);
                let (rewritten, copied) = (out.len(), false);
                moved.push(Segment {
                    rewritten,
                    original,
                    copied,
                });
                out.push_str(made);
                continue;
            }
        };
        let first = segments
            .partition_point(|s| s.rewritten <= range.start)
            .saturating_sub(1);
        for segment in segments[first..].iter().take_while(|s| s.rewritten < range.end) {
            let skipped = range.start.saturating_sub(segment.rewritten);
            moved.push(Segment {
                rewritten: out.len() + segment.rewritten.max(range.start) - range.start,
                original: segment.original + if segment.copied { skipped } else { 0 },
                copied: segment.copied,
            });
        }
        out.push_str(&text[range]);
    }
    (out, moved)
}

/// Line and column, both from 1, of a byte offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}

/// One pass over the text; strings and comments are copied, everything else is looked at.
struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    out: String,
    segments: Vec<Segment>,
    brackets: usize,
    run: usize,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Scan<'t> {
        Scan {
            text,
            bytes: text.as_bytes(),
            at: 0,
            out: String::with_capacity(text.len() + text.len() / 16),
            segments: Vec::new(),
            brackets: 0,
            run: 0,
        }
    }

    fn run(&mut self) -> Result<(), TooMuch> {
        if self.text.starts_with('\u{feff}') {
            self.at = '\u{feff}'.len_utf8();
        }
        while self.at < self.bytes.len() {
            self.logical_line()?;
        }
        Ok(())
    }

    /// Indentation, then tokens up to the line break that ends the statement.
    fn logical_line(&mut self) -> Result<(), TooMuch> {
        let indent = self.indentation()?;
        if self.word() == "while" {
            return self.while_loop(&indent);
        }
        self.augmented_assignment()?;
        self.tokens(Until::LineEnd).map(|_| ())
    }

    /// `x *= y` → `x = x * (y)`, for operators that have a function of ours in their place.
    fn augmented_assignment(&mut self) -> Result<(), TooMuch> {
        let (start, name) = (self.at, self.word());
        let behind = self.text[start + name.len()..].trim_start_matches(' ');
        let operator = ["*", "%", "<<"]
            .into_iter()
            .find(|operator| behind.strip_prefix(operator).is_some_and(|rest| rest.starts_with('=')));
        let Some(operator) = operator.filter(|_| !name.is_empty()) else {
            return Ok(());
        };
        let place = self.text.len() - behind.len();
        self.copy(start, place);
        self.invent(place, &format!("= {name} {operator} ("));
        self.at = place + operator.len() + 1;
        self.tokens(Until::StatementEnd)?;
        self.invent(self.at, ")");
        Ok(())
    }

    fn indentation(&mut self) -> Result<String, TooMuch> {
        let mut width = 0;
        let start = self.at;
        while let Some(b @ (b' ' | b'\t')) = self.peek() {
            width += if b == b'\t' { TAB_WIDTH - width % TAB_WIDTH } else { 1 };
            self.at += 1;
        }
        if width > MAX_DEPTH * TAB_WIDTH {
            return Err(self.too_much("block is nested too deeply"));
        }
        let indent = " ".repeat(width);
        if self.bytes[start..self.at].contains(&b'\t') {
            self.invent(start, &indent);
        } else {
            self.copy(start, self.at);
        }
        Ok(indent)
    }

    /// `while COND:` → `for … in FOREVER:` + `if not (COND): break` as the first statement of the body.
    fn while_loop(&mut self, indent: &str) -> Result<(), TooMuch> {
        let keyword = self.at;
        self.at += "while".len();
        let condition = self.at;
        let mut probe = self.probe(condition);
        if !probe.tokens(Until::Colon)? {
            // No colon: the parser words the complaint, at the place where the user wrote it.
            self.at = keyword;
            return self.tokens(Until::LineEnd).map(|_| ());
        }
        let colon = probe.at;
        let body_indent = self.body_indent(colon + 1, indent);
        self.invent(
            keyword,
            &format!("for {LOOP_VARIABLE} in {FOREVER}:\n{body_indent}if not ("),
        );
        self.at = condition;
        self.tokens(Until::Colon)?;
        self.invent(colon, "): break\n");
        self.at = colon + 1;
        if self.rest_of_line_is_empty(self.at) {
            // The block follows on lines of its own; keep a comment behind the colon where it is harmless.
            self.invent(colon, &body_indent);
            return self.tokens(Until::LineEnd).map(|_| ());
        }
        self.invent(colon, &body_indent);
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.tokens(Until::LineEnd).map(|_| ())
    }

    /// Indentation of the block behind a colon: that of its first statement, or a deeper one for a body on the same line.
    fn body_indent(&self, after_colon: usize, indent: &str) -> String {
        let deeper = format!("{indent} ");
        if !self.rest_of_line_is_empty(after_colon) {
            return deeper;
        }
        for line in self.text[after_colon..].lines().skip(1) {
            let trimmed = line.trim_start_matches([' ', '\t']);
            if trimmed.is_empty() || trimmed.starts_with('#') || trimmed == "\r" {
                continue;
            }
            let width = line[..line.len() - trimmed.len()].bytes().fold(0, |w, b| {
                if b == b'\t' {
                    w + TAB_WIDTH - w % TAB_WIDTH
                } else {
                    w + 1
                }
            });
            return if width > indent.len() {
                " ".repeat(width)
            } else {
                deeper
            };
        }
        deeper
    }

    fn rest_of_line_is_empty(&self, from: usize) -> bool {
        let rest = self.text[from..].lines().next().unwrap_or_default().trim();
        rest.is_empty() || rest.starts_with('#')
    }

    /// A scan of the same text from another place, writing to nowhere that is kept.
    fn probe(&self, at: usize) -> Scan<'t> {
        Scan {
            at,
            ..Scan::new(self.text)
        }
    }

    /// Copies tokens up to the end of the statement or to a colon at its own level; says whether it got there.
    fn tokens(&mut self, until: Until) -> Result<bool, TooMuch> {
        let mut lambdas = 0usize;
        self.run = 0;
        let level = self.brackets;
        while let Some(byte) = self.peek() {
            let start = self.at;
            match byte {
                b'\n' | b';' if until == Until::StatementEnd && self.brackets == level => return Ok(true),
                b'\n' => {
                    self.at += 1;
                    self.copy(start, self.at);
                    if self.brackets == 0 {
                        return Ok(until == Until::LineEnd);
                    }
                    continue;
                }
                b'\r' => self.carriage_return(),
                b'\\' if self.bytes.get(self.at + 1) == Some(&b'\r') => self.continued_crlf(),
                b'\\' => {
                    self.at = (self.at + 2).min(self.bytes.len());
                    self.copy_chars(start);
                }
                b'#' => self.comment(),
                b'\t' => self.blank(),
                b' ' => {
                    self.at += 1;
                    self.copy(start, self.at);
                }
                b'"' | b'\'' => self.string(),
                b'(' | b'[' | b'{' => self.open()?,
                b')' | b']' | b'}' => self.close(),
                b':' if self.brackets == level => {
                    if until == Until::Colon && lambdas == 0 {
                        return Ok(true);
                    }
                    lambdas = lambdas.saturating_sub(1);
                    self.symbol();
                }
                _ => {
                    if self.brackets == level && self.word() == "lambda" {
                        lambdas += 1;
                    }
                    self.token()?;
                }
            }
        }
        Ok(until != Until::Colon)
    }

    fn token(&mut self) -> Result<(), TooMuch> {
        self.run = if self.peek() == Some(b',') { 0 } else { self.run + 1 };
        if self.run > MAX_RUN {
            return Err(self.too_much("expression is too long; split it into several statements"));
        }
        let start = self.at;
        let word = self.word().len();
        if word > 0 {
            self.at += word;
            // A prefix of a string literal (`r"…"`, `b'…'`) belongs to it.
            let prefix = &self.text[start..self.at];
            if matches!(self.peek(), Some(b'"' | b'\'')) && is_string_prefix(prefix) {
                self.copy(start, self.at);
                self.string();
                return Ok(());
            }
        } else {
            self.at += self.char_len();
        }
        self.copy(start, self.at);
        Ok(())
    }

    fn open(&mut self) -> Result<(), TooMuch> {
        self.brackets += 1;
        self.run = 0;
        if self.brackets > MAX_DEPTH {
            return Err(self.too_much("expression is nested too deeply"));
        }
        self.symbol();
        Ok(())
    }

    fn close(&mut self) {
        self.brackets = self.brackets.saturating_sub(1);
        self.symbol();
    }

    fn symbol(&mut self) {
        let start = self.at;
        self.at += 1;
        self.copy(start, self.at);
    }

    fn blank(&mut self) {
        let start = self.at;
        self.at += 1;
        self.invent(start, " ");
    }

    fn carriage_return(&mut self) {
        let start = self.at;
        self.at += 1;
        if self.peek() != Some(b'\n') {
            self.copy(start, self.at);
        }
    }

    fn continued_crlf(&mut self) {
        let start = self.at;
        self.at = (self.at + 3).min(self.bytes.len());
        self.invent(start, "\\\n");
    }

    fn comment(&mut self) {
        // Dropped, not copied: its text may hold tabs, and the parser has no use for it.
        while self.peek().is_some_and(|b| b != b'\n') {
            self.at += 1;
        }
    }

    fn string(&mut self) {
        self.run += 1;
        let end = string_end(self.bytes, self.at);
        // Line breaks inside are plain ones, as outside.
        while let Some(found) = self.text[self.at..end].find("\r\n") {
            let start = self.at;
            self.at += found;
            self.copy(start, self.at);
            self.at += 1;
        }
        let start = self.at;
        self.at = end;
        self.copy(start, end);
    }

    /// The identifier at this place, empty if there is none.
    fn word(&self) -> &'t str {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let preceded = self.at > 0 && is_word(self.bytes[self.at - 1]);
        let len = rest.iter().take_while(|b| is_word(**b)).count();
        if preceded || len == 0 {
            return "";
        }
        &self.text[self.at..self.at + len]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn char_len(&self) -> usize {
        self.text[self.at..].chars().next().map_or(1, char::len_utf8)
    }

    /// Copies what was passed over, ending on a character even where a backslash stood before a longer one.
    fn copy_chars(&mut self, start: usize) {
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        self.copy(start, self.at);
    }

    fn copy(&mut self, start: usize, end: usize) {
        let follows = self
            .segments
            .last()
            .is_some_and(|s| s.copied && s.original + (self.out.len() - s.rewritten) == start);
        if !follows {
            self.segment(start, true);
        }
        self.out.push_str(&self.text[start..end]);
    }

    fn invent(&mut self, original: usize, text: &str) {
        self.segment(original, false);
        self.out.push_str(text);
    }

    fn segment(&mut self, original: usize, copied: bool) {
        self.segments.push(Segment {
            rewritten: self.out.len(),
            original,
            copied,
        });
    }

    fn too_much(&self, message: &'static str) -> TooMuch {
        TooMuch {
            offset: self.at,
            message,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Behind the line break.
    LineEnd,
    /// In front of the line break or semicolon.
    StatementEnd,
    Colon,
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// Where a string ends that begins with the quote at `start`: behind its last quote, or where it breaks off.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let is_triple = bytes[start..].starts_with(&[quote, quote, quote]);
    let width = if is_triple { 3 } else { 1 };
    let mut at = start + width;
    while let Some(byte) = bytes.get(at) {
        match byte {
            // Behind a backslash nothing ends, nor does a character of several bytes.
            b'\\' => at += 1 + bytes.get(at + 1).map_or(0, |next| char_width(*next)),
            b'\n' if !is_triple => return at,
            _ if bytes[at..].starts_with(&[quote; 3][..width]) => return at + width,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// How many bytes a character has that begins with this one.
fn char_width(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

fn is_string_prefix(word: &str) -> bool {
    matches!(
        word,
        "r" | "R" | "b" | "B" | "rb" | "br" | "Rb" | "rB" | "RB" | "bR" | "Br" | "BR"
    )
}

#[cfg(test)]
mod tests;
