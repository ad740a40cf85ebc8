//! The one way out: whole frames, however many threads have something to say.

use crate::wire::{FromAgent, Word};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Above this it is sent without waiting for more.
const ENOUGH: usize = 256 * 1024;

#[derive(Clone)]
pub struct Voice(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    unsent: Vec<u8>,
    is_deaf: bool,
}

impl Voice {
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            out,
            unsent: Vec::new(),
            is_deaf: false,
        })))
    }

    /// Says it at once.
    pub fn say(&self, word: &FromAgent) {
        let mut inner = self.lock();
        inner.add(word);
        inner.send();
    }

    /// Says it where that is still true when its turn has come.
    pub fn say_if(&self, word: &FromAgent, is_true: impl FnOnce() -> bool) -> bool {
        let mut inner = self.lock();
        let is_true = is_true();
        if is_true {
            inner.add(word);
            inner.send();
        }
        is_true
    }

    /// Says it with whatever comes next.
    pub fn add(&self, word: &FromAgent) {
        let mut inner = self.lock();
        inner.add(word);
        if inner.unsent.len() > ENOUGH {
            inner.send();
        }
    }

    pub fn flush(&self) {
        self.lock().send();
    }

    /// Whether nobody listens any more.
    pub fn is_deaf(&self) -> bool {
        self.lock().is_deaf
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, word: &FromAgent) {
        if let Err(error) = word.encode(&mut self.unsent) {
            eprintln!("tilt-agent: an answer could not be said: {error}");
        }
    }

    fn send(&mut self) {
        if !self.unsent.is_empty() && !self.is_deaf {
            self.is_deaf = self
                .out
                .write_all(&self.unsent)
                .and_then(|()| self.out.flush())
                .is_err();
        }
        self.unsent.clear();
    }
}
