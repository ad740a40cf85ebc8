//! The rules of the engine, one by one, through the loop: facts in, effects and objects out, time as the test says.

mod ci;
mod deploy;
mod deploy_ci;
mod deploy_objects;
mod deploy_runs;
mod image_objects;
pub mod images;
mod live;
mod objects;
mod rules;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::{
    Action, Answer, ApplyFact, Ask, Class, ClusterFact, DiscoveryFact, Effort, Expected, Part, ProcessFact, Readiness,
    Token, UpdateFailure, UpdateOutcome, Verb, WatchFact, Write,
};
use crate::engine::effect::{Deploy, Effect, Key, KubernetesDeploy, RemoveWork, Task, UpdateOrder, Work};
use crate::engine::sim::{cluster, session};
use crate::engine::state::{ClusterState, MAIN, Mode, Name, Removal, ResourceState, State, TriggerSource};
use crate::engine::step::Loop;
use crate::model::command::Command;
use crate::model::deployed::Deployed;
use crate::model::local::LocalTarget;
use crate::model::object::kinds::CONFIG_MAP;
use crate::model::object::{Kind, Object, Stored};
use crate::model::pod::Pod;
use crate::model::project::{Evaluation, Hashes, Project, Resource, Target, TriggerMode};
use crate::model::report::Failure;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// An engine and what it has ordered so far.
struct Rig {
    engine: Loop,
    now: Time,
    effects: Vec<Effect>,
    tokens: u64,
}

impl Rig {
    fn new(mode: Mode) -> Rig {
        let mut rig = Rig {
            now: session(mode).started,
            engine: Loop::new(State::new(session(mode), "test")),
            effects: Vec::new(),
            tokens: 0,
        };
        rig.tell(Vec::new());
        rig
    }

    /// One that has evaluated a Tiltfile.
    fn with(resources: Vec<Resource>) -> Rig {
        let mut rig = Rig::new(Mode::Up);
        rig.evaluated(MAIN, Ok(project(resources)));
        rig
    }

