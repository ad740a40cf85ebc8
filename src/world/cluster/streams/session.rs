//! A SPDY session: many streams over one connection.
//!
//! One task reads, one writes; both end with the session. A stream whose reader is slow holds up the others once its own
//! buffer is full, since there is no flow control: `is_free` then says that new streams are better opened elsewhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, timeout};

pub use super::frame::Half;
use super::frame::{self, Frame, Headers};
use super::{Gone, Incoming, Outgoing, Piece, WAITING};

/// Pieces of all streams that wait to be written.
const UNWRITTEN: usize = 16;
/// Beyond these a new session is better.
const MOST_STREAMS: usize = 256;
/// Of a stream, before the other side is told that it was read.
const TOLD: u32 = 32 << 10;
/// Until the other side has taken a stream.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the other side is asked whether it is there.
const PULSE: Duration = Duration::from_secs(5);
/// How long it may say nothing.
const SILENCE: Duration = Duration::from_secs(20);

pub struct Session {
    shared: Arc<Shared>,
    out: mpsc::Sender<Order>,
    urgent: mpsc::UnboundedSender<Bytes>,
    /// Ends them with the session.
    _tasks: JoinSet<()>,
}

struct Shared {
    /// Held for looking up and entering only, by the tasks and by whoever opens a stream.
    state: Mutex<State>,
    is_stalled: AtomicBool,
}

#[derive(Default)]
struct State {
    streams: HashMap<u32, Inlet>,
    last: u32,
    is_over: bool,
}

struct Inlet {
    pieces: mpsc::Sender<Piece>,
    taken: Option<oneshot::Sender<()>>,
    /// Their half, ours.
    has_ended: bool,
    is_finished: bool,
    /// What was read of it and not told yet.
    consumed: u32,
}

enum Order {
    Open(u32, Vec<(&'static str, String)>, Half),
    Data(u32, Bytes, End),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Here,
    Later,
}

/// A stream to the other side. Dropped before its end it is reset.
pub struct StreamWriter {
    session: Arc<Session>,
    id: u32,
    is_finished: bool,
}

/// A stream that was asked for.
pub struct Opening {
    incoming: Incoming,
    writer: StreamWriter,
    taken: oneshot::Receiver<()>,
}

impl Session {
    pub fn start(
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
    ) -> Arc<Session> {
        let (out, orders) = mpsc::channel(UNWRITTEN);
        let (urgent, urgent_orders) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            is_stalled: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        let (reading, answers) = (Arc::clone(&shared), urgent.clone());
        tasks.spawn(async move {
            // Why it ended makes no difference to the streams, which are all broken now.
            drop(read(reader, &reading, &answers).await);
            reading.end();
        });
        let writing = Arc::clone(&shared);
        tasks.spawn(async move {
            drop(write(writer, orders, urgent_orders).await);
            writing.end();
        });
        Arc::new(Session {
            shared,
            out,
            urgent,
            _tasks: tasks,
        })
    }

    /// Whether another stream does well here.
    pub fn is_free(&self) -> bool {
        let state = self.shared.state();
        !state.is_over && state.streams.len() < MOST_STREAMS && !self.shared.is_stalled.load(Ordering::Relaxed)
    }

    pub fn is_over(&self) -> bool {
        self.shared.state().is_over
    }

    /// Asks for a stream, and does not wait for it.
    pub async fn ask(self: &Arc<Self>, headers: Vec<(&'static str, String)>, half: Half) -> Result<Opening, Gone> {
        let permit = self.out.reserve().await.map_err(|_| Gone)?;
        let (pieces, incoming) = mpsc::channel(WAITING);
        let (told, taken) = oneshot::channel();
        let mut state = self.shared.state();
        if state.is_over {
            return Err(Gone);
        }
        // Clients' streams are odd, and appear on the wire in their order.
        let id = if state.last == 0 { 1 } else { state.last + 2 };
        state.last = id;
        let inlet = Inlet {
            pieces,
            taken: Some(told),
            has_ended: false,
            is_finished: half == Half::Ended,
            consumed: 0,
        };
        state.streams.insert(id, inlet);
        permit.send(Order::Open(id, headers, half));
        drop(state);
        Ok(Opening {
            incoming: Incoming(incoming),
            writer: StreamWriter {
                session: Arc::clone(self),
                id,
                is_finished: half == Half::Ended,
            },
            taken,
        })
    }
}

impl Opening {
    /// What is sent before the other side has taken a stream is lost.
    pub async fn taken(self) -> Result<(Incoming, Outgoing), Gone> {
        match timeout(PATIENCE, self.taken).await {
            Ok(Ok(())) => Ok((self.incoming, Outgoing::Spdy(self.writer))),
            _ => Err(Gone),
        }
    }
}

impl StreamWriter {
    pub async fn send(&mut self, mut bytes: Bytes) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(frame::MOST));
            self.order(piece, End::Later).await?;
        }
        Ok(())
    }

