//! A batch on its way to an agent: read here, offered where that may spare something, sent.
//!
//! A small batch is one write. Of a large one the agent is told what it is about to get, group by group, and says what it
//! has already; several groups are on their way at any time, so that neither side waits for the other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tilt_agent::wire::{Beneath, FromAgent, FromHost, Offered, Word};
use tokio::sync::mpsc;

use super::ApplyError;
use super::batch::{Batch, Change};
use super::content::{self, Kept, Local, Ready};
use super::convert;
use super::link::{Answers, Key, Shared};

/// Until the agent has answered once it has everything that it needs for that.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// More files or bytes than these are offered first.
const FEW: usize = 16;
const LITTLE: u64 = 256 << 10;
/// Of one offer. Paths may have four kilobytes, and a frame has one megabyte.
const GROUP: usize = 256;
/// Of what is kept of one group.
const GROUP_BYTES: u64 = 4 << 20;
/// Groups that are offered and not answered yet.
const ON_THE_WAY: usize = 4;
/// Written at once.
const PIECE: usize = 256 << 10;

/// A batch that the agent has begun; it is undone when this is dropped before its end.
pub struct Begun {
    shared: Arc<Shared>,
    pub id: u32,
    has_ended: AtomicBool,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Begun {
    /// It is kept or undone.
    pub fn ended(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.has_ended.load(Ordering::Relaxed) {
            // Short enough, and where nobody is there to hear it nothing is to be undone either.
            drop(self.shared.say(&FromHost::Undo { batch: self.id }));
        }
    }
}

/// What comes of a batch, in the order in which it is sent.
enum Step {
    Words(Vec<FromHost>),
    Files(Vec<Entry>, Offering),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Offering {
    Needless,
    First,
}

struct Entry {
    entry: u32,
    root: u16,
    path: Beneath,
    mode: u32,
    ready: Ready,
}

/// Sends a batch and what it is to end with. Gives whoever waits for the answers.
pub async fn send(
    shared: &Arc<Shared>,
    batch: &Batch,
    end: impl FnOnce(u32) -> Vec<FromHost>,
) -> Result<(Begun, Answers), ApplyError> {
    let id = shared.number();
    let mut out = Out {
        shared,
        id,
        buffer: Vec::new(),
    };
    let roots = convert::roots(batch)?.into_iter().zip(&batch.roots);
    for ((root, path), rules) in roots {
        let (owner, mode) = (rules.owner.into(), rules.mode.into());
        out.word(&FromHost::Root {
            batch: id,
            root,
            path,
            owner,
            mode,
        })?;
    }
    let mut answers = shared.await_answers(Key::Batch(id))?;
    let begun = Begun {
        shared: Arc::clone(shared),
        id,
        has_ended: AtomicBool::new(false),
    };
    let (steps, mut coming) = mpsc::channel(1);
    let changes = batch.changes.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = prepare(id, &changes, &steps) {
            // Nobody is left to hear it where the batch was given up.
            drop(steps.blocking_send(Err(error)));
        }
    });
    let mut offered = VecDeque::new();
    while let Some(step) = coming.recv().await {
        match step? {
            Step::Files(files, Offering::Needless) => {
                for file in files {
                    out.file(file).await?;
                }
            }
            Step::Files(files, Offering::First) => {
                out.offer(&files).await?;
                offered.push_back(files);
                if offered.len() > ON_THE_WAY {
                    out.settle(&mut offered, &mut answers).await?;
                }
            }
            Step::Words(words) => {
                // Links may be to files.
                while !offered.is_empty() {
                    out.settle(&mut offered, &mut answers).await?;
                }
                for word in words {
                    out.word(&word)?;
                    out.flush_much().await?;
                }
            }
        }
    }
    while !offered.is_empty() {
        out.settle(&mut offered, &mut answers).await?;
    }
    for word in end(id) {
        out.word(&word)?;
    }
    out.flush().await?;
    Ok((begun, answers))
}

