//! Watched files: what the watcher says becomes actions.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use crate::engine::action::{Action, Token, WatchFact};
use crate::engine::logs::{Fields, Level};
use crate::engine::perform::Context;
use crate::engine::perform::cookie::{self, Cookies};
use crate::engine::state::Name;
use crate::engine::store;
use crate::model::filter::Ignore;
use crate::model::time::Time;
use crate::world::files;
use crate::world::watcher::{Cause, Settle, WatchError, WatchEvent, WatchSpec, Watcher};

/// Nothing is watched until somebody starts it.
#[derive(Default)]
pub struct Watches {
    watcher: Option<Watcher>,
    asked: Asked,
    cookies: Cookies,
}

/// When each watch was asked for, and for which paths, until it has started. A mutex, since events come on another task; it is
/// held for a look-up only.
type Asked = Arc<Mutex<HashMap<String, (Time, Vec<PathBuf>)>>>;

/// Kernels date files by a clock that ticks no oftener than this.
const TICK: i64 = 4_000;

impl Watches {
    pub fn start(&mut self, settle: Settle, context: &Context) -> Result<(), WatchError> {
        let (sender, events) = mpsc::unbounded_channel();
        let watcher = Watcher::start(settle, sender)?;
        if let Some(folder) = self.cookies.open() {
            let spec = WatchSpec {
                paths: vec![folder],
                ..WatchSpec::default()
            };
            if let Err(error) = watcher.keep(cookie::WATCH, spec) {
                self.cookies.fails(error.to_string(), context);
            }
        }
        self.watcher = Some(watcher);
        let forwarding = forward(events, Arc::clone(&self.asked), self.cookies.clone(), context.clone());
        context.tracker.spawn(forwarding);
        Ok(())
    }

    /// Answers once all that was saved before has been told.
    pub fn fence(&self, token: Token, context: &Context) {
        self.cookies.ask(token, context);
    }

    /// The events end with the watcher, and with them the task that forwards them.
    pub fn stop(&mut self) {
        self.watcher = None;
    }

    pub fn keep(&self, name: &Name, paths: Vec<PathBuf>, ignores: Vec<Ignore>, context: &Context) {
        let Some(watcher) = &self.watcher else { return };
        if let Ok(mut asked) = self.asked.lock() {
            asked.insert(name.to_string(), (store::now(), paths.clone()));
        }
        if let Err(error) = watcher.keep(name, WatchSpec { paths, ignores }) {
            context.tell(Action::Watch {
                watch: name.clone(),
                fact: WatchFact::Failed {
                    error: error.to_string(),
                },
            });
        }
    }

    pub fn release(&self, name: &str) {
        if let Some(watcher) = &self.watcher {
            watcher.release(name);
        }
    }
}

async fn forward(mut events: mpsc::UnboundedReceiver<WatchEvent>, asked: Asked, cookies: Cookies, context: Context) {
    let note = |text: &str| {
        let log = context.logs.span("filewatch", "");
        log.line(Level::Warn, text, Fields::default());
    };
    while let Some(event) = events.recv().await {
        let (name, fact) = match event {
            WatchEvent::Changed { changes, cause } => {
                let (baked, changes): (Vec<_>, Vec<_>) = changes.into_iter().partition(|it| it.0 == cookie::WATCH);
                if let Cause::Rescan { why } = cause {
                    let count: usize = changes.iter().map(|(_, paths)| paths.len()).sum();
                    note(&format!(
                        "Looked at all watched files again ({why}): {count} had changed"
                    ));
                }
                let written = newest(&changes);
                let changes = changes
                    .into_iter()
                    .map(|(watch, paths)| (watch.into(), paths))
                    .collect();
                tell_files(changes, written, &context);
                for (_, paths) in baked {
                    cookies.seen(paths, &context);
                }
                continue;
            }
            WatchEvent::Started { name } | WatchEvent::Recovered { name } if name == cookie::WATCH => {
                cookies.works(&context);
                continue;
            }
            WatchEvent::Failed { name, error } if name == cookie::WATCH => {
                cookies.fails(error, &context);
                continue;
            }
            WatchEvent::Overflowed { why } => {
                note(&format!(
                    "Events of files were lost ({why}); looking at all watched files again"
                ));
                continue;
            }
            WatchEvent::Started { name } => {
                let missed = missed(&name, &asked);
                context.tell(Action::Watch {
                    watch: name.as_str().into(),
                    fact: WatchFact::Started,
                });
                if !missed.is_empty() {
                    let changes = vec![(name, missed)];
                    let written = newest(&changes);
                    let changes = changes.into_iter().map(|(watch, paths)| (watch.into(), paths));
                    context.tell(Action::Files {
                        changes: changes.collect(),
                        written,
                    });
                }
                continue;
            }
            WatchEvent::Recovered { name } => (name, WatchFact::Recovered),
            WatchEvent::Failed { name, error } => (name, WatchFact::Failed { error }),
        };
        context.tell(Action::Watch {
            watch: name.into(),
            fact,
        });
    }
}

fn tell_files(changes: Vec<(Name, Vec<PathBuf>)>, written: Option<Time>, context: &Context) {
    if !changes.is_empty() {
        context.tell(Action::Files { changes, written });
    }
}

/// Files that were written between the order to watch them and the moment from which on nothing is missed. What was begun with
/// the order may have read them before.
fn missed(name: &str, asked: &Asked) -> Vec<PathBuf> {
    let Some((since, paths)) = asked.lock().ok().and_then(|mut asked| asked.remove(name)) else {
        return Vec::new();
    };
    let is_newer = |path: &PathBuf| {
        let written = files::written(path).filter(|_| files::is_regular(path));
        written.is_some_and(|written| written.micros() + TICK >= since.micros())
    };
    paths.into_iter().filter(is_newer).collect()
}

/// So many files are looked at; a crowd is written by programs, and any few of it say when.
const MOST_LOOKS: usize = 32;

/// When the newest of the changed files was written. What is gone cannot say, and neither can a whole batch with it.
fn newest(changes: &[(String, Vec<PathBuf>)]) -> Option<Time> {
    let paths: BTreeSet<&PathBuf> = changes.iter().flat_map(|(_, paths)| paths).take(MOST_LOOKS).collect();
    let times: Option<Vec<Time>> = paths.into_iter().map(|path| files::written(path)).collect();
    times?.into_iter().max()
}
