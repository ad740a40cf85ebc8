//! The API server over its real port: a real engine behind it, `kubectl` and plain HTTP in front of it.

mod client;
mod configuration;
mod http;
mod kubectl;
mod watches;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tilt::api;
use tilt::engine::effect::Effect;
use tilt::engine::handle::{Answers, Handle};
use tilt::engine::state::{Build, MAIN, Mode, Session, State};
use tilt::engine::step::Loop;
use tilt::engine::store::{Perform, Store, now};
use tilt::model::object::{Stored, Table, kinds};
use tilt::model::tree::Tree;

use self::client::Client;

/// A performer that does nothing but answer: everything else is the engine's own.
struct Answering(Arc<Answers>);

impl Perform for Answering {
    fn perform(&mut self, effect: Effect) {
        if let Effect::Answer { token, answer } = effect {
            self.0.give(token, answer);
        }
    }
}

/// A served engine, and a folder for its files.
struct Served {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    running: api::Running,
    handle: Handle,
}

const TOKEN: &str = "the-token-of-this-test";

impl Served {
    /// With the objects that every session has, as far as these tests need them.
    fn start() -> Served {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = Store::of(Loop::still(state()));
        let (handle, answers) = (store.handle(), store.answers());
        runtime.spawn(async move { store.run(&mut Answering(answers)).await });
        let options = api::Options {
            name: "tilt-default".into(),
            certs: folder.path().join("cache/certs"),
            token: TOKEN.into(),
            version: "0.0.0-test".into(),
            explain: Some(Arc::new(|_, resource| {
                (resource == "web").then(|| "web: a file changed\n".to_owned())
            })),
        };
        let running = runtime.block_on(api::serve(handle.clone(), options)).unwrap();
        Served {
            folder,
            runtime,
            running,
            handle,
        }
    }

    fn client(&self) -> Client {
        Client::new(&self.running, TOKEN)
    }

    /// Where `kubectl` finds the server.
    fn config(&self) -> PathBuf {
        let path = self.folder.path().join("config");
        self.runtime
            .block_on(tilt::world::apiconfig::add(&path, &self.running.entry))
            .unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn state() -> State {
    let session = Session {
        mode: Mode::Objects,
        pid: 1,
        started: now(),
        tiltfile: "/src/Tiltfile".into(),
        args: Vec::new(),
        build: Build::default(),
        web: None,
        timeout: None,
        ci: Default::default(),
        reuse: tilt::build::Reuse::default(),
        forwards_ports: true,
        updates_live: true,
        ending: None,
        outcome: None,
        clear_since: None,
        fatal: None,
    };
    let mut state = State::new(session, "salt");
    // Only what a test puts there, so that it can say what it finds.
    state.table = Table::new("salt");
    let mut main = Stored::new(&kinds::TILTFILE, MAIN);
    main.spec.insert("path", Tree::text("/src/Tiltfile"));
    state.table.put(main, now());
    state
}
