//! What waits for the watching thread: paths that events named, and orders. Events of one path are one note, so a storm
//! takes no more room than the files it is about.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::WatchSpec;
use crate::world::clock::{self, Instant};

/// What events said about a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touch {
    /// Written to: content may differ whatever the file's times say.
    pub data: bool,
    /// Made, removed or renamed: a folder may be another one now.
    pub shape: bool,
    pub written: Option<Writing>,
}

/// What the last event said about who writes a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Somebody does, and will close it.
    GoesOn,
    /// Nobody by this name.
    Ended,
}

impl Touch {
    /// Takes in what is known from a later event.
    pub fn then(&mut self, later: Touch) {
        self.data |= later.data;
        self.shape |= later.shape;
        self.written = later.written.or(self.written);
    }
}

#[derive(Debug)]
pub enum Order {
    Keep(String, WatchSpec),
    Release(String),
}

#[derive(Debug, Default)]
pub struct Mail {
    pub noted: HashMap<PathBuf, Touch>,
    /// When the first and the last of `noted` came.
    pub span: Option<(Instant, Instant)>,
    pub orders: Vec<Order>,
    /// Why events may have been lost.
    pub lost: Option<String>,
    /// Something was mounted or unmounted somewhere.
    pub is_remounted: bool,
    pub is_closed: bool,
}

/// What ends a wait early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Any event or order.
    Anything,
    /// An order. Events are gathered without waking anybody.
    Order,
}

#[derive(Debug, Default)]
struct Slot {
    mail: Mail,
    /// Whether an event should ring.
    is_idle: bool,
}

/// The mutex is held only to put something in or to take everything out.
#[derive(Debug, Default)]
pub struct Inbox {
    slot: Mutex<Slot>,
    bell: Condvar,
    /// Held by a test, the kernel's queue is not read.
    #[cfg(test)]
    pub gate: Mutex<()>,
}

impl Inbox {
    pub fn note(&self, path: PathBuf, touch: Touch) {
        let now = clock::now();
        let mut slot = self.slot();
        slot.mail.noted.entry(path).or_default().then(touch);
        let first = slot.mail.span.map_or(now, |(first, _)| first);
        slot.mail.span = Some((first, now));
        self.ring(slot);
    }

    pub fn lose(&self, why: String) {
        let mut slot = self.slot();
        slot.mail.lost.get_or_insert(why);
        self.ring(slot);
    }

    pub fn remount(&self) {
        let mut slot = self.slot();
        slot.mail.is_remounted = true;
        self.ring(slot);
    }

    pub fn order(&self, order: Order) {
        self.slot().mail.orders.push(order);
        self.bell.notify_one();
    }

    pub fn close(&self) {
        self.slot().mail.is_closed = true;
        self.bell.notify_one();
    }

    fn ring(&self, slot: MutexGuard<'_, Slot>) {
        let is_idle = slot.is_idle;
        drop(slot);
        if is_idle {
            self.bell.notify_one();
        }
    }

    /// Takes everything, after waiting for something or until the time given.
    pub fn take(&self, until: Until, deadline: Option<Instant>) -> Mail {
        let mut slot = self.slot();
        slot.is_idle = until == Until::Anything;
        while !slot.mail.ends(until) {
            let Some(deadline) = deadline else {
                slot = self.bell.wait(slot).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() {
                break;
            }
            let (back, _) = self
                .bell
                .wait_timeout(slot, left)
                .unwrap_or_else(PoisonError::into_inner);
            slot = back;
        }
        slot.is_idle = false;
        std::mem::take(&mut slot.mail)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    fn ends(&self, until: Until) -> bool {
        let is_ordered = self.is_closed || !self.orders.is_empty();
        is_ordered || (until == Until::Anything && (!self.noted.is_empty() || self.lost.is_some() || self.is_remounted))
    }
}
