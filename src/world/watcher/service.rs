//! The thread that watches: it waits, lets bursts settle, looks at what they named and tells who wants to know.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::files::Files;
use super::inbox::{Inbox, Mail, Order, Touch, Until};
use super::interest::Turn;
use super::mounts::{Bell, Mounts};
use super::writers::Writers;
use super::{Cause, WatchEvent};
use crate::world::clock::{self, Duration, Instant};
use crate::world::coalesce::{self, Burst, Decision, Settle};

/// How long to wait before what failed is tried again; doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(5 * 60);
/// How many steps of learning a start waits for: small projects are known in full from the first moment.
const LEARN_FIRST: usize = 16;
/// Later, content is learned only when events of files that were young when they were seen have come for sure.
const LEARN_AFTER: Duration = Duration::from_millis(100);

pub struct Service {
    inbox: Arc<Inbox>,
    events: UnboundedSender<WatchEvent>,
    settle: Settle,
    files: Files,
    pending: HashMap<PathBuf, Touch>,
    writers: Writers,
    burst: Option<Burst>,
    /// Why everything is to be looked at.
    lost: Option<String>,
    look_at: Option<Instant>,
    retry: Option<(Instant, Duration)>,
    learn_at: Option<Instant>,
    mounts: Mounts,
    _bell: Option<Bell>,
}

impl Service {
    pub fn new(inbox: Arc<Inbox>, settle: Settle, events: UnboundedSender<WatchEvent>) -> Service {
        Service {
            files: Files::new(Arc::clone(&inbox)),
            _bell: Bell::hang(Arc::clone(&inbox)),
            mounts: Mounts::now(),
            inbox,
            events,
            settle,
            pending: HashMap::new(),
            writers: Writers::default(),
            burst: None,
            lost: None,
            look_at: None,
            retry: None,
            learn_at: None,
        }
    }

    /// Until the handle is dropped, or nobody listens any more.
    pub fn run(mut self) {
        loop {
            let mail = self.wait();
            if mail.is_closed || self.events.is_closed() {
                return;
            }
            self.obey(mail.orders);
            self.note(mail.noted, mail.span);
            self.lost = self.lost.take().or(mail.lost);
            if mail.is_remounted {
                self.check_mounts();
            }
            self.rescan_lost();
            self.act_if_settled();
            self.retry_if_due();
            self.learn_if_idle();
        }
    }

    fn wait(&self) -> Mail {
        if self.burst.is_some() {
            return self.inbox.take(Until::Order, self.look_at);
        }
        let retry = self.retry.map(|(at, _)| at);
        let next = retry.into_iter().chain(self.learn_at).min();
        self.inbox.take(Until::Anything, next)
    }

    fn obey(&mut self, orders: Vec<Order>) {
        let mut is_changed = false;
        for order in orders {
            is_changed |= match order {
                Order::Keep(name, spec) => self.files.interest.keep(name, spec),
                Order::Release(name) => self.files.interest.release(&name),
            };
        }
        if !is_changed {
            return;
        }
        self.files.adapt();
        for _ in 0..LEARN_FIRST {
            self.files.learn_some();
        }
        for name in self.files.interest.newly_started() {
            self.tell(WatchEvent::Started { name });
        }
        self.tell_turns();
        if self.files.has_to_learn() {
            self.learn_at = Some(clock::now() + LEARN_AFTER);
        }
    }

    fn note(&mut self, noted: HashMap<PathBuf, Touch>, span: Option<(Instant, Instant)>) {
        let Some((first, last)) = span else {
            return;
        };
        let before = self.pending.len();
        let mut is_news = false;
        for (path, touch) in noted {
            if !self.files.concerns(&path, touch) {
                continue;
            }
            is_news = true;
            self.writers.note(&path, touch.written);
            self.pending.entry(path).or_default().then(touch);
        }
        if is_news {
            let burst = self.burst.get_or_insert_with(|| Burst::new(first));
            burst.last = last;
            burst.paths += self.pending.len() - before;
        }
    }

    fn act_if_settled(&mut self) {
        let Some(burst) = self.burst else {
            return;
        };
        let (files, pending) = (&self.files, &self.pending);
        let lock = || files.repositories.lock(pending.keys());
        let now = clock::now();
        let size = |path: &Path| path.symlink_metadata().map_or(0, |file| file.len());
        let written = match self.writers.is_anybody_there() {
            true => coalesce::Files::Open {
                grown: self.writers.grown(now, size),
            },
            false => coalesce::Files::Closed,
        };
        match burst.decide(&self.settle, now, (written, lock)) {
            Decision::Wait(until) => self.look_at = Some(until),
            Decision::Act => {
                self.burst = None;
                self.writers.give_up();
                let pending = std::mem::take(&mut self.pending);
                let changed = self.files.look(pending);
                self.tell_changes(&changed, Cause::Events);
                self.tell_turns();
            }
        }
    }

    fn check_mounts(&mut self) {
        let before = std::mem::replace(&mut self.mounts, Mounts::now());
        let is_ours = before
            .differing(&self.mounts)
            .any(|place| self.files.interest.is_near(place));
        if is_ours {
            self.rescan("something was mounted or unmounted".to_owned());
        }
    }

    /// What is pending is part of what is looked at.
    fn rescan_lost(&mut self) {
        let Some(why) = self.lost.take() else {
            return;
        };
        self.tell(WatchEvent::Overflowed { why: why.clone() });
        self.rescan(why);
    }

    fn rescan(&mut self, why: String) {
        self.burst = None;
        // Their ends may be among what was lost.
        self.writers = Writers::default();
        let pending = std::mem::take(&mut self.pending);
        let mut changed = self.files.rescan();
        changed.extend(self.files.look(pending));
        self.tell_changes(&changed, Cause::Rescan { why });
        self.tell_turns();
    }

    fn retry_if_due(&mut self) {
        let Some((at, delay)) = self.retry else {
            return;
        };
        if clock::now() < at || self.burst.is_some() {
            return;
        }
        self.retry = Some((at, (delay * 2).min(LONGEST_RETRY)));
        self.rescan("what could not be watched is tried again".to_owned());
        self.retry = self.retry.map(|(_, delay)| (clock::now() + delay, delay));
    }

    fn learn_if_idle(&mut self) {
        let is_due = self.learn_at.is_some_and(|at| at <= clock::now());
        if is_due && self.burst.is_none() && !self.files.learn_some() {
            self.learn_at = None;
        }
    }

    fn tell_changes(&self, changed: &std::collections::BTreeSet<PathBuf>, cause: Cause) {
        let changes = self.files.interest.share_out(changed);
        if !changes.is_empty() {
            self.tell(WatchEvent::Changed { changes, cause });
        }
    }

    fn tell_turns(&mut self) {
        for turn in self.files.interest.turns(&self.files.faults) {
            self.tell(match turn {
                Turn::Failed(name, error) => WatchEvent::Failed { name, error },
                Turn::Recovered(name) => WatchEvent::Recovered { name },
            });
        }
        self.retry = match (self.files.faults.is_empty(), self.retry) {
            (true, _) => None,
            (false, None) => Some((clock::now() + FIRST_RETRY, FIRST_RETRY)),
            (false, retry) => retry,
        };
    }

    /// A listener that is gone ends the thread at its next turn.
    fn tell(&self, event: WatchEvent) {
        let _gone = self.events.send(event);
    }
}
