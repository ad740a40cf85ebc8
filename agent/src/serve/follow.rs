//! Word of changes below a root: from the kernel where it gives any, else by looking each second.

use super::commands::in_thread;
use super::pull::{Met, Walk, join, open_root};
use super::system::System;
use super::voice::Voice;
use crate::glob::{Globs, Progress};
use crate::wire::{Absolute, FollowedBy, FromAgent, is_temporary};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use sha2::Digest;
use std::collections::{HashMap, HashSet};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SETTLED: Duration = Duration::from_millis(20);

/// What is written for longer than this is told of all the same.
const LONGEST: Duration = Duration::from_secs(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

const MASK: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::DONT_FOLLOW);

/// Ends its thread when it is dropped.
pub struct Follow(Arc<OwnedFd>);

impl Drop for Follow {
    fn drop(&mut self) {
        // Its counter is far from full.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

struct Follower {
    voice: Voice,
    id: u32,
    root: Absolute,
    globs: Globs,
    stop: Arc<OwnedFd>,
}

pub fn follow(
    voice: &Voice,
    system: &System,
    id: u32,
    root: Absolute,
    patterns: &[Vec<u8>],
) -> rustix::io::Result<Follow> {
    let stop = Arc::new(rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?);
    let follower = Follower {
        voice: voice.clone(),
        id,
        root,
        globs: Globs::new(patterns),
        stop: Arc::clone(&stop),
    };
    let may_watch = system.inotify;
    in_thread(move || follower.run(may_watch)).map_err(|_| Errno::AGAIN)?;
    Ok(Follow(stop))
}

/// Directories that are watched, with where they are and how far the patterns have come there.
type Watched = HashMap<i32, (Vec<u8>, Progress)>;

/// Files that somebody writes.
type Pending = HashSet<Vec<u8>>;

/// What a burst of events comes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nothing,
    Change,
    /// A directory more, or events that were lost.
    Shape,
    RootGone,
}

impl Follower {
    fn run(&self, may_watch: bool) {
        if may_watch
            && let Ok(inotify) = rustix::fs::inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
            && let Ok(watched) = self.watch(&inotify, &Watched::new(), &mut Pending::new())
        {
            self.say_following(FollowedBy::Kernel);
            if !self.listen(&inotify, watched) {
                return;
            }
            self.voice.say(&FromAgent::Changed { id: self.id });
        }
        self.look();
    }

    fn say_following(&self, by: FollowedBy) {
        self.voice.say(&FromAgent::Following { id: self.id, by });
    }

    /// Watches every directory that a pattern leads into. Of those that are new, what is empty yet is about to be written.
    fn watch(&self, inotify: &OwnedFd, before: &Watched, pending: &mut Pending) -> rustix::io::Result<Watched> {
        let mut watched = Watched::new();
        let mut failed = None;
        let root = open_root(&self.root).ok().flatten().ok_or(Errno::NOENT)?;
        let mut entered = |path: &[u8], at: &Progress| {
            let full = match path.is_empty() {
                true => self.root.as_bytes().to_vec(),
                false => join(self.root.as_bytes(), path),
            };
            // A root may be a link itself.
            let mask = if path.is_empty() {
                MASK.difference(WatchFlags::DONT_FOLLOW)
            } else {
                MASK
            };
            match rustix::fs::inotify::add_watch(inotify, full, mask) {
                Ok(watch) => drop(watched.insert(watch, (path.to_vec(), at.clone()))),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => {}
                Err(errno) => failed = Some(errno),
            }
        };
        let mut empty = Vec::new();
        let mut met = |met: &Met<'_>| {
            if met.stat.st_size == 0 {
                empty.push(met.path.to_vec());
            }
            Ok(())
        };
        let mut walk = Walk {
            globs: &self.globs,
            met: &mut met,
            entered: &mut entered,
            count: 0,
        };
        let walked = walk.go(&root, b"", &self.globs.start(), 0);
        if !before.is_empty() {
            let known: HashSet<&[u8]> = before.values().map(|(path, _)| path.as_slice()).collect();
            let is_new = |path: &Vec<u8>| !known.contains(parent(path));
            pending.extend(empty.into_iter().filter(is_new));
        }
        match (failed, walked) {
            (Some(errno), _) => Err(errno),
            (None, Err(_)) => Err(Errno::NOSPC),
            (None, Ok(())) => Ok(watched),
        }
    }

    /// Whether it is to go on by looking.
    fn listen(&self, inotify: &OwnedFd, mut watched: Watched) -> bool {
        let mut pending = Pending::new();
        loop {
            if !self.wait(Some(inotify), None) {
                return false;
            }
            let mut seen = self.drain(inotify, &watched, &mut pending);
            if seen == Seen::Nothing {
                continue;
            }
            // Half a file is of no use to anybody.
            let until = now() + LONGEST;
            loop {
                if !self.wait(None, Some(SETTLED)) {
                    return false;
                }
                seen = seen.max(self.drain(inotify, &watched, &mut pending));
                if seen == Seen::RootGone {
                    return true;
                }
                if seen == Seen::Shape {
                    seen = Seen::Change;
                    match self.watch(inotify, &watched, &mut pending) {
                        Ok(now) => watched = now,
                        Err(_) => return true,
                    }
                }
                let left = until.saturating_duration_since(now());
                if pending.is_empty() || left.is_zero() {
                    break;
                }
                if !self.wait(Some(inotify), Some(left)) {
                    return false;
                }
            }
            pending.clear();
            self.voice.say(&FromAgent::Changed { id: self.id });
        }
    }