/// Directories first, then files, then links to them, and deletions last.
fn prepare(batch: u32, changes: &[Change], steps: &mpsc::Sender<Result<Step, ApplyError>>) -> Result<(), ApplyError> {
    let give = |step: Step| steps.blocking_send(Ok(step)).map_err(|_| ApplyError::Cancelled);
    let words = |is_meant: fn(&Change) -> bool| -> Result<(), ApplyError> {
        let meant = changes.iter().enumerate().filter(|(_, change)| is_meant(change));
        let words: Vec<_> = meant
            .map(|(entry, change)| plain(batch, entry, change))
            .collect::<Result<_, _>>()?;
        if words.is_empty() {
            Ok(())
        } else {
            give(Step::Words(words))
        }
    };
    words(|change| matches!(change, Change::Dir { .. }))?;
    let offering = offering(changes);
    let (mut group, mut kept) = (Vec::new(), 0);
    for (entry, change) in changes.iter().enumerate() {
        let Change::File {
            root,
            path,
            mode,
            content,
        } = change
        else {
            continue;
        };
        let ready = content::read(content)?;
        kept += ready.size.min(content::KEPT);
        group.push(Entry {
            entry: number(entry)?,
            root: *root as u16,
            path: convert::beneath(path)?,
            mode: *mode,
            ready,
        });
        if group.len() >= GROUP || kept >= GROUP_BYTES {
            give(Step::Files(std::mem::take(&mut group), offering))?;
            kept = 0;
        }
    }
    if !group.is_empty() {
        give(Step::Files(group, offering))?;
    }
    words(|change| matches!(change, Change::HardLink { .. }))?;
    words(|change| matches!(change, Change::Symlink { .. }))?;
    words(|change| matches!(change, Change::Delete { .. }))
}

fn offering(changes: &[Change]) -> Offering {
    let contents = changes.iter().filter_map(|change| match change {
        Change::File { content, .. } => Some(content),
        _ => None,
    });
    let (mut files, mut bytes) = (0, 0);
    for content in contents {
        files += 1;
        bytes += content::size(content);
        if files > FEW || bytes > LITTLE {
            return Offering::First;
        }
    }
    Offering::Needless
}

fn number(entry: usize) -> Result<u32, ApplyError> {
    u32::try_from(entry).map_err(|_| convert::outside("", "more changes than one batch can have"))
}

/// Whatever has no content.
fn plain(batch: u32, entry: usize, change: &Change) -> Result<FromHost, ApplyError> {
    let entry = number(entry)?;
    let (root, path) = (change.root() as u16, convert::beneath(change.path())?);
    Ok(match change {
        Change::Dir { mode, .. } => FromHost::Dir {
            batch,
            entry,
            root,
            path,
            mode: *mode,
        },
        Change::Symlink { target, .. } => FromHost::Symlink {
            batch,
            entry,
            root,
            path,
            target: target.clone(),
        },
        Change::HardLink { to_root, to, .. } => FromHost::HardLink {
            batch,
            entry,
            root,
            path,
            to_root: u16::try_from(*to_root).map_err(|_| convert::outside("", "below no root"))?,
            to_path: convert::beneath(to)?,
        },
        Change::File { .. } | Change::Delete { .. } => FromHost::Delete {
            batch,
            entry,
            root,
            path,
        },
    })
}

/// Frames that are gathered to be written together.
struct Out<'a> {
    shared: &'a Shared,
    id: u32,
    buffer: Vec<u8>,
}

