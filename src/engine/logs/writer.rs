//! The writer: one thread that takes what everybody logs, in order of arrival, and puts it into the ring in batches.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::record::{Batch, StreamKey};
use super::rescrub::Beginning;
use super::ring::Ring;
use super::scrub::{Reach, Secrets};
use super::segment::{Checkpoint, Fields, Level, Time};
use super::session::Session;
use super::stream::{Piece, Stream};
use crate::model::secret::Secret;
use crate::model::settings::ScrubSecrets;
use crate::world::clock::{self, Instant};

/// How long the beginning of a line, or of what may be a secret, waits for the rest.
const PATIENCE: Duration = Duration::from_millis(100);
/// A batch is stored at this size, so that a storm cannot make it grow.
const BATCH_BYTES: usize = 256 << 10;

/// What the writer is asked to do.
#[derive(Debug)]
pub enum Work {
    Text(Text),
    /// The stream has ended.
    Close(StreamKey),
    Secrets(Vec<Secret>),
    Scrubbing(ScrubSecrets),
    /// Stores all that came before, unfinished lines too, and answers.
    Flush(oneshot::Sender<()>),
    /// The same, and ends.
    Stop(oneshot::Sender<()>),
}

#[derive(Debug)]
pub struct Text {
    pub key: StreamKey,
    pub level: Level,
    pub time: Time,
    pub bytes: Vec<u8>,
    pub shape: Shape,
    /// The room that this takes; free again once it is stored.
    pub room: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
pub enum Shape {
    /// Bytes as they come, cut anywhere.
    Flow,
    /// Whole lines that belong together.
    Event(Fields),
}

#[derive(Debug)]
pub struct Writer {
    ring: Ring,
    changed: watch::Sender<Checkpoint>,
    streams: HashMap<StreamKey, Entry>,
    /// By span, the stream whose unfinished line is stored last.
    open_lines: HashMap<u32, StreamKey>,
    /// Streams that wait, in the order in which their patience ends.
    waiting: VecDeque<(Instant, StreamKey)>,
    known: Vec<Secret>,
    mode: ScrubSecrets,
    secrets: Secrets,
    batch: Batch,
    /// From which record on something must be scrubbed again, once the batch is stored.
    late: Option<u64>,
}

#[derive(Debug)]
struct Entry {
    stream: Stream,
    waits_since: Option<Instant>,
    /// The record with which what may be the beginning of a secret was let go.
    doubt_from: u64,
}

/// Whether the writer goes on.
enum Next {
    Go,
    End(Option<oneshot::Sender<()>>),
}

impl Writer {
    pub fn new(ring: Ring, changed: watch::Sender<Checkpoint>, mode: ScrubSecrets) -> Writer {
        Writer {
            ring,
            changed,
            streams: HashMap::new(),
            open_lines: HashMap::new(),
            waiting: VecDeque::new(),
            known: Vec::new(),
            mode,
            secrets: Secrets::default(),
            batch: Batch::default(),
            late: None,
        }
    }

    /// Works until it is told to stop or nobody is left who could. The session's folder goes with it.
    pub fn run(mut self, work: &Receiver<Work>, session: Session) {
        let done = loop {
            match self.turn(work) {
                Next::Go => {}
                Next::End(done) => break done,
            }
        };
        self.flush();
        drop(session);
        if let Some(done) = done {
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
    }

    /// One batch.
    fn turn(&mut self, work: &Receiver<Work>) -> Next {
        let first = match self.waiting.front() {
            None => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((since, _)) => {
                let end = *since + PATIENCE;
                work.recv_timeout(end.saturating_duration_since(clock::now()))
            }
        };
        let mut next = match first {
            Ok(work) => self.perform(work),
            Err(RecvTimeoutError::Timeout) => Next::Go,
            Err(RecvTimeoutError::Disconnected) => Next::End(None),
        };
        // The permits of a batch come back with their texts, so what is taken at once is bounded by them.
        while matches!(next, Next::Go)
            && self.batch.bytes.len() < BATCH_BYTES
            && let Ok(work) = work.try_recv()
        {
            next = self.perform(work);
        }
        self.let_go_of_overdue();
        self.store();
        next
    }

    fn perform(&mut self, work: Work) -> Next {
        match work {
            Work::Text(text) => self.take(text),
            Work::Close(key) => self.close(key),
            Work::Secrets(secrets) => self.learn(secrets),
            Work::Scrubbing(mode) => self.set_mode(mode),
            Work::Flush(done) => {
                self.flush();
                // Whoever asked may have given up waiting.
                let _ = done.send(());
            }
            Work::Stop(done) => return Next::End(Some(done)),
        }
        Next::Go
    }

    fn take(&mut self, text: Text) {
        let key = text.key;
        self.yield_line(key);
        let piece = Piece {
            level: text.level,
            time: text.time,
            bytes: &text.bytes,
        };
        self.step(key, |stream, secrets, batch| match &text.shape {
            Shape::Flow => stream.take(secrets, piece, batch),
            Shape::Event(fields) => stream.event(secrets, piece, fields, batch),
        });
        drop(text.room);
    }

    /// Ends the unfinished line of another stream of the span: a line has one writer.
    fn yield_line(&mut self, key: StreamKey) {
        let other = self.open_lines.get(&key.span).copied().filter(|other| *other != key);
        if let Some(entry) = other.and_then(|other| self.streams.get_mut(&other)) {
            entry.stream.end_line(&mut self.batch);
            self.open_lines.remove(&key.span);
        }
    }

    /// Lets a stream do something, and sees to what follows from it.
    fn step(&mut self, key: StreamKey, act: impl FnOnce(&mut Stream, &Secrets, &mut Batch) -> Reach) {
        let entry = self.streams.entry(key).or_insert_with(|| Entry {
            stream: Stream::new(key),
            waits_since: None,
            doubt_from: 0,
        });
        let had_doubt = entry.stream.held().has_released();
        let before = self.batch.count;
        let reach = act(&mut entry.stream, &self.secrets, &mut self.batch);
        if entry.stream.held().has_released() && !had_doubt {
            entry.doubt_from = self.ring.next() + before;
        }
        if reach == Reach::Late {
            self.late = Some(self.late.map_or(entry.doubt_from, |from| from.min(entry.doubt_from)));
        }
        if entry.stream.has_begun() {
            self.open_lines.insert(key.span, key);
        } else if self.open_lines.get(&key.span) == Some(&key) {
            self.open_lines.remove(&key.span);
        }
        match (entry.stream.is_waiting(), entry.waits_since) {
            (true, None) => {
                let now = clock::now();
                entry.waits_since = Some(now);
                self.waiting.push_back((now, key));
            }
            (false, Some(_)) => entry.waits_since = None,
            _ => {}
        }
    }

    fn close(&mut self, key: StreamKey) {
        if self.streams.contains_key(&key) {
            self.yield_line_before_rest(key);
            self.step(key, Stream::close);
            self.streams.remove(&key);
        }
        if self.open_lines.get(&key.span) == Some(&key) {
            self.open_lines.remove(&key.span);
        }
        self.store();
        self.ring.close_span(key.span);
    }

    fn yield_line_before_rest(&mut self, key: StreamKey) {
        if self.streams.get(&key).is_some_and(|entry| entry.stream.is_waiting()) {
            self.yield_line(key);
        }
    }

    fn let_go_of_overdue(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = clock::now();
        while let Some((since, key)) = self.waiting.front().copied()
            && now.saturating_duration_since(since) >= PATIENCE
        {
            self.waiting.pop_front();
            if self
                .streams
                .get(&key)
                .is_some_and(|entry| entry.waits_since == Some(since))
            {
                self.let_go(key);
            }
        }
    }

    fn let_go(&mut self, key: StreamKey) {
        self.yield_line(key);
        self.step(key, Stream::let_go);
        if let Some(entry) = self.streams.get_mut(&key) {
            // Half a character may be left; only what follows it can change that.
            entry.waits_since = None;
        }
    }

    fn flush(&mut self) {
        let mut keys: Vec<StreamKey> = self.streams.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            if self.streams.get(&key).is_some_and(|entry| entry.stream.is_waiting()) {
                self.let_go(key);
            }
        }
        self.store();
    }

