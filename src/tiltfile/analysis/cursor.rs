//! Pure. What stands at a place of a document, by its tokens alone: a name behind its dots, a string, the calls around them.

use std::ops::Range;

use crate::tiltfile::analysis::tokens::{self, Kind, Token};

/// A place in a document.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub spot: Spot,
    /// The calls around it, innermost first.
    pub calls: Vec<Surrounding>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Spot {
    /// In a comment or a number, where nothing is offered.
    Nowhere,
    /// In a string literal: its token's place among the tokens.
    Text(usize),
    /// In or at the end of a name, or where one could begin.
    Name { receiver: Receiver, range: Range<usize> },
}

/// What stands before a name's dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    Nothing,
    /// `os.path`
    Path(String),
    /// A value of a type that is built in.
    Of(&'static str),
    /// What a call of this function returns.
    Returned(String),
    Unknown,
}

/// A call whose brackets a place is in.
#[derive(Debug, PartialEq, Eq)]
pub struct Surrounding {
    pub callee: String,
    /// Where the callee's name begins.
    pub start: usize,
    /// How many arguments by position stand before the one at the place.
    pub position: usize,
    /// The name of the argument at the place, if it has been written.
    pub keyword: Option<String>,
    /// Whether the place is the very beginning of the argument, and in no other bracket.
    pub begins_argument: bool,
    /// Names of all arguments of the call.
    pub named: Vec<String>,
}

/// The tokens of one document, to look around in.
#[derive(Clone, Copy)]
pub struct Around<'t> {
    pub text: &'t str,
    pub tokens: &'t [Token],
}

impl<'t> Around<'t> {
    /// What stands at a place of a statement whose tokens are these.
    pub fn place(self, statement: Range<usize>, offset: usize) -> Place {
        let spot = self.spot(offset);
        let before = statement.start
            ..self
                .tokens
                .partition_point(|t| t.start < offset)
                .clamp(statement.start, statement.end);
        let within = match &spot {
            Spot::Text(token) => statement.start..*token,
            Spot::Name { range, .. } => {
                statement.start
                    ..self
                        .tokens
                        .partition_point(|t| t.start < range.start)
                        .max(statement.start)
            }
            Spot::Nowhere => before,
        };
        Place {
            calls: self.calls(within, statement.end),
            spot,
        }
    }

    fn spot(self, offset: usize) -> Spot {
        let after = self.tokens.partition_point(|t| t.start < offset);
        let Some(index) = after.checked_sub(1) else {
            return self.name(after, offset..offset);
        };
        let token = self.tokens[index];
        match token.kind {
            Kind::Comment if offset <= token.end => Spot::Nowhere,
            Kind::Number if offset <= token.end => Spot::Nowhere,
            Kind::Text if offset < token.end || offset == token.end && !self.is_closed(token) => Spot::Text(index),
            Kind::Word if offset <= token.end => self.name(index, token.range()),
            _ => match self.tokens.get(after) {
                Some(next) if next.kind == Kind::Word && next.start == offset => self.name(after, next.range()),
                Some(next) if next.kind == Kind::Text && next.start == offset => Spot::Text(after),
                _ => self.name(after, offset..offset),
            },
        }
    }

    fn is_closed(self, token: Token) -> bool {
        tokens::content(token, self.text).end < token.end
    }

    /// The name at a place among the tokens, with what its dot, if there is one, follows.
    fn name(self, index: usize, range: Range<usize>) -> Spot {
        let dot = self.before(index).filter(|dot| self.tokens[*dot].is(self.text, "."));
        let receiver = dot.map_or(Receiver::Nothing, |dot| self.receiver(dot));
        Spot::Name { receiver, range }
    }

    /// The place of the token before; line breaks do not count.
    fn before(self, index: usize) -> Option<usize> {
        (0..index).rfind(|i| self.tokens[*i].kind != Kind::Break)
    }

    fn receiver(self, dot: usize) -> Receiver {
        let Some(last) = dot.checked_sub(1) else {
            return Receiver::Unknown;
        };
        let token = self.tokens[last];
        match token.kind {
            Kind::Word => self
                .path(last)
                .map_or(Receiver::Unknown, |(path, _)| Receiver::Path(path)),
            Kind::Text => Receiver::Of("str"),
            Kind::Close => match (self.opening(last), token.of(self.text)) {
                (Some(open), ")") => self
                    .callee(open)
                    .map_or(Receiver::Unknown, |(callee, _)| Receiver::Returned(callee)),
                (Some(open), "]") if !self.follows_value(open) => Receiver::Of("list"),
                (Some(_), "}") => Receiver::Of("dict"),
                _ => Receiver::Unknown,
            },
            _ => Receiver::Unknown,
        }
    }

