//! Commands that the host wants run here, each in threads of its own and in a process group of its own.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the place where the agent starts processes"
)]

use super::voice::Voice;
use crate::supervise::signals::Signals;
use crate::wire::{Absolute, Ending, FromAgent, Stream};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long output is waited for after a command's end: what it left behind may hold on to it forever.
const LAST_OUTPUT: Duration = Duration::from_millis(250);

const PIECE: usize = 64 * 1024;

pub struct Order {
    pub id: u32,
    pub argv: Vec<Vec<u8>>,
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    pub dir: Option<Absolute>,
}

/// Commands that run, by the host's number.
#[derive(Clone)]
pub struct Commands {
    voice: Voice,
    running: Arc<Mutex<HashMap<u32, Pid>>>,
    /// What the agent holds back from itself is not held back from its children.
    signals: Arc<Signals>,
    /// What the agent was given, before it took more for itself.
    limit: Rlimit,
}

impl Commands {
    pub fn new(voice: Voice, signals: Arc<Signals>, limit: Rlimit) -> Self {
        Self {
            voice,
            running: Arc::default(),
            signals,
            limit,
        }
    }

    /// Starts one. Everything about it is said in threads.
    pub fn run(&self, order: Order) {
        let id = order.id;
        if self.lock().contains_key(&id) {
            return self.cannot(id, 0, format!("command {id} runs already"));
        }
        match start(&order, &self.signals) {
            Ok(child) => self.attend(id, child),
            Err((errno, text)) => self.cannot(id, errno, text),
        }
    }

    /// Ends a command with everything in its group. One that has ended is not looked for.
    pub fn kill(&self, id: u32) {
        if let Some(pid) = self.lock().get(&id) {
            end(*pid);
        }
    }

    pub fn kill_all(&self) {
        for pid in self.lock().values() {
            end(*pid);
        }
    }

    fn cannot(&self, id: u32, errno: i32, text: String) {
        self.voice.say(&FromAgent::CannotRun { id, errno, text });
    }

    fn attend(&self, id: u32, mut child: Child) {
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return self.cannot(id, 0, "it has no process id".to_owned());
        };
        // It may be over already.
        let _ = rustix::process::prlimit(Some(pid), Resource::Nofile, self.limit);
        self.lock().insert(id, pid);
        let (done, ended) = channel();
        let out = child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>);
        let err = child.stderr.take().map(|err| Box::new(err) as Box<dyn Read + Send>);
        let heard = self
            .listen(id, Stream::Stdout, out, done.clone())
            .and_then(|()| self.listen(id, Stream::Stderr, err, done));
        let commands = self.clone();
        let awaited = heard.and_then(|()| in_thread(move || commands.await_end(id, pid, child, &ended)));
        if let Err(error) = awaited {
            // There are only so many threads in this container.
            end(pid);
            self.lock().remove(&id);
            self.cannot(id, error.raw_os_error().unwrap_or_default(), error.to_string());
        }
    }

    fn listen(
        &self,
        id: u32,
        stream: Stream,
        from: Option<Box<dyn Read + Send>>,
        done: Sender<()>,
    ) -> std::io::Result<()> {
        let Some(mut from) = from else {
            return Ok(());
        };
        let commands = self.clone();
        in_thread(move || {
            let mut buffer = vec![0; PIECE];
            while let Ok(length) = from.read(&mut buffer) {
                // After its end it says nothing more.
                if length == 0 || !commands.say_of(id, stream, &buffer[..length]) {
                    break;
                }
            }
            drop(done);
        })
    }

    fn say_of(&self, id: u32, stream: Stream, bytes: &[u8]) -> bool {
        let bytes = bytes.to_vec();
        let word = FromAgent::Output { id, stream, bytes };
        self.voice.say_if(&word, || self.lock().contains_key(&id))
    }

    fn await_end(&self, id: u32, pid: Pid, mut child: Child, outputs: &Receiver<()>) {
        // Its number is nobody else's until it is collected, and only then is it forgotten.
        while let Err(rustix::io::Errno::INTR) =
            rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
        // Ends when both are closed, for nothing is ever sent.
        let _ = outputs.recv_timeout(LAST_OUTPUT);
        self.lock().remove(&id);
        let word = match child.wait() {
            Ok(status) => FromAgent::Exited {
                id,
                ending: status
                    .signal()
                    .map_or_else(|| Ending::Code(status.code().unwrap_or_default()), Ending::Signal),
            },
            Err(error) => FromAgent::CannotRun {
                id,
                errno: error.raw_os_error().unwrap_or_default(),
                text: error.to_string(),
            },
        };
        self.voice.say(&word);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beside everything else, if there may be one thread more.
pub fn in_thread(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(work).map(drop)
}

fn end(group: Pid) {
    // Gone is as good as killed.
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

fn start(order: &Order, signals: &Signals) -> Result<Child, (i32, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (program, args) = order
        .argv
        .split_first()
        .filter(|(program, _)| !program.is_empty())
        .ok_or_else(|| (0, "there is no command".to_owned()))?;
    let mut command = Command::new(OsStr::from_bytes(program));
    command
        .args(args.iter().map(|arg| OsStr::from_bytes(arg)))
        .process_group(0)
        .stdin(silence())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in &order.env {
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.contains(&0) {
            return Err((0, format!("`{}` is no name of a variable", text(name))));
        }
        command.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
    }
    if let Some(dir) = &order.dir {
        let path = OsStr::from_bytes(dir.as_bytes());
        let found = std::fs::metadata(path);
        if let Err(error) = &found {
            let errno = error.raw_os_error().unwrap_or_default();
            return Err((errno, format!("the directory `{}`: {error}", text(dir.as_bytes()))));
        }
        command.current_dir(path);
    }
    signals.give_back_until_we_end(&mut command);
    let mut child = command.spawn().map_err(|error| {
        let errno = error.raw_os_error().unwrap_or_default();
        (errno, format!("`{}`: {error}", text(program)))
    })?;
    // Where there is no null device this is the pipe whose end says that nothing comes.
    drop(child.stdin.take());
    Ok(child)
}

fn silence() -> Stdio {
    File::open("/dev/null").map_or_else(|_| Stdio::piped(), Stdio::from)
}