    fn tell(&mut self, batch: Vec<Action>) {
        self.pass(Duration::from_millis(1));
        let at = self.now;
        let batch = self.engine.stamp(batch, at);
        self.engine.step(batch, at, &mut self.effects);
        self.engine.publish();
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    fn evaluated(&mut self, tiltfile: &str, outcome: Result<Project, Failure>) {
        let running = self.engine.state.tiltfiles[tiltfile].running.clone();
        self.tell(vec![Action::Evaluated {
            tiltfile: tiltfile.into(),
            run: running.expect("it is being evaluated").run,
            evaluation: Box::new(Evaluation {
                project: outcome,
                config_files: vec!["/p/Tiltfile".into()],
                hashes: Hashes::default(),
                warnings: 0,
                timings: Vec::new(),
            }),
        }]);
        self.watched();
    }

    /// Everything that should be watched is.
    fn watched(&mut self) {
        let is_new = |name: &Name, rig: &Rig| {
            let known = rig.engine.state.watches.get(name);
            known.is_none_or(|watch| watch.started.is_none())
        };
        let watches = self.engine.kept().keys().filter_map(|key| match key {
            Key::Watch(name) if is_new(name, self) => Some(name.clone()),
            _ => None,
        });
        let started = |watch| Action::Watch {
            watch,
            fact: WatchFact::Started,
        };
        let facts: Vec<Action> = watches.map(started).collect();
        if !facts.is_empty() {
            self.tell(facts);
        }
        self.connected();
    }

    /// The cluster is there, if anybody needs one.
    fn connected(&mut self) {
        let is_new = *self.engine.state.cluster == ClusterState::Unknown;
        if is_new && self.engine.kept().contains_key(&Key::Cluster) {
            self.tell(vec![Action::Cluster(ClusterFact::Connected(Box::new(cluster())))]);
        }
    }

    /// The Tiltfile was saved, and now declares this.
    fn reload(&mut self, resources: Vec<Resource>) {
        self.changed("configs:(Tiltfile)", &["/p/Tiltfile"]);
        self.evaluated(MAIN, Ok(project(resources)));
    }

    fn changed(&mut self, watch: &str, paths: &[&str]) {
        let paths = paths.iter().map(PathBuf::from).collect();
        self.tell(vec![Action::Files {
            changes: vec![(watch.into(), paths)],
            written: None,
        }]);
    }

    fn save(&mut self, resource: &str, file: &str) {
        // Long enough after whatever ran before that nobody takes it for its doing.
        self.pass(Duration::from_secs(1));
        self.changed(&format!("local:{resource}"), &[file]);
    }

    fn ends(&mut self, resource: &str, outcome: UpdateOutcome) {
        let running = self.resource(resource).running.clone();
        let update = running.unwrap_or_else(|| panic!("{resource} does not run")).id;
        self.tell(vec![Action::Updated { update, outcome }]);
    }

    fn done(&mut self, resource: &str) {
        self.ends(resource, UpdateOutcome::Done);
    }

    fn fails(&mut self, resource: &str) {
        self.ends(
            resource,
            UpdateOutcome::Failed(UpdateFailure {
                class: Class::User,
                message: "it failed".to_owned(),
                exit: None,
            }),
        );
    }

    fn process(&mut self, resource: &str, fact: ProcessFact) {
        let serve = self.resource(resource).serve.clone().expect("it serves");
        self.tell(vec![Action::Process {
            process: format!("serve/{resource}").into(),
            generation: serve.process.generation,
            fact,
        }]);
    }

    fn starts_and_is_ready(&mut self, resource: &str) {
        self.process(resource, ProcessFact::Started { pid: 7 });
        let ready = Readiness::Ready;
        self.process(resource, ProcessFact::Ready { ready });
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        self.tokens += 1;
        let token = Token(self.tokens);
        self.tell(vec![Action::Asked { token, ask }]);
        let answer = self.effects.iter().find_map(|effect| match effect {
            Effect::Answer { token: given, answer } if *given == token => Some(answer.clone()),
            _ => None,
        });
        answer.expect("every question is answered")
    }

    fn trigger(&mut self, resource: &str) -> Answer {
        let (resource, source) = (resource.into(), TriggerSource::Cli);
        self.ask(Ask::Trigger { resource, source })
    }

    fn write(&mut self, kind: &'static Kind, name: &str, verb: Verb) -> Answer {
        self.ask(Ask::Write(Box::new(Write {
            kind,
            name: name.into(),
            verb,
            effort: Effort::Real,
        })))
    }

    fn create(&mut self, object: Stored) -> Answer {
        let (kind, name) = (object.kind, object.name.to_string());
        self.write(kind, &name, Verb::Create(object))
    }

    /// Changes an object as a client would.
    fn edit(&mut self, kind: &'static Kind, name: &str, part: Part, change: impl FnOnce(&mut Stored)) -> Answer {
        let mut object = self.object(kind, name).clone();
        change(&mut object);
        let expected = Expected::default();
        self.write(kind, name, Verb::Replace { object, part, expected })
    }

    fn click(&mut self, button: &str) {
        let at = self.now.to_micros_text();
        let clicked = self.edit(
            &crate::model::object::kinds::UI_BUTTON,
            button,
            Part::Status,
            |button| {
                button.status.insert("lastClickedAt", Tree::text(at));
            },
        );
        clicked.expect("a button can be clicked");
    }

    fn resource(&self, name: &str) -> &ResourceState {
        self.engine
            .state
            .resource(name)
            .unwrap_or_else(|| panic!("no resource {name}"))
    }

    fn object(&self, kind: &'static Kind, name: &str) -> &Stored {
        let object = self.engine.state.table.get(kind, name);
        object.unwrap_or_else(|| panic!("no {} {name}", kind.name))
    }

    fn status<'a>(&'a self, kind: &'static Kind, name: &str, field: &str) -> Option<&'a Tree> {
        self.object(kind, name).status.get(field)
    }

    fn running(&self) -> Vec<&str> {
        let running = self
            .engine
            .state
            .resources
            .values()
            .filter(|resource| resource.running.is_some());
        running.map(|resource| resource.name()).collect()
    }

    fn hold(&self, resource: &str) -> String {
        let hold = self.resource(resource).hold.as_ref();
        hold.map(|hold| hold.reason().to_owned()).unwrap_or_default()
    }

    /// Everything that was said, line by line.
    fn said(&self) -> Vec<&str> {
        let lines = self.effects.iter().filter_map(|effect| match effect {
            Effect::Log(order) => Some(order.text.as_str()),
            _ => None,
        });
        lines.collect()
    }

    /// Commands that were ordered to be kept running, by key.
    fn kept(&self) -> Vec<String> {
        let kept = self.engine.kept().iter().filter_map(|(key, task)| match (key, task) {
            (Key::Process(name), Task::Process(task)) => Some(format!("{name}: {}", task.argv.join(" "))),
            _ => None,
        });
        kept.collect()
    }

    fn cluster(&mut self, fact: ClusterFact) {
        self.tell(vec![Action::Cluster(fact)]);
    }

    /// The run that applies something now, or deletes it.
    fn run_of(&self, apply: &str) -> u64 {
        let apply = &self.engine.state.applies[apply];
        match apply.removal {
            Removal::Running(run) => run,
            Removal::None | Removal::Failed => apply.running.expect("it is applied"),
        }
    }

    fn applied(&mut self, apply: &str, fact: ApplyFact) {
        let run = self.run_of(apply);
        let apply = apply.into();
        self.tell(vec![Action::Applied { apply, run, fact }]);
    }

    /// What runs for an apply comes to its end.
    fn run_ends(&mut self, apply: &str, outcome: UpdateOutcome) {
        let update = self.run_of(apply);
        self.tell(vec![Action::Updated { update, outcome }]);
    }

    /// All of it went well.
    fn deploys(&mut self, apply: &str, deployed: Deployed) {
        self.applied(apply, ApplyFact::Started);
        self.applied(apply, ApplyFact::Done(Arc::new(deployed)));
        self.run_ends(apply, UpdateOutcome::Done);
    }

    fn discovers(&mut self, discovery: &str, fact: DiscoveryFact) {
        let generation = self.engine.state.discoveries[discovery].generation;
        let discovery = discovery.into();
        self.tell(vec![Action::Discovered {
            discovery,
            generation,
            fact,
        }]);
    }

    fn sees(&mut self, discovery: &str, pods: &[&Pod]) {
        let pods = pods.iter().map(|pod| Arc::new((*pod).clone())).collect();
        self.discovers(discovery, DiscoveryFact::Pods(pods));
    }

    fn disable(&mut self, resource: &str, how: &str) {
        let mut data = Map::new();
        data.push("isDisabled", Tree::text(how));
        let change = |switch: &mut Stored| {
            switch.spec.insert("data", Tree::Map(data));
        };
        let name = format!("{resource}-disable");
        self.edit(&CONFIG_MAP, &name, Part::Main, change)
            .expect("a switch can be switched");
    }

    /// What was ordered to run, latest last.
    fn orders(&self) -> Vec<&UpdateOrder> {
        let orders = self.effects.iter().filter_map(|effect| match effect {
            Effect::StartUpdate(order) => Some(order.as_ref()),
            _ => None,
        });
        orders.collect()
    }

    /// What was ordered to be deployed, latest last.
    fn deploy_orders(&self) -> Vec<&KubernetesDeploy> {
        let deploy = |order: &&UpdateOrder| matches!(&order.work, Work::Images(_));
        let orders = self.orders().into_iter().filter(deploy);
        let deploys = orders.filter_map(|order| match &order.work {
            Work::Images(work) => match &work.deploy {
                Deploy::Kubernetes(deploy) => Some(deploy.as_ref()),
                Deploy::Impossible(_) => None,
            },
            _ => None,
        });
        deploys.collect()
    }

    /// What was ordered to be deleted, latest last.
    fn removals(&self) -> Vec<&RemoveWork> {
        let removals = self.orders().into_iter().filter_map(|order| match &order.work {
            Work::Remove(work) => Some(work.as_ref()),
            _ => None,
        });
        removals.collect()
    }

    fn forget(&mut self) {
        self.effects.clear();
    }
}

fn project(resources: Vec<Resource>) -> Project {
    Project {
        enabled: resources.iter().map(|resource| resource.name.clone()).collect(),
        resources,
        ..Project::default()
    }
}

fn local(name: &str) -> Resource {
    let target = LocalTarget {
        update: Some(command(&format!("make {name}"))),
        deps: vec![format!("/p/{name}").into()],
        allow_parallel: true,
        ..LocalTarget::default()
    };
    Resource {
        name: name.to_owned(),
        images: Vec::new(),
        target: Target::Local(Box::new(target)),
        trigger: TriggerMode::Auto,
        deps: Vec::new(),
        labels: BTreeSet::new(),
        source: String::new(),
    }
}

fn serving(name: &str) -> Resource {
    with(local(name), |target| {
        target.update = None;
        target.serve = command(&format!("serve {name}"));
    })
}

fn alone(name: &str) -> Resource {
    with(local(name), |target| target.allow_parallel = false)
}

fn with(mut resource: Resource, change: impl FnOnce(&mut LocalTarget)) -> Resource {
    if let Target::Local(local) = &mut resource.target {
        change(local);
    }
    resource
}

fn after(mut resource: Resource, deps: &[&str]) -> Resource {
    resource.deps = deps.iter().map(|dep| (*dep).to_owned()).collect();
    resource
}

fn mode(mut resource: Resource, mode: TriggerMode) -> Resource {
    resource.trigger = mode;
    resource
}

fn command(words: &str) -> Command {
    Command {
        argv: words.split(' ').map(str::to_owned).collect(),
        dir: "/p".into(),
        ..Command::default()
    }
}

fn stored(kind: &'static Kind, name: &str, spec: &[(&str, Tree)]) -> Stored {
    let mut object = Object::new(kind, name);
    for (field, value) in spec {
        object.spec.insert(*field, value.clone());
    }
    Stored::of(object)
}

fn texts(items: &[&str]) -> Tree {
    Tree::List(items.iter().map(|item| Tree::text(*item)).collect())
}
