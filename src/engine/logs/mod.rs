//! What everything logged: written from all sides, kept on disk in a bounded ring, read from any place in it.
//!
//! Text does not go through the engine's actions. Whoever logs has a [`SpanWriter`]; one thread stores what they send, in the
//! order of arrival. Invariants:
//! - Nothing that was accepted is lost, but by the ring's own bound, and then a reader is told how much.
//! - A writer that is faster than the disk waits; memory does not grow with what is logged.
//! - A reader never makes the writer wait for longer than a look at the index takes.
//! - No known secret is stored, however its text was cut, and none stays stored once it is known.

mod index;
pub mod json;
pub mod lines;
pub mod query;
mod read;
mod record;
mod rescrub;
mod ring;
mod scrub;
pub mod segment;
mod session;
mod stream;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

use thiserror::Error;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::model::secret::Secret;
use crate::model::settings::ScrubSecrets;
use crate::world::files::{self, FileError};

pub use read::Found;
pub use ring::{Disk, RealDisk};
pub use segment::{BuildEvent, Checkpoint, Fields, Level, Page, Segment, Span, Time, Weight};

use record::StreamKey;
use ring::{Limits, Ring, Shared};
use session::Session;
use writer::{Shape, Text, Work, Writer};

#[derive(Clone, Debug)]
pub struct Config {
    /// Where the folders of sessions are.
    pub folder: PathBuf,
    /// How much is kept, in bytes.
    pub most: u64,
    /// How much is kept in memory while the disk takes nothing.
    pub most_in_memory: u64,
    pub scrub: ScrubSecrets,
    pub disk: Arc<dyn Disk>,
}

impl Config {
    pub fn below(folder: impl Into<PathBuf>) -> Config {
        Config {
            folder: folder.into(),
            most: 64 << 20,
            most_in_memory: 4 << 20,
            scrub: ScrubSecrets::On,
            disk: Arc::new(RealDisk),
        }
    }
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LogError {
    #[error("the folder for logs cannot be used: {0}")]
    Folder(#[source] FileError),
    #[error("the thread that writes logs cannot be started: {0}")]
    Thread(String),
    #[error("logs cannot be read: {0}")]
    Read(String),
    #[error("the logs are closed")]
    Closed,
}

/// How much text may be on its way to the disk before writers have to wait.
const ROOM: usize = 1 << 20;
/// Longer pieces are sent in parts.
const PIECE: usize = 64 << 10;

/// The store. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Logs {
    index: Shared,
    work: mpsc::Sender<Work>,
    room: Arc<Semaphore>,
    changes: watch::Receiver<Checkpoint>,
    streams: Arc<AtomicU32>,
}

impl Logs {
    pub fn open(config: Config) -> Result<Logs, LogError> {
        let session = Session::begin(&config.folder).map_err(LogError::Folder)?;
        let index = Shared::default();
        let limits = Limits {
            bytes: config.most,
            memory: config.most_in_memory,
        };
        let ring = Ring::new(index.clone(), config.disk, session.folder().to_owned(), limits);
        let (changed, changes) = watch::channel(Checkpoint::default());
        let (work, orders) = mpsc::channel();
        let writer = Writer::new(ring, changed, config.scrub);
        std::thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || writer.run(&orders, session))
            .map_err(|error| LogError::Thread(files::reason(&error)))?;
        Ok(Logs {
            index,
            work,
            room: Arc::new(Semaphore::new(ROOM)),
            changes,
            streams: Arc::new(AtomicU32::new(1)),
        })
    }

    /// A writer of its own for a span. Several for one span, as for the two outputs of a process, do not mix their lines.
    /// The first one says which resource the span belongs to; an empty span is that of the whole session.
    pub fn span(&self, id: &str, resource: &str) -> SpanWriter {
        let span = self.index.lock().open_span(id, resource);
        let stream = self.streams.fetch_add(1, Ordering::Relaxed);
        SpanWriter(Arc::new(Outlet {
            logs: self.clone(),
            key: StreamKey { span, stream },
        }))
    }

