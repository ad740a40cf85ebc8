//! Pure. A template's text to tokens: what stands outside the braces, and the words within.

use super::TemplateError;

/// Where something stands, counted as Go counts: lines from 1, bytes of the line from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Spot {
    pub line: usize,
    pub column: usize,
    /// In the whole text.
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Text(String),
    Open,
    Close,
    Blank,
    /// A name without a dot: a keyword or a function.
    Word(String),
    /// `.name`, or `.` alone as an empty name.
    Field(String),
    /// `$name`, `$` alone as an empty name.
    Variable(String),
    Quoted(String),
    Number(String),
    Char(char),
    Sign(&'static str),
}

const SIGNS: [&str; 6] = [":=", "=", "|", "(", ")", ","];

pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<(Token, Spot)>,
}

pub fn tokens(text: &str) -> Result<Vec<(Token, Spot)>, TemplateError> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
    };
    let mut trim_next = false;
    while lexer.at < text.len() {
        trim_next = lexer.outside(trim_next)?;
    }
    Ok(lexer.tokens)
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub fn spot(&self, offset: usize) -> Spot {
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Spot {
            line: 1 + before.matches('\n').count(),
            column: offset - line_start,
            offset,
        }
    }

    fn fault(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::Syntax {
            line: self.spot(self.at).line,
            problem: problem.into(),
        }
    }

    fn push(&mut self, token: Token, length: usize) {
        let spot = self.spot(self.at);
        self.tokens.push((token, spot));
        self.at += length;
    }

    /// Text up to an action and the action itself; says whether the text that follows is trimmed.
    fn outside(&mut self, trim_start: bool) -> Result<bool, TemplateError> {
        let rest = self.rest();
        let end = rest.find("{{").unwrap_or(rest.len());
        let trim_end = rest[end..].starts_with("{{-") && rest[end + 3..].starts_with([' ', '\t', '\n', '\r']);
        let mut text = &rest[..end];
        text = if trim_start { text.trim_start() } else { text };
        text = if trim_end { text.trim_end() } else { text };
        let (text, is_last) = (text.to_owned(), end == rest.len());
        if !text.is_empty() {
            self.push(Token::Text(text), 0);
        }
        self.at += end;
        if is_last {
            return Ok(false);
        }
        self.push(Token::Open, if trim_end { 3 } else { 2 });
        self.inside()
    }

    fn inside(&mut self) -> Result<bool, TemplateError> {
        if self.rest().trim_start().starts_with("/*") {
            return self.comment();
        }
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            if blank > 0 && rest[blank..].starts_with("-}}") {
                self.push(Token::Close, blank + 3);
                return Ok(true);
            }
            if rest.starts_with("}}") {
                self.push(Token::Close, 2);
                return Ok(false);
            }
            if blank > 0 {
                self.push(Token::Blank, blank);
                continue;
            }
            self.word()?;
        }
    }

    fn comment(&mut self) -> Result<bool, TemplateError> {
        let rest = self.rest();
        let end = rest.find("*/").ok_or_else(|| self.fault("unclosed comment"))?;
        let after = rest[end + 2..].trim_start_matches([' ', '\t', '\r', '\n']);
        let (length, trims) = match after {
            after if after.starts_with("}}") => (2, false),
            after if after.starts_with("-}}") => (3, true),
            _ => return Err(self.fault("comment ends before closing delimiter")),
        };
        let skipped = rest.len() - after.len() + length;
        self.tokens.pop();
        self.at += skipped;
        Ok(trims)
    }

    fn word(&mut self) -> Result<(), TemplateError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Err(self.fault("unclosed action"));
        };
        let is_name = |c: char| c == '_' || c.is_alphanumeric();
        let name = |text: &str| text[..text.find(|c| !is_name(c)).unwrap_or(text.len())].to_owned();
        match first {
            '"' | '`' | '\'' => self.quoted(first),
            '$' => {
                let name = name(&rest[1..]);
                let length = name.len() + 1;
                self.push(Token::Variable(name), length);
                Ok(())
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let name = name(&rest[1..]);
                let length = name.len() + 1;
                self.push(Token::Field(name), length);
                Ok(())
            }
            c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => self.number(),
            c if is_name(c) => {
                let name = name(rest);
                let length = name.len();
                self.push(Token::Word(name), length);
                Ok(())
            }
            c => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    self.push(Token::Sign(sign), sign.len());
                    Ok(())
                }
                None => Err(self.fault(format!("unexpected {c:?} in command"))),
            },
        }
    }

    fn number(&mut self) -> Result<(), TemplateError> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let is_digit = |c: char| c == '.' || c == '_' || c.is_ascii_alphanumeric();
        let length = sign + rest[sign..].find(|c| !is_digit(c)).unwrap_or(rest.len() - sign);
        let number = rest[..length].to_owned();
        if length == sign {
            return Err(self.fault(format!("bad number syntax: {number:?}")));
        }
        self.push(Token::Number(number), length);
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), TemplateError> {
        let (text, length) = match unquoted(self.rest(), quote) {
            Some(found) => found,
            None if quote == '`' => return Err(self.fault("unterminated raw quoted string")),
            None if quote == '\'' => return Err(self.fault("unterminated character constant")),
            None => return Err(self.fault("unterminated quoted string")),
        };
        let token = match (quote, text.chars().next()) {
            ('\'', Some(c)) => Token::Char(c),
            _ => Token::Quoted(text),
        };
        self.push(token, length);
        Ok(())
    }
}

/// The text of a Go literal at the start of another text, and how long the literal is.
fn unquoted(text: &str, quote: char) -> Option<(String, usize)> {
    if quote == '`' {
        let end = text[1..].find('`')?;
        return Some((text[1..=end].to_owned(), end + 2));
    }
    let mut out = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, c)) = letters.next() {
        match c {
            '\n' => return None,
            c if c == quote => return Some((out, at + 1)),
            '\\' => out.push(escape(&mut letters)?),
            c => out.push(c),
        }
    }
    None
}

fn escape(letters: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let kind = letters.next()?.1;
    let mut code = |digits: usize| {
        let hex: String = letters.take(digits).map(|(_, c)| c).collect();
        u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
    };
    Some(match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '"' | '\'' => kind,
        'x' => return code(2),
        'u' => return code(4),
        'U' => return code(8),
        _ => return None,
    })
}
