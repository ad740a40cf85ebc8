//! Running a command to its end: arguments, folder, environment and input in; lines as they appear and the whole
//! output out.
//!
//! The command gets a process group of its own, and whenever we stop caring (cancelled, out of time, a panic in the
//! caller) the whole group is ended, so that no grandchild is left behind. Never reads our own environment: the map
//! that is passed is all that the command sees, and its `PATH` decides where a program is looked for.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

use crate::world::clock::{self, Instant};

mod error;
pub mod group;
pub mod limit;
pub mod lines;
pub mod pipe;
mod pump;
pub mod serve;
mod start;
#[cfg(test)]
mod tests;
pub mod told;

pub use error::ProcessError;
pub use start::{find_program, replace};

/// How often a running command is checked for cancellation and its deadline.
const TICK: Duration = Duration::from_millis(10);

/// What a command has between the polite signal and the final one.
const GRACE: Duration = Duration::from_secs(2);

/// More output than this is a runaway command; keeping it would eat the machine's memory.
const CAPTURE_LIMIT: usize = 512 << 20;

#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// The program and its arguments. A program with a slash is relative to `dir`, else it is looked for on `PATH`.
    pub argv: Vec<String>,
    pub dir: PathBuf,
    /// The complete environment of the command.
    pub env: BTreeMap<String, String>,
    /// Fed to the command; nothing means an empty input.
    pub stdin: Vec<u8>,
    pub limit: Option<Duration>,
    pub cancel: Cancel,
}

/// A request to stop, shared between whoever runs a command and whoever may stop it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs a command to its end. `on_line` gets each line, without its line break, in the order of arrival; a last line
/// without a line break is a line too. The command is over when it has exited and nobody holds its output any more.
pub fn run(invocation: &Invocation, on_line: &mut dyn FnMut(Stream, &str)) -> Result<Output, ProcessError> {
    let mut running = Running::start(invocation)?;
    let mut transcript = Transcript {
        on_line,
        output: Output::default(),
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    let ended = running.follow(invocation, &mut transcript);
    let output = transcript.finish();
    match ended? {
        End::Status(status) => judge(status, output),
        End::Stopped(Stop::Cancelled) => Err(ProcessError::Cancelled { output }),
        End::Stopped(Stop::TimedOut(limit)) => Err(ProcessError::TimedOut { limit, output }),
    }
}

/// Runs a command and keeps its output to itself.
pub fn capture(invocation: &Invocation) -> Result<Output, ProcessError> {
    run(invocation, &mut |_, _| {})
}

fn judge(status: ExitStatus, output: Output) -> Result<Output, ProcessError> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(output),
        (Some(code), _) => Err(ProcessError::Exit { code, output }),
        (None, signal) => Err(ProcessError::Signal {
            signal: signal.unwrap_or_default(),
            output,
        }),
    }
}

enum Stop {
    Cancelled,
    TimedOut(Duration),
}

enum End {
    Status(ExitStatus),
    Stopped(Stop),
}

/// A started command. Dropping it before it has ended kills its whole group.
struct Running {
    child: Child,
    pieces: Receiver<(Stream, Vec<u8>)>,
    ended: bool,
    started: Instant,
    stopping: Option<(Stop, Instant)>,
}

