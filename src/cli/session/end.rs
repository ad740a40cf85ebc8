//! The end of a session: everything gets its time to end, reports are written, and the exit code says how it went.

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Plan;
use super::signals::PATIENCE;
use crate::cli::exit::Exit;
use crate::cli::{output, tiltfile_args};
use crate::engine::handle::{Handle, Snapshot};
use crate::engine::logs::Logs;
use crate::engine::perform::Performer;
use crate::engine::state::{Mode, Outcome};
use crate::engine::store;
use crate::ui::summary::save;
use crate::ui::web;
use crate::world::replace;

/// Whether everything ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    Ended,
    Killed,
}

/// What is left of the time that everything has to end, since it was asked to.
fn patience(handle: &Handle) -> Duration {
    let snapshot = handle.snapshot();
    let since = snapshot.session.ending.as_ref().map(|ending| ending.since);
    since.map_or(PATIENCE, |since| PATIENCE.saturating_sub(store::now().since(since)))
}

/// Waits for what still runs, and kills what does not end in time.
pub async fn drained(performer: Performer, handle: &Handle, kill: &CancellationToken) -> Drain {
    let close = performer.close();
    tokio::pin!(close);
    tokio::select! {
        // What was killed may have ended before we are told that it was.
        () = &mut close => return if kill.is_cancelled() { Drain::Killed } else { Drain::Ended },
        () = kill.cancelled() => {}
        () = tokio::time::sleep(patience(handle)) => kill.cancel(),
    }
    // What was killed ends at once; what cannot be killed, such as an evaluation, is left to the end of the process.
    let _ = tokio::time::timeout(PATIENCE / 4, close).await;
    Drain::Killed
}

/// Ends when updates that were asked to end have not done so in time, or somebody asked twice.
pub async fn impatient(handle: &Handle, kill: &CancellationToken) {
    let mut changes = handle.changes();
    if changes.wait_for(|state| state.session.ending.is_some()).await.is_err() {
        return std::future::pending().await;
    }
    tokio::select! {
        () = kill.cancelled() => {}
        () = tokio::time::sleep(PATIENCE) => kill.cancel(),
    }
    // Killed updates report their end, so this is only for those that cannot be killed.
    tokio::time::sleep(PATIENCE / 4).await;
}

/// Writes what was asked for, says how it went, and turns that into an exit code.
pub fn finish(plan: &Plan, snapshot: &Snapshot, logs: &Logs, drain: Drain) -> Result<(), Exit> {
    save::save(snapshot, store::now(), logs, &plan.reports).map_err(Exit::error)?;
    if let Some(path) = &plan.snapshot {
        write_snapshot(path, snapshot, logs)?;
    }
    let green = |text: &str| tiltfile_args::stdout_style().green(text);
    match &snapshot.session.outcome {
        Some(Outcome::Success) => output::result(&format!("{}\n", green("SUCCESS. All workloads are healthy."))),
        Some(Outcome::Failure(error)) => Err(Exit::error(error)),
        None if drain == Drain::Killed => Err(Exit::silent(1)),
        // Somebody ended `tilt ci` before it knew whether all was well.
        None if plan.mode == Mode::Ci => Err(Exit::error("interrupted before everything was healthy")),
        None => Ok(()),
    }
}

fn write_snapshot(path: &Path, snapshot: &Snapshot, logs: &Logs) -> Result<(), Exit> {
    let text = web::snapshot(snapshot, logs).map_err(Exit::error)?;
    replace::replace(path, text.as_bytes()).map_err(Exit::error)
}
