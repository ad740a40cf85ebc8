//! Pure. The text of a JSON path to its nodes, with Kubernetes' complaints.

use super::template::Piece;
use super::{Node, Operator};
use crate::model::tree::Tree;

/// The nodes of every pair of braces.
pub fn actions(text: &str) -> Result<Vec<Vec<Node>>, String> {
    let action = |piece| match piece {
        Piece::Action(nodes) => Some(nodes),
        Piece::Text(_) => None,
    };
    Ok(pieces(text)?.into_iter().filter_map(action).collect())
}

/// Every pair of braces, and the text around them.
pub fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        if start > 0 {
            pieces.push(Piece::Text(rest[..start].into()));
        }
        let mut parser = Parser {
            rest: &rest[start + 1..],
            nodes: Vec::new(),
        };
        parser.action()?;
        rest = parser.rest;
        pieces.push(Piece::Action(parser.nodes));
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Ok(pieces)
}

/// The nodes of a text that stands in braces by itself, such as the sides of a comparison.
fn nodes(text: &str) -> Result<Vec<Node>, String> {
    let braced = format!("{{{text}}}");
    Ok(actions(&braced)?.into_iter().next().unwrap_or_default())
}

struct Parser<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Parser<'a> {
    /// Up to and with the closing brace.
    fn action(&mut self) -> Result<(), String> {
        loop {
            if self.take("}") {
                return Ok(());
            }
            if self.take("[?(") {
                self.filter()?;
            } else if self.take("..") {
                self.nodes.push(Node::Recursive);
                if self.rest.starts_with(is_alphanumeric) {
                    self.field();
                }
            } else {
                self.node()?;
            }
        }
    }

    fn node(&mut self) -> Result<(), String> {
        let Some(first) = self.rest.chars().next().filter(|c| !is_line_end(*c)) else {
            return Err("unclosed action".to_owned());
        };
        match first {
            // The current object: nothing to do.
            ' ' | '@' | '$' => self.skip(1),
            '[' => return self.array(),
            '"' | '\'' => return self.quoted(first),
            '.' => {
                self.skip(1);
                self.field();
            }
            '+' | '-' => return self.number(),
            c if c.is_ascii_digit() => return self.number(),
            c if is_alphanumeric(c) => self.identifier(),
            c => {
                return Err(format!(
                    "unrecognized character in action: U+{:04X} '{c}'",
                    u32::from(c)
                ));
            }
        }
        Ok(())
    }

    fn field(&mut self) {
        let mut name = String::new();
        let mut wildcard = true;
        while let Some(c) = self.rest.chars().next().filter(|c| !is_terminator(*c)) {
            self.skip(c.len_utf8());
            let kept = if c == '\\' { self.next() } else { Some(c) };
            wildcard &= c != '\\';
            name.extend(kept);
        }
        self.nodes.push(if wildcard && name == "*" {
            Node::Wildcard
        } else {
            Node::Field(name.into())
        });
    }

    fn identifier(&mut self) {
        let word = self.cut_at(is_terminator);
        self.nodes.push(match word {
            "true" => Node::Literal(Tree::Bool(true)),
            "false" => Node::Literal(Tree::Bool(false)),
            word => Node::Identifier(word.into()),
        });
    }

    fn number(&mut self) -> Result<(), String> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let length = self.rest[sign..].find(|c: char| c != '.' && !c.is_ascii_digit());
        let (text, rest) = self
            .rest
            .split_at(length.map_or(self.rest.len(), |length| sign + length));
        self.rest = rest;
        let number = text
            .parse()
            .map(Tree::Int)
            .ok()
            .or_else(|| text.parse().map(Tree::Float).ok());
        self.nodes.push(Node::Literal(
            number.ok_or_else(|| format!("cannot parse number {text}"))?,
        ));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        self.skip(1);
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some('\\') => text.extend(self.next().map(unescaped)),
                Some(c) if c == quote => break,
                Some(c) => text.push(c),
            }
        }
        self.nodes.push(Node::Literal(Tree::text(text)));
        Ok(())
    }

    fn array(&mut self) -> Result<(), String> {
        let end = self
            .rest
            .find([']', '\n'])
            .filter(|end| self.rest[*end..].starts_with(']'));
        let Some(end) = end else {
            return Err("unterminated array".to_owned());
        };
        let text = &self.rest[1..end];
        self.skip(end + 1);
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > 1 {
            let union = parts.iter().map(|part| nodes(&format!("[{}]", part.trim_matches(' '))));
            self.nodes.push(Node::Union(union.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            self.nodes.extend(nodes(&format!(".{key}"))?);
            return Ok(());
        }
        self.nodes.push(slice(if text == "*" { ":" } else { text })?);
        Ok(())
    }

    fn filter(&mut self) -> Result<(), String> {
        let end = filter_end(self.rest).ok_or("unterminated filter")?;
        let text = &self.rest[..end];
        self.skip(end + 1);
        if !self.take("]") {
            return Err("unclosed array expect ]".to_owned());
        }
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let comparison = text.find(is_operator).filter(|start| *start > 0).and_then(|start| {
            let length = text[start..].find(|c| !is_operator(c))?;
            Some((&text[..start], &text[start..start + length], &text[start + length..]))
        });
        self.nodes.push(match comparison {
            None => Node::Filter {
                left: nodes(text)?,
                test: None,
            },
            Some((left, sign, right)) => Node::Filter {
                left: nodes(left)?,
                test: Some((operator(sign)?, nodes(right)?)),
            },
        });
        Ok(())
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn cut_at(&mut self, stop: impl Fn(char) -> bool) -> &'a str {
        let (word, rest) = self.rest.split_at(self.rest.find(stop).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }
}

/// The parenthesis that closes a filter: not one inside the quoted text it may have.
fn filter_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut previous = ' ';
    for (index, c) in text.char_indices() {
        match (c, quote) {
            ('\n', _) => return None,
            (')', None) => return Some(index),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open && previous != '\\' => quote = None,
            _ => {}
        }
        previous = c;
    }
    None
}

fn slice(text: &str) -> Result<Node, String> {
    let invalid = || format!("invalid array index {text}");
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: Option<&&str>| match part.copied() {
        None | Some("") => Ok(None),
        Some(digits) if digits.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) => digits
            .parse::<i64>()
            .map(Some)
            .map_err(|_| format!("array index {digits} is not a number")),
        Some(_) => Err(invalid()),
    };
    let (from, to, step) = (number(parts.first())?, number(parts.get(1))?, number(parts.get(2))?);
    match parts.len() {
        1 => from.map(Node::Index).ok_or_else(invalid),
        2 | 3 => Ok(Node::Slice { from, to, step }),
        _ => Err(invalid()),
    }
}

fn operator(sign: &str) -> Result<Operator, String> {
    Ok(match sign {
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">=" => Operator::GreaterOrEqual,
        ">" => Operator::Greater,
        _ => return Err(format!("unrecognized filter operator {sign}")),
    })
}

fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        c => c,
    }
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn is_terminator(c: char) -> bool {
    is_line_end(c) || matches!(c, ' ' | '\t' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