    pub async fn finish(&mut self) -> Result<(), Gone> {
        if self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        self.order(Bytes::new(), End::Here).await?;
        self.session.shared.end_half(self.id, |inlet| inlet.is_finished = true);
        Ok(())
    }

    async fn order(&self, bytes: Bytes, end: End) -> Result<(), Gone> {
        if !self.session.shared.has(self.id) {
            return Err(Gone);
        }
        let order = Order::Data(self.id, bytes, end);
        self.session.out.send(order).await.map_err(|_| Gone)
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        // Its other half may still be read; then the end of that forgets the stream.
        if self.session.shared.forget_unless_read(self.id, self.is_finished) {
            // Where nobody writes any more there is nothing to reset.
            drop(self.session.urgent.send(frame::reset(self.id)));
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, stream: u32) -> bool {
        self.state().streams.contains_key(&stream)
    }

    fn pieces(&self, stream: u32) -> Option<mpsc::Sender<Piece>> {
        self.state().streams.get(&stream).map(|inlet| inlet.pieces.clone())
    }

    fn taken(&self, stream: u32) {
        let told = self
            .state()
            .streams
            .get_mut(&stream)
            .and_then(|inlet| inlet.taken.take());
        // Whoever asked may have given up.
        told.map(|told| told.send(()));
    }

    fn forget(&self, stream: u32) {
        self.state().streams.remove(&stream);
    }

    /// A stream of which both halves have ended is forgotten.
    fn end_half(&self, stream: u32, end: impl FnOnce(&mut Inlet)) {
        let mut state = self.state();
        let Some(inlet) = state.streams.get_mut(&stream) else {
            return;
        };
        end(inlet);
        if inlet.has_ended && inlet.is_finished {
            state.streams.remove(&stream);
        }
    }

    /// Forgets a stream whose writer is gone, and says whether it was still open.
    fn forget_unless_read(&self, stream: u32, is_finished: bool) -> bool {
        let mut state = self.state();
        let Some(inlet) = state.streams.get(&stream) else {
            return false;
        };
        let is_read = is_finished && !inlet.pieces.is_closed();
        !is_read && state.streams.remove(&stream).is_some()
    }

    /// How much was read of a stream, when that is worth telling: small frames in between would delay others.
    fn consumed(&self, stream: u32, length: u32) -> Option<u32> {
        let mut state = self.state();
        let inlet = state.streams.get_mut(&stream)?;
        inlet.consumed += length;
        (inlet.consumed >= TOLD).then(|| std::mem::take(&mut inlet.consumed))
    }

    fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.streams.clear();
    }
}

