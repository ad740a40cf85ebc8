//! Watching files: whoever keeps a watch hears which of its paths differ from what they were when it last heard.
//!
//! One thread watches for everybody. It knows the tree as it was last reported, so it can tell a change from noise and
//! find what happened while the kernel's events were lost. What every watch ignores is neither listed nor watched. A
//! watched path need not exist. Links on the way to it are followed, links below it are not.
//!
//! Paths in changes are spelled as the watch spells its own. A folder is a changed path when it appears, vanishes or gets
//! another mode. A file that is written by one of its names is changed by all of them that are watched.

mod backlog;
mod entry;
mod files;
mod inbox;
mod interest;
mod kernel;
mod locks;
mod mounts;
mod route;
mod service;
mod tree;
mod writers;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;

use crate::model::filter::{Filter, Ignore, PatternError};
use crate::model::path;
pub use crate::world::coalesce::Settle;

use inbox::{Inbox, Order};
use service::Service;

/// What somebody wants to hear about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchSpec {
    /// Absolute paths of files or folders, which need not exist.
    pub paths: Vec<PathBuf>,
    pub ignores: Vec<Ignore>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// From now on nothing is missed.
    Started {
        name: String,
    },
    Changed {
        /// By the name of the watch; paths are in order.
        changes: Vec<(String, Vec<PathBuf>)>,
        cause: Cause,
    },
    /// Something of the watch cannot be watched. It is tried again, and then compared with what was known.
    Failed {
        name: String,
        error: String,
    },
    Recovered {
        name: String,
    },
    /// Events were lost; everything is compared with what was known.
    Overflowed {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Events,
    Rescan { why: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WatchError {
    #[error(
        "can't watch `{}`: the limit of watched folders is reached; raise it with `sudo sysctl fs.inotify.max_user_watches=1048576`, or ignore folders that need no watching",
        path.display()
    )]
    Watches { path: PathBuf },
    #[error(
        "can't watch files: the limit of programs that do, or of open files, is reached; raise it with `sudo sysctl fs.inotify.max_user_instances=1024` or `ulimit -n`"
    )]
    Instances,
    #[error("can't watch `{}`: {reason}", path.display())]
    Folder { path: PathBuf, reason: String },
    #[error("can't watch files: {reason}")]
    Queue { reason: String },
    #[error("can't start the thread that watches files: {reason}")]
    Thread { reason: String },
}

/// Dropping it ends its thread.
#[derive(Debug)]
pub struct Watcher {
    inbox: Arc<Inbox>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts without any watch. Where the kernel refuses its queue, watches fail and are tried again.
    pub fn start(settle: Settle, events: UnboundedSender<WatchEvent>) -> Result<Watcher, WatchError> {
        let inbox = Arc::new(Inbox::default());
        Watcher::run(Service::new(Arc::clone(&inbox), settle, events), inbox)
    }

    fn run(service: Service, inbox: Arc<Inbox>) -> Result<Watcher, WatchError> {
        let thread = std::thread::Builder::new().name("files".to_owned());
        let thread = thread
            .spawn(move || service.run())
            .map_err(|source| WatchError::Thread {
                reason: crate::world::files::reason(&source),
            })?;
        Ok(Watcher {
            inbox,
            thread: Some(thread),
        })
    }

    /// Starts a watch or replaces the one of that name. An equal one changes nothing. Malformed patterns are refused,
    /// and change nothing either.
    pub fn keep(&self, name: &str, spec: WatchSpec) -> Result<(), PatternError> {
        Filter::new(&spec.ignores)?;
        let paths = spec.paths.iter().map(path::clean).collect();
        let spec = WatchSpec { paths, ..spec };
        self.inbox.order(Order::Keep(name.to_owned(), spec));
        Ok(())
    }

    pub fn release(&self, name: &str) {
        self.inbox.order(Order::Release(name.to_owned()));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.inbox.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; here there is nobody left to tell.
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
