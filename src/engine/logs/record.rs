//! Pure. Segments as they stand in the store's files: one record each, one after the other.
//!
//! Only this process reads them, so there is no version and no checksum.

use super::segment::{BuildEvent, Fields, Level, Progress, Time, Weight};

/// Numbers of a span and of one of the streams that it is written by; secrets are looked for in each stream alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamKey {
    pub span: u32,
    pub stream: u32,
}

/// All of a record but its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub key: StreamKey,
    pub time: Time,
    pub level: Level,
    pub anchor: bool,
    pub continues: bool,
    pub fields: Fields,
}

/// Records that are stored in one go.
#[derive(Debug, Default)]
pub struct Batch {
    pub bytes: Vec<u8>,
    pub count: u64,
    pub last: Time,
    /// The spans of the records; a span may stand here more than once.
    pub spans: Vec<u32>,
}

const ANCHOR: u8 = 1;
const CONTINUES: u8 = 2;
const INIT: u8 = 4;
const FALLBACK: u8 = 8;
const PROGRESS: u8 = 16;
const MUST_PRINT: u8 = 32;

/// Length, span, stream, time, level, flags.
const FIXED: usize = 4 + 4 + 4 + 8 + 1 + 1;

impl Batch {
    pub fn push(&mut self, head: &Head, text: &str) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&head.key.span.to_le_bytes());
        self.bytes.extend_from_slice(&head.key.stream.to_le_bytes());
        self.bytes.extend_from_slice(&head.time.0.to_le_bytes());
        self.bytes.push(level_code(head.level));
        self.bytes.push(flags(head));
        if let Some(progress) = &head.fields.progress {
            let id = &progress.id.as_bytes()[..progress.id.len().min(usize::from(u16::MAX))];
            self.bytes.extend_from_slice(&(id.len() as u16).to_le_bytes());
            self.bytes.extend_from_slice(id);
        }
        self.bytes.extend_from_slice(text.as_bytes());
        let length = (self.bytes.len() - begin) as u32;
        self.bytes[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        self.last = self.last.max(head.time);
        if self.spans.last() != Some(&head.key.span) {
            self.spans.push(head.key.span);
        }
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.count = 0;
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn level_code(level: Level) -> u8 {
    Level::ALL.iter().position(|it| *it == level).map_or(0, |at| at as u8)
}

fn flags(head: &Head) -> u8 {
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let progress = head.fields.progress.as_ref();
    flag(head.anchor, ANCHOR)
        | flag(head.continues, CONTINUES)
        | flag(head.fields.build_event == Some(BuildEvent::Init), INIT)
        | flag(head.fields.build_event == Some(BuildEvent::Fallback), FALLBACK)
        | flag(progress.is_some(), PROGRESS)
        | flag(
            progress.is_some_and(|progress| progress.weight == Weight::MustPrint),
            MUST_PRINT,
        )
}

/// How long the record at the beginning of the bytes is, once its length is among them.
pub fn length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    (length >= FIXED).then_some(length)
}

/// The record at the beginning of the bytes, if all of it is there, and what follows it.
pub fn read(bytes: &[u8]) -> Option<(Head, &str, &[u8])> {
    let length = length(bytes)?;
    let record = bytes.get(..length)?;
    let number = |at: usize| {
        record[at..at + 4]
            .try_into()
            .map(u32::from_le_bytes)
            .unwrap_or_default()
    };
    let time = record[12..20].try_into().map(i64::from_le_bytes).unwrap_or_default();
    let flags = record[21];
    let is_set = |flag: u8| flags & flag != 0;
    let (progress, text) = if is_set(PROGRESS) {
        let (id, text) = sized(&record[FIXED..])?;
        let weight = if is_set(MUST_PRINT) {
            Weight::MustPrint
        } else {
            Weight::Skippable
        };
        let id = String::from_utf8_lossy(id).into();
        (Some(Progress { id, weight }), text)
    } else {
        (None, &record[FIXED..])
    };
    let build_event = [(INIT, BuildEvent::Init), (FALLBACK, BuildEvent::Fallback)];
    let head = Head {
        key: StreamKey {
            span: number(4),
            stream: number(8),
        },
        time: Time(time),
        level: *Level::ALL.get(usize::from(record[20]))?,
        anchor: is_set(ANCHOR),
        continues: is_set(CONTINUES),
        fields: Fields {
            build_event: build_event.into_iter().find(|(flag, _)| is_set(*flag)).map(|it| it.1),
            progress,
        },
    };
    Some((head, std::str::from_utf8(text).ok()?, &bytes[length..]))
}

fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?));
    bytes[2..].split_at_checked(length)
}

/// All records of the bytes.
pub fn all(bytes: &[u8]) -> impl Iterator<Item = (Head, &str)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, text, after) = read(rest)?;
        rest = after;
        Some((head, text))
    })
}
