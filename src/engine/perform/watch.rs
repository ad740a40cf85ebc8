//! Watched files: what the watcher says becomes actions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// What was there when each watch was asked for, until it has started. A mutex, since events come on another task; it is held for a
/// look-up only.
type Asked = Arc<Mutex<HashMap<String, Before>>>;

/// Each path at the moment when it was asked for, with what tells it from another one in its place.
struct Before(BTreeMap<PathBuf, (Time, Option<u64>)>);

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
            let before = asked.remove(&**name);
            asked.insert(name.to_string(), Before::now(&paths).after(before));
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

/// What changed between the order to watch it and the moment from which on nothing is missed. What was begun with the order may
/// have read it before.
fn missed(name: &str, asked: &Asked) -> Vec<PathBuf> {
    let before = asked.lock().ok().and_then(|mut asked| asked.remove(name));
    before.map(Before::changed).unwrap_or_default()
}

impl Before {
    fn now(paths: &[PathBuf]) -> Before {
        let now = store::now();
        let paths = paths.iter();
        Before(paths.map(|path| (path.clone(), (now, files::identity(path)))).collect())
    }

    /// What was asked for before, and has not started, counts from then on.
    fn after(mut self, earlier: Option<Before>) -> Before {
        for (path, before) in earlier.into_iter().flat_map(|earlier| earlier.0) {
            self.0.entry(path).and_modify(|now| *now = before);
        }
        self
    }

    fn changed(self) -> Vec<PathBuf> {
        let is_newer = |path: &PathBuf, at: Time| {
            let written = files::written(path).filter(|_| files::is_regular(path));
            written.is_some_and(|written| written.micros() + TICK >= at.micros())
        };
        let paths = self.0.into_iter();
        let changed = paths.filter(|(path, (at, was))| files::identity(path) != *was || is_newer(path, *at));
        changed.map(|(path, _)| path).collect()
    }
}

/// So many files are looked at; a crowd is written by programs, and any few of it say when.
const MOST_LOOKS: usize = 32;

/// When the newest of the changed files was written. What is gone cannot say, and neither can a whole batch with it.
fn newest(changes: &[(String, Vec<PathBuf>)]) -> Option<Time> {
    let paths: BTreeSet<&PathBuf> = changes.iter().flat_map(|(_, paths)| paths).take(MOST_LOOKS).collect();
    let times: Option<Vec<Time>> = paths.into_iter().map(|path| files::written(path)).collect();
    times?.into_iter().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_goes_or_is_exchanged_before_it_is_watched_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["app", "other", "away", "same"] {
            std::fs::create_dir(path(name)).unwrap();
        }
        for name in ["app/Tiltfile", "other/Tiltfile", "away/Tiltfile"] {
            std::fs::write(path(name), "").unwrap();
        }
        // As if it was long ago that they were written.
        let now = |names: &[&str]| {
            let paths: Vec<PathBuf> = names.iter().map(|name| path(name)).collect();
            let mut before = Before::now(&paths);
            before
                .0
                .values_mut()
                .for_each(|(at, _)| *at = Time::from_micros(at.micros() + 3_600_000_000));
            before
        };
        let common = ["app/Tiltfile", "away", "away/Tiltfile", "same", "comes", "never"];
        let before = now(&[&common[..], &["unwanted"]].concat());
        std::fs::rename(path("app"), path("gone")).unwrap();
        std::fs::rename(path("other"), path("app")).unwrap();
        std::fs::rename(path("away"), path("far")).unwrap();
        std::fs::write(path("asked later"), "").unwrap();
        let again = now(&[&common[..], &["asked later"]].concat());
        std::fs::create_dir(path("comes")).unwrap();
        std::fs::create_dir(path("unwanted")).unwrap();
        let changed = ["app/Tiltfile", "away", "away/Tiltfile", "comes"];
        assert_eq!(again.after(Some(before)).changed(), changed.map(path));
    }
}
