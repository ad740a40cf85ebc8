//! The stream to an agent: one task that reads, one that writes, and whoever waits for an answer.
//!
//! Everything goes out by one queue, so that what was said first arrives first; whoever has much to say waits for room in
//! it. Liveness is one question for all that wait: as long as bytes move in either direction the agent lives; after a
//! silence it is asked, and after another one it is gone.

mod reader;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tilt_agent::wire::{Decoder, FromAgent, FromHost, Word};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::place::{Held, Input};
use super::{ApplyError, News};
use reader::Reader;

/// After a silence of this long somebody who waits makes us ask, and after twice as long it is over.
const SILENCE: Duration = Duration::from_secs(10);
/// Where nobody waits: whatever stands between us and a container forgets a connection on which nothing moves.
const IDLE: Duration = Duration::from_secs(30);
/// Between questions.
const ASKING: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_secs(1);
/// Once nothing can be written any more, for what is left to be read.
const GRACE: Duration = Duration::from_secs(1);
/// Bytes of batches in the queue.
const ROOM: usize = 4 << 20;
/// At most this much is written at once.
const AT_ONCE: usize = 256 << 10;
/// Words that wait for whoever asked for them. One may have a megabyte.
const WAITING: usize = 8;
/// Of what an agent says without being asked, a second.
const MOST_NEWS: u32 = 1000;
/// Of what it complains of in the end.
const TOLD: usize = 500;

/// The stream; it ends with this.
pub struct Link {
    shared: Arc<Shared>,
    _ends: DropGuard,
}

pub struct Shared {
    /// Held for looking up and entering only.
    state: Mutex<State>,
    out: mpsc::UnboundedSender<Item>,
    room: Arc<Semaphore>,
    began: Instant,
    /// Milliseconds from the beginning to when bytes last moved.
    moved: AtomicU64,
    over: CancellationToken,
}

#[derive(Default)]
struct State {
    waiting: HashMap<Key, mpsc::Sender<FromAgent>>,
    followed: HashMap<u32, String>,
    last: u32,
    over: Option<String>,
}

/// What an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Batch(u32),
    Id(u32),
    Ping(u64),
}

struct Item {
    bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

/// Somebody who waits for answers. Nobody does any more when it is dropped.
pub struct Answers {
    shared: Arc<Shared>,
    key: Key,
    words: mpsc::Receiver<FromAgent>,
}

impl Link {
    pub fn start(held: Held, decoder: Decoder<FromAgent>, news: mpsc::UnboundedSender<News>) -> Link {
        let (out, items) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            out,
            room: Arc::new(Semaphore::new(ROOM)),
            began: Instant::now(),
            moved: AtomicU64::new(0),
            over: CancellationToken::new(),
        });
        let cannot_write = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(write(held.input, items, Arc::clone(&shared), cannot_write.clone()));
        let reader = Reader {
            output: held.output,
            decoder,
            shared: Arc::clone(&shared),
            news,
            complaints: Vec::new(),
            told: 0,
        };
        tasks.spawn(reader.run(cannot_write));
        Link {
            _ends: shared.over.clone().drop_guard(),
            shared,
        }
    }

    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nothing else has.
    pub fn number(&self) -> u32 {
        let mut state = self.state();
        state.last = state.last.wrapping_add(1);
        state.last
    }

    pub fn await_answers(self: &Arc<Self>, key: Key) -> Result<Answers, ApplyError> {
        let (sender, words) = mpsc::channel(WAITING);
        let mut state = self.state();
        if let Some(reason) = &state.over {
            return Err(ApplyError::Gone { reason: reason.clone() });
        }
        if state.waiting.is_empty() {
            self.touch();
        }
        state.waiting.insert(key, sender);
        Ok(Answers {
            shared: Arc::clone(self),
            key,
            words,
        })
    }

    /// Remembers what a number follows, and gives the one that followed it before.
    pub fn follow(&self, id: u32, root: &str) -> Option<u32> {
        let mut state = self.state();
        let before = state
            .followed
            .iter()
            .find(|(_, known)| *known == root)
            .map(|(id, _)| *id);
        if let Some(before) = before {
            state.followed.remove(&before);
        }
        state.followed.insert(id, root.to_owned());
        before
    }

    /// Says one small thing now.
    pub fn say(&self, word: &FromHost) -> Result<(), ApplyError> {
        let mut bytes = Vec::new();
        word.encode(&mut bytes).map_err(|error| ApplyError::Protocol {
            reason: error.to_string(),
        })?;
        self.send(bytes.into());
        Ok(())
    }

    /// Whole frames, however many wait already.
    pub fn send(&self, bytes: Bytes) {
        // Whoever waits for an answer learns that nobody writes any more.
        drop(self.out.send(Item { bytes, room: None }));
    }

    /// Whole frames, once there is room.
    pub async fn send_much(&self, bytes: Bytes) -> Result<(), ApplyError> {
        let wanted = u32::try_from(bytes.len().min(ROOM)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted);
        let room = tokio::select! {
            room = room => room.map_err(|_| self.gone())?,
            () = self.over.cancelled() => return Err(self.gone()),
        };
        drop(self.out.send(Item {
            bytes,
            room: Some(room),
        }));
        Ok(())
    }

    pub fn gone(&self) -> ApplyError {
        let reason = self.state().over.clone();
        ApplyError::Gone {
            reason: reason.unwrap_or_else(|| "the session has ended".to_owned()),
        }
    }

    /// Nothing that comes from there is believed any more.
    pub fn end(&self, reason: &str) {
        let mut state = self.state();
        state.over.get_or_insert_with(|| reason.to_owned());
        state.waiting.clear();
        drop(state);
        self.over.cancel();
    }

    fn touch(&self) {
        self.moved.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// For how long nothing has moved, and how long that may be.
    fn silence(&self) -> (Duration, Duration) {
        let is_awaited = !self.state().waiting.is_empty();
        let silence = self.now().saturating_sub(self.moved.load(Ordering::Relaxed));
        let limit = if is_awaited { SILENCE } else { IDLE };
        (Duration::from_millis(silence), limit)
    }

    /// Any answer will do: nobody waits for one of this number.
    fn ask(&self) {
        // It is short, and where nothing can be written any more that shows otherwise.
        drop(self.say(&FromHost::Ping { n: u64::MAX }));
    }
}

