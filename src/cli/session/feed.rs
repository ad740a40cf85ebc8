//! The log store as the web port reads it.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::engine::logs::{Checkpoint, Logs};
use crate::ui::web::{LogFeed, LogPage, LogsUnreadable};

pub struct Feed(pub Logs);
