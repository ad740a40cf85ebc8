//! Pure. A Dockerfile as a list of instructions: comments, continued lines and heredocs put in order.

use super::words;
use std::ops::Range;

/// One instruction, its words still as written.
#[derive(Debug)]
pub struct Instruction {
    /// In capitals.
    pub name: String,
    pub line: usize,
    /// The last line that belongs to it: continued ones and heredocs count.
    pub last_line: usize,
    /// The words in front that begin with `--`.
    pub flags: Vec<Token>,
    pub arguments: Vec<Token>,
}

/// A word of an instruction that knows where it stands in the text.
#[derive(Clone, Debug)]
pub struct Token {
    pub text: String,
    /// For each byte of `text` its place in the Dockerfile.
    places: Vec<usize>,
}

impl Token {
    pub fn span(&self) -> Range<usize> {
        match (self.places.first(), self.places.last()) {
            (Some(first), Some(last)) => *first..last + 1,
            _ => 0..0,
        }
    }

    fn part(&self, range: Range<usize>) -> Token {
        Token {
            text: self.text[range.clone()].to_owned(),
            places: self.places[range].to_vec(),
        }
    }

    /// What stands behind `name=`, without quotes around it.
    pub fn value_of(&self, name: &str) -> Option<Token> {
        let value = self.text.strip_prefix(name)?.strip_prefix('=')?;
        let start = self.text.len() - value.len();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        match quote {
            Some(quote) if value.len() > 1 && value.ends_with(quote) => Some(self.part(start + 1..self.text.len() - 1)),
            _ => Some(self.part(start..self.text.len())),
        }
    }

    pub fn split(&self, separator: char) -> Vec<Token> {
        let mut start = 0;
        self.text
            .split(separator)
            .map(|part| {
                let token = self.part(start..start + part.len());
                start += part.len() + separator.len_utf8();
                token
            })
            .collect()
    }
}

impl Instruction {
    /// The instruction inside an `ONBUILD`.
    pub fn inner(&self) -> Option<Instruction> {
        let (name, rest) = self.arguments.split_first()?;
        let flags = rest.iter().take_while(|token| token.text.starts_with("--")).count();
        Some(Instruction {
            name: name.text.to_ascii_uppercase(),
            line: self.line,
            last_line: self.last_line,
            flags: rest[..flags].to_vec(),
            arguments: rest[flags..].to_vec(),
        })
    }

    /// The arguments as plain texts, from either form: `a b` or `["a", "b"]`.
    pub fn words(&self) -> Vec<String> {
        let texts = self.arguments.iter().map(|token| token.text.as_str());
        let texts: Vec<&str> = texts.collect();
        words::json_list(&texts.join(" ")).unwrap_or_else(|| texts.into_iter().map(str::to_owned).collect())
    }
}

/// A line of the text without its end, and where it begins.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
    number: usize,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let text_start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut start = text_start;
    let lines = text[text_start..].split('\n').enumerate();
    lines
        .map(|(i, whole)| {
            let line = Line {
                text: whole.strip_suffix('\r').unwrap_or(whole),
                start,
                number: i + 1,
            };
            start += whole.len() + 1;
            line
        })
        .collect()
}

/// The instructions, and the character that escapes.
pub fn instructions(text: &str) -> (Vec<Instruction>, char) {
    let lines = lines(text);
    let escape = escape_directive(&lines);
    let mut out = Vec::new();
    let mut rest = lines.as_slice();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if is_blank_or_comment(first.text) {
            continue;
        }
        let logical;
        (logical, rest) = logical_line(*first, rest, escape);
        let Some(mut instruction) = instruction(&logical, first.number, escape) else {
            continue;
        };
        rest = skip_heredocs(&instruction, rest);
        instruction.last_line = rest.first().map_or(lines.len(), |next| next.number - 1);
        out.push(instruction);
    }
    (out, escape)
}

fn is_blank_or_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The value of a directive of the text.
pub fn directive(text: &str, wanted: &str) -> Option<String> {
    directive_of(&lines(text), wanted).map(str::to_owned)
}

fn escape_directive(lines: &[Line<'_>]) -> char {
    match directive_of(lines, "escape") {
        Some("`") => '`',
        _ => '\\',
    }
}

/// Directives are comments of the form `# name=value` before anything else.
fn directive_of<'a>(lines: &[Line<'a>], wanted: &str) -> Option<&'a str> {
    for line in lines {
        let (name, value) = line.text.trim().strip_prefix('#')?.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.trim());
        }
    }
    None
}

/// Joins a line with those that continue it; comments and blank lines between them do not count.
fn logical_line<'a, 'b>(first: Line<'a>, mut rest: &'b [Line<'a>], escape: char) -> (Token, &'b [Line<'a>]) {
    let mut token = Token {
        text: String::new(),
        places: Vec::new(),
    };
    let mut line = first;
    loop {
        let trimmed = line.text.trim_end_matches([' ', '\t']);
        let continued = trimmed.strip_suffix(escape);
        let kept = continued.unwrap_or(line.text);
        token.text.push_str(kept);
        token.places.extend(line.start..line.start + kept.len());
        if continued.is_none() {
            break;
        }
        while let [next, after @ ..] = rest
            && is_blank_or_comment(next.text)
        {
            rest = after;
        }
        let [next, after @ ..] = rest else { break };
        (line, rest) = (*next, after);
    }
    (token, rest)
}

fn instruction(logical: &Token, line: usize, escape: char) -> Option<Instruction> {
    let words = words::split(&logical.text, escape);
    let mut tokens = words.into_iter().map(|range| logical.part(range));
    let name = tokens.next()?.text.to_ascii_uppercase();
    let mut flags = Vec::new();
    let mut arguments: Vec<Token> = tokens.collect();
    let is_flag = |token: &Token| token.text.starts_with("--");
    let end = arguments.iter().position(|token| !is_flag(token));
    flags.extend(arguments.drain(..end.unwrap_or(arguments.len())));
    Some(Instruction {
        name,
        line,
        last_line: line,
        flags,
        arguments,
    })
}

/// Passes over the texts that the instruction's `<<EOF` words announce. One without an end is not taken for one.
fn skip_heredocs<'a, 'b>(instruction: &Instruction, mut rest: &'b [Line<'a>]) -> &'b [Line<'a>] {
    if !matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD") {
        return rest;
    }
    for token in &instruction.arguments {
        let Some((end, indented)) = heredoc(&token.text) else {
            continue;
        };
        let is_end = |line: &Line<'_>| {
            let text = if indented {
                line.text.trim_start_matches('\t')
            } else {
                line.text
            };
            text == end
        };
        match rest.iter().position(is_end) {
            Some(at) => rest = &rest[at + 1..],
            None => return rest,
        }
    }
    rest
}

/// The word that ends a heredoc, and whether it may be indented, from `<<EOF`, `<<-"EOF"` or `3<<EOF`.
fn heredoc(word: &str) -> Option<(String, bool)> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix("<<")?;
    let (rest, indented) = match rest.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
    let valid = !name.is_empty() && !name.contains('<');
    valid.then_some((name, indented))
}
