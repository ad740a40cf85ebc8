//! No child outlives us: a second process of our own knows the process groups we have started, and ends them when we are
//! gone, however that came about.
//!
//! The two are joined by a pipe, which the kernel closes with us. We write a line for each group that begins and ends;
//! `watch` is the other side. When the guard itself is killed, another one is started and told everything again.
//!
//! Known limits: a process that is started but not yet registered (some microseconds) and one that left its group with
//! `setsid` are not seen. The second is what daemons do to outlive whoever started them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::world::clock::{self, Instant};
use crate::world::process::group::Stat;

pub mod watch;

/// The word on our own command line that makes this program the guard.
pub const WORD: &str = "__guard";

/// Between the starts of guards that die at once, doubling from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(10));

/// Ends what it knows as soon as it is dropped; the groups that are still registered then are ended with it.
#[derive(Debug)]
pub struct Guard {
    shared: Arc<Shared>,
    keeper: Option<JoinHandle<()>>,
}

/// A group that the guard knows; dropped when the group is gone.
#[derive(Debug)]
#[must_use]
pub struct Registration {
    shared: Arc<Shared>,
    group: Pid,
}

#[derive(Debug)]
struct Shared {
    /// A mutex because groups begin and end in any task. Nothing waits while it is held: the pipe does not block.
    state: Mutex<State>,
    /// Wakes the keeper.
    bell: PipeWriter,
}

#[derive(Debug)]
struct State {
    /// A registered group's leader, or nothing where the machine does not tell.
    groups: BTreeMap<i32, Option<Stat>>,
    /// What the guard has not been told yet because the pipe is full.
    backlog: VecDeque<u8>,
    /// Nothing once we are closing.
    pipe: Option<Arc<PipeWriter>>,
    is_closing: bool,
    /// The process that watches now.
    guard: u32,
}

impl Guard {
    /// Starts a guard. `exe` is this program; `/proc/self/exe` stays right when the file is replaced by an update.
    pub fn start(exe: &Path) -> io::Result<Guard> {
        let (child, pipe) = spawn(exe)?;
        let (bell_end, bell) = io::pipe()?;
        rustix::io::ioctl_fionbio(&bell, true)?;
        rustix::io::ioctl_fionbio(&bell_end, true)?;
        let state = State {
            groups: BTreeMap::new(),
            backlog: VecDeque::new(),
            pipe: Some(Arc::new(pipe)),
            is_closing: false,
            guard: child.id(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            bell,
        });
        let keeper = Keeper {
            exe: exe.to_owned(),
            shared: Arc::clone(&shared),
            bell: bell_end,
            pause: PAUSE.0,
            born: clock::now(),
        };
        let keeper = thread::Builder::new()
            .name("guard".to_owned())
            .stack_size(128 << 10)
            .spawn(move || keeper.run(child))?;
        Ok(Guard {
            shared,
            keeper: Some(keeper),
        })
    }

    /// Has a group ended when we are gone. Its leader must not have been collected yet: what tells it from a later
    /// process of the same id is read here.
    pub fn register(&self, group: Pid) -> Registration {
        let leader = Stat::of(group.as_raw_pid());
        let mut state = self.shared.state();
        state.groups.insert(group.as_raw_pid(), leader);
        state.tell(&watch::begun(group.as_raw_pid(), leader));
        drop(state);
        self.shared.wake_if_behind();
        Registration {
            shared: Arc::clone(&self.shared),
            group,
        }
    }

