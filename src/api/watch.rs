//! Watches: what is there, then every change, as long as the client listens.
//!
//! A watch holds a receiver and a version, nothing else; it looks at the newest snapshot when there is one. Who is slow is
//! told of the changes in between from the table's memory, and of their loss if they are forgotten.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::accept::Format;
use crate::api::context::{Context, Present};
use crate::api::encode::{self, Columns, Form, Mark};
use crate::api::params::Scope;
use crate::api::reply;
use crate::api::selector::Selection;
use crate::api::status::Failure;
use crate::engine::handle::Snapshot;
use crate::model::object::{Change, Event, Expired, Kind, Table};
use crate::model::tree::Tree;
use crate::model::yaml::json;

/// How often a client that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);

pub fn start(
    context: &Context,
    kind: &'static Kind,
    scope: Scope,
    form: Form,
    format: Format,
) -> Result<Response<Body>, Failure> {
    if format == Format::Yaml {
        return Err(Failure::not_acceptable("application/json"));
    }
    let watch = Watch::new(context, kind, scope, form);
    let chunks = stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(chunk), watch))
    });
    Ok(reply::whole(200, "application/json", Body::from_stream(chunks)))
}

struct Watch {
    kind: &'static Kind,
    selection: Selection,
    form: Form,
    columns: Columns,
    changes: watch::Receiver<Snapshot>,
    stopping: CancellationToken,
    /// Up to which version everything was told.
    told: Told,
    bookmarks: bool,
    ends: Option<Instant>,
    next_bookmark: Instant,
    context: Context,
    _present: Present,
}

/// How far a watch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing {
        mark_end: bool,
    },
    Until(u64),
    /// The client knows that it has to start over.
    Lost,
}

impl Watch {
    fn new(context: &Context, kind: &'static Kind, scope: Scope, form: Form) -> Watch {
        let starts_over = scope.initial.unwrap_or(matches!(scope.version, None | Some(0)));
        let told = match scope.version {
            Some(version) if !starts_over => Told::Until(version),
            // Without a version, and without the objects that there are: from now on.
            None if !starts_over => Told::Until(context.snapshot().table.version()),
            _ => Told::Nothing {
                mark_end: scope.initial == Some(true) && scope.bookmarks,
            },
        };
        let now = Instant::now();
        Watch {
            kind,
            selection: scope.selection,
            form,
            columns: Columns::Shown,
            changes: context.handle.changes(),
            stopping: context.stopping.clone(),
            told,
            bookmarks: scope.bookmarks,
            ends: scope.timeout.map(|timeout| now + timeout),
            next_bookmark: now + BOOKMARK_EVERY,
            context: context.clone(),
            _present: Present::new(&context.counters, |counters| &counters.watches),
        }
    }

    /// The next lines; nothing once the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        while self.told != Told::Lost {
            let snapshot = self.changes.borrow_and_update().clone();
            let lines = self.tell(&snapshot.table);
            // A waiting watch must not keep a whole state alive.
            drop(snapshot);
            if !lines.is_empty() {
                return Some(Bytes::from(lines));
            }
            if let Some(lines) = self.wait().await? {
                return Some(lines);
            }
        }
        None
    }

    /// Waits for a snapshot. Nothing at all if the watch is over; a bookmark if it was time for one.
    async fn wait(&mut self) -> Option<Option<Bytes>> {
        let ends = self.ends;
        let end = async move {
            match ends {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let (due, bookmarks) = (self.next_bookmark, self.bookmarks);
        let bookmark = async move {
            match bookmarks {
                true => tokio::time::sleep_until(due).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stopping.cancelled() => None,
            () = end => None,
            changed = self.changes.changed() => changed.ok().map(|()| None),
            () = bookmark => {
                self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                Some(self.mark().map(Bytes::from))
            }
        }
    }

    fn mark(&self) -> Option<String> {
        let Told::Until(version) = self.told else {
            return None;
        };
        Some(line(&encode::bookmark(self.kind, version, Mark::Version, self.form)))
    }

    fn tell(&mut self, table: &Table) -> String {
        match self.told {
            Told::Nothing { mark_end } => self.tell_all(table, mark_end),
            Told::Until(version) if version < table.version() => match table.events_since(version) {
                Ok(events) => self.tell_events(events, table.version()),
                Err(expired) => self.give_up(expired),
            },
            Told::Until(_) | Told::Lost => String::new(),
        }
    }

    fn tell_all(&mut self, table: &Table, mark_end: bool) -> String {
        let mut lines = String::new();
        for object in table.list(self.kind).filter(|object| self.selection.matches(object)) {
            lines.push_str(&line(&encode::event(Change::Added, object, self.form, self.columns)));
            self.columns = Columns::Known;
        }
        self.told = Told::Until(table.version());
        if mark_end {
            let mark = encode::bookmark(self.kind, table.version(), Mark::InitialEnd, self.form);
            lines.push_str(&line(&mark));
        }
        lines
    }

    fn tell_events<'a>(&mut self, events: impl Iterator<Item = &'a Event>, until: u64) -> String {
        let mut lines = String::new();
        let mut count = 0;
        for event in events.filter(|event| std::ptr::eq(event.object.kind, self.kind)) {
            if let Some(change) = seen(&self.selection, event) {
                lines.push_str(&line(&encode::event(change, &event.object, self.form, self.columns)));
                self.columns = Columns::Known;
                count += 1;
            }
        }
        self.told = Told::Until(until);
        let told = &self.context.counters.events;
        told.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        lines
    }

    fn give_up(&mut self, expired: Expired) -> String {
        self.told = Told::Lost;
        let failure = Failure::expired(expired.asked, expired.oldest);
        line(&encode::watch_event("ERROR", failure.to_tree()))
    }
}

/// What a change is to somebody who sees only what was selected.
fn seen(selection: &Selection, event: &Event) -> Option<Change> {
    let was = event.before.as_ref().is_some_and(|before| selection.matches(before));
    let is = event.change != Change::Deleted && selection.matches(&event.object);
    match (was, is) {
        (false, true) => Some(Change::Added),
        (true, true) => Some(Change::Modified),
        (true, false) => Some(Change::Deleted),
        (false, false) => None,
    }
}

fn line(event: &Tree) -> String {
    let mut text = json::compact(event);
    text.push('\n');
    text
}