/// Why a session ended; nobody is told but by its end.
enum Over {
    Io(#[expect(dead_code, reason = "for a debugger")] std::io::Error),
    Silent,
    Nonsense,
    Closed,
}

impl From<std::io::Error> for Over {
    fn from(error: std::io::Error) -> Over {
        Over::Io(error)
    }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    shared: &Shared,
    answers: &mpsc::UnboundedSender<Bytes>,
) -> Result<(), Over> {
    let mut buffer = BytesMut::with_capacity(64 << 10);
    let mut pulse = interval_at(Instant::now() + PULSE, PULSE);
    let (mut heard, mut asked) = (Instant::now(), 1);
    loop {
        while let Some(frame) = frame::take(&mut buffer).map_err(|_| Over::Nonsense)? {
            dispatch(frame, shared, answers).await?;
        }
        // However long somebody took to read: that was not the other side's silence.
        tokio::select! {
            biased;
            read = reader.read_buf(&mut buffer) => {
                if read? == 0 {
                    return Err(Over::Closed);
                }
                heard = Instant::now();
            }
            _ = pulse.tick() => {
                if heard.elapsed() > SILENCE {
                    return Err(Over::Silent);
                }
                asked += 2;
                drop(answers.send(frame::ping(asked)));
            }
        }
    }
}

async fn dispatch(frame: Frame, shared: &Shared, answers: &mpsc::UnboundedSender<Bytes>) -> Result<(), Over> {
    match frame {
        Frame::Data { stream, bytes, is_last } => {
            let Some(pieces) = shared.pieces(stream) else {
                return Ok(());
            };
            if !bytes.is_empty() {
                let length = bytes.len() as u32;
                deliver(shared, &pieces, Piece::Bytes(bytes)).await;
                if let Some(consumed) = shared.consumed(stream, length) {
                    drop(answers.send(frame::window_update(stream, consumed)));
                }
            }
            if is_last {
                ended(shared, stream).await;
            }
        }
        Frame::Reply { stream, is_last } => {
            shared.taken(stream);
            if is_last {
                ended(shared, stream).await;
            }
        }
        Frame::Reset { stream } => shared.forget(stream),
        // Our own ids are odd, and come back.
        Frame::Ping { id } if id % 2 == 0 => drop(answers.send(frame::ping(id))),
        Frame::GoAway => shared.state().is_over = true,
        Frame::Ping { .. } | Frame::Other => {}
    }
    Ok(())
}

async fn ended(shared: &Shared, stream: u32) {
    if let Some(pieces) = shared.pieces(stream) {
        deliver(shared, &pieces, Piece::End).await;
    }
    shared.end_half(stream, |inlet| inlet.has_ended = true);
}

async fn deliver(shared: &Shared, pieces: &mpsc::Sender<Piece>, piece: Piece) {
    let piece = match pieces.try_send(piece) {
        Err(mpsc::error::TrySendError::Full(piece)) => piece,
        // Delivered, or nobody wants it.
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
    };
    shared.is_stalled.store(true, Ordering::Relaxed);
    drop(pieces.send(piece).await);
    shared.is_stalled.store(false, Ordering::Relaxed);
}

async fn write(
    writer: impl AsyncWrite + Unpin,
    mut orders: mpsc::Receiver<Order>,
    mut urgent: mpsc::UnboundedReceiver<Bytes>,
) -> Result<(), Over> {
    let mut writer = BufWriter::with_capacity(64 << 10, writer);
    let mut headers = Headers::default();
    loop {
        if orders.is_empty() && urgent.is_empty() {
            writer.flush().await?;
        }
        tokio::select! {
            biased;
            bytes = urgent.recv() => writer.write_all(&bytes.ok_or(Over::Closed)?).await?,
            order = orders.recv() => carry_out(order.ok_or(Over::Closed)?, &mut headers, &mut writer).await?,
        }
    }
}

async fn carry_out(order: Order, headers: &mut Headers, writer: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    match order {
        Order::Open(stream, named, half) => {
            let named: Vec<_> = named.iter().map(|(name, value)| (*name, value.as_str())).collect();
            writer.write_all(&headers.open(stream, &named, half)).await
        }
        Order::Data(stream, bytes, end) => {
            let head = frame::data_head(stream, bytes.len(), end == End::Here);
            writer.write_all(&head).await?;
            writer.write_all(&bytes).await
        }
    }
}
