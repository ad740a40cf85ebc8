//! What one follower was not told yet: bounded, whatever happens in the cluster.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::{EventLine, News};
use crate::model::pod::Pod;

const MOST_EVENTS: usize = 500;

pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[derive(Default)]
pub struct Mailbox {
    // Held to put in or to take out one thing, never across an await: neither side ever waits for the other.
    unread: Mutex<Unread>,
    bell: Notify,
}

#[derive(Default)]
struct Unread {
    /// Beginnings, failures and recoveries, in order.
    states: VecDeque<News>,
    pods: Option<Vec<Arc<Pod>>>,
    events: VecDeque<EventLine>,
    dropped: usize,
}

impl Mailbox {
    pub fn state(&self, news: News) {
        self.with(|unread| {
            // Who did not hear of the failure needs no recovery, but one of each at most is kept.
            unread
                .states
                .retain(|known| std::mem::discriminant(known) != std::mem::discriminant(&news));
            unread.states.push_back(news);
        });
    }

    pub fn pods(&self, pods: Vec<Arc<Pod>>) {
        self.with(|unread| unread.pods = Some(pods));
    }

    pub fn event(&self, line: EventLine) {
        self.with(
            |unread| match unread.events.len() < MOST_EVENTS && unread.dropped == 0 {
                true => unread.events.push_back(line),
                false => unread.dropped += 1,
            },
        );
    }

    fn with(&self, change: impl FnOnce(&mut Unread)) {
        change(&mut self.unread.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        self.bell.notify_one();
    }

    pub async fn take(&self) -> News {
        loop {
            let bell = self.bell.notified();
            if let Some(news) = self.take_now() {
                return news;
            }
            bell.await;
        }
    }

    fn take_now(&self) -> Option<News> {
        let mut unread = self.unread.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(state) = unread.states.pop_front() {
            return Some(state);
        }
        if let Some(pods) = unread.pods.take() {
            return Some(News::Pods(pods));
        }
        if let Some(line) = unread.events.pop_front() {
            return Some(News::Event(line));
        }
        match std::mem::take(&mut unread.dropped) {
            0 => None,
            dropped => Some(News::Dropped(dropped)),
        }
    }
}
