//! Pure. From the events of the YAML parser to a [`Tree`]: anchors, merges, tags, keys, and limits for hostile input.

use std::collections::HashMap;

use base64::Engine;
use libyaml_safer::{Encoding, Error as ParserError, ErrorKind, EventData, Mark, Parser};

use super::resolve::{self, Scalar};
use super::{DuplicateKey, Duplicates, Error, MAX_DEPTH, gofmt};
use crate::model::tree::{Map, Tree};

/// The first document of a text, `Null` if there is none.
pub fn document(text: &str, duplicates: Duplicates) -> Result<Tree, Error> {
    // The scanner panics where the text ends after a backslash inside double quotes. With a line break behind it, it
    // sees an unfinished string; a text that is fine either way is read as it is.
    if text.ends_with('\\') {
        guarded(&format!("{text}\n"), duplicates)?;
    }
    guarded(text, duplicates)
}

/// The scanner also panics on a tag glued to a comma and on tags with escapes beyond ASCII. Nobody writes those, but
/// nobody may bring the program down with them either.
fn guarded(text: &str, duplicates: Duplicates) -> Result<Tree, Error> {
    let composed = std::panic::catch_unwind(|| compose(text, duplicates));
    composed.unwrap_or_else(|_| Err(syntax(None, "unknown problem parsing YAML content")))
}

fn compose(text: &str, duplicates: Duplicates) -> Result<Tree, Error> {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    // Left to itself the parser takes some characters at the start for half a byte order mark.
    parser.set_encoding(Encoding::Utf8);
    parser.set_input_string(&mut bytes);
    let mut composer = Composer {
        parser,
        keeps_anchors: text.contains('*'),
        anchors: HashMap::new(),
        size: Size::default(),
        aliased: Size::default(),
        copied: Size::default(),
        duplicates,
        repeated: Vec::new(),
        faults: Faults::default(),
    };
    let tree = composer.first_document()?;
    composer.faults.check(composer.repeated)?;
    Ok(tree)
}

struct Composer<'r, 'b> {
    parser: Parser<&'r mut &'b [u8]>,
    keeps_anchors: bool,
    anchors: HashMap<String, Option<Anchored>>,
    /// What was read so far, with aliased parts counted each time.
    size: Size,
    aliased: Size,
    /// What remembering anchors and repeating them copied.
    copied: Size,
    duplicates: Duplicates,
    repeated: Vec<DuplicateKey>,
    faults: Faults,
}

#[derive(Clone)]
struct Anchored {
    tree: Tree,
    size: Size,
}

impl Composer<'_, '_> {
    fn first_document(&mut self) -> Result<Tree, Error> {
        loop {
            match self.next()?.0 {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(Tree::Null),
                event => {
                    let tree = self.node(event, 0)?;
                    self.next()?;
                    return Ok(tree);
                }
            }
        }
    }

    fn next(&mut self) -> Result<(EventData, Mark), Error> {
        let event = self.parser.parse().map_err(|error| parser_error(&error))?;
        Ok((event.data, event.start_mark))
    }