impl Out<'_> {
    fn word(&mut self, word: &FromHost) -> Result<(), ApplyError> {
        word.encode(&mut self.buffer)
            .map_err(|error| convert::outside("", &error.to_string()))
    }

    async fn flush(&mut self) -> Result<(), ApplyError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.shared.send_much(std::mem::take(&mut self.buffer).into()).await
    }

    async fn flush_much(&mut self) -> Result<(), ApplyError> {
        if self.buffer.len() < PIECE {
            Ok(())
        } else {
            self.flush().await
        }
    }

    async fn offer(&mut self, files: &[Entry]) -> Result<(), ApplyError> {
        let entries = files.iter().map(|file| Offered {
            root: file.root,
            path: file.path.clone(),
            size: file.ready.size,
            sha256: file.ready.hash,
        });
        self.word(&FromHost::Offer {
            batch: self.id,
            entries: entries.collect(),
        })?;
        self.flush().await
    }

    /// Sends what the agent wants of the group that was offered first.
    async fn settle(&mut self, offered: &mut VecDeque<Vec<Entry>>, answers: &mut Answers) -> Result<(), ApplyError> {
        let bitmap = match answers.next("comparing files", PATIENCE).await? {
            FromAgent::Wanted { bitmap, .. } => bitmap,
            FromAgent::Refused { problems, .. } => return Err(convert::refusal(&problems)),
            _ => return Err(answers.nonsense("what came instead of a comparison")),
        };
        let files = offered.pop_front().unwrap_or_default();
        if bitmap.len() != files.len().div_ceil(8) {
            return Err(answers.nonsense("a comparison of other files"));
        }
        for (index, file) in files.into_iter().enumerate() {
            match bitmap[index / 8] & (1 << (index % 8)) {
                0 => self.same(file).await?,
                _ => self.file(file).await?,
            }
        }
        self.flush().await
    }

    async fn same(&mut self, file: Entry) -> Result<(), ApplyError> {
        self.word(&FromHost::Same {
            batch: self.id,
            entry: file.entry,
            root: file.root,
            path: file.path,
            mode: file.mode,
            size: file.ready.size,
            sha256: file.ready.hash,
        })?;
        self.flush_much().await
    }

    async fn file(&mut self, file: Entry) -> Result<(), ApplyError> {
        let Entry {
            entry,
            root,
            path,
            mode,
            ready,
        } = file;
        self.word(&FromHost::File {
            batch: self.id,
            entry,
            root,
            path,
            mode,
            size: ready.size,
            sha256: ready.hash,
        })?;
        match ready.content {
            Kept::Bytes(bytes) => {
                for piece in bytes.chunks(PIECE) {
                    self.data(entry, piece.to_vec())?;
                }
                self.flush_much().await
            }
            Kept::Local(local) => self.local(entry, local).await,
        }
    }

    fn data(&mut self, entry: u32, bytes: Vec<u8>) -> Result<(), ApplyError> {
        let batch = self.id;
        self.word(&FromHost::Data { batch, entry, bytes })
    }

    /// A large file, read while it is sent. Where it has nothing but zeros only their number goes.
    async fn local(&mut self, entry: u32, local: Local) -> Result<(), ApplyError> {
        let (pieces, mut coming) = mpsc::channel(4);
        tokio::task::spawn_blocking(move || {
            let give = |piece| pieces.blocking_send(piece).map_err(|_| ApplyError::Cancelled);
            let read = local.pieces(|piece| give(Ok(Piece::of(piece))));
            if let Err(error) = read {
                // Nobody is left to hear it where the batch was given up.
                drop(give(Err(error)));
            }
        });
        let mut zeros = 0;
        while let Some(piece) = coming.recv().await {
            match piece? {
                Piece::Zeros(length) => zeros += length,
                Piece::Bytes(bytes) => {
                    self.zeros(entry, std::mem::take(&mut zeros))?;
                    self.data(entry, bytes)?;
                    self.flush_much().await?;
                }
            }
        }
        self.zeros(entry, zeros)
    }

    fn zeros(&mut self, entry: u32, length: u64) -> Result<(), ApplyError> {
        if length == 0 {
            return Ok(());
        }
        let batch = self.id;
        self.word(&FromHost::Zeros { batch, entry, length })
    }
}

enum Piece {
    Bytes(Vec<u8>),
    Zeros(u64),
}

impl Piece {
    fn of(bytes: &[u8]) -> Piece {
        match bytes.iter().all(|byte| *byte == 0) {
            true => Piece::Zeros(bytes.len() as u64),
            false => Piece::Bytes(bytes.to_vec()),
        }
    }
}
