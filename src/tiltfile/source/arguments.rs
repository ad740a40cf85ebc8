//! Pure. Calls in the order that the parser wants: it refuses `f(*args, name=value)`, which published Tiltfiles have, and takes
//! `f(name=value, *args)`.

use std::ops::Range;

use super::{is_word, string_end};

/// A stretch of the text, or text that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Kept(Range<usize>),
    Made(&'static str),
}

/// The text in the order that the parser wants, unless it is in that order as it stands. There are no comments in it.
pub fn reordered(text: &str) -> Option<Vec<Piece>> {
    if !may_unpack_a_list(text) {
        return None;
    }
    let mut order = Order {
        text: text.as_bytes(),
        at: 0,
        brackets: vec![Bracket::default()],
        is_definition: false,
        has_moved: false,
    };
    order.run();
    order.has_moved.then(|| order.finish())
}

fn may_unpack_a_list(text: &str) -> bool {
    text.match_indices('*')
        .any(|(at, _)| text[..at].trim_end().ends_with(['(', ',']))
}

/// An open bracket, and the text since it.
#[derive(Debug, Default)]
struct Bracket {
    pieces: Vec<Piece>,
    /// Where the text begins that is not among the pieces yet.
    from: usize,
    is_call: bool,
    /// The pieces of `*args`, with the comma behind it.
    list: Option<Range<usize>>,
    list_is_open: bool,
    has_named_after_list: bool,
}

struct Order<'t> {
    text: &'t [u8],
    at: usize,
    brackets: Vec<Bracket>,
    /// Behind `def`, up to the bracket of its parameters.
    is_definition: bool,
    has_moved: bool,
}

impl Order<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'"' | b'\'' => self.at = string_end(self.text, self.at),
                b'(' | b'[' | b'{' => self.open(byte),
                b')' | b']' | b'}' => self.close(),
                b',' => self.comma(),
                _ if is_word(byte) => self.word(),
                _ => self.at += 1,
            }
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        while self.brackets.len() > 1 {
            self.leave();
        }
        self.flush();
        self.bracket().pieces.split_off(0)
    }

    fn open(&mut self, byte: u8) {
        let is_behind_value = self.text[..self.at]
            .trim_ascii_end()
            .last()
            .is_some_and(|b| is_word(*b) || matches!(b, b')' | b']'));
        let is_call = byte == b'(' && is_behind_value && !std::mem::take(&mut self.is_definition);
        self.at += 1;
        self.brackets.push(Bracket {
            from: self.at,
            is_call,
            ..Bracket::default()
        });
        if let Some(outer) = self.brackets.iter_mut().nth_back(1) {
            outer.pieces.push(Piece::Kept(outer.from..self.at));
        }
        self.argument();
    }

    fn close(&mut self) {
        if self.brackets.len() == 1 {
            self.at += 1;
            return;
        }
        let has_comma = self.text[..self.at].trim_ascii_end().last() == Some(&b',');
        if self.bracket().has_named_after_list {
            self.flush();
            let separator = if has_comma { "" } else { ", " };
            self.bracket().pieces.push(Piece::Made(separator));
            self.put_list();
        }
        self.leave();
        self.at += 1;
    }

    /// Hands the text of a bracket to the one around it.
    fn leave(&mut self) {
        self.flush();
        let inner = self.brackets.pop().unwrap_or_default();
        let at = self.at;
        let outer = self.bracket();
        outer.pieces.extend(inner.pieces);
        outer.from = at;
    }

    fn comma(&mut self) {
        if self.bracket().list_is_open {
            self.flush();
            self.at += 1;
            self.flush();
            let bracket = self.bracket();
            bracket.list_is_open = false;
            bracket.list = bracket.list.take().map(|list| list.start..bracket.pieces.len());
        } else {
            self.at += 1;
        }
        self.argument();
    }

    /// What begins behind an opening bracket or a comma.
    fn argument(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
        if !self.bracket().is_call {
            return;
        }
        let rest = &self.text[self.at..];
        if rest.starts_with(b"**") {
            self.dictionary();
        } else if rest.starts_with(b"*") {
            self.flush();
            let bracket = self.bracket();
            bracket.list = Some(bracket.pieces.len()..bracket.pieces.len());
            bracket.list_is_open = true;
        } else if is_named(rest) {
            let bracket = self.bracket();
            bracket.has_named_after_list = bracket.list.is_some();
        }
    }

    fn dictionary(&mut self) {
        if self.bracket().has_named_after_list {
            self.flush();
            self.put_list();
            self.bracket().pieces.push(Piece::Made(", "));
        }
        self.at += 2;
    }

    /// Puts the list here, without the comma that was behind it.
    fn put_list(&mut self) {
        let bracket = self.bracket();
        bracket.has_named_after_list = false;
        if let Some(list) = bracket.list.take() {
            let mut moved: Vec<Piece> = bracket.pieces.drain(list).collect();
            moved.pop();
            bracket.pieces.extend(moved);
            self.has_moved = true;
        }
    }

    fn word(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|b| is_word(**b)).count();
        self.is_definition |= &rest[..length] == b"def";
        self.at += length;
    }

    fn flush(&mut self) {
        let at = self.at;
        let bracket = self.bracket();
        if bracket.from < at {
            bracket.pieces.push(Piece::Kept(bracket.from..at));
        }
        bracket.from = at;
    }

    fn bracket(&mut self) -> &mut Bracket {
        self.brackets.last_mut().expect("the outermost one is never popped")
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// Whether an argument is `name=value`.
fn is_named(argument: &[u8]) -> bool {
    let name = argument.iter().take_while(|b| is_word(**b)).count();
    let rest = argument[name..].trim_ascii_start();
    name > 0 && rest.starts_with(b"=") && !rest.starts_with(b"==")
}
