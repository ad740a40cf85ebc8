//! The websocket: the whole view first, then what changed, at most once in a while. Each client has a task of its own, which
//! remembers what its client was shown last, so one that is slow misses nothing and holds up nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::same;
use super::guard::text;
use super::logs::{LogFeed, LogPage, LogsUnreadable};
use super::{Site, view};
use crate::engine::handle::Snapshot;
use crate::engine::state::State;
use crate::model::yaml::json;

/// A client gets at most one message in this time; the first after a pause does not wait.
pub const PACE: Duration = Duration::from_millis(50);
/// How much log there is in a first message; upstream keeps between this and twice as much.
pub const MOST_LOG_BYTES: usize = 10 << 20;
/// How much log there is in each later message.
const LOG_BYTES: usize = 1 << 20;
/// Clients have nothing to say that is longer.
const MOST_HEARD: usize = 64 << 10;
const PING_EVERY: Duration = Duration::from_secs(15);
/// A client that was silent or took nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(45);
const FAREWELL: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub struct Wish {
    #[serde(default)]
    csrf: String,
    /// How much log the first message should have: `tilt logs` wants all, a page less.
    log_bytes: Option<usize>,
}

pub async fn open(Shared(site): Shared<Arc<Site>>, Query(wish): Query<Wish>, upgrade: WebSocketUpgrade) -> Response {
    if !same(&site.csrf, &wish.csrf) {
        return text(StatusCode::FORBIDDEN, "invalid websocket token");
    }
    let log_bytes = wish.log_bytes.unwrap_or(MOST_LOG_BYTES).min(MOST_LOG_BYTES);
    let tasks = site.tasks.clone();
    upgrade
        .max_message_size(MOST_HEARD)
        .max_frame_size(MOST_HEARD)
        .on_upgrade(move |mut socket| {
            tasks.track_future(async move {
                let ending = follow(&site, &mut socket, log_bytes).await;
                farewell(&mut socket, ending).await;
            })
        })
}

/// The other end, as far as following needs it: a seam, so that pace can be tested on a clock of its own.
pub trait Peer {
    async fn tell(&mut self, message: String) -> Result<(), Gone>;
    async fn ping(&mut self) -> Result<(), Gone>;
    /// Something came, whatever it is.
    async fn heard(&mut self) -> Result<(), Gone>;
}

/// The client is not there any more.
#[derive(Debug)]
pub struct Gone;

impl Peer for WebSocket {
    async fn tell(&mut self, message: String) -> Result<(), Gone> {
        self.send(Message::text(message)).await.map_err(|_| Gone)
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.send(Message::Ping(Default::default())).await.map_err(|_| Gone)
    }

    async fn heard(&mut self) -> Result<(), Gone> {
        match self.recv().await {
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Gone),
            Some(Ok(_)) => Ok(()),
        }
    }
}

/// Why following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We are going, and the client is told so.
    Stopped,
    ClientGone,
    LogsUnreadable,
}

async fn farewell(socket: &mut WebSocket, ending: Ending) {
    let (code, reason) = match ending {
        Ending::ClientGone => return,
        Ending::Stopped => (1001, "tilt is shutting down"),
        Ending::LogsUnreadable => (1011, "logs cannot be read"),
    };
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let goodbye = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            // The client answers; then it is over on both sides.
            while socket.heard().await.is_ok() {}
        }
    };
    let _ = timeout(FAREWELL, goodbye).await;
}

/// Shows the client everything that happens until one of us goes.
pub async fn follow(site: &Site, peer: &mut impl Peer, log_bytes: usize) -> Ending {
    let mut follower = match Follower::begin(site, peer, log_bytes).await {
        Ok(follower) => follower,
        Err(ending) => return ending,
    };
    loop {
        let event = follower.event(peer).await;
        if let Err(ending) = follower.take(event, peer).await {
            return ending;
        }
    }
}

struct Follower<'a> {
    site: &'a Site,
    changes: watch::Receiver<Snapshot>,
    shown: Snapshot,
    log: u64,
    told: Instant,
    heard: Instant,
    pinged: Instant,
    /// Something may be new.
    is_due: bool,
    /// The engine has ended.
    is_last: bool,
}

enum Event {
    Changed,
    EngineEnded,
    Due,
    Heard,
    ClientGone,
    Quiet,
    Stop,
}

