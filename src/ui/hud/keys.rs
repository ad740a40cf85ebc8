//! Keys that are pressed while the live view is shown, and the mode of the terminal that lets them through one by one.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::sync::mpsc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The space bar.
    Browse,
    /// `s`: the stream of logs, or back.
    Stream,
}

/// How the terminal was before. It is one for the whole process, and whoever ends that has to be able to restore it.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Gives the terminal back as it was found. For whoever ends the process without waiting for the view to end.
pub fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        // A terminal that is gone needs nothing.
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

/// The terminal is restored once this is dropped.
pub struct Keys {
    pressed: mpsc::UnboundedReceiver<Key>,
    end: Arc<OwnedFd>,
}

impl Keys {
    /// Nothing if standard input is no terminal, or one that another job has.
    pub fn open() -> Option<Keys> {
        let stdin = io::stdin();
        if !termios::isatty(&stdin) || termios::tcgetpgrp(&stdin).ok()? != rustix::process::getpgrp() {
            return None;
        }
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).ok()?);
        let before = termios::tcgetattr(&stdin).ok()?;
        let mut one_by_one = before.clone();
        // Ctrl-C stays the signal that it is.
        one_by_one.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
        // A read takes what is there and never waits.
        one_by_one.special_codes[SpecialCodeIndex::VMIN] = 0;
        one_by_one.special_codes[SpecialCodeIndex::VTIME] = 0;
        let (sender, pressed) = mpsc::unbounded_channel();
        let ends = Arc::clone(&end);
        let thread = std::thread::Builder::new().name("keys".to_owned());
        thread.spawn(move || listen(&ends, &sender)).ok()?;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let keys = Keys { pressed, end };
        termios::tcsetattr(&stdin, OptionalActions::Now, &one_by_one).ok()?;
        Some(keys)
    }

    /// The next key that means something. Never, once the terminal is gone.
    pub async fn next(&mut self) -> Key {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // Nothing else is ever written to it, so there is room.
        let _ = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
        restore();
    }
}

/// Runs on a thread of its own: reading from a terminal has no other way to be given up.
fn listen(end: &OwnedFd, pressed: &mpsc::UnboundedSender<Key>) {
    let stdin = io::stdin();
    loop {
        let mut sources = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
        match poll(&mut sources, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !sources[1].revents().is_empty() => return,
            Ok(_) => {}
        }
        let mut bytes = [0; 64];
        match rustix::io::read(&stdin, &mut bytes) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            // The terminal is gone.
            Ok(0) | Err(_) => return,
            Ok(count) => {
                let keys = bytes[..count].iter().filter_map(|byte| meaning(*byte));
                for key in keys {
                    if pressed.send(key).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn meaning(byte: u8) -> Option<Key> {
    match byte {
        b' ' => Some(Key::Browse),
        b's' | b'S' => Some(Key::Stream),
        _ => None,
    }
}
