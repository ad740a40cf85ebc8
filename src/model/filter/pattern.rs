//! Pure. One pattern: reading it, and translating it to a regular expression over absolute paths.

use super::PatternError;
use super::lexical::{below, clean, is_within};
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// No path is longer; a pattern that is can only be an accident or an attack.
const LONGEST: usize = 4096;

#[derive(Debug)]
pub struct Pattern {
    /// Written with `!`: what it matches is not left out after all.
    pub taken_back: bool,
    pub shape: Shape,
}

#[derive(Debug)]
pub enum Shape {
    /// The path that the pattern names.
    Literal(String),
    Wild {
        /// Matches the paths that the pattern matches, and all below them.
        expression: String,
        /// The directory that every match is in.
        inside: String,
    },
}

impl Pattern {
    /// Reads a pattern that is relative to `base`; nothing if it is blank.
    pub fn parse(base: &str, text: &str) -> Result<Option<Pattern>, PatternError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(PatternError::TooLong {
                start: text.chars().take(40).collect(),
                length: text.len(),
            });
        }
        let (taken_back, glob) = match text.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text),
        };
        if glob.is_empty() {
            return if taken_back {
                Err(PatternError::LoneExclamation)
            } else {
                Ok(None)
            };
        }
        let shape = shape(base, &clean(glob)).ok_or_else(|| PatternError::Malformed {
            pattern: text.to_owned(),
        })?;
        Ok(Some(Pattern { taken_back, shape }))
    }

    /// Whether some path below `dir` could match, though `dir` itself does not.
    pub fn can_match_below(&self, dir: &str) -> bool {
        match &self.shape {
            Shape::Literal(path) => is_within(dir, path),
            Shape::Wild { inside, .. } => is_within(dir, inside) || is_within(inside, dir),
        }
    }
}

/// `base` may hold any character: only `glob` is read as a pattern. Nothing if it is malformed.
fn shape(base: &str, glob: &str) -> Option<Shape> {
    let mut root = if glob.starts_with('/') { "/" } else { base }.to_owned();
    let mut glob = glob.trim_start_matches('/');
    while let Some(rest) = glob.strip_prefix("..") {
        if !(rest.is_empty() || rest.starts_with('/')) {
            break;
        }
        root = below(&root, "..");
        glob = rest.trim_start_matches('/');
    }
    let Some(first_special) = glob.find(['*', '?', '[', '\\']) else {
        return Some(Shape::Literal(below(&root, glob)));
    };
    let directory = glob[..first_special].rfind('/').map_or("", |slash| &glob[..slash]);
    let prefix = if root == "/" { "" } else { &root };
    let expression = format!("(?s)^{}/{}(?:/|$)", regex::escape(prefix), translated(glob)?);
    Some(Shape::Wild {
        inside: below(&root, directory),
        expression,
    })
}

const ANY_DIRECTORIES: &str = "(?:.*/)?";

fn translated(glob: &str) -> Option<String> {
    // As Docker has it: only here does `**` match part of a name, `**file` any name that ends so.
    if let Some(name) = glob.strip_prefix("**")
        && !name.starts_with('/')
        && !name.contains(['*', '?', '[', '\\'])
    {
        return Some(format!(".*{}", regex::escape(name)));
    }
    let mut out = String::with_capacity(glob.len() * 2);
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                chars.next_if_eq(&'/');
                if chars.peek().is_none() {
                    out.push_str(".*");
                } else if !out.ends_with(ANY_DIRECTORIES) {
                    // Many in a row say nothing more than one.
                    out.push_str(ANY_DIRECTORIES);
                }
            }
            '*' if out.ends_with("[^/]*") => {}
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => push_escaped(&mut out, chars.next()?),
            '[' => push_class(&mut out, &mut chars)?,
            other => push_escaped(&mut out, other),
        }
    }
    Some(out)
}

fn push_escaped(out: &mut String, c: char) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// A class such as `[a-c\-x]` or `[^a]`, behind its opening bracket. An empty one, or one with a bare `-`, is an error.
fn push_class(out: &mut String, chars: &mut Peekable<Chars<'_>>) -> Option<()> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut members = 0;
    while members == 0 || chars.next_if_eq(&']').is_none() {
        let low = class_member(chars)?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => class_member(chars)?,
            None => low,
        };
        if low > high {
            return None;
        }
        // Numbers need no escaping. Writing to a string cannot fail.
        let _ = write!(out, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high));
        members += 1;
    }
    out.push(']');
    Some(())
}

fn class_member(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        other => Some(other),
    }
}