    fn learn(&mut self, secrets: Vec<Secret>) {
        let new: Vec<Secret> = secrets
            .into_iter()
            .filter(|secret| !self.known.contains(secret))
            .collect();
        if new.is_empty() {
            return;
        }
        self.known.extend(new.iter().cloned());
        if self.mode == ScrubSecrets::On {
            self.look_for(&new);
        }
    }

    fn set_mode(&mut self, mode: ScrubSecrets) {
        if self.mode == mode {
            return;
        }
        self.mode = mode;
        match mode {
            ScrubSecrets::On => self.look_for(&self.known.clone()),
            ScrubSecrets::Off => {
                self.flush();
                self.secrets = Secrets::default();
            }
        }
    }

    /// Looks for all known secrets from now on, and for the new ones in what is stored.
    fn look_for(&mut self, new: &[Secret]) {
        self.flush();
        let (Some(all), Some(new)) = (Secrets::of(&self.known), Secrets::of(new)) else {
            self.tell("there are more secrets than can be looked for: the last ones are not scrubbed from logs");
            return;
        };
        self.secrets = all;
        if new.is_empty() {
            return;
        }
        let (beginnings, dropped) = self.ring.rescrub(&new, 0);
        beginnings.into_iter().for_each(|beginning| self.resume(beginning));
        self.tell_dropped(dropped);
    }

    /// The rest of a secret whose beginning is stored may still come.
    fn resume(&mut self, beginning: Beginning) {
        if let Some(entry) = self.streams.get_mut(&beginning.stream)
            && !entry.stream.is_waiting()
        {
            entry.doubt_from = beginning.record;
            entry.stream.held().resume_after(beginning.text);
        }
    }

    fn store(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let said = self.ring.append(&batch);
            self.batch = batch;
            self.batch.clear();
            if let Some(said) = said {
                self.tell(&said);
            }
        }
        if let Some(from) = self.late.take() {
            let (_, dropped) = self.ring.rescrub(&self.secrets.clone(), from);
            self.tell_dropped(dropped);
        }
        let next = Checkpoint(self.ring.next());
        self.changed.send_if_modified(|at| std::mem::replace(at, next) != next);
    }

    fn tell_dropped(&mut self, dropped: u64) {
        if dropped > 0 {
            self.tell(&format!(
                "{dropped} lines were removed from the logs: the disk took no copy of them without a secret"
            ));
        }
    }

    /// A line of our own, in the logs of the whole session.
    fn tell(&mut self, line: &str) {
        let mut batch = Batch::default();
        let piece = Piece {
            level: Level::Warn,
            time: now(),
            bytes: line.as_bytes(),
        };
        let _ = Stream::new(StreamKey::default()).event(&Secrets::default(), piece, &Fields::default(), &mut batch);
        // The disk has just answered; if it no longer does, the next recovery tells.
        let _ = self.ring.append(&batch);
    }
}

/// The time of day in microseconds.
pub fn now() -> Time {
    let since = clock::today()
        .duration_since(clock::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
