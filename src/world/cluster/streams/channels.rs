//! A WebSocket whose binary messages begin with a channel's number.
//!
//! One task reads, one writes; both end with the channels. Only the fifth version of the protocol can end a channel by itself.

use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Gone, Incoming, Outgoing, Piece, WAITING};

/// The channel that ends others.
const CLOSE: u8 = 255;
const UNWRITTEN: usize = 16;

/// Whether each channel begins with two bytes that only say which port it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    None,
    Port,
}

/// All channels of one connection.
pub struct Channels {
    out: mpsc::Sender<Message>,
    incoming: Vec<Option<Incoming>>,
    can_finish: bool,
    tasks: Arc<Tasks>,
}

/// Ends them with the last channel. Behind a mutex, which nobody takes, because the set itself cannot be shared.
struct Tasks(#[expect(dead_code, reason = "held, never looked at")] Mutex<JoinSet<()>>);

pub struct ChannelWriter {
    channel: u8,
    out: mpsc::Sender<Message>,
    can_finish: bool,
    _tasks: Arc<Tasks>,
}

impl Channels {
    pub fn start<S>(socket: WebSocketStream<S>, count: u8, greeting: Greeting, protocol: &str) -> Channels
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sink, stream) = socket.split();
        let (out, messages) = mpsc::channel(UNWRITTEN);
        let (inlets, incoming) = (0..count)
            .map(|_| mpsc::channel(WAITING))
            .unzip::<_, _, Vec<_>, Vec<_>>();
        let inlets = inlets.into_iter().map(|pieces| Inlet { pieces, greeting }).collect();
        let mut tasks = JoinSet::new();
        tasks.spawn(read(stream, inlets));
        tasks.spawn(write(sink, messages));
        Channels {
            out,
            incoming: incoming.into_iter().map(|incoming| Some(Incoming(incoming))).collect(),
            can_finish: protocol.starts_with("v5."),
            tasks: Arc::new(Tasks(Mutex::new(tasks))),
        }
    }

    /// What comes by this channel. Each can be had once.
    pub fn incoming(&mut self, channel: u8) -> Option<Incoming> {
        self.incoming.get_mut(usize::from(channel))?.take()
    }

    pub fn outgoing(&self, channel: u8) -> Outgoing {
        Outgoing::Channel(ChannelWriter {
            channel,
            out: self.out.clone(),
            can_finish: self.can_finish,
            _tasks: Arc::clone(&self.tasks),
        })
    }
}

impl ChannelWriter {
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), Gone> {
        let mut message = BytesMut::with_capacity(bytes.len() + 1);
        message.extend_from_slice(&[self.channel]);
        message.extend_from_slice(&bytes);
        self.message(message.freeze()).await
    }

    pub async fn finish(&mut self) -> Result<(), Gone> {
        if !self.can_finish {
            return Ok(());
        }
        self.message(Bytes::copy_from_slice(&[CLOSE, self.channel])).await
    }

    pub fn can_finish(&self) -> bool {
        self.can_finish
    }

    async fn message(&self, bytes: Bytes) -> Result<(), Gone> {
        self.out.send(Message::Binary(bytes)).await.map_err(|_| Gone)
    }
}

struct Inlet {
    pieces: mpsc::Sender<Piece>,
    greeting: Greeting,
}

impl Inlet {
    async fn take(&mut self, mut bytes: Bytes) {
        if std::mem::replace(&mut self.greeting, Greeting::None) == Greeting::Port {
            bytes.advance(bytes.len().min(2));
        }
        if !bytes.is_empty() {
            // Whoever does not read it does not want it.
            drop(self.pieces.send(Piece::Bytes(bytes)).await);
        }
    }
}

async fn read<S>(mut stream: SplitStream<WebSocketStream<S>>, mut inlets: Vec<Inlet>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(mut bytes) if !bytes.is_empty() => match bytes.get_u8() {
                CLOSE => end(bytes.first().and_then(|channel| inlets.get(usize::from(*channel)))).await,
                channel => match inlets.get_mut(usize::from(channel)) {
                    Some(inlet) => inlet.take(bytes).await,
                    // Of another version than was agreed on.
                    None => return,
                },
            },
            Message::Close(_) => {
                for inlet in &inlets {
                    end(Some(inlet)).await;
                }
                return;
            }
            // The library answers pings by itself.
            _ => {}
        }
    }
}

async fn end(inlet: Option<&Inlet>) {
    if let Some(inlet) = inlet {
        drop(inlet.pieces.send(Piece::End).await);
    }
}

async fn write<S>(mut sink: SplitSink<WebSocketStream<S>, Message>, mut messages: mpsc::Receiver<Message>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = messages.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
}
