//! The web port over real sockets, in front of a real engine or of one that says what a test wants.

mod dump;
mod http;
mod pace;
mod pages;
mod routes;
mod sockets;
mod view;

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::*;
use crate::engine::action::{Action, Answer, Ask, Effort, Expected, Part, Verb, Write};
use crate::engine::effect::Effect;
use crate::engine::handle::{Answers, Snapshot};
use crate::engine::state::{Build, Mode, Session, State};
use crate::engine::store::{Perform, Store};
use crate::model::object::kinds::{UI_BUTTON, UI_RESOURCE};
use crate::model::object::{Kind, Stored};
use crate::model::settings::Settings;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

const TOKEN: &str = "5d1bdc1b-2b3f-4b0c-a4b5-3b6a0f6f7a11";

fn session() -> Session {
    Session {
        mode: Mode::Objects,
        pid: 42,
        started: Time::parse("2026-11-21T07:10:56.201388Z").unwrap(),
        tiltfile: "Tiltfile".into(),
        args: Vec::new(),
        build: Build::default(),
        web: None,
        timeout: None,
        ci: Settings::default().ci,
        reuse: crate::build::Reuse::default(),
        forwards_ports: true,
        updates_live: true,
        ending: None,
        outcome: None,
        clear_since: None,
        fatal: None,
    }
}

fn state() -> State {
    State::new(session(), "salt")
}

/// An object with one text in its status.
fn object(kind: &'static Kind, name: &str, field: &str, value: &str) -> Stored {
    let mut object = Stored::new(kind, name);
    object.status.insert(field, Tree::text(value));
    object
}

fn resource(name: &str, status: &str) -> Stored {
    object(&UI_RESOURCE, name, "updateStatus", status)
}

fn button(name: &str) -> Stored {
    let mut location = Map::new();
    location.push("componentID", Tree::text("nav"));
    location.push("componentType", Tree::text("Global"));
    let mut button = Stored::new(&UI_BUTTON, name);
    button.spec.insert("text", Tree::text("Click"));
    button.spec.insert("location", Tree::Map(location));
    button
}

// ---- engines --------------------------------------------------------------------------------------------------------

/// An engine, and what it was asked by others than the test.
struct Engine {
    handle: Handle,
    asked: Arc<Mutex<Vec<String>>>,
    #[expect(dead_code, reason = "ends the engine with the test")]
    tasks: JoinSet<()>,
}

struct Answering(Arc<Answers>);

impl Perform for Answering {
    fn perform(&mut self, effect: Effect) {
        if let Effect::Answer { token, answer } = effect {
            self.0.give(token, answer);
        }
    }
}

/// The real one.
fn engine(state: State) -> Engine {
    let store = Store::new(state);
    let handle = store.handle();
    let mut performer = Answering(store.answers());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { store.run(&mut performer).await });
    Engine {
        handle,
        asked: Arc::default(),
        tasks,
    }
}

/// One that answers what it is told to, and notes what it was asked.
fn scripted(state: State, answer: impl Fn(&Ask) -> Answer + Send + 'static) -> Engine {
    let (actions, mut received) = mpsc::unbounded_channel();
    let (published, snapshots) = watch::channel(Arc::new(state));
    let answers = Arc::new(Answers::default());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (giver, notes) = (Arc::clone(&answers), Arc::clone(&asked));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _published: watch::Sender<Snapshot> = published;
        while let Some(action) = received.recv().await {
            if let Action::Asked { token, ask } = action {
                notes.lock().unwrap().push(shown(&ask));
                giver.give(token, answer(&ask));
            }
        }
    });
    Engine {
        handle: Handle::new(actions, snapshots, answers),
        asked,
        tasks,
    }
}

fn shown(ask: &Ask) -> String {
    match ask {
        Ask::Write(write) => format!("write {}", write.name),
        Ask::Trigger { resource, source } => format!("trigger {resource} {source:?}"),
        Ask::SetTriggerMode { resource, mode } => format!("mode {resource} {mode:?}"),
        Ask::SetArgs { args } => format!("args {args:?}"),
    }
}

impl Engine {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    async fn create(&self, object: Stored) {
        let status = object.clone();
        self.write(&object, Verb::Create(object.clone())).await;
        self.put(status).await;
    }

    /// Sets the status of an object that is there.
    async fn put(&self, object: Stored) {
        let verb = Verb::Replace {
            object: object.clone(),
            part: Part::Status,
            expected: Expected::default(),
        };
        self.write(&object, verb).await;
    }

    async fn delete(&self, object: &Stored) {
        let expected = Expected::default();
        self.write(object, Verb::Delete { expected }).await;
    }

    async fn write(&self, object: &Stored, verb: Verb) {
        let write = Write {
            kind: object.kind,
            name: (&*object.name).into(),
            verb,
            effort: Effort::Real,
        };
        self.handle.write(write).await.unwrap();
    }
}

// ---- logs -----------------------------------------------------------------------------------------------------------

/// Lines in memory.
#[derive(Clone)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    end: Arc<watch::Sender<u64>>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines {
            lines: Arc::default(),
            end: Arc::new(watch::channel(0).0),
        }
    }
}

impl Lines {
    fn push(&self, line: &str) {
        self.lines.lock().unwrap().push(line.to_owned());
        self.end.send_modify(|end| *end += 1);
    }
}

impl LogFeed for Lines {
    fn end(&self) -> u64 {
        *self.end.borrow()
    }

    fn back(&self, bytes: u64) -> u64 {
        let lines = self.lines.lock().unwrap();
        let mut left = bytes as usize;
        let fits = |line: &&String| {
            let fits = line.len() <= left;
            left = left.saturating_sub(line.len());
            fits
        };
        (lines.len() - lines.iter().rev().take_while(fits).count()) as u64
    }

    fn read(&self, from: u64, at_most: usize) -> Result<LogPage, LogsUnreadable> {
        let lines = self.lines.lock().unwrap();
        let (mut to, mut taken) = (from as usize, 0);
        while to < lines.len() && taken < at_most {
            taken += lines[to].len();
            to += 1;
        }
        let segments = lines[from as usize..to].iter().map(|line| {
            let mut segment = Map::new();
            segment.push("text", Tree::text(line.as_str()));
            Tree::Map(segment)
        });
        let mut list = Map::new();
        list.push("segments", Tree::List(segments.collect()));
        list.push("fromCheckpoint", Tree::Int(from as i64));
        list.push("toCheckpoint", Tree::Int(to as i64));
        Ok(LogPage {
            list: Tree::Map(list),
            to: to as u64,
        })
    }

    fn beyond(&self, place: u64) -> BoxFuture<'static, ()> {
        let mut end = self.end.subscribe();
        Box::pin(async move {
            if end.wait_for(|end| *end > place).await.is_err() {
                std::future::pending().await
            }
        })
    }
}

// ---- servers --------------------------------------------------------------------------------------------------------

async fn served(engine: &Engine, logs: &Lines) -> Running {
    let options = Options {
        host: "127.0.0.1".to_owned(),
        ..Options::new(0, TOKEN)
    };
    served_with(engine, logs, options).await
}

async fn served_with(engine: &Engine, logs: &Lines, options: Options) -> Running {
    serve(engine.handle.clone(), logs.clone(), options).await.unwrap()
}
