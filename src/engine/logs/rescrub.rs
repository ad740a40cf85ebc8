//! Pure. Secrets in what is already stored: which bytes of which records to replace.
//!
//! A secret may begin in one record and end in a later one of the same stream, with records of others between them.

use std::collections::{BTreeMap, HashMap};

use super::record::StreamKey;
use super::scrub::{Found, Secrets};

/// A part of a record's text that goes, and what comes in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub from: usize,
    pub to: usize,
    pub instead: Box<str>,
}

/// By the number of the record, from left to right.
pub type Edits = BTreeMap<u64, Vec<Edit>>;

/// The end of a stream that may be the beginning of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    pub stream: StreamKey,
    pub text: Vec<u8>,
    pub record: u64,
}

/// Looks through records in their order.
#[derive(Debug)]
pub struct Review<'a> {
    secrets: &'a Secrets,
    trails: HashMap<StreamKey, Trail>,
    edits: Edits,
}

/// What has been seen of a stream and is not settled yet.
#[derive(Debug, Default)]
struct Trail {
    text: Vec<u8>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    record: u64,
    /// Where in the trail the record's text begins; below zero once its beginning has been settled.
    start: i64,
    end: i64,
}

impl<'a> Review<'a> {
    pub fn of(secrets: &'a Secrets) -> Review<'a> {
        Review {
            secrets,
            trails: HashMap::new(),
            edits: Edits::new(),
        }
    }

    pub fn see(&mut self, stream: StreamKey, record: u64, text: &str) {
        let trail = self.trails.entry(stream).or_default();
        let start = trail.text.len() as i64;
        trail.text.extend_from_slice(text.as_bytes());
        trail.pieces.push(Piece {
            record,
            start,
            end: trail.text.len() as i64,
        });
        let mut at = 0;
        let mut doubtful = self.secrets.doubtful(&trail.text, 0);
        while let Some(found) = self
            .secrets
            .find(&trail.text, at)
            .filter(|found| found.start < doubtful)
        {
            trail.replace(found, self.secrets.label(found), &mut self.edits);
            at = found.end;
            doubtful = if doubtful < at {
                self.secrets.doubtful(&trail.text, at)
            } else {
                doubtful
            };
        }
        trail.settle(doubtful);
    }

    /// No more records come.
    pub fn finish(mut self) -> (Edits, Vec<Beginning>) {
        let mut beginnings = Vec::new();
        for (stream, mut trail) in self.trails {
            let mut at = 0;
            while let Some(found) = self.secrets.find(&trail.text, at) {
                trail.replace(found, self.secrets.label(found), &mut self.edits);
                at = found.end;
            }
            trail.settle(self.secrets.doubtful(&trail.text, at));
            let record = trail.pieces.first().map(|piece| piece.record);
            beginnings.extend(record.map(|record| Beginning {
                stream,
                text: trail.text,
                record,
            }));
        }
        (self.edits, beginnings)
    }
}

impl Trail {
    /// The replacement stands in the record where the secret begins; the others only lose their part.
    fn replace(&self, found: Found, label: &str, edits: &mut Edits) {
        let (from, to) = (found.start as i64, found.end as i64);
        for piece in self.pieces.iter().filter(|piece| piece.start < to && from < piece.end) {
            let begins_here = from >= piece.start;
            edits.entry(piece.record).or_default().push(Edit {
                from: (from.max(piece.start) - piece.start) as usize,
                to: (to.min(piece.end) - piece.start) as usize,
                instead: if begins_here { label.into() } else { "".into() },
            });
        }
    }

    fn settle(&mut self, until: usize) {
        self.text.drain(..until);
        let until = until as i64;
        self.pieces.retain(|piece| piece.end > until);
        for piece in &mut self.pieces {
            piece.start -= until;
            piece.end -= until;
        }
    }
}

/// The text with its edits made.
pub fn edited(text: &str, edits: &[Edit]) -> String {
    let bytes = text.as_bytes();
    let (mut result, mut at) = (Vec::with_capacity(bytes.len()), 0);
    for edit in edits {
        result.extend_from_slice(&bytes[at..edit.from]);
        result.extend_from_slice(edit.instead.as_bytes());
        at = edit.to;
    }
    result.extend_from_slice(&bytes[at..]);
    String::from_utf8_lossy(&result).into_owned()
}
