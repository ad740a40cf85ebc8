//! The log store as the web port reads it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::engine::logs::{Checkpoint, Logs};
use crate::ui::web::{LogFeed, LogPage, LogsUnreadable};

pub struct Feed(pub Logs);

impl LogFeed for Feed {
    fn end(&self) -> u64 {
        self.0.changes().borrow().0
    }

    fn back(&self, bytes: u64) -> u64 {
        self.0.back(bytes).0
    }

    fn read(&self, from: u64, at_most: usize) -> Result<LogPage, LogsUnreadable> {
        let page = self.0.read(Checkpoint(from), at_most);
        let page = page.map_err(|error| LogsUnreadable(error.to_string()))?;
        Ok(LogPage {
            to: page.to.0,
            list: crate::engine::logs::json::log_list(&page),
        })
    }

    fn beyond(&self, place: u64) -> BoxFuture<'static, ()> {
        let mut changes = self.0.changes();
        let wait = async move {
            // A store that has ended has nothing more to tell.
            if changes.wait_for(|end| end.0 > place).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        wait.boxed()
    }
}
