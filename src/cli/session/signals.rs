//! Signals: the first one asks everything to end, the next one, or too long a wait, ends it.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::engine::action::{Action, StopReason};
use crate::engine::handle::Handle;

/// What everything has to end by itself.
pub const PATIENCE: Duration = Duration::from_secs(2);

pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one, and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "terminated",
            _ = self.hang_up.recv() => "the terminal is gone",
        }
    }

    /// Passes the first signal on, and cancels `kill` at the second. Never ends by itself.
    pub async fn watch(mut self, handle: Handle, kill: CancellationToken) {
        let reason = self.next().await;
        handle.tell(Action::Stop {
            reason: StopReason::Signal(reason),
        });
        self.next().await;
        kill.cancel();
        std::future::pending().await
    }
}