impl<'a> Follower<'a> {
    async fn begin(site: &'a Site, peer: &mut impl Peer, log_bytes: usize) -> Result<Follower<'a>, Ending> {
        let mut changes = site.handle.changes();
        changes.mark_unchanged();
        let (view, shown, log) = whole(site, log_bytes).await.map_err(|_| Ending::LogsUnreadable)?;
        tell(site, peer, view).await?;
        let now = Instant::now();
        Ok(Follower {
            site,
            changes,
            shown,
            log,
            told: now,
            heard: now,
            pinged: now,
            is_due: false,
            is_last: false,
        })
    }

    async fn event(&mut self, peer: &mut impl Peer) -> Event {
        let (due, ping) = (self.told + PACE, self.heard.max(self.pinged) + PING_EVERY);
        let logs = &self.site.logs;
        tokio::select! {
            biased;
            () = self.site.stop.cancelled() => Event::Stop,
            heard = peer.heard() => if heard.is_ok() { Event::Heard } else { Event::ClientGone },
            () = sleep_until(due), if self.is_due => Event::Due,
            changed = self.changes.changed(), if !self.is_due => match changed {
                Ok(()) => Event::Changed,
                Err(_) => Event::EngineEnded,
            },
            () = logs.beyond(self.log), if !self.is_due => Event::Changed,
            () = sleep_until(ping) => Event::Quiet,
        }
    }

    async fn take(&mut self, event: Event, peer: &mut impl Peer) -> Result<(), Ending> {
        match event {
            Event::Changed => self.is_due = true,
            // What came last is still told.
            Event::EngineEnded => (self.is_due, self.is_last) = (true, true),
            Event::Due => self.show(peer).await?,
            Event::Heard => self.heard = Instant::now(),
            Event::Quiet if self.heard.elapsed() >= PATIENCE => return Err(Ending::ClientGone),
            Event::Quiet => {
                self.pinged = Instant::now();
                in_time(self.site, peer.ping()).await?;
            }
            Event::ClientGone => return Err(Ending::ClientGone),
            Event::Stop => return Err(Ending::Stopped),
        }
        Ok(())
    }

    /// Tells everything that is new by now, if anything is.
    async fn show(&mut self, peer: &mut impl Peer) -> Result<(), Ending> {
        self.is_due = false;
        let now = Arc::clone(&self.changes.borrow_and_update());
        let page = read(&self.site.logs, self.log, LOG_BYTES)
            .await
            .map_err(|_| Ending::LogsUnreadable)?;
        let objects = self.site.deltas.between(&self.shown, &now);
        let is_new = objects.is_some() || page.to != self.log;
        let members = objects.unwrap_or_else(|| view::only_start(&now).into());
        (self.shown, self.log) = (now, page.to);
        if is_new {
            // Counted from before it went out: who takes long to take it in has waited already.
            self.told = Instant::now();
            tell(self.site, peer, view::message(&members, &json::compact(&page.list))).await?;
        }
        if self.is_last && self.log >= self.site.logs.end() {
            return Err(Ending::Stopped);
        }
        self.is_due = self.is_last;
        Ok(())
    }
}

async fn tell(site: &Site, peer: &mut impl Peer, message: String) -> Result<(), Ending> {
    in_time(site, peer.tell(message)).await
}

/// A client that does not read cannot keep us from stopping, nor a message for ever.
async fn in_time(site: &Site, told: impl Future<Output = Result<(), Gone>>) -> Result<(), Ending> {
    tokio::select! {
        told = timeout(PATIENCE, told) => match told {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Gone)) | Err(_) => Err(Ending::ClientGone),
        },
        () = site.stop.cancelled() => Err(Ending::ClientGone),
    }
}

/// The whole view as JSON, and what it shows.
pub async fn whole(site: &Site, log_bytes: usize) -> Result<(String, Snapshot, u64), LogsUnreadable> {
    let from = site.logs.back(log_bytes as u64);
    let page = read(&site.logs, from, log_bytes).await?;
    let snapshot = site.handle.snapshot();
    let members = view::members(view::complete(&snapshot));
    Ok((view::message(&members, &json::compact(&page.list)), snapshot, page.to))
}

/// Logs are on disk, so they are read where that holds up nobody.
async fn read(logs: &Arc<dyn LogFeed>, from: u64, at_most: usize) -> Result<LogPage, LogsUnreadable> {
    if logs.end() <= from {
        return Ok(LogPage::nothing(from));
    }
    let logs = Arc::clone(logs);
    let read = tokio::task::spawn_blocking(move || logs.read(from, at_most));
    read.await
        .unwrap_or_else(|error| Err(LogsUnreadable(error.to_string())))
}

/// The latest change as JSON: pages that keep up all need the same one.
#[derive(Debug, Default)]
pub struct Deltas(Mutex<Option<Delta>>);

#[derive(Debug)]
struct Delta {
    from: u64,
    to: u64,
    members: Option<Arc<str>>,
}

impl Deltas {
    fn between(&self, old: &State, new: &State) -> Option<Arc<str>> {
        let (from, to) = (old.table.version(), new.table.version());
        if from == to {
            return None;
        }
        // Held while it is made, so that the others get it instead of making it too.
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(delta) = latest.as_ref().filter(|delta| (delta.from, delta.to) == (from, to)) {
            return delta.members.clone();
        }
        let members = view::delta(old, new).map(|view| Arc::from(view::members(view)));
        *latest = Some(Delta {
            from,
            to,
            members: members.clone(),
        });
        members
    }
}
