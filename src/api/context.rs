//! What every request needs: the engine, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::engine::handle::{Handle, Snapshot};
use crate::engine::state::State;

/// Answers why a resource was built or waits; nothing for one that does not exist.
pub type Explain = Arc<dyn Fn(&State, &str) -> Option<String> + Send + Sync>;

#[derive(Clone)]
pub struct Context {
    pub handle: Handle,
    pub token: Arc<str>,
    /// As clients reach us: `127.0.0.1:1234`.
    pub address: Arc<str>,
    /// Of this program.
    pub version: Arc<str>,
    pub explain: Option<Explain>,
    pub counters: Arc<Counters>,
    /// Nothing new is served; watches end.
    pub stopping: CancellationToken,
}

#[derive(Debug, Default)]
pub struct Counters {
    pub requests: AtomicU64,
    pub failures: AtomicU64,
    pub writes: AtomicU64,
    pub watches: AtomicU64,
    pub connections: AtomicU64,
    pub events: AtomicU64,
}

/// Counts something that is there as long as this is.
#[derive(Debug)]
pub struct Present {
    counters: Arc<Counters>,
    of: fn(&Counters) -> &AtomicU64,
}

impl Present {
    pub fn new(counters: &Arc<Counters>, of: fn(&Counters) -> &AtomicU64) -> Present {
        of(counters).fetch_add(1, Ordering::Relaxed);
        Present {
            counters: Arc::clone(counters),
            of,
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        (self.of)(&self.counters).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Context {
    pub fn snapshot(&self) -> Snapshot {
        self.handle.snapshot()
    }

    /// Waits until snapshots hold a change that the engine has confirmed: who was told of it must find it.
    pub async fn see(&self, version: u64) {
        let mut changes = self.handle.changes();
        // An engine that has ended shows what it showed last.
        let _ = changes.wait_for(|state| state.table.version() >= version).await;
    }
}
