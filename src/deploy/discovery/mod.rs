//! Which pods there are of what was deployed, and what the cluster tells of it, as it happens.
//!
//! One task keeps the books of all who want to know, so that an owner is asked for once and a pod is looked at once.
//! Whoever is slow to listen hears of the latest pods only, and of events that were left out how many they were.

mod following;
mod ledger;
mod mailbox;

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::model::deployed::Wanted;
use crate::model::pod::Pod;
use crate::model::time::Time;
use crate::world::cluster::Cluster;
use crate::world::cluster::watch::Watches;
use ledger::{Command, Ledger};
use mailbox::Mailbox;

/// All that is followed in a cluster.
pub struct Discoveries {
    watches: Watches,
    commands: UnboundedSender<Command>,
    _keeping: AbortOnDropHandle<()>,
}

/// What is followed for one resource, until it is dropped.
pub struct Follow {
    id: u64,
    mailbox: Arc<Mailbox>,
    commands: UnboundedSender<Command>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// From here on everything is known.
    Started,
    /// All of them, oldest first.
    Pods(Vec<Arc<Pod>>),
    Event(EventLine),
    /// So many events were left out here, because nobody listened.
    Dropped(usize),
    /// The cluster cannot be heard for now.
    Failed(String),
    Recovered,
    /// We may not watch, so that news come seconds later.
    Slow(String),
}

/// Something that the cluster tells of an object, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    pub text: String,
    pub is_warning: bool,
    pub reason: Box<str>,
    /// The pod that it is about; empty if it is about something else.
    pub pod: Box<str>,
}

impl Discoveries {
    pub fn new(cluster: Cluster) -> Discoveries {
        Discoveries::over(Watches::new(cluster))
    }

    pub fn over(watches: Watches) -> Discoveries {
        let (commands, orders) = unbounded_channel();
        let keeping = TaskTracker::new().spawn(Ledger::new(watches.clone()).keep(orders));
        Discoveries {
            watches,
            commands,
            _keeping: AbortOnDropHandle::new(keeping),
        }
    }

    /// The watches below, for those who want to know of a single pod.
    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Events from before `since` are old news.
    pub fn follow(&self, wanted: Wanted, since: Time) -> Follow {
        self.follow_after(None, wanted, since)
    }

    /// In place of another one: what that one was told is old news as well.
    pub fn follow_after(&self, before: Option<&Follow>, wanted: Wanted, since: Time) -> Follow {
        let mailbox = Arc::new(Mailbox::default());
        let id = mailbox::next_id();
        let order = Command::Follow {
            id,
            after: before.map(|before| before.id),
            wanted,
            since,
            mailbox: mailbox.clone(),
        };
        // Whoever keeps the books goes only after us.
        drop(self.commands.send(order));
        Follow {
            id,
            mailbox,
            commands: self.commands.clone(),
        }
    }
}

impl Follow {
    /// Waits for something new. Safe to be cancelled.
    pub async fn next(&self) -> News {
        self.mailbox.take().await
    }

    /// Something else was deployed, or more of it. Watches that are still needed go on.
    pub fn change(&self, wanted: Wanted) {
        drop(self.commands.send(Command::Change { id: self.id, wanted }));
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        drop(self.commands.send(Command::Stop { id: self.id }));
    }
}
