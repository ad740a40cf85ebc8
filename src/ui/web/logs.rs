//! Where the page's log lines come from.

use futures_util::future::BoxFuture;

use crate::engine::logs::{Checkpoint, Logs, Page, json};
use crate::model::tree::Tree;

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
#[error("{0}")]
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
        LogPage {
            list: json::log_list(&Page::default()),
            to: at,
        }
    }
}

impl LogFeed for Logs {
    fn end(&self) -> u64 {
        Logs::end(self).0
    }

    fn back(&self, bytes: u64) -> u64 {
        Logs::back(self, bytes).0
    }

    fn read(&self, from: u64, at_most: usize) -> Result<LogPage, LogsUnreadable> {
        let read = |from, at_most| Logs::read(self, from, at_most).map_err(|error| LogsUnreadable(error.to_string()));
        let mut page = read(Checkpoint(from), at_most)?;
        let mut taken = length(&page);
        // A page ends where a file does.
        while taken < at_most && page.to < Logs::end(self) {
            let more = read(page.to, at_most - taken)?;
            if more.segments.is_empty() {
                break;
            }
            taken += length(&more);
            page.to = more.to;
            page.segments.extend(more.segments);
        }
        Ok(LogPage {
            list: json::log_list(&page),
            to: page.to.0,
        })
    }

    fn beyond(&self, place: u64) -> BoxFuture<'static, ()> {
        let mut end = self.changes();
        Box::pin(async move {
            if end.wait_for(|end| end.0 > place).await.is_err() {
                std::future::pending().await
            }
        })
    }
}

fn length(page: &Page) -> usize {
    page.segments.iter().map(|segment| segment.text.len().max(1)).sum()
}
