//! Commands of the engine's: started, listened to, asked to stop, and their end told. For servers that run for days as
//! for commands that take a moment.
//!
//! One task follows one command, without a thread and without a timer while the command just runs. Whoever drops the
//! task's future ends the whole process group.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::error::signal_name;
use super::pump::Pump;
use super::{ProcessError, Stream, group, start};
use crate::world::guard::{Guard, Registration};

pub use super::pump::Chunk;

#[cfg(test)]
mod tests;

/// What a command has, once asked to stop, before it is killed.
pub const GRACE: Duration = Duration::from_secs(30);

/// What the rest of a group has to end once its leader, asked to stop, has ended. A shell ends at once while what it
/// started is still at its own traps. What takes longer, or was left behind by a command that ended by itself, is killed.
const REST_GRACE: Duration = Duration::from_millis(500);
const REST_PAUSE: Duration = Duration::from_millis(5);
const CLOSE_LOOKS: [u32; 3] = [2, 10, 40];

/// How long a receiver that takes nothing may hold up the end of a command.
const PATIENCE: Duration = Duration::from_secs(5);

/// No folder, no room for one more process or file: not the program's fault.
const SURROUNDINGS: i32 = 1;
const NOT_EXECUTABLE: i32 = 126;
pub(super) const NOT_FOUND: i32 = 127;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The program and its arguments. A program with a slash is relative to `dir`, else it is looked for on `PATH`.
    pub argv: Vec<String>,
    pub dir: PathBuf,
    /// The complete environment of the command.
    pub env: BTreeMap<String, String>,
    pub grace: Duration,
}

/// Two ways to ask a command to stop. Both are shared with whoever may ask.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// The group is sent SIGTERM, and killed when its time is up.
    pub politely: CancellationToken,
    /// The group is killed, whether or not it was asked before.
    pub at_once: CancellationToken,
}

impl Stop {
    fn is_asked(&self) -> bool {
        self.politely.is_cancelled() || self.at_once.is_cancelled()
    }
}

/// What happens to a command between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Started { pid: i32 },
    Waiting { pid: i32, grace: Duration },
    StillWaiting { pid: i32 },
    KillSent { pid: i32 },
}

/// The text for the log; a start is told by whoever knows the command.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Started { pid } => write!(f, "Started (pid: {pid})"),
            Event::Waiting { pid, grace } => {
                let grace = crate::model::duration::Duration::from_std(*grace);
                write!(f, "Waiting {grace} for process to exit... (pid: {pid})")
            }
            Event::StillWaiting { pid } => write!(f, "Still waiting on exit... (pid: {pid})"),
            Event::KillSent { pid } => write!(f, "Time is up! Sending {pid} a kill signal"),
        }
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Nothing if it never started.
    pub pid: Option<i32>,
    /// -1 where a signal ended it, as Go has it. What could not be started has the code that a shell would give: 127 for
    /// a missing program, 126 for one that cannot be run, 1 for anything else.
    pub code: i32,
    /// `exit status 3`, `signal: killed`, or why it was not started; empty after a good end.
    pub reason: String,
    /// It was asked to stop before it ended.
    pub is_stopped: bool,
}

/// Where a command's doings go.
pub struct Reports<'a, E> {
    pub output: &'a mpsc::Sender<Chunk>,
    pub events: E,
}

/// Runs a command to its end. All that it wrote is in `output` before its end is told, and nobody of its group is left,
/// but a daemon that took itself out of the group is neither waited for nor killed.
pub async fn run<E: FnMut(Event)>(spec: &Spec, stop: &Stop, guard: Option<&Guard>, reports: Reports<'_, E>) -> Exit {
    let Reports { output, mut events } = reports;
    if stop.is_asked() {
        return Exit::before_the_start();
    }
    let Running {
        mut child,
        group,
        pumps,
    } = match Running::start(spec, guard) {
        Ok(running) => running,
        Err(error) => return Exit::of_failed_start(&error),
    };
    let pid = group.pid.as_raw_pid();
    events(Event::Started { pid });
    let [stdout, stderr] = &pumps;
    let ended = {
        let pumps = async {
            tokio::join!(stdout.run(output), stderr.run(output));
            // A command may close its output long before it ends.
            std::future::pending().await
        };
        tokio::select! {
            ended = supervise(&mut child, &group, (spec.grace, stop), &mut events) => ended,
            never = pumps => never,
        }
    };
    let is_stopped = stop.is_asked();
    drop(group);
    let rest = async { tokio::join!(stdout.finish(output), stderr.finish(output)) };
    // Whoever has not made room by now is not listening.
    let _ = timeout(PATIENCE, rest).await;
    Exit::new(pid, &ended, is_stopped)
}

