//! The resident agent: hears the host on its input, does what it says, answers on its output.
//!
//! Batches are worked on in the order of their words by the one thread that reads them, which has helpers for large ones;
//! commands and what goes back to the host have threads of their own, so that no save waits for them.

mod batch;
mod commands;
mod content;
mod follow;
mod hands;
mod op;
mod pull;
mod remove;
mod replaced;
mod stage;
mod system;
mod tree;
mod voice;

use crate::supervise::End as AppEnd;
use crate::supervise::client::{self, Event, RestartError, Watch};
use crate::supervise::signals::Signals;
use crate::wire::{Absolute, Decoder, Ending, FromAgent, FromHost, VERSION};
use batch::Batch;
use commands::{Commands, Order, in_thread};
use follow::Follow;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal};
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitCode;
use std::sync::Arc;
use system::{System, cause};
use tree::Claims;
use voice::Voice;

/// Batches at once, and so many refused ones that nobody has ended.
const MOST_BATCHES: usize = 256;

/// Files that may be open at once; a batch holds the directories open that it changes something in.
const MOST_OPEN: u64 = 65_536;

/// The exit status after words that make no sense.
const MISUNDERSTOOD: u8 = 3;

/// Why the agent stops.
#[derive(Debug)]
enum End {
    /// The host has gone, or somebody wants the agent to go.
    Quiet,
    /// The host says what cannot be understood.
    Misunderstood(String),
}

