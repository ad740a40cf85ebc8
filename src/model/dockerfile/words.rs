//! Pure. The words of an instruction: splitting, quotes and escapes, and filling in variables.

use std::collections::HashMap;
use std::iter::Peekable;
use std::ops::Range;
use std::str::Chars;

/// Values that refer to values can grow without bound; no name of an image or file is longer than this.
const LONGEST: usize = 4096;
/// `${A:-${B:-…}}` deeper than this is no honest Dockerfile.
const DEEPEST: usize = 16;

/// The variables that may be used, and the character that escapes.
#[derive(Clone, Debug)]
pub struct Scope {
    pub values: HashMap<String, String>,
    pub escape: char,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope {
            values: HashMap::new(),
            escape: '\\',
        }
    }
}

/// Where the words are: what is between blanks, except blanks in quotes or behind an escape.
pub fn split(text: &str, escape: char) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && quote.is_none() && !escaped {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        let literal = escaped || quote == Some('\'');
        escaped = c == escape && !literal;
        match quote {
            Some(open) if c == open && (open == '\'' || !literal) => quote = None,
            None if matches!(c, '"' | '\'') && !literal => quote = Some(c),
            _ => {}
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}

/// The word without quotes and escapes, its variables filled in; those without a value are empty.
pub fn expanded(word: &str, scope: &Scope) -> String {
    let mut expansion = Expansion {
        chars: word.chars().peekable(),
        scope,
        depth: 0,
    };
    let mut out = expansion.until(None);
    if out.len() > LONGEST {
        out.truncate(out.floor_char_boundary(LONGEST));
    }
    out
}

/// The first variable of the word that has no value, and none to take instead.
pub fn unknown(word: &str, scope: &Scope) -> Option<String> {
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        let is_escaped = rest[..at].ends_with(scope.escape);
        let after = &rest[at + 1..];
        let braced = after.strip_prefix('{');
        let name = braced.unwrap_or(after);
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (name, after) = name.split_at(end.unwrap_or(name.len()));
        let has_default = braced.is_some() && !after.starts_with('}');
        if !is_escaped && !name.is_empty() && !has_default && !scope.values.contains_key(name) {
            return Some(name.to_owned());
        }
        rest = after;
    }
    None
}

struct Expansion<'a> {
    chars: Peekable<Chars<'a>>,
    scope: &'a Scope,
    depth: usize,
}

impl Expansion<'_> {
    /// Reads up to `end`, which it consumes, or to the end of the word.
    fn until(&mut self, end: Option<char>) -> String {
        let mut out = String::new();
        let mut in_double_quotes = false;
        while let Some(c) = self.chars.next() {
            match c {
                _ if Some(c) == end && !in_double_quotes => break,
                '\'' if !in_double_quotes => out.extend(self.chars.by_ref().take_while(|c| *c != '\'')),
                '"' => in_double_quotes = !in_double_quotes,
                '$' => out.push_str(&self.variable()),
                _ if c == self.scope.escape => out.extend(self.escaped(in_double_quotes)),
                _ => out.push(c),
            }
            if out.len() > LONGEST {
                // The rest does not matter any more, but reading must go on to find the end.
                out.truncate(out.floor_char_boundary(LONGEST));
            }
        }
        out
    }

    /// In double quotes only what would mean something there is escaped.
    fn escaped(&mut self, in_double_quotes: bool) -> Vec<char> {
        let escape = self.scope.escape;
        match self.chars.next() {
            Some(c) if in_double_quotes && !(matches!(c, '"' | '$') || c == escape) => {
                vec![escape, c]
            }
            Some(c) => vec![c],
            None => vec![escape],
        }
    }

    fn variable(&mut self) -> String {
        if self.chars.next_if_eq(&'{').is_some() {
            return self.braced();
        }
        let name = self.name();
        if name.is_empty() {
            return "$".to_owned();
        }
        self.value(&name).unwrap_or_default()
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        name
    }

    fn value(&self, name: &str) -> Option<String> {
        self.scope.values.get(name).cloned()
    }

    /// `${name}`, `${name:-default}`, `${name:+instead}` and the forms without a colon.
    fn braced(&mut self) -> String {
        let name = self.name();
        let value = self.value(&name);
        let colon = self.chars.next_if_eq(&':').is_some();
        let set = value.as_ref().is_some_and(|value| !colon || !value.is_empty());
        match self.chars.next() {
            Some('-') => {
                let default = self.nested();
                value.filter(|_| set).unwrap_or(default)
            }
            Some('+') => {
                let instead = self.nested();
                if set { instead } else { String::new() }
            }
            None | Some('}') => value.unwrap_or_default(),
            // Patterns to cut off or replace, and errors for unset variables, do not matter here.
            Some(_) => {
                self.nested();
                value.unwrap_or_default()
            }
        }
    }

    fn nested(&mut self) -> String {
        if self.depth == DEEPEST {
            return self.chars.by_ref().take_while(|c| *c != '}').collect();
        }
        self.depth += 1;
        let text = self.until(Some('}'));
        self.depth -= 1;
        text
    }
}

/// The strings of a JSON list of strings, if the text is one.
pub fn json_list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('[')?.trim_start();
    let mut items = Vec::new();
    if let Some(after) = rest.strip_prefix(']') {
        return after.is_empty().then_some(items);
    }
    loop {
        let (item, after) = json_string(rest)?;
        items.push(item);
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return after.is_empty().then_some(items);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

fn json_string(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut out = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => out.push(json_escape(&mut chars)?),
            c => out.push(c),
        }
    }
}

fn json_escape(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\x08',
        'f' => '\x0c',
        'u' => {
            let digits: String = chars.by_ref().take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok()?;
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        c @ ('"' | '\\' | '/') => c,
        _ => return None,
    })
}