    /// All spans of which something is kept, or can still come.
    pub fn spans(&self) -> Vec<Arc<Span>> {
        self.index.lock().spans()
    }

    /// Says whenever something was stored, and up to where there is something to read.
    pub fn changes(&self) -> watch::Receiver<Checkpoint> {
        self.changes.clone()
    }

    /// Takes these values out of all that is stored, and of all that will be. What was sent before is stored before.
    pub fn add_secrets(&self, secrets: Vec<Secret>) {
        self.order(Work::Secrets(secrets));
    }

    pub fn scrub(&self, mode: ScrubSecrets) {
        self.order(Work::Scrubbing(mode));
    }

    /// Done once all that was sent before can be read, unfinished lines too.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        self.order(Work::Flush(done));
        // The sender vanishes if the store was closed, and then there is nothing to wait for.
        let _ = wait.await;
    }

    /// Ends the store: what was sent before can still be read by readers that are at it, then the folder is gone.
    /// Whatever is sent later goes nowhere.
    pub async fn close(self) {
        let (done, wait) = oneshot::channel();
        self.order(Work::Stop(done));
        let _ = wait.await;
        self.room.close();
    }

    /// After `close` nobody takes orders, which is what closing is for.
    fn order(&self, work: Work) {
        let _ = self.work.send(work);
    }
}

/// Writes to a span. Clones write to the same stream; once the last one is dropped, an unfinished line stays as it is.
#[derive(Clone, Debug)]
pub struct SpanWriter(Arc<Outlet>);

#[derive(Debug)]
struct Outlet {
    logs: Logs,
    key: StreamKey,
}

impl SpanWriter {
    /// Sends what a process printed, cut anywhere. Waits while the disk is behind; bytes are taken all or, once the store
    /// is closed, not at all.
    pub async fn write(&self, level: Level, bytes: &[u8]) -> Result<(), LogError> {
        for piece in bytes.chunks(PIECE) {
            let room = Arc::clone(&self.0.logs.room);
            let wanted = room_of(piece.len());
            let room = room.acquire_many_owned(wanted).await.map_err(|_| LogError::Closed)?;
            let work = Work::Text(Text {
                key: self.0.key,
                level,
                time: writer::now(),
                bytes: piece.to_vec(),
                shape: Shape::Flow,
                room: Some(room),
            });
            self.0.logs.work.send(work).map_err(|_| LogError::Closed)?;
        }
        Ok(())
    }

    /// Sends lines of the engine's own, which belong together. Never waits, so it is not for what others print: nothing
    /// bounds how much is on its way.
    pub fn line(&self, level: Level, text: &str, fields: Fields) {
        self.0.logs.order(Work::Text(Text {
            key: self.0.key,
            level,
            time: writer::now(),
            bytes: text.as_bytes().to_vec(),
            shape: Shape::Event(fields),
            room: None,
        }));
    }

    pub fn info(&self, text: &str) {
        self.line(Level::Info, text, Fields::default());
    }

    pub fn warn(&self, text: &str) {
        self.line(Level::Warn, text, Fields::default());
    }

    pub fn error(&self, text: &str) {
        self.line(Level::Error, text, Fields::default());
    }

    /// Another stream of the same span, as for the second output of a process.
    pub fn sibling(&self) -> SpanWriter {
        let logs = &self.0.logs;
        let stream = logs.streams.fetch_add(1, Ordering::Relaxed);
        logs.index.lock().reopen_span(self.0.key.span);
        SpanWriter(Arc::new(Outlet {
            logs: logs.clone(),
            key: StreamKey {
                span: self.0.key.span,
                stream,
            },
        }))
    }
}

/// Short pieces take more than their length: each is an order, with a record or more.
fn room_of(length: usize) -> u32 {
    (length + 64).min(ROOM) as u32
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // The writer forgets the span, after what is on its way.
        self.logs.order(Work::Close(self.key));
    }
}

#[cfg(test)]
mod tests;
