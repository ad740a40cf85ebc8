//! The supervisor at work: one command, one loop.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{self, Pid, Signal, WaitOptions, WaitStatus};

use super::options::Options;
use super::peers::Peers;
use super::policy::{self, End, ExitPolicy, History, Next};
use super::restart_file::{self, RestartFile};
use super::signals::Signals;
use super::{name, say};

/// One write to the restart file is several events; they are one order.
const SETTLE: Duration = Duration::from_millis(2);
/// How long processes that were killed may take to be gone.
const KILLED: Duration = Duration::from_secs(1);
/// How often those are looked at that are nobody's children any more, so that nothing tells when they end.
const LOOK: Duration = Duration::from_millis(2);

pub struct Supervisor {
    options: Options,
    signals: Signals,
    peers: Option<Peers>,
    restart_file: Option<RestartFile>,
    /// When a change of the restart file has settled.
    settled: Option<Instant>,
    state: State,
    history: History,
    /// The container is being stopped: whatever happens next, the command is not started again.
    stopping: Option<Signal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running(Pid),
    /// Told to end, to be started again then; killed at the deadline.
    Ending(Pid, Instant),
    /// It has ended, and so must those that it left behind in its group before it starts again.
    Ended {
        left_behind: Option<(Pid, Instant)>,
        starts: bool,
    },
}

const AT_REST: State = State::Ended {
    left_behind: None,
    starts: false,
};

impl Supervisor {
    pub fn new(mut options: Options) -> io::Result<Supervisor> {
        let signals = Signals::hold()?;
        // Orphans are ours to collect even where we are not the first process: in a pod that shares its processes. Where that
        // cannot be had they are somebody else's.
        let _ = process::set_child_subreaper(Some(process::getpid()));
        let address = match &options.socket {
            Some(socket) => name::abstract_name(socket),
            None => name::own(),
        };
        let peers = address.and_then(|address| Peers::listen(&address));
        if let Err(error) = &peers {
            say(&format!(
                "this container cannot be told to restart its process: {error}"
            ));
        }
        Ok(Supervisor {
            signals,
            peers: peers.ok(),
            restart_file: options.restart_file.take().map(RestartFile::watch),
            settled: None,
            state: AT_REST,
            history: History::FirstRun,
            stopping: None,
            options,
        })
    }

    /// Until the container should end, with this code.
    pub fn run(mut self) -> io::Result<u8> {
        let mut leave = self.start();
        while leave.is_none() {
            self.wait()?;
            self.read_peers();
            self.read_restart_file();
            leave = self.read_signals()?.or_else(|| self.go_on());
        }
        Ok(leave.unwrap_or_default())
    }

