//! Streams of bytes to and from a pod: connections to the API server that become something else than HTTP.
//!
//! There are two ways to carry several streams over one connection: SPDY, in a WebSocket (clusters since 1.30) or as it is, and
//! WebSockets whose messages begin with a channel's number. Whoever uses streams does not see which it is. Nothing here
//! knows what the streams are for.

mod channels;
mod frame;
mod session;
mod upgrade;

use bytes::Bytes;
use tokio::sync::mpsc;

pub use channels::{Channels, Greeting};
pub use session::{Half, Session, StreamWriter};
pub use upgrade::{Upgrade, spdy, tunnel, web_socket};

/// How many pieces of a stream wait for whoever reads it. The other side sends at most 32 KiB at once.
const WAITING: usize = 32;

/// What comes next of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes(Bytes),
    End,
    /// There is no more, but that was not the end.
    Broken,
}

/// A stream from there. Reading is cancel safe.
pub struct Incoming(mpsc::Receiver<Piece>);

/// A stream to there.
pub enum Outgoing {
    Spdy(StreamWriter),
    Channel(channels::ChannelWriter),
}

/// Nobody is there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl Incoming {
    pub async fn next(&mut self) -> Piece {
        self.0.recv().await.unwrap_or(Piece::Broken)
    }
}

impl Outgoing {
    /// Waits while too much is on its way.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), Gone> {
        match self {
            Outgoing::Spdy(stream) => stream.send(bytes).await,
            Outgoing::Channel(channel) => channel.send(bytes).await,
        }
    }

    /// There will be no more. Some channels cannot tell so.
    pub async fn finish(&mut self) -> Result<(), Gone> {
        match self {
            Outgoing::Spdy(stream) => stream.finish().await,
            Outgoing::Channel(channel) => channel.finish().await,
        }
    }

    /// Whether the other side learns of the end.
    pub fn can_finish(&self) -> bool {
        match self {
            Outgoing::Spdy(_) => true,
            Outgoing::Channel(channel) => channel.can_finish(),
        }
    }
}
