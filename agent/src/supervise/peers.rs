//! Those that are connected to the supervisor's socket: what they ask, and what they are told.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use super::End;

/// More than one agent is at work for a moment only, when one takes over from another.
const MOST_PEERS: usize = 32;
/// No request is longer.
const LONGEST: usize = 64;

#[derive(Debug)]
pub struct Peers {
    listener: UnixListener,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    stream: UnixStream,
    inbox: Vec<u8>,
    /// How many answers to a restart it is still to get.
    awaits: usize,
    watch: Watch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Off,
    On,
}

/// Something that a peer wants to know or to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Restart,
}

impl Peers {
    pub fn listen(address: &SocketAddr) -> io::Result<Peers> {
        let listener = UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        Ok(Peers {
            listener,
            peers: Vec::new(),
        })
    }

    /// Everything to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd()).chain(self.peers.iter().map(|peer| peer.stream.as_fd()))
    }

    /// Reads whatever came without waiting. `running` is what those that begin to watch are told.
    pub fn read(&mut self, running: Option<u32>) -> Vec<Request> {
        self.accept();
        let mut requests = Vec::new();
        self.peers.retain_mut(|peer| peer.read(running, &mut requests).is_ok());
        requests
    }

    /// All that wait for a restart get the same answer.
    pub fn answer(&mut self, outcome: Result<u32, &str>) {
        let line = match outcome {
            Ok(pid) => format!("restarted {pid}\n"),
            Err(reason) => format!("failed {}\n", reason.replace('\n', " ")),
        };
        self.peers.retain_mut(|peer| {
            let answers = std::mem::take(&mut peer.awaits);
            (0..answers).all(|_| peer.say(&line).is_ok())
        });
    }

    pub fn tell_started(&mut self, pid: u32) {
        self.tell(&format!("started {pid}\n"));
    }

    pub fn tell_exited(&mut self, end: End) {
        self.tell(&match end {
            End::Exited(code) => format!("exited code {code}\n"),
            End::Killed(signal) => format!("exited signal {signal}\n"),
        });
    }

    fn tell(&mut self, line: &str) {
        self.peers
            .retain_mut(|peer| peer.watch == Watch::Off || peer.say(line).is_ok());
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.peers.len() < MOST_PEERS && is_trusted(&stream) && stream.set_nonblocking(true).is_ok() {
                self.peers.push(Peer {
                    stream,
                    inbox: Vec::new(),
                    awaits: 0,
                    watch: Watch::Off,
                });
            }
        }
    }
}

/// Other users in the same network, of another container of the pod for one, have no say here.
fn is_trusted(stream: &UnixStream) -> bool {
    let credentials = rustix::net::sockopt::socket_peercred(stream);
    credentials.is_ok_and(|peer| peer.uid.is_root() || peer.uid == rustix::process::geteuid())
}

impl Peer {
    /// An error for one that is gone, or that does not speak our language.
    fn read(&mut self, running: Option<u32>, requests: &mut Vec<Request>) -> io::Result<()> {
        let mut buffer = [0; LONGEST];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.inbox.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            while let Some(end) = self.inbox.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.inbox.drain(..=end).collect();
                self.take(&line[..end], running, requests)?;
            }
            if self.inbox.len() > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }

    fn take(&mut self, line: &[u8], running: Option<u32>, requests: &mut Vec<Request>) -> io::Result<()> {
        match line {
            b"restart" => {
                self.awaits += 1;
                requests.push(Request::Restart);
                Ok(())
            }
            b"watch" => {
                self.watch = Watch::On;
                match running {
                    Some(pid) => self.say(&format!("watching {pid}\n")),
                    None => self.say("watching nothing\n"),
                }
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// One that does not read what it is told is dropped: nobody here waits for it.
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(line.as_bytes())
    }
}
