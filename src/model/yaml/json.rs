//! Pure. JSON text to a [`Tree`] and back, as strict and as compact as Go's encoding/json.

use std::fmt::Write;

use super::{MAX_DEPTH, resolve};
use crate::model::tree::{Map, Tree};

/// All values of a text that is JSON from its first brace to its end, one value after the other. `None` if it is not:
/// then it may still be YAML.
pub fn parse_stream(text: &str) -> Option<Vec<Tree>> {
    let mut reader = Reader { rest: text };
    reader.blanks();
    if !reader.rest.starts_with('{') {
        return None;
    }
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
        reader.blanks();
    }
    Some(values)
}

/// The one value that a text is, if it is JSON.
pub fn parse(text: &str) -> Option<Tree> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.blanks();
    reader.rest.is_empty().then_some(value)
}

/// One line, keys in bytewise order, `<`, `>` and `&` escaped: what Go's `json.Marshal` makes of a map.
pub fn compact(tree: &Tree) -> String {
    let mut out = String::new();
    write(&mut out, tree);
    out
}

/// As [`compact`], an entry a line, four spaces a level: what Go's `json.MarshalIndent` makes of a map for `kubectl`.
pub fn pretty(tree: &Tree) -> String {
    let mut out = String::new();
    indented(&mut out, tree, 0);
    out
}

fn indented(out: &mut String, tree: &Tree, level: usize) {
    let line = |out: &mut String, index: usize, level: usize| {
        out.push_str(if index > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n("    ", level));
    };
    let close = |out: &mut String, bracket: char| {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", level));
        out.push(bracket);
    };
    match tree {
        Tree::List(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                line(out, index, level + 1);
                indented(out, item, level + 1);
            }
            close(out, ']');
        }
        Tree::Map(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|entry| entry.0);
            out.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                line(out, index, level + 1);
                string(out, key);
                out.push_str(": ");
                indented(out, value, level + 1);
            }
            close(out, '}');
        }
        other => write(out, other),
    }
}

/// A text in JSON's quotes, with only what JSON demands escaped.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for part in text.split_inclusive(['<', '>', '&']) {
        let plain = part.trim_end_matches(['<', '>', '&']);
        escaped(&mut out, plain);
        out.push_str(&part[plain.len()..]);
    }
    out.push('"');
    out
}

fn write(out: &mut String, tree: &Tree) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Int(value) => out.push_str(&value.to_string()),
        Tree::Big(digits) => out.push_str(digits),
        Tree::Float(value) => out.push_str(&number(*value)),
        Tree::Text(text) => string(out, text),
        Tree::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(out, item);
            }
            out.push(']');
        }
        Tree::Map(map) => object(out, map),
    }
}

fn object(out: &mut String, map: &Map) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    out.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        string(out, key);
        out.push(':');
        write(out, value);
    }
    out.push('}');
}

/// A float in Go's JSON: digits up to 1e21, then an exponent without padding.
fn number(value: f64) -> String {
    match resolve::json_number(value) {
        None => "null".to_owned(),
        Some(Tree::Int(value)) => value.to_string(),
        _ if value.abs() >= 1e21 => format!("{value:e}").replace('e', "e+"),
        _ if value.abs() < 1e-6 => format!("{value:e}"),
        _ => value.to_string(),
    }
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    escaped(out, text);
    out.push('"');
}

fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Tree> {
        self.blanks();
        match self.rest.as_bytes().first()? {
            b'{' if depth < MAX_DEPTH => self.map(depth),
            b'[' if depth < MAX_DEPTH => self.list(depth),
            b'"' => self.text().map(Tree::text),
            b'-' | b'0'..=b'9' => self.number(),
            _ if self.take("true") => Some(Tree::Bool(true)),
            _ if self.take("false") => Some(Tree::Bool(false)),
            _ => self.take("null").then_some(Tree::Null),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Tree> {
        let mut map = Map::new();
        self.take("{");
        self.blanks();
        if self.take("}") {
            return Some(Tree::Map(map));
        }
        loop {
            self.blanks();
            let key = self.text()?;
            self.blanks();
            let value = self.take(":").then(|| self.value(depth + 1))??;
            map.insert(key, value);
            self.blanks();
            if self.take("}") {
                return Some(Tree::Map(map));
            }
            self.take(",").then_some(())?;
        }
    }

    fn list(&mut self, depth: usize) -> Option<Tree> {
        let mut items = Vec::new();
        self.take("[");
        self.blanks();
        if self.take("]") {
            return Some(Tree::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take("]") {
                return Some(Tree::List(items));
            }
            self.take(",").then_some(())?;
        }
    }

    fn number(&mut self) -> Option<Tree> {
        let end = self
            .rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if let Ok(value) = digits.parse() {
            return Some(Tree::Int(value));
        }
        if digits.parse::<u64>().is_ok() {
            return Some(Tree::Big(digits.into()));
        }
        digits.parse().ok().and_then(resolve::json_number)
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        self.take("\"").then_some(())?;
        loop {
            let end = self
                .rest
                .find(|c: char| matches!(c, '"' | '\\') || c.is_ascii_control())?;
            text.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
            if self.take("\"") {
                return Some(text);
            }
            text.push(self.take("\\").then(|| self.escape())??);
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.rest.chars().next()?;
        self.rest = &self.rest[kind.len_utf8()..];
        Some(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return None,
        })
    }

    /// A code unit, or the two of a pair; half a pair is the replacement character, as in Go.
    fn unicode(&mut self) -> Option<char> {
        let high = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.rest;
        let low = self.take("\\u").then(|| self.code_unit()).flatten();
        match low.filter(|low| (0xdc00..0xe000).contains(low)) {
            Some(low) => char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)),
            None => {
                self.rest = before;
                Some(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self
            .rest
            .get(..4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.rest = &self.rest[4..];
        Some(unit)
    }
}