    /// Whether a bracket stands right behind something that has a value: `x[`.
    fn follows_value(self, open: usize) -> bool {
        open.checked_sub(1)
            .is_some_and(|i| matches!(self.tokens[i].kind, Kind::Word | Kind::Close | Kind::Text))
    }

    fn opening(self, close: usize) -> Option<usize> {
        let mut depth = 0usize;
        (0..=close).rev().find(|index| {
            match self.tokens[*index].kind {
                Kind::Close => depth += 1,
                Kind::Open => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    /// The names and dots that end at a word, and where they begin.
    pub fn path(self, last: usize) -> Option<(String, usize)> {
        let mut first = last;
        while first >= 2 && self.tokens[first - 1].is(self.text, ".") && self.tokens[first - 2].kind == Kind::Word {
            first -= 2;
        }
        let continues = first > 0 && self.tokens[first - 1].is(self.text, ".");
        let words: String = self.tokens[first..=last].iter().map(|t| t.of(self.text)).collect();
        (!continues && self.tokens[last].kind == Kind::Word).then(|| (words, self.tokens[first].start))
    }

    /// The function whose call a bracket opens.
    fn callee(self, open: usize) -> Option<(String, usize)> {
        let last = open.checked_sub(1)?;
        let is_definition = last > 0 && self.tokens[last - 1].is(self.text, "def");
        let is_operator = ["in", "and", "or", "not", "if", "else", "return", "for", "lambda"].iter();
        let mut is_operator = is_operator.filter(|word| self.tokens[last].is(self.text, word));
        if is_definition || is_operator.next().is_some() {
            return None;
        }
        self.path(last)
    }

    /// The calls whose brackets are open at the end of a range of tokens.
    fn calls(self, before: Range<usize>, statement_end: usize) -> Vec<Surrounding> {
        let mut open = Vec::new();
        for index in before.clone() {
            match self.tokens[index].kind {
                Kind::Open => open.push(index),
                Kind::Close => drop(open.pop()),
                _ => {}
            }
        }
        let innermost = open.last().copied();
        let calls = open.into_iter().rev().filter_map(|open| {
            let (callee, start) = self.callee(open).filter(|_| self.tokens[open].is(self.text, "("))?;
            let (position, keyword, is_fresh) = self.argument(open + 1..before.end);
            let named = self.named(open + 1..statement_end);
            Some(Surrounding {
                callee,
                start,
                position,
                keyword,
                begins_argument: is_fresh && innermost == Some(open),
                named,
            })
        });
        calls.collect()
    }

    /// Of the arguments in a range of tokens: how many stand by position before the last, and the last one's name.
    fn argument(self, range: Range<usize>) -> (usize, Option<String>, bool) {
        let mut position = 0;
        let mut first = range.start;
        for comma in self.commas(range.clone()) {
            position += usize::from(self.keyword(first).is_none());
            first = comma + 1;
        }
        let is_fresh = self.tokens[first..range.end]
            .iter()
            .all(|t| matches!(t.kind, Kind::Break | Kind::Comment));
        let keyword = self.keyword(first).filter(|_| !is_fresh);
        (position, keyword, is_fresh)
    }

    /// The commas of a range that are in no bracket of it, up to the bracket that closes it.
    fn commas(self, range: Range<usize>) -> Vec<usize> {
        let mut depth = 0usize;
        let mut found = Vec::new();
        for index in range {
            match self.tokens[index].kind {
                Kind::Open => depth += 1,
                Kind::Close if depth == 0 => break,
                Kind::Close => depth -= 1,
                _ if depth == 0 && self.tokens[index].is(self.text, ",") => found.push(index),
                _ => {}
            }
        }
        found
    }

    /// The name of the argument that begins at a token.
    fn keyword(self, first: usize) -> Option<String> {
        let mut tokens = self
            .tokens
            .get(first..)?
            .iter()
            .filter(|t| !matches!(t.kind, Kind::Break | Kind::Comment));
        let (name, equals) = (tokens.next()?, tokens.next()?);
        let is_named = name.kind == Kind::Word && equals.is(self.text, "=");
        is_named.then(|| name.of(self.text).to_owned())
    }

    fn named(self, range: Range<usize>) -> Vec<String> {
        let first = range.start;
        let firsts = std::iter::once(first).chain(self.commas(range).into_iter().map(|comma| comma + 1));
        firsts.filter_map(|first| self.keyword(first)).collect()
    }
}