/// `serve [--without openat2|exchange|inotify]…`
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut without = Vec::new();
    for pair in args.chunks(2) {
        match pair {
            [flag, name] if flag == "--without" => without.push(name.clone()),
            _ => {
                eprintln!("usage: tilt-agent serve [--without openat2|exchange|inotify]…");
                return ExitCode::from(2);
            }
        }
    }
    let signals = match Signals::hold() {
        Ok(signals) => Arc::new(signals),
        Err(error) => {
            eprintln!("tilt-agent: signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let limit = widen();
    let mut agent = Agent::new(System::probe(&without), Arc::clone(&signals), limit);
    match agent.serve(std::io::stdin().as_fd(), &signals) {
        End::Quiet => ExitCode::SUCCESS,
        End::Misunderstood(text) => {
            agent.voice.say(&FromAgent::Protocol { text });
            ExitCode::from(MISUNDERSTOOD)
        }
    }
}

/// Takes as many open files as it may have. Says what it had before, for its children.
fn widen() -> Rlimit {
    let before = rustix::process::getrlimit(Resource::Nofile);
    let most = before.maximum.map_or(MOST_OPEN, |most| most.min(MOST_OPEN));
    if before.current.is_some_and(|current| current < most) {
        let wider = Rlimit {
            current: Some(most),
            maximum: before.maximum,
        };
        // Then it is as many as there were.
        let _ = rustix::process::setrlimit(Resource::Nofile, wider);
    }
    before
}

struct Agent {
    voice: Voice,
    system: System,
    batches: HashMap<u32, Batch>,
    claims: Claims,
    commands: Commands,
    follows: HashMap<u32, Follow>,
    is_greeted: bool,
}

impl Agent {
    fn new(system: System, signals: Arc<Signals>, limit: Rlimit) -> Self {
        let voice = Voice::new(Box::new(std::io::stdout()));
        Self {
            commands: Commands::new(voice.clone(), signals, limit),
            voice,
            system,
            batches: HashMap::new(),
            claims: Claims::default(),
            follows: HashMap::new(),
            is_greeted: false,
        }
    }

    /// Until the host is gone, or cannot be understood.
    fn serve(&mut self, input: BorrowedFd<'_>, signals: &Signals) -> End {
        self.greet();
        let end = self.hear_all(input, signals);
        self.commands.kill_all();
        for (_, mut batch) in self.batches.drain() {
            batch.end();
        }
        end
    }

    fn greet(&self) {
        let watch = Watch::open().ok();
        let name = rustix::system::uname();
        self.voice.say(&FromAgent::Hello {
            version: VERSION,
            pid: std::process::id(),
            uid: self.system.uid,
            gid: self.system.gid,
            arch: name.machine().to_string_lossy().into_owned(),
            kernel: name.release().to_string_lossy().into_owned(),
            abilities: self.system.abilities(),
            supervised: watch.is_some(),
        });
        if let Some(watch) = watch {
            let voice = self.voice.clone();
            // Without a thread for it the host is not told, and learns it when it asks for a restart.
            let _ = in_thread(move || tell_of(watch, &voice));
        }
    }

    fn hear_all(&mut self, input: BorrowedFd<'_>, signals: &Signals) -> End {
        let mut decoder = Decoder::<FromHost>::default();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let length = match wait_and_read(input, signals, &mut buffer) {
                Some(length) if length > 0 => length,
                _ => return End::Quiet,
            };
            decoder.feed(&buffer[..length]);
            loop {
                match decoder.next() {
                    Ok(Some(word)) => {
                        if let Err(text) = self.hear(word) {
                            return End::Misunderstood(text);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return End::Misunderstood(error.to_string()),
                }
            }
            self.voice.flush();
            if self.voice.is_deaf() {
                return End::Quiet;
            }
        }
    }

    fn hear(&mut self, word: FromHost) -> Result<(), String> {
        if let FromHost::Hello { version, .. } = word {
            self.is_greeted = true;
            return match version == VERSION {
                true => Ok(()),
                false => Err(format!(
                    "the host speaks version {version}, this agent version {VERSION}"
                )),
            };
        }
        if !self.is_greeted {
            return Err("the host did not say which version it speaks".to_owned());
        }
        match batch_of(&word) {
            Some(batch) => self.in_batch(batch, word),
            None => {
                self.outside(word);
                Ok(())
            }
        }
    }

    fn in_batch(&mut self, number: u32, word: FromHost) -> Result<(), String> {
        let is_known = self.batches.contains_key(&number);
        if !is_known && self.batches.len() >= MOST_BATCHES {
            return Err(format!("more than {MOST_BATCHES} batches at once"));
        }
        if matches!(word, FromHost::Keep { .. }) {
            // Nobody waits until what is not needed any more is removed.
            self.voice.flush();
        }
        let batch = self
            .batches
            .entry(number)
            .or_insert_with(|| Batch::new(number, self.system, self.claims.clone()));
        let step = batch.hear(word);
        if step.is_over {
            self.batches.remove(&number);
        }
        if let Some(answer) = step.answer {
            self.voice.add(&answer);
        }
        Ok(())
    }

    fn outside(&mut self, word: FromHost) {
        match word {
            FromHost::Ping { n } => self.voice.add(&FromAgent::Pong { n }),
            FromHost::Run { id, argv, env, dir } => self.commands.run(Order { id, argv, env, dir }),
            FromHost::Kill { id } => self.commands.kill(id),
            FromHost::Restart { id } => self.aside(id, move |voice| {
                voice.say(&match client::restart() {
                    Ok(pid) => FromAgent::Restarted { id, pid },
                    Err(error) => FromAgent::NotRestarted {
                        id,
                        tried: matches!(error, RestartError::Refused(_)),
                        text: error.to_string(),
                    },
                });
            }),
            FromHost::List { id, root, patterns } => self.aside(id, move |voice| {
                if let Err(refusal) = pull::list(voice, id, &root, &patterns) {
                    voice.say(&refusal.into_word(id));
                }
            }),
            FromHost::Read { id, root, path } => {
                let system = self.system;
                self.aside(id, move |voice| {
                    if let Err(refusal) = pull::read(voice, &system, id, (&root, &path)) {
                        voice.say(&refusal.into_word(id));
                    }
                });
            }
            FromHost::Follow { id, root, patterns } => {
                match follow::follow(&self.voice, &self.system, id, root, &patterns) {
                    Ok(follow) => drop(self.follows.insert(id, follow)),
                    Err(errno) => self.failed(id, errno, "following"),
                }
            }
            FromHost::Unfollow { id } => drop(self.follows.remove(&id)),
            FromHost::Clean { id, roots } => self.clean(id, &roots),
            // All else belongs to a batch.
            _ => {}
        }
    }

    /// Something that may take its time.
    fn aside(&self, id: u32, work: impl FnOnce(&Voice) + Send + 'static) {
        let voice = self.voice.clone();
        if in_thread(move || work(&voice)).is_err() {
            self.failed(id, Errno::AGAIN, "a thread for it");
        }
    }

    fn clean(&self, id: u32, roots: &[Absolute]) {
        if !self.batches.is_empty() {
            return self.failed(id, Errno::BUSY, "an open batch");
        }
        let mut removed = 0;
        for root in roots {
            let cleaned = match remove::open_listing(rustix::fs::CWD, root.as_bytes()) {
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(0),
                opened => opened.and_then(remove::clean),
            };
            match cleaned {
                Ok(count) => removed += count,
                Err(errno) => return self.failed(id, errno, &String::from_utf8_lossy(root.as_bytes())),
            }
        }
        self.voice.add(&FromAgent::Cleaned { id, removed });
    }

    fn failed(&self, id: u32, errno: Errno, what: &str) {
        self.voice.add(&FromAgent::Failed {
            id,
            errno: errno.raw_os_error(),
            text: format!("`{what}`: {}", cause(errno)),
        });
    }
}

/// Passes on what becomes of the supervised program.
fn tell_of(mut watch: Watch, voice: &Voice) {
    while let Ok(Some(event)) = watch.wait() {
        voice.say(&match event {
            Event::Watching(_) => continue,
            Event::Started(pid) => FromAgent::AppStarted { pid },
            Event::Exited(AppEnd::Exited(code)) => FromAgent::AppExited {
                ending: Ending::Code(code.into()),
            },
            Event::Exited(AppEnd::Killed(signal)) => FromAgent::AppExited {
                ending: Ending::Signal(signal),
            },
        });
    }
}

/// What has arrived; nothing where the agent is to stop.
fn wait_and_read(input: BorrowedFd<'_>, signals: &Signals, buffer: &mut [u8]) -> Option<usize> {
    loop {
        let mut fds = [PollFd::new(&input, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        match rustix::event::poll(&mut fds, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return None,
            Ok(_) => {}
        }
        if !fds[1].revents().is_empty() && is_to_stop(signals) {
            return None;
        }
        if fds[0].revents().is_empty() {
            continue;
        }
        match rustix::io::read(input, &mut *buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return None,
            Ok(length) => return Some(length),
        }
    }
}

fn is_to_stop(signals: &Signals) -> bool {
    while let Ok(Some(signal)) = signals.next() {
        if matches!(signal, Signal::TERM | Signal::INT | Signal::HUP | Signal::QUIT) {
            return true;
        }
    }
    false
}

fn batch_of(word: &FromHost) -> Option<u32> {
    match word {
        FromHost::Root { batch, .. }
        | FromHost::Offer { batch, .. }
        | FromHost::File { batch, .. }
        | FromHost::Data { batch, .. }
        | FromHost::Zeros { batch, .. }
        | FromHost::Same { batch, .. }
        | FromHost::Dir { batch, .. }
        | FromHost::Symlink { batch, .. }
        | FromHost::HardLink { batch, .. }
        | FromHost::Delete { batch, .. }
        | FromHost::Prepare { batch }
        | FromHost::Commit { batch }
        | FromHost::Keep { batch }
        | FromHost::Undo { batch } => Some(*batch),
        _ => None,
    }
}
