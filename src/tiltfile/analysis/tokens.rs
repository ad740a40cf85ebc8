//! Pure. A document's words, strings and brackets, whether or not they make sense together.
//!
//! The parser gives up at the first mistake, and text that somebody is typing is mostly mistakes. This never gives up, and it keeps the
//! offsets of the document.

use std::ops::Range;

const TAB_WIDTH: usize = 8;
const TRIPLE_QUOTES: [&str; 2] = ["\"\"\"", "'''"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    /// A string literal with its prefix and quotes.
    Text,
    Open,
    Close,
    /// An operator, a comma, a dot, …
    Symbol,
    Comment,
    /// The end of a line, inside brackets too.
    Break,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

impl Token {
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// Whether the token is this word, operator or bracket.
    pub fn is(self, text: &str, what: &str) -> bool {
        self.kind != Kind::Text && self.of(text) == what
    }
}

/// All tokens but blanks.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scan = Scan { text, at: 0 };
    let mut found = Vec::new();
    while let Some(token) = scan.next() {
        found.push(token);
    }
    found
}

/// What stands between the quotes of a string literal; also if the closing ones are missing.
pub fn content(token: Token, text: &str) -> Range<usize> {
    let literal = token.of(text);
    let prefix = literal.len() - literal.trim_start_matches(|c: char| c != '"' && c != '\'').len();
    let quoted = &literal[prefix..];
    let quote = match TRIPLE_QUOTES.into_iter().find(|quotes| quoted.starts_with(quotes)) {
        Some(quotes) => quotes,
        None => &quoted[..quoted.len().min(1)],
    };
    let start = token.start + prefix + quote.len();
    let closed = quoted.len() >= 2 * quote.len() && quoted.ends_with(quote);
    start..if closed {
        token.end - quote.len()
    } else {
        token.end.max(start)
    }
}

/// What a string literal says, where that is the same as what is written in it.
pub fn plain(token: Token, text: &str) -> &str {
    &text[content(token, text)]
}

/// A statement without the block below it: `if x:` or `k8s_yaml('a.yaml')`, over several lines if its brackets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Places of its tokens.
    pub tokens: Range<usize>,
    /// The column at which it begins, from 0.
    pub indent: usize,
}

/// Groups tokens into statements. Where a bracket is never closed, the next line that begins like a statement ends it.
pub fn statements(text: &str, tokens: &[Token]) -> Vec<Statement> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(skipped) = tokens[at..]
        .iter()
        .position(|t| !matches!(t.kind, Kind::Break | Kind::Comment))
    {
        let first = at + skipped;
        let indent = column(text, tokens[first].start);
        let end = closed_end(tokens, first).unwrap_or_else(|| open_end(text, tokens, first, indent));
        found.push(Statement {
            tokens: first..end,
            indent,
        });
        at = end;
    }
    found
}

/// The first line break outside brackets; none if a bracket stays open to the end.
fn closed_end(tokens: &[Token], first: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(first) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            Kind::Break if depth == 0 => return Some(index),
            _ => {}
        }
    }
    (depth == 0).then_some(tokens.len())
}

fn open_end(text: &str, tokens: &[Token], first: usize, indent: usize) -> usize {
    let begins = |index: &usize| {
        let token = tokens[*index];
        token.kind == Kind::Word && tokens[*index - 1].kind == Kind::Break && column(text, token.start) <= indent
    };
    (first + 1..tokens.len()).find(begins).unwrap_or(tokens.len())
}