/// Follows a command until its leader has ended and, if it was asked to stop, the others had a moment too.
async fn supervise(
    child: &mut Child,
    group: &Group,
    (grace, stop): (Duration, &Stop),
    events: &mut impl FnMut(Event),
) -> io::Result<ExitStatus> {
    tokio::select! {
        ended = child.wait() => return ended,
        () = stop.at_once.cancelled() => {}
        () = stop.politely.cancelled() => {
            group.signal(Signal::TERM);
            let patience = wait_politely(group.pid.as_raw_pid(), grace, events);
            tokio::select! {
                ended = child.wait() => {
                    tokio::select! {
                        () = group.gone() => {}
                        () = stop.at_once.cancelled() => {}
                        () = sleep(REST_GRACE.min(grace)) => {}
                    }
                    return ended;
                }
                () = stop.at_once.cancelled() => {}
                () = patience => {}
            }
        }
    }
    group.signal(Signal::KILL);
    child.wait().await
}

/// Lets the time run out that a command has, and says so now and then.
async fn wait_politely(pid: i32, grace: Duration, events: &mut impl FnMut(Event)) {
    let (first, second) = (grace / 20, grace / 3);
    sleep(first).await;
    events(Event::Waiting { pid, grace });
    sleep(second - first).await;
    events(Event::StillWaiting { pid });
    sleep(grace - second).await;
    events(Event::KillSent { pid });
}

struct Running {
    child: Child,
    group: Group,
    pumps: [Pump; 2],
}

impl Running {
    fn start(spec: &Spec, guard: Option<&Guard>) -> Result<Running, ProcessError> {
        let refused = |source| start::refused(&spec.argv, source);
        let command = start::command(&spec.argv, &spec.dir, &spec.env)?;
        let mut command = tokio::process::Command::from(command);
        let mut child = start::once_free(|| command.spawn()).map_err(refused)?;
        // It has not been collected, so it has an id, and no process has the id 0.
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| refused(io::Error::from(io::ErrorKind::NotFound)))?;
        // From here on, any way out of this function kills the group.
        let group = Group {
            pid,
            _registration: guard.map(|guard| guard.register(pid)),
        };
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        let stdout = child
            .stdout
            .take()
            .ok_or_else(closed)
            .and_then(|pipe| pipe.into_owned_fd());
        let stderr = child
            .stderr
            .take()
            .ok_or_else(closed)
            .and_then(|pipe| pipe.into_owned_fd());
        let pump = |stream, pipe: io::Result<_>| pipe.and_then(|pipe| Pump::new(stream, pipe)).map_err(refused);
        let pumps = [pump(Stream::Stdout, stdout)?, pump(Stream::Stderr, stderr)?];
        Ok(Running { child, group, pumps })
    }
}

/// A command's process group, killed when dropped, and only then taken from the guard.
struct Group {
    pid: Pid,
    _registration: Option<Registration>,
}

impl Group {
    fn signal(&self, signal: Signal) {
        group::signal(self.pid, signal);
    }

    /// Nobody tells when the last of a group has ended, so it is asked for; only ever for a moment. Zombies that nobody
    /// collects are told from others on a few turns only, because that takes a look at every process of the machine.
    async fn gone(&self) {
        for turn in 0.. {
            let is_alive = match CLOSE_LOOKS.contains(&turn) {
                true => group::is_alive(self.pid),
                false => group::exists(self.pid),
            };
            if !is_alive {
                return;
            }
            sleep(REST_PAUSE).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Exit {
    fn new(pid: i32, ended: &io::Result<ExitStatus>, is_stopped: bool) -> Exit {
        let (code, reason) = match ended {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(0), _) => (0, String::new()),
                (Some(code), _) => (code, format!("exit status {code}")),
                (None, signal) => (-1, format!("signal: {}", signal_name(signal.unwrap_or_default()))),
            },
            Err(error) => (1, format!("waiting for the command: {error}")),
        };
        Exit {
            pid: Some(pid),
            code,
            reason,
            is_stopped,
        }
    }

    fn before_the_start() -> Exit {
        Exit {
            pid: None,
            code: -1,
            reason: "stopped before it was started".to_owned(),
            is_stopped: true,
        }
    }

    fn of_failed_start(error: &ProcessError) -> Exit {
        let code = match error {
            ProcessError::NotFound { .. } => NOT_FOUND,
            ProcessError::Start { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => NOT_FOUND,
                io::ErrorKind::PermissionDenied => NOT_EXECUTABLE,
                _ if source.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => NOT_EXECUTABLE,
                _ => SURROUNDINGS,
            },
            _ => SURROUNDINGS,
        };
        Exit {
            pid: None,
            code,
            reason: error.to_string(),
            is_stopped: false,
        }
    }
}
