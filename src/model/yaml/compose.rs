//! Pure. From the events of the YAML parser to a [`Tree`]: anchors, merges, tags, and keys as JSON knows them.

use base64::Engine;
use libyaml_safer::{Encoding, Event, EventData, Mark, Parser, ScalarStyle};

use super::anchors::{Anchors, Repeated};
use super::entries::Entries;
use super::faults::{Faults, parser_error, syntax};
use super::resolve::{self, Scalar};
use super::{Duplicates, Error, MAX_DEPTH, gofmt, tags};
use crate::model::tree::Tree;

/// The first document of a text, `Null` if there is none.
pub fn document(text: &str, duplicates: Duplicates) -> Result<Tree, Error> {
    tags::check(text)?;
    if text.is_empty() || text.ends_with(['\n', '\r']) {
        return compose(text, u64::MAX, duplicates);
    }
    // The scanner panics where a block of text, or an escape, runs into the end: so the last line always gets its break.
    let without_blanks = text.trim_end_matches(' ');
    if without_blanks.is_empty() || without_blanks.ends_with('\n') {
        return compose(without_blanks, u64::MAX, duplicates);
    }
    let finished = compose(&format!("{text}\n"), text.len() as u64, duplicates);
    if finished.is_ok() || text.ends_with('\\') || holds_block_text(text) {
        return finished;
    }
    // A fault at the end is reported where it is without that break.
    compose(text, u64::MAX, duplicates).and(finished)
}

/// Whether a line announces a block of text, `|` or `>-2 # like this`. May also say so of text that merely looks like it.
fn holds_block_text(text: &str) -> bool {
    let announces = |line: &str, sign: usize| {
        let behind = line[sign + 1..]
            .trim_start_matches(|c: char| "+-0123456789".contains(c))
            .trim_start();
        behind.is_empty() || behind.starts_with('#')
    };
    text.lines()
        .any(|line| line.match_indices(['|', '>']).any(|(sign, _)| announces(line, sign)))
}

fn compose(text: &str, end: u64, duplicates: Duplicates) -> Result<Tree, Error> {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    // Left to itself the parser takes some characters at the start for half a byte order mark.
    parser.set_encoding(Encoding::Utf8);
    parser.set_input_string(&mut bytes);
    let mut composer = Composer {
        parser,
        end,
        anchors: Anchors::of(text),
        duplicates,
        faults: Faults::default(),
    };
    let tree = composer.first_document()?;
    composer.faults.check()?;
    Ok(tree)
}

struct Composer<'r, 'b> {
    parser: Parser<&'r mut &'b [u8]>,
    /// Where the text ended before it got another line break.
    end: u64,
    anchors: Anchors,
    duplicates: Duplicates,
    faults: Faults,
}

impl Composer<'_, '_> {
    fn first_document(&mut self) -> Result<Tree, Error> {
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(Tree::Null),
                _ => {
                    let tree = self.node(event, 0)?;
                    self.next()?;
                    return Ok(tree);
                }
            }
        }
    }

    fn next(&mut self) -> Result<Event, Error> {
        let mut event = self.parser.parse().map_err(|error| parser_error(&error))?;
        if event.end_mark.index > self.end
            && let EventData::Scalar {
                value,
                style: ScalarStyle::Literal | ScalarStyle::Folded,
                ..
            } = &mut event.data
            && value.ends_with('\n')
        {
            // The break at the end is not the author's.
            value.pop();
        }
        Ok(event)
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Tree, Error> {
        if depth > MAX_DEPTH {
            return Err(syntax(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        let before = self.anchors.count(0);
        let (anchor, tree) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor),
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                ..
            } => {
                self.anchors.count(value.len());
                // What is quoted is as good as tagged: text.
                let tag = tag.as_deref().or((!plain_implicit).then_some("!"));
                let scalar = self.scalar(tag, &value);
                (anchor, self.scalar_tree(scalar, value))
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open(anchor.as_deref());
                (anchor, self.sequence(depth)?)
            }
            EventData::MappingStart { anchor, .. } => {
                self.open(anchor.as_deref());
                (anchor, self.mapping(depth)?)
            }
            other => return Err(syntax(format!("unexpected event {other:?}"))),
        };
        if let Some(anchor) = anchor {
            self.anchors.remember(anchor, &tree, before)?;
        }
        Ok(tree)
    }

    fn open(&mut self, anchor: Option<&str>) {
        anchor.into_iter().for_each(|anchor| self.anchors.open(anchor));
    }

    fn alias(&mut self, name: &str) -> Result<Tree, Error> {
        match self.anchors.repeat(name)? {
            Repeated::Value(tree) => Ok(tree),
            Repeated::Itself => {
                self.faults.decoding(format!("anchor '{name}' value contains itself"));
                Ok(Tree::Null)
            }
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            match event.data {
                EventData::SequenceEnd => return Ok(Tree::List(items)),
                _ => items.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut entries = Entries::default();
        loop {
            let event = self.next()?;
            if matches!(event.data, EventData::MappingEnd) {
                return Ok(Tree::Map(entries.into_map()));
            }
            let merges = is_merge(&event.data);
            let key = if merges { None } else { self.key(event, depth)? };
            let event = self.next()?;
            let mark = event.start_mark;
            let value = self.node(event, depth + 1)?;
            if merges {
                self.merge(value, &mut entries, mark);
            } else if let Some(key) = key {
                self.put(&mut entries, key, value, mark);
            }
        }
    }

    fn put(&mut self, entries: &mut Entries, key: Box<str>, value: Tree, mark: Mark) {
        match entries.get_mut(&key) {
            None => entries.push(key, value),
            Some(_) if self.duplicates == Duplicates::Refuse => self.faults.repeated(mark.line + 1, key),
            Some(earlier) => *earlier = value,
        }
    }

    /// Takes over the entries of one map or of several, of which the first has the last word.
    fn merge(&mut self, value: Tree, entries: &mut Entries, mark: Mark) {
        let sources = match value {
            Tree::List(items) => items,
            other => vec![other],
        };
        for source in sources.into_iter().rev() {
            let Tree::Map(map) = source else {
                self.faults
                    .decoding("map merge requires map or sequence of maps as the value");
                return;
            };
            map.into_entries()
                .into_iter()
                .for_each(|(key, value)| self.put(entries, key, value, mark));
        }
    }

    /// A key as JSON knows keys, or none if there is no way; then the fault is noted.
    fn key(&mut self, event: Event, depth: usize) -> Result<Option<Box<str>>, Error> {
        if let EventData::Scalar {
            anchor: None,
            tag,
            value,
            plain_implicit,
            ..
        } = event.data
        {
            self.anchors.count(value.len());
            // What is quoted is as good as tagged: text.
            let tag = tag.as_deref().or((!plain_implicit).then_some("!"));
            let scalar = self.scalar(tag, &value);
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
            Scalar::Unsigned(value) => {
                return self.unsupported_key(&Tree::Big(value.to_string().into()));
            }
        })
    }

    fn unsupported_key(&mut self, key: &Tree) -> Option<Box<str>> {
        let kind = if key.is_null() { "%!s(<nil>)" } else { "uint64" };
        self.faults.converting(format!(
            "unsupported map key of type: {kind}, key: {}",
            gofmt::Value(key)
        ));
        None
    }

    fn scalar(&mut self, tag: Option<&str>, value: &str) -> Scalar {
        let Some(tag) = tag else {
            return resolve::plain(value);
        };
        match (tag.strip_prefix("tag:yaml.org,2002:"), resolve::plain(value)) {
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
                self.faults
                    .converting(format!("json: unsupported value: {}", gofmt::float(value)));
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
