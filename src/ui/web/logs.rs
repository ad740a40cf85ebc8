//! Where the page's log lines come from.

use futures_util::future::BoxFuture;

use crate::model::tree::{Map, Tree};

/// Log lines, as the web port reads them. Places between lines are counted from the start of the session.
pub trait LogFeed: Send + Sync + 'static {
    /// Up to where there is something to read.
    fn end(&self) -> u64;

    /// From where about so many bytes can be read.
    fn back(&self, bytes: u64) -> u64;

    /// What stands from a place on, about as many bytes as asked for; more than nothing if there is anything. May block.
    fn read(&self, from: u64, at_most: usize) -> Result<LogPage, LogsUnreadable>;

    /// Ends once there is something to read behind a place; never, if nothing more comes.
    fn beyond(&self, place: u64) -> BoxFuture<'static, ()>;
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("logs cannot be read: {0}")]
pub struct LogsUnreadable(pub String);

/// Some log lines.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// The view's `logList`: `spans`, `segments`, `fromCheckpoint` and `toCheckpoint`.
    pub list: Tree,
    /// Where to go on.
    pub to: u64,
}

impl LogPage {
    /// Nothing new, in the words of the view.
    pub fn nothing(at: u64) -> LogPage {
        let mut list = Map::new();
        list.push("fromCheckpoint", Tree::Int(-1));
        list.push("toCheckpoint", Tree::Int(-1));
        LogPage {
            list: Tree::Map(list),
            to: at,
        }
    }
}
