//! States to look at, for tests of what is shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::deploy::runtime::Runtime;
use crate::engine::action::{Class, Readiness};
use crate::engine::state::{
    Build, Cause, MAIN, Means, Mode, Name, Phase, ProcessState, Record, ResourceState, Seq, Serve, Session, State,
    TiltfileState, Update, WebAddress, Workload,
};
use crate::model::command::Command;
use crate::model::link::Link;
use crate::model::local::LocalTarget;
use crate::model::project::{Resource, Target, TriggerMode};
use crate::model::settings::Settings;
use crate::model::time::Time;
use crate::model::workload::KubernetesTarget;

/// So many milliseconds after the session began.
pub fn at(millis: i64) -> Time {
    Time::from_micros(1_700_000_000_000_000 + millis * 1000)
}

pub fn now() -> Time {
    at(60_000)
}

pub struct Scene(pub State);

impl Scene {
    pub fn new() -> Scene {
        let session = Session {
            mode: Mode::Up,
            pid: 1,
            started: at(0),
            tiltfile: PathBuf::from("/app/Tiltfile"),
            args: Vec::new(),
            build: Build::default(),
            web: Some(WebAddress {
                host: "localhost".to_owned(),
                port: 10350,
            }),
            timeout: None,
            ci: Settings::default().ci,
            reuse: crate::build::Reuse::default(),
            forwards_ports: true,
            updates_live: true,
            ending: None,
            outcome: None,
            clear_since: None,
            fatal: None,
        };
        let mut state = State::new(session, "salt");
        state.now = now();
        let mut main = TiltfileState::new(MAIN, PathBuf::from("/app/Tiltfile"), Vec::new());
        main.history.push_front(record(0, 120, None, Cause::Initial));
        main.config_files = vec![PathBuf::from("/app/Tiltfile")];
        state.tiltfiles.insert(MAIN.into(), Arc::new(main));
        Scene(state)
    }

    /// A resource with an update command, declared and never run.
    pub fn job(self, name: &str, change: impl FnOnce(&mut ResourceState)) -> Scene {
        let local = LocalTarget {
            update: Some(command(&format!("make {name}"))),
            deps: vec![PathBuf::from(format!("/app/{name}"))],
            ..LocalTarget::default()
        };
        self.local(name, local, change)
    }

    /// A resource that serves.
    pub fn server(self, name: &str, change: impl FnOnce(&mut ResourceState)) -> Scene {
        let local = LocalTarget {
            serve: command(&format!("./{name}")),
            links: vec![Link::parse("http://localhost:8080/", "").expect("a link")],
            ..LocalTarget::default()
        };
        self.local(name, local, change)
    }

    fn local(mut self, name: &str, local: LocalTarget, change: impl FnOnce(&mut ResourceState)) -> Scene {
        let declared = Resource {
            name: name.to_owned(),
            images: Vec::new(),
            target: Target::Local(Box::new(local)),
            trigger: TriggerMode::Auto,
            deps: Vec::new(),
            labels: Default::default(),
            source: String::new(),
        };
        let mut resource = ResourceState::new(Arc::new(declared), MAIN.into());
        change(&mut resource);
        self.0.resources.insert(name.into(), Arc::new(resource));
        self
    }

    /// What is deployed to Kubernetes, with an update that went well.
    pub fn workload(mut self, name: &str, runtime: Option<Runtime>, change: impl FnOnce(&mut Workload)) -> Scene {
        let target = KubernetesTarget::default();
        self = self.local(name, LocalTarget::default(), |resource| {
            let declared = Arc::make_mut(&mut resource.declared);
            declared.target = Target::Kubernetes(Box::new(target));
            resource.due = None;
            resource.started_once = true;
            resource.history.push_front(record(1_000, 1_400, None, Cause::Initial));
            resource.workload.runtime = runtime;
            resource.workload.since = Some(at(50_000));
            change(&mut resource.workload);
        });
        self
    }

    pub fn tiltfile(mut self, change: impl FnOnce(&mut TiltfileState)) -> Scene {
        change(self.0.tiltfile_mut(MAIN).expect("the main one"));
        self
    }

    pub fn session(mut self, change: impl FnOnce(&mut Session)) -> Scene {
        change(self.0.session_mut());
        self
    }
}

pub fn command(line: &str) -> Command {
    Command {
        argv: vec!["sh".to_owned(), "-c".to_owned(), line.to_owned()],
        dir: PathBuf::from("/app"),
        ..Command::default()
    }
}

pub fn record(started: i64, finished: i64, error: Option<&str>, cause: Cause) -> Record {
    Record {
        started: at(started),
        finished: at(finished),
        span: "build:1".into(),
        error: error.map(str::to_owned),
        class: error.map(|_| Class::User),
        causes: vec![cause],
        warnings: Vec::new(),
    }
}

/// It was updated, and how that went.
pub fn updated(resource: &mut ResourceState, millis: i64, error: Option<&str>) {
    resource.due = None;
    resource.started_once = true;
    resource
        .history
        .push_front(record(1000, 1000 + millis, error, Cause::Initial));
    if error.is_none() {
        resource.last_deploy = Some(at(1000 + millis));
        resource.usual = Some(Duration::from_millis(millis as u64));
        resource.ever_ready |= !resource.serves();
    }
}

pub fn running(resource: &mut ResourceState, since: i64, causes: Vec<Cause>) {
    resource.due = None;
    resource.started_once = true;
    resource.running = Some(Update {
        id: 7,
        span: "build:7".into(),
        started: at(since),
        inputs_as_of: Seq(3),
        causes,
        files: Vec::new(),
        alone: true,
        pid: Some(77),
        cancelled: None,
        images: Default::default(),
        means: Means::Build,
        requested: None,
    });
}

pub fn served(resource: &mut ResourceState, phase: Phase, readiness: Readiness, ready_at: Option<Time>) {
    updated(resource, 10, None);
    resource.ever_ready = ready_at.is_some();
    let mut process = ProcessState::new(1, at(1000));
    (process.phase, process.readiness, process.ready_at) = (phase, readiness, ready_at);
    resource.serve = Some(Serve {
        cmd: "serve".into(),
        number: 1,
        process,
    });
}

pub fn up(since: i64) -> Phase {
    Phase::Running {
        pid: 42,
        started: at(since),
    }
}

pub fn exited(code: i32) -> Phase {
    Phase::Exited {
        pid: 42,
        code,
        reason: format!("exit status {code}"),
        started: at(2000),
        finished: at(50_000),
    }
}

pub fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| (*name).into()).collect()
}

pub fn depends(resource: &mut ResourceState, on: &[&str]) {
    let declared = Arc::make_mut(&mut resource.declared);
    declared.deps = on.iter().map(|name| (*name).to_owned()).collect();
}