    /// Until there is anything to do.
    fn wait(&self) -> io::Result<()> {
        let timeout = self
            .timeout()
            .map(|timeout| Timespec::try_from(timeout).unwrap_or_default());
        let mut waited: Vec<PollFd<'_>> = vec![PollFd::new(&self.signals, PollFlags::IN)];
        let peers = self.peers.iter().flat_map(Peers::descriptors);
        let file = self.restart_file.iter().filter_map(RestartFile::descriptor);
        waited.extend(
            peers
                .chain(file)
                .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN)),
        );
        match rustix::event::poll(&mut waited, timeout.as_ref()) {
            Err(error) if error != rustix::io::Errno::INTR => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let now = Instant::now();
        let left = |until: Instant| until.saturating_duration_since(now);
        let state = match self.state {
            State::Ending(_, deadline) => Some(left(deadline)),
            State::Ended {
                left_behind: Some(_), ..
            } => Some(LOOK),
            State::Ended { starts: true, .. } => Some(Duration::ZERO),
            State::Running(_) | State::Ended { .. } => None,
        };
        let file = self.restart_file.as_ref();
        let poll = file
            .filter(|file| file.descriptor().is_none())
            .map(|_| restart_file::POLL);
        [state, poll, self.settled.map(left)].into_iter().flatten().min()
    }

    fn read_peers(&mut self) {
        let running = self.running();
        let requests = self.peers.as_mut().map(|peers| peers.read(running)).unwrap_or_default();
        if requests.is_empty() {
            return;
        }
        match self.stopping {
            Some(_) => self.answer(Err("the container is being stopped")),
            None => self.restart(),
        }
    }

    fn read_restart_file(&mut self) {
        let now = Instant::now();
        if self.restart_file.as_mut().is_some_and(RestartFile::was_changed) {
            self.settled.get_or_insert(now + SETTLE);
        }
        if self.settled.is_some_and(|settled| settled <= now) {
            self.settled = None;
            self.restart();
        }
    }

    fn read_signals(&mut self) -> io::Result<Option<u8>> {
        while let Some(signal) = self.signals.next()? {
            let leave = match signal {
                Signal::CHILD => self.collect()?,
                // About our own terminal and our own log.
                Signal::TTIN | Signal::TTOU | Signal::PIPE => None,
                signal => self.pass_on(signal),
            };
            if leave.is_some() {
                return Ok(leave);
            }
        }
        Ok(None)
    }

    fn pass_on(&mut self, signal: Signal) -> Option<u8> {
        if matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT) {
            self.stopping = Some(signal);
        }
        match self.state {
            State::Running(pid) | State::Ending(pid, _) => {
                send(pid, signal);
                None
            }
            State::Ended { .. } => self.stopping.map(|signal| End::Killed(signal.as_raw()).code()),
        }
    }

    /// Every child that has ended, whether it was ours from the start or became so as an orphan.
    fn collect(&mut self) -> io::Result<Option<u8>> {
        loop {
            match process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let is_ours = self.pid() == Some(pid);
                    if let Some(code) = end(status).filter(|_| is_ours).and_then(|end| self.ended(pid, end)) {
                        return Ok(Some(code));
                    }
                }
                Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn ended(&mut self, pid: Pid, end: End) -> Option<u8> {
        let was_told = matches!(self.state, State::Ending(..));
        // An end that was ordered is part of a restart, of which its start is told.
        if let Some(peers) = self.peers.as_mut().filter(|_| !was_told) {
            peers.tell_exited(end);
        }
        // What it left behind would hold on to its ports. Only now it is certain that the group's number is still its.
        let is_empty = process::test_kill_process_group(pid).is_err();
        if !is_empty {
            send(pid, Signal::KILL);
        }
        let left_behind = (!is_empty).then(|| (pid, Instant::now() + KILLED));
        self.state = State::Ended {
            left_behind,
            starts: was_told && self.stopping.is_none(),
        };
        if self.stopping.is_some() {
            return Some(end.code());
        }
        if was_told {
            return None;
        }
        self.decide(end, &end.to_string())
    }

    fn decide(&mut self, end: End, what: &str) -> Option<u8> {
        match policy::after(self.options.policy, self.history, end) {
            Next::Leave(code) => Some(code),
            Next::Stay => {
                say(&format!("the process {what}; the next Live Update starts it again"));
                None
            }
        }
    }

    /// Whatever is due by now.
    fn go_on(&mut self) -> Option<u8> {
        let now = Instant::now();
        match self.state {
            State::Ending(pid, deadline) if deadline <= now => {
                send(pid, Signal::KILL);
                self.state = State::Ending(pid, now + KILLED);
            }
            State::Ended {
                left_behind: Some((group, deadline)),
                starts,
            } if deadline <= now || process::test_kill_process_group(group).is_err() => {
                self.state = State::Ended {
                    left_behind: None,
                    starts,
                };
            }
            _ => {}
        }
        match self.state {
            State::Ended {
                left_behind: None,
                starts: true,
            } => self.start(),
            _ => None,
        }
    }

    /// Orders that come before the command is started again are one with the order that it is started for.
    fn restart(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        match &mut self.state {
            State::Running(pid) => {
                let pid = *pid;
                send(pid, Signal::TERM);
                // A process that is stopped would not notice.
                send(pid, Signal::CONT);
                self.state = State::Ending(pid, Instant::now() + self.options.grace);
            }
            State::Ending(..) => {}
            State::Ended { starts, .. } => *starts = true,
        }
        self.history = History::Restarted;
    }

    /// A code where the container should end because the command cannot be started.
    fn start(&mut self) -> Option<u8> {
        self.state = AT_REST;
        let mut command = Command::new(&self.options.command);
        command.args(&self.options.args).process_group(0);
        self.signals.give_back(&mut command);
        // The child itself is collected with all others, so its handle is of no use.
        let started = command.spawn().map(|child| Pid::from_child(&child));
        match started {
            Ok(pid) => {
                self.state = State::Running(pid);
                give_terminal(pid);
                if let Some(peers) = &mut self.peers {
                    peers.tell_started(pid.as_raw_nonzero().get().unsigned_abs());
                }
                self.answer(Ok(pid.as_raw_nonzero().get().unsigned_abs()));
                None
            }
            Err(error) => self.not_started(&error),
        }
    }

    fn not_started(&mut self, error: &io::Error) -> Option<u8> {
        let command = self.options.command.to_string_lossy().into_owned();
        let (code, reason) = match error.kind() {
            io::ErrorKind::NotFound if std::path::Path::new(&command).exists() => (
                127,
                "what is to run it, an interpreter or a loader, is not found".to_owned(),
            ),
            io::ErrorKind::NotFound => (127, "not found".to_owned()),
            _ => (126, error.to_string()),
        };
        let reason = format!("cannot start `{command}`: {reason}");
        say(&reason);
        self.answer(Err(&reason));
        // What was started once may be back with the next update.
        let stays = match self.options.policy {
            ExitPolicy::Restart => false,
            ExitPolicy::Continue => true,
            ExitPolicy::Adaptive => self.history == History::Restarted,
        };
        (!stays).then_some(code)
    }

    fn answer(&mut self, outcome: Result<u32, &str>) {
        if let Some(peers) = &mut self.peers {
            peers.answer(outcome);
        }
    }

    fn pid(&self) -> Option<Pid> {
        match self.state {
            State::Running(pid) | State::Ending(pid, _) => Some(pid),
            State::Ended { .. } => None,
        }
    }

    fn running(&self) -> Option<u32> {
        self.pid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }
}

/// To a whole group. One that is gone already needs no signal.
fn send(group: Pid, signal: Signal) {
    let _ = process::kill_process_group(group, signal);
}

/// Where there is a terminal, the command reads from it as it would without us. One that tried to before it was its own has
/// been stopped for that.
fn give_terminal(group: Pid) {
    if rustix::termios::tcsetpgrp(io::stdin(), group).is_ok() {
        send(group, Signal::CONT);
    }
}

fn end(status: WaitStatus) -> Option<End> {
    let code = status
        .exit_status()
        .map(|code| End::Exited(u8::try_from(code).unwrap_or(u8::MAX)));
    code.or_else(|| status.terminating_signal().map(End::Killed))
}