/// How far a place is indented, with tabs as wide as the evaluator takes them.
pub fn column(text: &str, offset: usize) -> usize {
    let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    text[line..offset].chars().fold(0, |width, c| match c {
        '\t' => width + TAB_WIDTH - width % TAB_WIDTH,
        '\u{feff}' => width,
        _ => width + 1,
    })
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let start = self.at;
        let first = self.rest().chars().next()?;
        let kind = match first {
            '\n' => self.take(1, Kind::Break),
            '#' => self.comment(),
            '"' | '\'' => self.string(),
            '(' | '[' | '{' => self.take(1, Kind::Open),
            ')' | ']' | '}' => self.take(1, Kind::Close),
            c if is_word(c) => self.word(),
            _ => self.symbol(first),
        };
        Some(Token {
            kind,
            start,
            end: self.at,
        })
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    /// Blanks, and line breaks that a backslash takes away.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let joined = ["\\\n", "\\\r\n"].into_iter().find(|joint| rest.starts_with(joint));
            let blank = rest
                .chars()
                .next()
                .filter(|c| *c != '\n' && (c.is_whitespace() || *c == '\u{feff}'));
            match (joined, blank) {
                (Some(joint), _) => self.at += joint.len(),
                (None, Some(blank)) => self.at += blank.len_utf8(),
                (None, None) => return,
            }
        }
    }

    fn comment(&mut self) -> Kind {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        Kind::Comment
    }

    fn word(&mut self) -> Kind {
        let length = self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        let (word, rest) = self.rest().split_at(length);
        let is_prefix = word.len() <= 2 && word.chars().all(|c| matches!(c, 'r' | 'R' | 'b' | 'B'));
        if is_prefix && rest.starts_with(['"', '\'']) {
            self.at += length;
            return self.string();
        }
        let kind = if word.starts_with(|c: char| c.is_ascii_digit()) {
            Kind::Number
        } else {
            Kind::Word
        };
        self.take(length, kind)
    }

    fn symbol(&mut self, first: char) -> Kind {
        let pairs = [
            "==", "!=", "<=", ">=", "//", "**", "+=", "-=", "*=", "/=", "%=", "|=", "&=",
        ];
        let pair = pairs.into_iter().find(|pair| self.rest().starts_with(pair));
        self.take(pair.map_or(first.len_utf8(), str::len), Kind::Symbol)
    }

    /// A string in single quotes ends with its line at the latest.
    fn string(&mut self) -> Kind {
        let triple = TRIPLE_QUOTES.into_iter().find(|quotes| self.rest().starts_with(quotes));
        let quote = triple.unwrap_or(&self.text[self.at..self.at + 1]).to_owned();
        self.at += quote.len();
        while let Some(c) = self.rest().chars().next() {
            if self.rest().starts_with(&quote) {
                return self.take(quote.len(), Kind::Text);
            }
            if c == '\n' && triple.is_none() {
                break;
            }
            self.at += c.len_utf8();
            if c == '\\' {
                self.at += self.rest().chars().next().map_or(0, char::len_utf8);
            }
        }
        Kind::Text
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|token| token.of(text)).collect()
    }

    fn grouped(text: &str) -> Vec<(usize, String)> {
        let tokens = tokens(text);
        let shown = |statement: Statement| {
            let words: Vec<&str> = tokens[statement.tokens]
                .iter()
                .map(|t| t.of(text))
                .filter(|w| *w != "\n")
                .collect();
            (statement.indent, words.join(" "))
        };
        statements(text, &tokens).into_iter().map(shown).collect()
    }

    #[test]
    fn strings_end_with_their_quotes_or_with_their_line() {
        let table = [
            ("f('a', r\"b\\\")", vec!["f", "(", "'a'", ",", "r\"b\\\")"]),
            ("x='a\ny", vec!["x", "=", "'a", "\n", "y"]),
            ("'''a\nb''' c", vec!["'''a\nb'''", "c"]),
            ("'\\''", vec!["'\\''"]),
            ("\"\"", vec!["\"\""]),
            ("a\\\nb # c\n", vec!["a", "b", "# c", "\n"]),
            ("a==b//c", vec!["a", "==", "b", "//", "c"]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_content_of_a_string_is_known_before_it_is_closed() {
        for (text, expected) in [
            ("'ab'", "ab"),
            ("'ab", "ab"),
            ("r'''a'b'''", "a'b"),
            ("'''ab", "ab"),
            ("'", ""),
            ("''", ""),
            ("'''", ""),
            ("''''''", ""),
        ] {
            assert_eq!(plain(tokens(text)[0], text), expected, "{text}");
        }
    }

    #[test]
    fn a_statement_spans_its_brackets() {
        let text = "f(\n 1,\n)\ng()\n  # no\nif x:\n\th()\n";
        let expected = [(0, "f ( 1 , )"), (0, "g ( )"), (0, "if x :"), (8, "h ( )")];
        assert_eq!(
            grouped(text),
            expected.map(|(indent, words)| (indent, words.to_owned()))
        );
    }

    #[test]
    fn a_bracket_that_is_never_closed_ends_before_the_next_statement() {
        let text = "f(1,\n  2\ng(3)\n";
        let expected = [(0, "f ( 1 , 2"), (0, "g ( 3 )")];
        assert_eq!(
            grouped(text),
            expected.map(|(indent, words)| (indent, words.to_owned()))
        );
    }
}
