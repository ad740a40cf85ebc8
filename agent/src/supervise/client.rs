//! What the resident agent asks of the supervisor in its container.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{SocketAddr, UnixStream};

use super::End;
use super::name;

/// What the supervisor says by itself to those that watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was running when the watch began; nothing where the command has ended.
    Watching(Option<u32>),
    /// By itself: where a restart ends it, only its start is told.
    Exited(End),
    Started(u32),
}

/// Why the command was not started again.
#[derive(Debug, PartialEq, Eq)]
pub enum RestartError {
    /// The container was not started by a supervisor.
    NoSupervisor,
    /// The supervisor's own words.
    Refused(String),
    Lost(String),
}

impl std::fmt::Display for RestartError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RestartError::NoSupervisor => write!(out, "no supervisor runs in this container"),
            RestartError::Refused(reason) => write!(out, "{reason}"),
            RestartError::Lost(reason) => write!(out, "lost the supervisor: {reason}"),
        }
    }
}

/// Starts the command again, and waits until it runs. The answer is its new process id.
pub fn restart() -> Result<u32, RestartError> {
    restart_at(&name::own().map_err(lost)?)
}

/// The same for a supervisor that was given a name.
pub fn restart_named(socket: &str) -> Result<u32, RestartError> {
    restart_at(&name::abstract_name(socket).map_err(lost)?)
}

fn restart_at(address: &SocketAddr) -> Result<u32, RestartError> {
    let stream = connect(address).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => RestartError::NoSupervisor,
        _ => lost(error),
    })?;
    (&stream).write_all(b"restart\n").map_err(lost)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(lost)?;
    match line.trim_end().split_once(' ') {
        Some(("restarted", pid)) => pid
            .parse()
            .map_err(|_| RestartError::Lost(format!("it said `{}`", line.trim_end()))),
        Some(("failed", reason)) => Err(RestartError::Refused(reason.to_owned())),
        _ => Err(RestartError::Lost("it went away".to_owned())),
    }
}

fn lost(error: io::Error) -> RestartError {
    RestartError::Lost(error.to_string())
}

/// A connection over which the supervisor says when the command ends and starts.
#[derive(Debug)]
pub struct Watch {
    lines: BufReader<UnixStream>,
}

impl Watch {
    /// Of the supervisor in this container.
    pub fn open() -> io::Result<Watch> {
        Watch::at(&name::own()?)
    }

    /// Of one that was given a name.
    pub fn named(socket: &str) -> io::Result<Watch> {
        Watch::at(&name::abstract_name(socket)?)
    }

    fn at(address: &SocketAddr) -> io::Result<Watch> {
        let stream = connect(address)?;
        (&stream).write_all(b"watch\n")?;
        Ok(Watch {
            lines: BufReader::new(stream),
        })
    }

    /// Waits for the next; nothing once the supervisor is gone.
    pub fn wait(&mut self) -> io::Result<Option<Event>> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            // A newer supervisor may say more than we know.
            if let Some(event) = event(&line) {
                return Ok(Some(event));
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lines.get_ref().as_fd()
    }
}

/// Whoever listens under the name could be anybody in the same network: it must be our own user's, or root's.
fn connect(address: &SocketAddr) -> io::Result<UnixStream> {
    let stream = UnixStream::connect_addr(address)?;
    let uid = rustix::net::sockopt::socket_peercred(&stream)?.uid;
    let own = rustix::process::geteuid();
    match uid == own || uid.is_root() || own.is_root() {
        true => Ok(stream),
        false => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the supervisor is another user's",
        )),
    }
}

fn event(line: &str) -> Option<Event> {
    let mut words = line.split_whitespace();
    let event = match (words.next()?, words.next()?) {
        ("watching", "nothing") => Event::Watching(None),
        ("watching", pid) => Event::Watching(Some(pid.parse().ok()?)),
        ("started", pid) => Event::Started(pid.parse().ok()?),
        ("exited", "code") => Event::Exited(End::Exited(words.next()?.parse().ok()?)),
        ("exited", "signal") => Event::Exited(End::Killed(words.next()?.parse().ok()?)),
        _ => return None,
    };
    Some(event)
}
