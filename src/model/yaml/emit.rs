//! Pure. A [`Tree`] as YAML text: block style, sorted keys, two spaces, the dash of a list below its key.

use super::gofmt;
use super::order;
use super::resolve;
use super::scalar::{self, Place, Writer};
use crate::model::tree::{Map, Tree};

/// One document as sigs.k8s.io/yaml marshals it; always ends in a line break.
pub fn emit(tree: &Tree) -> String {
    let mut emitter = Emitter {
        out: String::with_capacity(256),
        line_start: 0,
    };
    emitter.document(tree);
    emitter.out
}

/// Several documents with the separator that Tilt puts between objects: an empty line, then `---`.
pub fn emit_all<'a>(trees: impl IntoIterator<Item = &'a Tree>) -> String {
    let mut emitter = Emitter {
        out: String::with_capacity(1024),
        line_start: 0,
    };
    for tree in trees {
        if !emitter.out.is_empty() {
            emitter.out.push_str("\n---\n");
            emitter.line_start = emitter.out.len();
        }
        emitter.document(tree);
    }
    emitter.out
}

struct Emitter {
    out: String,
    line_start: usize,
}

impl Emitter {
    fn document(&mut self, tree: &Tree) {
        match tree {
            Tree::Map(map) if !map.is_empty() => self.map(map, 0),
            Tree::List(items) if !items.is_empty() => self.list(items, 0),
            scalar => {
                self.scalar(scalar, 2);
                self.end_line();
            }
        }
    }

    /// Entries at an indentation; the cursor already stands there.
    fn map(&mut self, map: &Map, indent: usize) {
        for (index, (key, value)) in order::sorted(map).into_iter().enumerate() {
            if index > 0 {
                self.pad(indent);
            }
            if scalar::fits_simple_key(key) {
                self.text(key, indent + 2, Place::Key);
                self.out.push(':');
                self.value(value, indent);
            } else {
                self.explicit_entry(key, value, indent);
            }
        }
    }

    fn explicit_entry(&mut self, key: &str, value: &Tree, indent: usize) {
        self.out.push_str("? ");
        self.text(key, indent + 2, Place::Value);
        self.end_line();
        self.pad(indent);
        self.out.push_str(": ");
        self.item(value, indent + 2);
    }

    /// What follows a key and its colon.
    fn value(&mut self, value: &Tree, indent: usize) {
        match value {
            Tree::Map(map) if !map.is_empty() => {
                self.end_line();
                self.pad(indent + 2);
                self.map(map, indent + 2);
            }
            Tree::List(items) if !items.is_empty() => {
                self.end_line();
                self.pad(indent);
                self.list(items, indent);
            }
            scalar => {
                self.out.push(' ');
                self.scalar(scalar, indent + 2);
                self.end_line();
            }
        }
    }

    fn list(&mut self, items: &[Tree], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.pad(indent);
            }
            self.out.push_str("- ");
            self.item(item, indent + 2);
        }
    }

    /// What follows a dash and shares its line.
    fn item(&mut self, item: &Tree, indent: usize) {
        match item {
            Tree::Map(map) if !map.is_empty() => self.map(map, indent),
            Tree::List(items) if !items.is_empty() => self.list(items, indent),
            scalar => {
                self.scalar(scalar, indent);
                self.end_line();
            }
        }
    }

    fn scalar(&mut self, tree: &Tree, indent: usize) {
        match tree {
            Tree::Null => self.out.push_str("null"),
            Tree::Bool(true) => self.out.push_str("true"),
            Tree::Bool(false) => self.out.push_str("false"),
            Tree::Int(value) => self.out.push_str(&value.to_string()),
            Tree::Big(digits) => self.out.push_str(&big(digits)),
            Tree::Float(value) => self.out.push_str(&float(*value)),
            Tree::Text(text) => self.text(text, indent, Place::Value),
            Tree::List(_) => self.out.push_str("[]"),
            Tree::Map(_) => self.out.push_str("{}"),
        }
    }

    fn text(&mut self, text: &str, indent: usize, place: Place) {
        let column = self.out[self.line_start..].chars().count();
        Writer {
            out: &mut self.out,
            column,
            indent,
            place,
        }
        .write(text);
    }

    /// Every line ends in one break, unless a literal text just wrote it.
    fn end_line(&mut self) {
        self.out.push('\n');
        self.line_start = self.out.len();
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// JSON has no infinity; whoever puts one here sees what YAML calls it.
fn float(value: f64) -> String {
    match resolve::json_number(value) {
        Some(Tree::Int(value)) => value.to_string(),
        Some(Tree::Big(digits)) => digits.into(),
        Some(_) => gofmt::float(value),
        None => gofmt::float32(value),
    }
}

/// Go reads integers beyond 64 bits as floats, so that is how they come out of a marshalled document.
fn big(digits: &str) -> String {
    match digits.parse::<u64>() {
        Ok(_) => digits.to_owned(),
        Err(_) => digits.parse().map_or_else(|_| digits.to_owned(), float),
    }
}