    fn drain(&self, inotify: &OwnedFd, watched: &Watched, pending: &mut Pending) -> Seen {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut events = Reader::new(inotify, &mut buffer);
        let mut seen = Seen::Nothing;
        while let Ok(event) = events.next() {
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                // Whose end was among what is lost will not be heard of.
                pending.clear();
                seen = seen.max(Seen::Shape);
                continue;
            }
            let (at, name) = (
                watched.get(&event.wd()),
                event.file_name().map(std::ffi::CStr::to_bytes),
            );
            let this = self.judge(at, name, flags);
            if let (Seen::Change, Some((path, _)), Some(name)) = (this, at, name) {
                note(pending, &join(path, name), flags);
            }
            seen = seen.max(this);
        }
        seen
    }

    fn judge(&self, at: Option<&(Vec<u8>, Progress)>, name: Option<&[u8]>, flags: ReadFlags) -> Seen {
        let Some((path, at)) = at else {
            return Seen::Nothing;
        };
        let Some(name) = name else {
            let is_gone = flags.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF);
            return match is_gone && path.is_empty() {
                true => Seen::RootGone,
                false => Seen::Nothing,
            };
        };
        if is_temporary(name) {
            return Seen::Nothing;
        }
        let next = self.globs.step(at, name);
        if flags.contains(ReadFlags::ISDIR) {
            let is_new = flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
            let is_gone = flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM);
            return match self.globs.leads_on(&next) && (is_new || is_gone) {
                true => Seen::Shape,
                false => Seen::Nothing,
            };
        }
        match self.globs.is_match(&next) {
            true => Seen::Change,
            false => Seen::Nothing,
        }
    }

    /// Looks each second.
    fn look(&self) {
        let mut before = self.sight();
        self.say_following(FollowedBy::Polling);
        while self.wait(None, Some(PAUSE)) {
            let now = self.sight();
            if now != before {
                before = now;
                self.voice.say(&FromAgent::Changed { id: self.id });
            }
        }
    }

    /// Differs when anything that matches does.
    fn sight(&self) -> Option<[u8; 32]> {
        let root = open_root(&self.root).ok().flatten()?;
        let mut hasher = sha2::Sha256::new();
        let mut met = |met: &Met<'_>| {
            let stat = met.stat;
            hasher.update(met.path);
            hasher.update(format!(
                "\0{} {} {} {} {}.{}\n",
                stat.st_ino, stat.st_mode, stat.st_size, stat.st_mtime, stat.st_ctime, stat.st_ctime_nsec
            ));
            Ok(())
        };
        let mut walk = Walk {
            globs: &self.globs,
            met: &mut met,
            entered: &mut |_, _| {},
            count: 0,
        };
        let walked = walk.go(&root, b"", &self.globs.start(), 0).is_ok();
        walked.then(|| hasher.finalize().into())
    }

    /// Until there is something to read or the time is up. Whether it is to go on.
    fn wait(&self, inotify: Option<&OwnedFd>, timeout: Option<Duration>) -> bool {
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let mut fds = vec![PollFd::new(&*self.stop, PollFlags::IN)];
        fds.extend(inotify.map(|inotify| PollFd::new(inotify, PollFlags::IN)));
        loop {
            match rustix::event::poll(&mut fds, timeout.as_ref()) {
                Err(Errno::INTR) => {}
                Err(_) => return false,
                Ok(_) => return fds[0].revents().is_empty() && !self.voice.is_deaf(),
            }
        }
    }
}

/// What an event says of a file that is written, or was.
fn note(pending: &mut Pending, path: &[u8], flags: ReadFlags) {
    let is_over = ReadFlags::CLOSE_WRITE | ReadFlags::DELETE | ReadFlags::MOVED_FROM | ReadFlags::MOVED_TO;
    if flags.intersects(is_over) {
        pending.remove(path);
    } else if flags.intersects(ReadFlags::CREATE | ReadFlags::MODIFY) {
        pending.insert(path.to_vec());
    }
}

fn parent(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte == b'/');
    &path[..end.unwrap_or(0)]
}

#[allow(clippy::disallowed_methods, reason = "the agent has no clock but the machine's")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_until_it_is_closed_or_is_another() {
        let ends = [
            ReadFlags::CLOSE_WRITE,
            ReadFlags::DELETE,
            ReadFlags::MOVED_FROM,
            ReadFlags::MOVED_TO,
        ];
        for end in ends {
            let mut pending = Pending::new();
            for flags in [ReadFlags::CREATE, ReadFlags::MODIFY, ReadFlags::ATTRIB] {
                note(&mut pending, b"d/one", flags);
                note(&mut pending, b"d/other", flags);
            }
            note(&mut pending, b"d/one", end);
            assert_eq!(pending, Pending::from([b"d/other".to_vec()]), "{end:?}");
        }
        let mut pending = Pending::new();
        note(&mut pending, b"d/one", ReadFlags::ATTRIB);
        assert_eq!(pending, Pending::new(), "nobody writes it");
        assert_eq!((parent(b"d/e/f"), parent(b"f")), (&b"d/e"[..], &b""[..]));
    }
}
