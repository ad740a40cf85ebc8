//! Pure. From the bytes that one writer sends to records: secrets out, characters whole, one record a line.

use super::record::{Batch, Head, StreamKey};
use super::scrub::{Held, Reach, Secrets};
use super::segment::{Fields, Level, Time};

/// As much of a line without an end is kept back at most.
const MOST_HELD: usize = 64 << 10;

#[derive(Debug, Default)]
pub struct Stream {
    key: StreamKey,
    held: Held,
    /// Scrubbed text whose line has not ended.
    line: Vec<u8>,
    level: Level,
    /// When that text arrived.
    since: Time,
    /// The beginning of the line is stored already.
    begun: bool,
    /// The level of the last record.
    last: Option<Level>,
}

/// Text of one level that arrived at one time.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub level: Level,
    pub time: Time,
    pub bytes: &'a [u8],
}

impl Stream {
    pub fn new(key: StreamKey) -> Stream {
        Stream {
            key,
            ..Stream::default()
        }
    }

    /// Whether text waits for the rest of its line, or to be told from a secret.
    pub fn is_waiting(&self) -> bool {
        self.held.is_waiting() || !self.line.is_empty()
    }

    /// Whether the last record's line has no end yet.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    pub fn held(&mut self) -> &mut Held {
        &mut self.held
    }

    /// Takes what a process printed.
    pub fn take(&mut self, secrets: &Secrets, piece: Piece<'_>, batch: &mut Batch) -> Reach {
        let mut reach = Reach::Complete;
        if piece.level != self.level {
            reach = self.let_go(secrets, batch);
            self.begun = false;
            self.level = piece.level;
        }
        if !self.is_waiting() {
            self.since = piece.time;
        }
        let mut text = std::mem::take(&mut self.line);
        reach = later(reach, self.held.push(secrets, piece.bytes, &mut text));
        let mut rest = text.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.put(&rest[..=end], &Fields::default(), batch);
            self.since = piece.time;
            rest = &rest[end + 1..];
        }
        let settled = text.len() - rest.len();
        text.drain(..settled);
        self.line = text;
        if self.line.len() > MOST_HELD {
            self.put_partial(batch);
        }
        reach
    }

    /// Takes whole lines of the engine's own.
    pub fn event(&mut self, secrets: &Secrets, piece: Piece<'_>, fields: &Fields, batch: &mut Batch) -> Reach {
        let mut reach = self.let_go(secrets, batch);
        self.end_line(batch);
        (self.level, self.since, self.last) = (piece.level, piece.time, None);
        let mut text = Vec::with_capacity(piece.bytes.len() + 1);
        reach = later(reach, self.held.push(secrets, piece.bytes, &mut text));
        if !piece.bytes.ends_with(b"\n") {
            reach = later(reach, self.held.push(secrets, b"\n", &mut text));
        }
        reach = later(reach, self.held.let_go(secrets, &mut text));
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            self.put(line, fields, batch);
        }
        self.end_line(batch);
        reach
    }

    /// Stores what waits: for too long, or because nothing follows.
    pub fn let_go(&mut self, secrets: &Secrets, batch: &mut Batch) -> Reach {
        let mut text = std::mem::take(&mut self.line);
        let reach = self.held.let_go(secrets, &mut text);
        self.line = text;
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            self.put(&line, &Fields::default(), batch);
        }
        self.put_partial(batch);
        reach
    }

    /// Nothing more comes: half a character is all there will be of it.
    pub fn close(&mut self, secrets: &Secrets, batch: &mut Batch) -> Reach {
        let reach = self.let_go(secrets, batch);
        let rest = std::mem::take(&mut self.line);
        if !rest.is_empty() {
            self.put(&rest, &Fields::default(), batch);
        }
        reach
    }

    /// Another stream of the span is about to write: the line cannot go on.
    pub fn end_line(&mut self, batch: &mut Batch) {
        let rest = std::mem::take(&mut self.line);
        if self.begun || !rest.is_empty() {
            self.put(&[&rest[..], b"\n"].concat(), &Fields::default(), batch);
        }
    }

    fn put_partial(&mut self, batch: &mut Batch) {
        let kept = unfinished_character(&self.line);
        let rest = self.line.split_off(self.line.len() - kept);
        let text = std::mem::replace(&mut self.line, rest);
        if !text.is_empty() {
            self.put(&text, &Fields::default(), batch);
        }
    }

    fn put(&mut self, text: &[u8], fields: &Fields, batch: &mut Batch) {
        let head = Head {
            key: self.key,
            time: self.since,
            level: self.level,
            anchor: self.level.is_severe() && !self.begun && self.last != Some(self.level),
            continues: self.begun,
            fields: fields.clone(),
        };
        batch.push(&head, &String::from_utf8_lossy(text));
        self.begun = !text.ends_with(b"\n");
        self.last = Some(self.level);
    }
}

/// What has to be said about two steps, one after the other.
fn later(first: Reach, second: Reach) -> Reach {
    if first == Reach::Late { first } else { second }
}

/// How many bytes at the end are the beginning of a character whose rest may follow.
fn unfinished_character(text: &[u8]) -> usize {
    let last_begin = text.iter().rev().take(4).position(|byte| byte & 0xC0 != 0x80);
    let Some(length) = last_begin.map(|at| at + 1) else {
        return 0;
    };
    match std::str::from_utf8(&text[text.len() - length..]) {
        Err(error) if error.error_len().is_none() => length,
        _ => 0,
    }
}