    fn node(&mut self, event: EventData, depth: usize) -> Result<Tree, Error> {
        if depth > MAX_DEPTH {
            return Err(syntax(None, format!("exceeded max depth of {MAX_DEPTH}")));
        }
        let before = self.size;
        self.size.nodes += 1;
        let (anchor, tree) = match event {
            EventData::Alias { anchor } => return self.alias(&anchor),
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                ..
            } => {
                self.size.bytes += value.len() as u64;
                let scalar = self.scalar(tag.as_deref(), &value, plain_implicit);
                (anchor, self.scalar_tree(scalar, value))
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open(anchor.as_ref());
                (anchor, self.sequence(depth)?)
            }
            EventData::MappingStart { anchor, .. } => {
                self.open(anchor.as_ref());
                (anchor, self.mapping(depth)?)
            }
            other => return Err(syntax(None, format!("unexpected event {other:?}"))),
        };
        if let Some(anchor) = anchor {
            self.remember(anchor, &tree, before)?;
        }
        Ok(tree)
    }

    fn sequence(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut items = Vec::new();
        loop {
            match self.next()?.0 {
                EventData::SequenceEnd => return Ok(Tree::List(items)),
                event => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut entries = Entries::default();
        loop {
            let event = self.next()?.0;
            if matches!(event, EventData::MappingEnd) {
                return Ok(Tree::Map(Map::from_entries(entries.list)));
            }
            let merges = is_merge(&event);
            let key = if merges { None } else { self.key(event, depth)? };
            let (value_event, mark) = self.next()?;
            let value = self.node(value_event, depth + 1)?;
            if merges {
                self.merge(value, &mut entries, mark);
            } else if let Some(key) = key {
                self.put(&mut entries, key, value, mark);
            }
        }
    }

    fn put(&mut self, entries: &mut Entries, key: Box<str>, value: Tree, mark: Mark) {
        match entries.position(&key) {
            None => entries.push(key, value),
            Some(_) if self.duplicates == Duplicates::Refuse => {
                self.repeated.push(DuplicateKey {
                    line: mark.line + 1,
                    key,
                });
            }
            Some(index) => entries.list[index].1 = value,
        }
    }

    /// Takes over the entries of one map or of several, of which the first has the last word.
    fn merge(&mut self, value: Tree, entries: &mut Entries, mark: Mark) {
        let maps = match value {
            Tree::Map(map) => vec![map],
            Tree::List(items) => items
                .into_iter()
                .rev()
                .filter_map(|item| self.merged_map(item))
                .collect(),
            _ => {
                self.merged_map(value);
                return;
            }
        };
        for (key, value) in maps.into_iter().flat_map(Map::into_entries) {
            self.put(entries, key, value, mark);
        }
    }

    fn merged_map(&mut self, item: Tree) -> Option<Map> {
        let Tree::Map(map) = item else {
            self.faults
                .decoding("map merge requires map or sequence of maps as the value");
            return None;
        };
        Some(map)
    }

    /// A key as JSON knows keys, or none if there is no way; then the fault is noted.
    fn key(&mut self, event: EventData, depth: usize) -> Result<Option<Box<str>>, Error> {
        if let EventData::Scalar {
            anchor: None,
            tag,
            value,
            plain_implicit,
            ..
        } = event
        {
            self.size.add(Size {
                nodes: 1,
                bytes: value.len() as u64,
            });
            let scalar = self.scalar(tag.as_deref(), &value, plain_implicit);
            return Ok(self.scalar_key(scalar, value));
        }
        let tree = self.node(event, depth + 1)?;
        Ok(match tree {
            Tree::Map(_) | Tree::List(_) => {
                self.faults
                    .decoding(format!("invalid map key: {}", gofmt::Value(&tree)));
                None
            }
            Tree::Text(text) => Some(text),
            Tree::Bool(value) => Some(value.to_string().into()),
            Tree::Int(value) => Some(value.to_string().into()),
            Tree::Float(value) => Some(gofmt::float32(value).into()),
            Tree::Null | Tree::Big(_) => self.unsupported_key(&tree),
        })
    }

    fn scalar_key(&mut self, scalar: Scalar, value: String) -> Option<Box<str>> {
        Some(match scalar {
            Scalar::Text | Scalar::Timestamp | Scalar::Binary => value.into(),
            Scalar::Bool(value) => value.to_string().into(),
            Scalar::Int(value) => value.to_string().into(),
            Scalar::Float(value) => gofmt::float32(value).into(),
            Scalar::Null => return self.unsupported_key(&Tree::Null),
            Scalar::Unsigned(value) => return self.unsupported_key(&Tree::Big(value.to_string().into())),
        })
    }

    fn unsupported_key(&mut self, key: &Tree) -> Option<Box<str>> {
        let kind = if key.is_null() { "%!s(<nil>)" } else { "uint64" };
        let message = format!("unsupported map key of type: {kind}, key: {}", gofmt::Value(key));
        self.faults.converting.get_or_insert(Error::NotJson(message.into()));
        None
    }

    fn scalar(&mut self, tag: Option<&str>, value: &str, plain: bool) -> Scalar {
        let Some(tag) = tag else {
            return if plain { resolve::plain(value) } else { Scalar::Text };
        };
        let wanted = tag.strip_prefix("tag:yaml.org,2002:");
        match (wanted, resolve::plain(value)) {
            (Some("bool"), found @ Scalar::Bool(_))
            | (Some("null"), found @ Scalar::Null)
            | (Some("int"), found @ (Scalar::Int(_) | Scalar::Unsigned(_)))
            | (Some("float"), found @ (Scalar::Float(_) | Scalar::Int(_) | Scalar::Unsigned(_)))
            | (Some("timestamp"), found @ Scalar::Timestamp) => found,
            (Some(wanted @ ("bool" | "null" | "int" | "float" | "timestamp")), found) => {
                let found = short_tag(&found);
                self.faults
                    .decoding(format!("cannot decode {found} `{value}` as a !!{wanted}"));
                Scalar::Text
            }
            (Some("binary"), _) => Scalar::Binary,
            _ => Scalar::Text,
        }
    }

    fn scalar_tree(&mut self, scalar: Scalar, value: String) -> Tree {
        match scalar {
            Scalar::Null => Tree::Null,
            Scalar::Bool(value) => Tree::Bool(value),
            Scalar::Int(value) => Tree::Int(value),
            Scalar::Unsigned(value) => Tree::Big(value.to_string().into()),
            Scalar::Timestamp | Scalar::Text => Tree::text(value),
            Scalar::Binary => self.binary(&value),
            Scalar::Float(value) => resolve::json_number(value).unwrap_or_else(|| {
                let message = format!("json: unsupported value: {}", gofmt::float(value));
                self.faults.converting.get_or_insert(Error::NotJson(message.into()));
                Tree::Null
            }),
        }
    }

    fn binary(&mut self, value: &str) -> Tree {
        let compact: String = value.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
        match base64::engine::general_purpose::STANDARD.decode(compact) {
            Ok(bytes) => Tree::text(String::from_utf8_lossy(&bytes)),
            Err(_) => {
                self.faults.decoding("!!binary value contains invalid base64 data");
                Tree::Null
            }
        }
    }

    /// Marks an anchor as being inside its own value.
    fn open(&mut self, anchor: Option<&String>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.clone(), None);
        }
    }

    fn remember(&mut self, anchor: String, tree: &Tree, before: Size) -> Result<(), Error> {
        if self.keeps_anchors {
            let size = self.size.since(before);
            self.copy(size)?;
            self.anchors.insert(
                anchor,
                Some(Anchored {
                    tree: tree.clone(),
                    size,
                }),
            );
        }
        Ok(())
    }

    fn alias(&mut self, name: &str) -> Result<Tree, Error> {
        let anchored = match self.anchors.get(name) {
            Some(Some(anchored)) => anchored.size,
            Some(None) => {
                self.faults.decoding(format!("anchor '{name}' value contains itself"));
                return Ok(Tree::Null);
            }
            None => return Err(syntax(None, format!("unknown anchor '{name}' referenced"))),
        };
        self.size.add(anchored);
        self.aliased.add(anchored);
        if self.aliased.nodes > 100 && self.size.nodes > 1000 {
            let ratio = self.aliased.nodes as f64 / self.size.nodes as f64;
            if ratio > allowed_alias_ratio(self.size.nodes) {
                return Err(excessive_aliasing());
            }
        }
        self.copy(anchored)?;
        let found = self.anchors.get(name).and_then(Option::as_ref);
        Ok(found.map_or(Tree::Null, |anchored| anchored.tree.clone()))
    }

    /// Go shares the text of repeated parts, a tree does not: so their sum has a limit of its own.
    fn copy(&mut self, size: Size) -> Result<(), Error> {
        self.copied.add(size);
        if self.copied.nodes > 1 << 20 || self.copied.bytes > 64 << 20 {
            return Err(excessive_aliasing());
        }
        Ok(())
    }
}

fn is_merge(key: &EventData) -> bool {
    let EventData::Scalar {
        value,
        plain_implicit,
        tag,
        ..
    } = key
    else {
        return false;
    };
    value == "<<" && (*plain_implicit || tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

fn short_tag(scalar: &Scalar) -> &'static str {
    match scalar {
        Scalar::Null => "!!null",
        Scalar::Bool(_) => "!!bool",
        Scalar::Int(_) | Scalar::Unsigned(_) => "!!int",
        Scalar::Float(_) => "!!float",
        Scalar::Timestamp => "!!timestamp",
        Scalar::Binary => "!!binary",
        Scalar::Text => "!!str",
    }
}
