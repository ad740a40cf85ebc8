//! Pure. KYAML: YAML in braces, strings always quoted, trailing commas; every YAML reader reads it.

use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

/// One document with its separator in front.
pub fn document(tree: &Tree) -> String {
    let mut out = String::from("---\n");
    value(tree, 0, &mut out);
    out.push('\n');
    out
}

fn value(tree: &Tree, indent: usize, out: &mut String) {
    match tree {
        Tree::Map(entries) if !entries.is_empty() => map(entries, indent, out),
        Tree::Map(_) => out.push_str("{}"),
        Tree::List(items) if !items.is_empty() => list(items, indent, out),
        Tree::List(_) => out.push_str("[]"),
        Tree::Text(text) if text.trim_end_matches('\n').contains('\n') => lines(text, indent + 2, out),
        Tree::Text(text) => out.push_str(&json::quoted(text)),
        scalar => out.push_str(&json::compact(scalar)),
    }
}

fn map(entries: &Map, indent: usize, out: &mut String) {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    out.push_str("{\n");
    for (key, entry) in entries {
        pad(indent + 2, out);
        out.push_str(&quoted_key(key));
        out.push_str(": ");
        value(entry, indent + 2, out);
        out.push_str(",\n");
    }
    pad(indent, out);
    out.push('}');
}

/// Maps and lists in a list cuddle their brackets: `[{ … }, { … }]`.
fn list(items: &[Tree], indent: usize, out: &mut String) {
    let is_nested = |item: &Tree| match item {
        Tree::Map(map) => !map.is_empty(),
        Tree::List(items) => !items.is_empty(),
        _ => false,
    };
    if items.iter().all(is_nested) {
        out.push('[');
        for (index, item) in items.iter().enumerate() {
            out.push_str(if index > 0 { ", " } else { "" });
            value(item, indent, out);
        }
        out.push(']');
        return;
    }
    out.push_str("[\n");
    for item in items {
        pad(indent + 2, out);
        value(item, indent + 2, out);
        out.push_str(",\n");
    }
    pad(indent, out);
    out.push(']');
}

/// A text of several lines keeps them: each is escaped, and its break in the file is no break of the text.
fn lines(text: &str, indent: usize, out: &mut String) {
    out.push_str("\"\\\n");
    let lines: Vec<&str> = text.split('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let is_last = index + 1 == lines.len();
        pad(indent, out);
        if is_last && line.is_empty() {
            break;
        }
        // The reader drops blanks at the start of a continued line, unless the first is escaped.
        out.push(if line.starts_with(' ') { '\\' } else { ' ' });
        let escaped = json::quoted(line);
        out.push_str(&escaped[1..escaped.len() - 1]);
        out.push_str(if is_last { "" } else { "\\n\\\n" });
    }
    out.push('"');
}

/// A key is quoted where YAML could take it for something else than a string.
fn quoted_key(key: &str) -> String {
    let first_is_letter = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let read_back = crate::model::yaml::parse_one(key).ok();
    if first_is_letter && plain && read_back.as_ref().and_then(Tree::as_text) == Some(key) {
        key.to_owned()
    } else {
        json::quoted(key)
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}
