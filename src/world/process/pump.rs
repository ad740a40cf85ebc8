//! From a command's pipe into a channel: as fast as the receiver takes it, nothing lost, in order.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use rustix::io::Errno;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use super::Stream;

/// What a command wrote, as it came: neither whole lines nor whole characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub stream: Stream,
    pub bytes: Bytes,
}

/// As much as a pipe holds unless somebody has made it larger.
const PIECE: usize = 64 << 10;

/// What is still taken from a pipe whose command is over: more than a pipe usually holds. Somebody else must be writing
/// after that.
const REST: usize = 1 << 20;

thread_local! {
    /// One for all pipes that this thread serves, so that hundreds of silent commands hold no memory.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; PIECE]);
}

/// The reading end of one of a command's streams.
pub struct Pump {
    stream: Stream,
    pipe: pipe::Receiver,
}

impl Pump {
    pub fn new(stream: Stream, pipe: OwnedFd) -> io::Result<Pump> {
        let pipe = pipe::Receiver::from_owned_fd(pipe)?;
        Ok(Pump { stream, pipe })
    }

    /// Copies until nobody holds the other end any more. May be dropped at any point without losing anything: a piece is
    /// only read once there is room for it. Without a receiver, output is read and thrown away: the command goes on.
    pub async fn run(&self, output: &mpsc::Sender<Chunk>) {
        loop {
            if self.pipe.readable().await.is_err() {
                return;
            }
            let room = output.reserve().await.ok();
            match read(|buffer| self.pipe.try_read(buffer)) {
                Ok(bytes) if bytes.is_empty() => return,
                Ok(bytes) => self.hand_over(room, bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Copies what the pipe holds now, without waiting for more. The pipe itself is asked: what the runtime knows about
    /// it may be older than the end of the command.
    pub async fn finish(&self, output: &mpsc::Sender<Chunk>) {
        let mut taken = 0;
        while taken < REST {
            let room = output.reserve().await.ok();
            match read(|buffer| Ok(rustix::io::read(&self.pipe, buffer)?)) {
                Ok(bytes) if bytes.is_empty() => return,
                Ok(bytes) => {
                    taken += bytes.len();
                    self.hand_over(room, bytes);
                }
                Err(error) if error.raw_os_error() == Some(Errno::INTR.raw_os_error()) => {}
                Err(_) => return,
            }
        }
    }

    fn hand_over(&self, room: Option<mpsc::Permit<'_, Chunk>>, bytes: Bytes) {
        let stream = self.stream;
        if let Some(room) = room {
            room.send(Chunk { stream, bytes });
        }
    }
}

fn read(read: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Bytes> {
    SCRATCH.with_borrow_mut(|scratch| {
        let length = read(scratch)?;
        Ok(Bytes::copy_from_slice(&scratch[..length]))
    })
}
