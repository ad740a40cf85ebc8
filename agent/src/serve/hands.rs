//! More hands for what one would take long for: threads that last as long as there is much to do, and none where there is little.

use super::content::Incoming;
use super::stage::{Announced, file_mode, give_to, new_file};
use super::system::{Fault, System, look};
use super::tree::{Dir, Root};
use crate::wire::Beneath;
use rustix::fs::{AtFlags, Mode};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle, available_parallelism};

/// More would only wait for the file system.
const MOST: usize = 4;

/// Fewer things are done sooner by one alone.
pub const MANY: usize = 64;

/// Of what each does. Larger parts are more of the same directories, in which two would wait for one another; smaller ones end
/// at the same time.
const PARTS: usize = 8;

/// Bytes that wait to be written: this memory is the container's.
const WAITING: usize = 4 * 1024 * 1024;

fn count() -> usize {
    available_parallelism().map_or(1, NonZero::get).min(MOST)
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with each, in any order. After a failure, which is given with its place, the rest is left.
pub fn each<T: Send, E: Send>(things: &mut [T], work: impl Fn(&mut T) -> Result<(), E> + Sync) -> Option<(usize, E)> {
    let hands = if things.len() < MANY { 1 } else { count() };
    let size = (things.len() / (hands * PARTS)).max(1);
    let parts = Mutex::new(things.chunks_mut(size).enumerate());
    let failure = Mutex::new(None);
    let has_failed = AtomicBool::new(false);
    let go = || {
        loop {
            let part = lock(&parts).next();
            let Some((number, part)) = part else { return };
            for (place, thing) in part.iter_mut().enumerate() {
                if has_failed.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = work(thing) {
                    has_failed.store(true, Ordering::Relaxed);
                    lock(&failure).get_or_insert((number * size + place, error));
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..hands {
            // Without it there is one hand less.
            let _ = Builder::new().spawn_scoped(scope, go);
        }
        go();
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A small file, all of which has arrived, to be written beside its target.
pub struct Job {
    pub entry: u32,
    pub file: Announced,
    pub content: Vec<u8>,
    pub root: Arc<Root>,
    pub dir: Arc<Dir>,
    pub name: Vec<u8>,
    /// Under which name it is written.
    pub staged: Vec<u8>,
    /// The operation that will put it there; nothing for what is in a new directory.
    pub op: Option<usize>,
}

/// What became of one.
pub struct Done {
    pub job: Job,
    /// Whether there is something that it will replace.
    pub written: Result<bool, Fault>,
}

/// Those who write small files. Each directory is one's own: two would only wait for one another there.
pub struct Crew {
    hands: Vec<(Sender<Job>, JoinHandle<()>)>,
    done: Receiver<Done>,
    shared: Arc<Shared>,
}

struct Shared {
    room: Room,
    has_failed: AtomicBool,
}

/// How much may still be held.
struct Room {
    left: Mutex<usize>,
    more: Condvar,
}

impl Room {
    fn take(&self, size: usize) {
        let mut left = lock(&self.left);
        while *left < size {
            left = self.more.wait(left).unwrap_or_else(PoisonError::into_inner);
        }
        *left -= size;
    }

    fn give(&self, size: usize) {
        *lock(&self.left) += size;
        self.more.notify_one();
    }
}

impl Crew {
    /// Nothing where they would be of no use.
    pub fn hire(system: System) -> Option<Self> {
        let (tell, done) = channel();
        let room = Room {
            left: Mutex::new(WAITING),
            more: Condvar::new(),
        };
        let shared = Arc::new(Shared {
            room,
            has_failed: AtomicBool::new(false),
        });
        let mut hands = Vec::new();
        if count() > 1 {
            for _ in 0..count() {
                let (jobs, waiting) = channel();
                let (shared, tell) = (Arc::clone(&shared), tell.clone());
                let hand = Builder::new().spawn(move || work(&waiting, &shared, (&tell, &system)));
                hands.extend(hand.ok().map(|hand| (jobs, hand)));
            }
        }
        (!hands.is_empty()).then_some(Self { hands, done, shared })
    }

    /// Whoever gives more jobs would hold what they could not do.
    pub fn has_failed(&self) -> bool {
        self.shared.has_failed.load(Ordering::Relaxed)
    }

    /// Gives it back where nobody is left to do it. Waits while there is too much to do.
    pub fn give(&self, job: Job) -> Result<(), Box<Job>> {
        self.shared.room.take(job.content.len());
        let (jobs, _) = &self.hands[job.dir.id.1 as usize % self.hands.len()];
        jobs.send(job).map_err(|unsent| Box::new(unsent.0))
    }

    /// Waits until all is done, which is told then.
    pub fn finish(self) -> Vec<Done> {
        let (jobs, hands): (Vec<_>, Vec<_>) = self.hands.into_iter().unzip();
        drop(jobs);
        let done = self.done.iter().collect();
        for hand in hands {
            // One that panicked has ended the agent.
            let _ = hand.join();
        }
        done
    }
}

fn work(waiting: &Receiver<Job>, shared: &Shared, (tell, system): (&Sender<Done>, &System)) {
    for mut job in waiting {
        let written = write(&job, system);
        shared.room.give(job.content.len());
        match written {
            Ok(_) => job.content = Vec::new(),
            Err(_) => shared.has_failed.store(true, Ordering::Relaxed),
        }
        if tell.send(Done { job, written }).is_err() {
            return;
        }
    }
}

/// Stages one. Where that fails nothing of it is left.
fn write(job: &Job, system: &System) -> Result<bool, Fault> {
    let existing = if job.dir.staged {
        None
    } else {
        look(&job.dir.fd, &job.name)?
    };
    let fresh = new_file(&job.dir, &job.staged)?;
    let fill = || {
        let owner = system.owner(job.root.owner, existing.as_ref(), job.dir.owner);
        give_to(system, &job.dir, &job.staged, owner)?;
        let mut incoming = Incoming::new(fresh, job.file.size, job.file.sha256);
        incoming.write(&job.content)?;
        let mode = file_mode(job.root.mode, job.file.mode, existing.as_ref());
        Ok(rustix::fs::fchmod(incoming.finish()?, Mode::from_raw_mode(mode))?)
    };
    let filled = fill();
    if filled.is_err() {
        // Whoever tries again removes it as well.
        let _ = rustix::fs::unlinkat(&job.dir.fd, &*job.staged, AtFlags::empty());
    }
    filled.map(|()| existing.is_some())
}

impl Job {
    pub fn place(&self) -> (u16, Beneath) {
        (self.file.root, self.file.path.clone())
    }
}