impl Running {
    fn start(invocation: &Invocation) -> Result<Running, ProcessError> {
        let mut child = spawn(invocation)?;
        if let Some(mut pipe) = child.stdin.take() {
            let input = invocation.stdin.clone();
            // A command that does not read its input is in its right, so a broken pipe here means nothing.
            thread::spawn(move || drop(pipe.write_all(&input)));
        }
        let (sender, pieces) = sync_channel(64);
        if let Some(pipe) = child.stdout.take() {
            forward(pipe, Stream::Stdout, sender.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            forward(pipe, Stream::Stderr, sender.clone());
        }
        hold(&child, sender);
        Ok(Running {
            child,
            pieces,
            ended: false,
            started: clock::now(),
            stopping: None,
        })
    }

    /// Collects output until both pipes are closed and the command has ended.
    fn follow(&mut self, invocation: &Invocation, transcript: &mut Transcript) -> Result<End, ProcessError> {
        loop {
            match self.pieces.recv_timeout(TICK) {
                Ok((stream, bytes)) => transcript.take(stream, &bytes)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.collect(),
            }
            if self.is_given_up(invocation) {
                signal_group(&self.child, Signal::KILL);
                return self.collect();
            }
        }
    }

    /// Asks the group to end once there is a reason; true when it had its time and is still there.
    fn is_given_up(&mut self, invocation: &Invocation) -> bool {
        if let Some((_, last)) = &self.stopping {
            return clock::now() >= *last;
        }
        let late = invocation.limit.filter(|limit| self.started.elapsed() >= *limit);
        let stop = match (invocation.cancel.is_requested(), late) {
            (true, _) => Stop::Cancelled,
            (false, Some(limit)) => Stop::TimedOut(limit),
            (false, None) => return false,
        };
        signal_group(&self.child, Signal::TERM);
        self.stopping = Some((stop, clock::now() + GRACE));
        false
    }

    /// How a command ended that has ended or is about to.
    fn collect(&mut self) -> Result<End, ProcessError> {
        let status = self.child.wait().map_err(|source| ProcessError::Wait { source })?;
        self.ended = true;
        Ok(self
            .stopping
            .take()
            .map_or(End::Status(status), |(stop, _)| End::Stopped(stop)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            signal_group(&self.child, Signal::KILL);
            // Collects the zombie; there is nobody left to tell about a failure.
            drop(self.child.wait());
        }
    }
}

fn spawn(invocation: &Invocation) -> Result<Child, ProcessError> {
    let mut command = start::command(&invocation.argv, &invocation.dir, &invocation.env)?;
    if !invocation.stdin.is_empty() {
        command.stdin(Stdio::piped());
    }
    start::once_free(|| command.spawn()).map_err(|source| start::refused(&invocation.argv, source))
}

/// Copies a pipe into the channel from a thread of its own: both pipes must be emptied at once, or a command that
/// fills one while we read the other would wait for ever. The thread ends with the pipe or with the receiver.
fn forward(mut pipe: impl Read + Send + 'static, stream: Stream, sender: SyncSender<(Stream, Vec<u8>)>) {
    thread::spawn(move || {
        let mut buffer = [0; 32 << 10];
        loop {
            match pipe.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) if sender.send((stream, buffer[..length].to_vec())).is_err() => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
}

/// Holds the channel open until the command has ended, and leaves its status to be collected.
fn hold(child: &Child, sender: SyncSender<(Stream, Vec<u8>)>) {
    let command = Pid::from_child(child);
    thread::spawn(move || {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        // Any other error says that it was collected already.
        while let Err(Errno::INTR) = waitid(WaitId::Pid(command), ended) {}
        drop(sender);
    });
}

fn signal_group(child: &Child, signal: Signal) {
    group::signal(Pid::from_child(child), signal);
}

struct Transcript<'a> {
    on_line: &'a mut dyn FnMut(Stream, &str),
    output: Output,
    /// The end of the stream that no line break has followed yet.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Transcript<'_> {
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> Result<(), ProcessError> {
        let (whole, open) = match stream {
            Stream::Stdout => (&mut self.output.stdout, &mut self.stdout),
            Stream::Stderr => (&mut self.output.stderr, &mut self.stderr),
        };
        whole.extend_from_slice(bytes);
        let too_much = whole.len() > CAPTURE_LIMIT;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if open.last() == Some(&b'\n') {
                open.pop();
                (self.on_line)(stream, &String::from_utf8_lossy(open));
                open.clear();
            }
        }
        if too_much {
            Err(ProcessError::TooMuchOutput)
        } else {
            Ok(())
        }
    }

    fn finish(self) -> Output {
        for (stream, open) in [(Stream::Stdout, &self.stdout), (Stream::Stderr, &self.stderr)] {
            if !open.is_empty() {
                (self.on_line)(stream, &String::from_utf8_lossy(open));
            }
        }
        self.output
    }
}