impl Answers {
    /// The next answer. One that does not come in time ends the session.
    pub async fn next(&mut self, doing: &'static str, limit: Duration) -> Result<FromAgent, ApplyError> {
        match timeout(limit, self.any()).await {
            Ok(answer) => answer,
            Err(_) => {
                let seconds = limit.as_secs();
                self.shared.end(&format!("{doing} took longer than {seconds} s"));
                Err(ApplyError::Deadline { doing, seconds })
            }
        }
    }

    /// The next answer, for as long as the agent shows that it is alive.
    pub async fn any(&mut self) -> Result<FromAgent, ApplyError> {
        self.words.recv().await.ok_or_else(|| self.shared.gone())
    }

    /// The answer is none to what was asked.
    pub fn nonsense(&self, what: &str) -> ApplyError {
        let reason = format!("{what} is no answer to what was asked");
        self.shared.end(&reason);
        ApplyError::Protocol { reason }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.key);
    }
}

async fn write(
    mut input: Input,
    mut items: mpsc::UnboundedReceiver<Item>,
    shared: Arc<Shared>,
    cannot_write: CancellationToken,
) {
    loop {
        let item = tokio::select! {
            biased;
            item = items.recv() => item,
            // What was said last is still to arrive.
            () = shared.over.cancelled() => None,
        };
        let Some(item) = item else {
            return;
        };
        let (bytes, room) = gather(item, &mut items);
        let too_late = async {
            shared.over.cancelled().await;
            sleep(GRACE).await;
        };
        let sent = tokio::select! {
            sent = input.send(bytes) => sent,
            () = too_late => return,
        };
        if sent.is_err() {
            break;
        }
        // A ping that is written shows nothing; much that is taken does.
        if room.iter().any(Option::is_some) {
            shared.touch();
        }
    }
    cannot_write.cancel();
    // An input that is let go of ends the agent, which is meant once the session is over, and not before.
    shared.over.cancelled().await;
}

/// What waits already goes along in one write.
fn gather(first: Item, items: &mut mpsc::UnboundedReceiver<Item>) -> (Bytes, Vec<Option<OwnedSemaphorePermit>>) {
    let mut room = vec![first.room];
    if items.is_empty() || first.bytes.len() >= AT_ONCE {
        return (first.bytes, room);
    }
    let mut all = BytesMut::from(first.bytes);
    while all.len() < AT_ONCE
        && let Ok(item) = items.try_recv()
    {
        all.extend_from_slice(&item.bytes);
        room.push(item.room);
    }
    (all.freeze(), room)
}