    /// The process that watches now.
    pub fn pid(&self) -> u32 {
        self.shared.state().guard
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.state().is_closing = true;
        self.shared.wake();
        if let Some(keeper) = self.keeper.take() {
            // It has only panicked if the machine is out of memory; there is nothing left to end then.
            let _ = keeper.join();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.groups.remove(&self.group.as_raw_pid());
        state.tell(&watch::ended(self.group.as_raw_pid()));
        drop(state);
        self.shared.wake_if_behind();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked with the lock left a map and a queue, both whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bell that is full has been rung.
    fn wake(&self) {
        let _ = (&self.bell).write(&[0]);
    }

    fn wake_if_behind(&self) {
        if !self.state().backlog.is_empty() {
            self.wake();
        }
    }
}

impl State {
    fn tell(&mut self, line: &str) {
        self.backlog.extend(line.as_bytes());
        self.flush();
    }

    /// Writes what the pipe takes. Other failures mean that the guard is dead; the keeper sees that too.
    fn flush(&mut self) {
        let Some(pipe) = &self.pipe else {
            return;
        };
        while !self.backlog.is_empty() {
            match (&**pipe).write(self.backlog.as_slices().0) {
                Ok(written) => drop(self.backlog.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// A new guard knows nothing yet.
    fn replace_guard(&mut self, guard: &Child, pipe: PipeWriter) {
        self.guard = guard.id();
        self.pipe = Some(Arc::new(pipe));
        let lines = self.groups.iter().map(|(group, leader)| watch::begun(*group, *leader));
        self.backlog = lines.flat_map(String::into_bytes).collect();
        self.flush();
    }
}

fn spawn(exe: &Path) -> io::Result<(Child, PipeWriter)> {
    let (input, pipe) = io::pipe()?;
    rustix::io::ioctl_fionbio(&pipe, true)?;
    #[allow(clippy::disallowed_methods, reason = "the guard must not be in a group that it ends")]
    let child = Command::new(exe)
        .arg0("tilt")
        .arg(WORD)
        .current_dir("/")
        .env_clear()
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok((child, pipe))
}

/// Sees to it that there is a guard, from a thread of its own: it must work when every task of the runtime is stuck.
struct Keeper {
    exe: PathBuf,
    shared: Arc<Shared>,
    bell: PipeReader,
    pause: Duration,
    /// When the guard that watches now was started.
    born: Instant,
}

impl Keeper {
    fn run(mut self, mut guard: Child) {
        loop {
            let is_dead = self.wait_for_news();
            let mut state = self.shared.state();
            if state.is_closing {
                // What is behind is told, unless the guard does not listen at all; then the pipe is closed.
                state.flush();
                return Keeper::close(state, guard);
            }
            state.flush();
            drop(state);
            if is_dead {
                let _ = guard.wait();
                match self.start_again() {
                    Some(again) => guard = again,
                    None => return,
                }
            }
        }
    }

    fn close(mut state: MutexGuard<'_, State>, mut guard: Child) {
        // The end of the last writer is what the guard waits for.
        state.pipe = None;
        drop(state);
        let _ = guard.wait();
    }

    /// Waits until the bell rings, the pipe has room for what is behind, or its other end is closed, which is told.
    fn wait_for_news(&mut self) -> bool {
        let (pipe, wanted) = {
            let state = self.shared.state();
            let is_behind = !state.backlog.is_empty();
            let wanted = if is_behind { PollFlags::OUT } else { PollFlags::empty() };
            (state.pipe.clone(), wanted)
        };
        let mut asked = vec![PollFd::new(&self.bell, PollFlags::IN)];
        asked.extend(pipe.as_deref().map(|pipe| PollFd::new(pipe, wanted)));
        while poll(&mut asked, None) == Err(Errno::INTR) {}
        let gone = PollFlags::ERR | PollFlags::HUP;
        let is_dead = asked.iter().skip(1).any(|pipe| pipe.revents().intersects(gone));
        drop(asked);
        self.silence();
        is_dead
    }

    fn silence(&mut self) {
        let mut rung = [0; 64];
        while matches!(self.bell.read(&mut rung), Ok(length) if length > 0) {}
    }

    /// Another guard, after a pause that grows while guards do not live; nothing once we are closing.
    fn start_again(&mut self) -> Option<Child> {
        if self.born.elapsed() > PAUSE.1 {
            self.pause = PAUSE.0;
        }
        loop {
            let pause = Timespec::try_from(self.pause).ok();
            self.pause = (self.pause * 2).min(PAUSE.1);
            let mut bell = [PollFd::new(&self.bell, PollFlags::IN)];
            let _ = poll(&mut bell, pause.as_ref());
            self.silence();
            let mut state = self.shared.state();
            if state.is_closing {
                return None;
            }
            if let Ok((guard, pipe)) = spawn(&self.exe) {
                state.replace_guard(&guard, pipe);
                drop(state);
                self.born = clock::now();
                return Some(guard);
            }
        }
    }
}
