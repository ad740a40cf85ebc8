//! Pure. The world that a simulated engine lives in: files that are saved, updates and processes that run, people who meddle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::{
    Action, Ask, Class, ClusterFact, Effort, Expected, Part, ProcessFact, Readiness, Token, UpdateFailure,
    UpdateOutcome, Verb, WatchFact, Write,
};
use crate::engine::effect::{Deploy, Effect, Key, Task, Work};
use crate::engine::sim::chance::Chance;
use crate::engine::sim::cluster::{Cluster, share};
use crate::engine::sim::images::{self, Images};
use crate::engine::sim::live::Containers;
use crate::engine::sim::{Event, cluster};
use crate::engine::state::{MAIN, Name, Seq, State, TriggerSource};
use crate::model::build::ImageTarget;
use crate::model::command::Command;
use crate::model::local::LocalTarget;
use crate::model::object::kinds::{CMD, CONFIG_MAP};
use crate::model::object::{Object, Stored};
use crate::model::project::{Evaluation, Hashes, Project, Resource, Target, TriggerMode};
use crate::model::report::Failure;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::model::workload::{DiscoveryStrategy, KubernetesTarget};

pub struct World {
    pub project: Project,
    /// Updates that run, by number.
    pub updates: BTreeMap<u64, Running>,
    pub processes: BTreeMap<Name, u64>,
    pub asked: BTreeSet<Token>,
    pub answered: BTreeSet<Token>,
    /// The order of the latest save of each resource's file, and of the latest start that saw it.
    pub saved: BTreeMap<String, Seq>,
    pub most: u32,
    pub images: Images,
    pub cluster: Cluster,
    pub containers: Containers,
    tokens: u64,
    step: Seq,
}

pub struct Running {
    pub resource: Name,
    pub cancelled: bool,
}

impl World {
    pub fn new(chance: &mut Chance) -> World {
        World {
            project: project(chance),
            updates: BTreeMap::new(),
            processes: BTreeMap::new(),
            asked: BTreeSet::new(),
            answered: BTreeSet::new(),
            saved: BTreeMap::new(),
            most: 3,
            images: Images::default(),
            cluster: Cluster::new(),
            containers: Containers::default(),
            tokens: 0,
            step: Seq(0),
        }
    }

    /// What the engine is told is remembered, to compare later.
    pub fn saw(&mut self, action: &Action, seq: Seq) {
        self.step = seq;
        match action {
            Action::Updated { update, outcome } => {
                self.updates.remove(update);
                self.images.over(*update, outcome);
                self.cluster.over(*update);
                self.containers.over(*update);
            }
            Action::Cluster(fact) => {
                let is_there = matches!(fact, ClusterFact::Connected(_) | ClusterFact::Recovered);
                self.cluster.is_reachable = is_there;
            }
            Action::Asked { token, .. } => {
                self.asked.insert(*token);
            }
            _ => {}
        }
    }

    pub fn perform(
        &mut self,
        effect: Effect,
        chance: &mut Chance,
        _now: Time,
    ) -> Result<Vec<(Duration, Event)>, String> {
        let facts = match effect {
            Effect::Answer { token, .. } => {
                if !self.answered.insert(token) {
                    return Err(format!("{token:?} was answered twice"));
                }
                Vec::new()
            }
            Effect::Fence { token } => {
                let refusal = None;
                vec![(pause(chance, 30), Action::Fenced { token, refusal })]
            }
            Effect::Evaluate(order) => vec![(
                pause(chance, 300),
                Action::Evaluated {
                    tiltfile: order.tiltfile,
                    run: order.run,
                    evaluation: Box::new(self.evaluate(chance)),
                },
            )],
            Effect::StartUpdate(order) => {
                // What a resource left may be deleted beside whatever it has become.
                if let Work::Remove(work) = order.work {
                    return self.cluster.remove(order.update, work, chance);
                }
                if self.updates.values().any(|running| running.resource == order.resource) {
                    return Err(format!("{} was started while it runs", order.resource));
                }
                let running = Running {
                    resource: Arc::clone(&order.resource),
                    cancelled: false,
                };
                self.updates.insert(order.update, running);
                match order.work {
                    Work::Images(work) => {
                        if let Deploy::Kubernetes(deploy) = &work.deploy {
                            self.cluster.begin(order.update, deploy.clone())?;
                        }
                        return self.images.start(
                            (order.update, &order.resource),
                            *work,
                            (&mut self.containers, chance),
                        );
                    }
                    Work::Live(work) => return Ok(self.containers.begin(order.update, *work, chance)),
                    Work::Command { .. } | Work::Nothing | Work::Remove(_) | Work::Impossible(_) => {}
                }
                vec![(pause(chance, 4000), self.ended(order.update, chance))]
            }
            Effect::CancelUpdate { update } => {
                let Some(running) = self.updates.get_mut(&update) else {
                    return Ok(Vec::new());
                };
                running.cancelled = true;
                self.images.cancelled(update);
                self.containers.over(update);
                let mut news = self.cluster.cancelled(update);
                let outcome = UpdateOutcome::Cancelled;
                news.push((pause(chance, 50), Event::Fact(Action::Updated { update, outcome })));
                return Ok(news);
            }
            Effect::Keep {
                key: Key::Discovery(name),
                task: Task::Discovery(task),
            } => return Ok(self.cluster.follow(name, *task, chance)),
            Effect::Keep {
                key: Key::Agent(container),
                ..
            } => return Ok(Containers::reach(&container, chance)),
            Effect::Keep { key, task } => self.keep(key, task, chance),
            Effect::Release { key } => {
                match key {
                    Key::Process(name) => drop(self.processes.remove(&name)),
                    Key::Discovery(name) => self.cluster.forget(&name),
                    _ => {}
                }
                Vec::new()
            }
            Effect::Log(_) | Effect::Prune(_) | Effect::Scrub(_) | Effect::CancelEvaluation { .. } => Vec::new(),
        };
        let facts = facts.into_iter();
        Ok(facts.map(|(delay, fact)| (delay, Event::Fact(fact))).collect())
    }

    /// What was begun goes on.
    pub fn turn(&mut self, event: Event, chance: &mut Chance, state: &State) -> Result<Vec<(Duration, Event)>, String> {
        match event {
            Event::Image { update, image } => self.images.turn((update, image), &mut self.containers, chance),
            Event::Live { update } => Ok(self.containers.turn(update, chance)),
            Event::Deploy { update } => Ok(self.cluster.deploy(update, self.images.made(update), chance)),
            Event::Cluster { update } => {
                let news = self.cluster.turn(update, state, chance);
                self.cluster.bury(&mut self.containers);
                news
            }
            Event::Pod { object, pod } => Ok(self.cluster.change((&object, &pod), &mut self.containers, chance)),
            Event::Crash => Ok(self.cluster.crash(&mut self.containers, chance)),
            Event::Look { discovery, generation } => {
                let seen = self.cluster.look(&discovery, generation);
                Ok(seen.map(|seen| (Duration::ZERO, seen)).into_iter().collect())
            }
            event @ (Event::Fact(_) | Event::Meddle | Event::Edit) => Ok(vec![(Duration::ZERO, event)]),
        }
    }

    fn ended(&self, update: u64, chance: &mut Chance) -> Action {
        let failure = UpdateFailure {
            class: Class::User,
            message: "exit status 1".to_owned(),
            exit: Some((1, "exit status 1".to_owned())),
        };
        let outcome = match chance.once_in(4) {
            true => UpdateOutcome::Failed(failure),
            false => UpdateOutcome::Done,
        };
        Action::Updated { update, outcome }
    }

    fn keep(&mut self, key: Key, task: Task, chance: &mut Chance) -> Vec<(Duration, Action)> {
        let (process, task) = match (key, task) {
            (Key::Process(process), Task::Process(task)) => (process, task),
            (Key::Cluster, _) => {
                let connected = ClusterFact::Connected(Box::new(cluster()));
                return vec![(pause(chance, 300), Action::Cluster(connected))];
            }
            (Key::Watch(watch), _) => {
                let fact = match chance.once_in(10) {
                    true => WatchFact::Failed {
                        error: "too many".to_owned(),
                    },
                    false => WatchFact::Started,
                };
                return vec![(pause(chance, 30), Action::Watch { watch, fact })];
            }
            _ => return Vec::new(),
        };
        let generation = task.generation;
        self.processes.insert(process.clone(), generation);
        let fact = |fact| Action::Process {
            process: process.clone(),
            generation,
            fact,
        };
        let started = pause(chance, 50);
        let ready = started + pause(chance, 500);
        let mut facts = vec![
            (started, fact(ProcessFact::Started { pid: 7 })),
            (
                ready,
                fact(ProcessFact::Ready {
                    ready: Readiness::Ready,
                }),
            ),
        ];
        if chance.once_in(5) {
            let exit = ProcessFact::Exited {
                pid: 7,
                code: 1,
                reason: "exit status 1".to_owned(),
            };
            facts.push((ready + pause(chance, 3000), fact(exit)));
        }
        facts
    }

    fn evaluate(&mut self, chance: &mut Chance) -> Evaluation {
        let project = match chance.once_in(6) {
            true => Err(Failure::whole("it failed")),
            false => Ok(self.project.clone()),
        };
        Evaluation {
            project,
            config_files: vec!["/p/Tiltfile".into()],
            hashes: Hashes::default(),
            warnings: 0,
            timings: Vec::new(),
        }
    }

    /// Something that a person, or a person's tool, does.
    pub fn meddle(&mut self, chance: &mut Chance, state: &State) -> Vec<Action> {
        let names: Vec<Name> = state.resources.keys().cloned().collect();
        let Some(name) = chance.pick(&names).cloned() else {
            return Vec::new();
        };
        match chance.below(10) {
            0..=3 => self.save(&name, chance, state),
            4 => vec![self.ask(Ask::Trigger {
                resource: name,
                source: TriggerSource::Cli,
            })],
            5 => vec![self.ask(Ask::SetTriggerMode {
                resource: name,
                mode: mode(chance),
            })],
            6 => self.toggle(&name, chance, state),
            7 => {
                self.project = project(chance);
                vec![Action::Files {
                    changes: vec![(format!("configs:{MAIN}").into(), vec!["/p/Tiltfile".into()])],
                    written: None,
                }]
            }
            8 if chance.once_in(2) => vec![self.cmd(chance, state)],
            8 if state.cluster.connected().is_some() => {
                let error = "connection refused".to_owned();
                vec![Action::Cluster(ClusterFact::Failed { error })]
            }
            _ => vec![Action::Woke],
        }
    }

    /// Mostly files that are synced.
    pub fn edit(&mut self, chance: &mut Chance, state: &State) -> Vec<Action> {
        let images: Vec<Name> = state.images.keys().cloned().collect();
        let Some(image) = chance.pick(&images).cloned() else {
            return Vec::new();
        };
        let file = match chance.once_in(8) {
            true => 2,
            false => chance.below(2),
        };
        self.save_image(&image, file, (chance, state))
    }

    fn save_image(&mut self, image: &Name, file: u64, (chance, state): (&mut Chance, &State)) -> Vec<Action> {
        let path = PathBuf::from(format!("/p/{image}/{file}"));
        let facts = self.images.save((image, path), &mut self.containers, (chance, state));
        if !facts.is_empty() {
            images::note(&mut self.saved, image, state);
        }
        facts
    }

    fn save(&mut self, name: &Name, chance: &mut Chance, state: &State) -> Vec<Action> {
        let images = state.resource(name).map(|resource| Arc::clone(&resource.images));
        if let Some(image) = images.and_then(|images| chance.pick(&images).cloned()) {
            let file = chance.below(3);
            return self.save_image(&image, file, (chance, state));
        }
        let watch: Name = format!("local:{name}").into();
        // A save that nobody watches for is nobody's change.
        let Some(watched) = state.table.get(&crate::model::object::kinds::FILE_WATCH, &watch) else {
            return Vec::new();
        };
        if state.resource(name).is_none_or(|resource| !resource.enabled) || watched.spec.is_empty() {
            return Vec::new();
        }
        let path = PathBuf::from(format!("/p/{name}/{}", chance.below(3)));
        self.saved.insert(name.to_string(), Seq(state.seq.0 + 1));
        vec![Action::Files {
            changes: vec![(watch, vec![path])],
            written: None,
        }]
    }

    fn toggle(&mut self, name: &str, chance: &mut Chance, state: &State) -> Vec<Action> {
        let switch = format!("{name}-disable");
        let Some(known) = state.table.get(&CONFIG_MAP, &switch) else {
            return Vec::new();
        };
        let mut data = Map::new();
        data.push("isDisabled", Tree::text(chance.once_in(2).to_string()));
        let mut object = known.as_ref().clone();
        object.spec.insert("data", Tree::Map(data));
        let write = Write {
            kind: &CONFIG_MAP,
            name: switch.as_str().into(),
            verb: Verb::Replace {
                object,
                part: Part::Main,
                expected: Expected::default(),
            },
            effort: Effort::Real,
        };
        vec![self.ask(Ask::Write(Box::new(write)))]
    }

    /// A Cmd that is made by hand, changed, or deleted.
    fn cmd(&mut self, chance: &mut Chance, state: &State) -> Action {
        let mut object = Object::new(&CMD, "by-hand");
        let args = Tree::List(vec![Tree::text("run"), Tree::text(chance.below(3).to_string())]);
        object.spec.insert("args", args);
        let object = Stored::of(object);
        let expected = Expected::default();
        let verb = match state.table.get(&CMD, "by-hand") {
            None => Verb::Create(object),
            Some(_) if chance.once_in(3) => Verb::Delete { expected },
            Some(_) => Verb::Replace {
                object,
                part: Part::Main,
                expected,
            },
        };
        self.ask(Ask::Write(Box::new(Write {
            kind: &CMD,
            name: "by-hand".into(),
            verb,
            effort: Effort::Real,
        })))
    }

    fn ask(&mut self, ask: Ask) -> Action {
        self.tokens += 1;
        Action::Asked {
            token: Token(self.tokens),
            ask,
        }
    }
}

pub fn pause(chance: &mut Chance, most: u64) -> Duration {
    Duration::from_micros(1 + chance.below(most * 1000))
}

fn mode(chance: &mut Chance) -> TriggerMode {
    match chance.below(6) {
        0 => TriggerMode::Manual,
        1 => TriggerMode::ManualWithAutoInit,
        2 => TriggerMode::AutoWithManualInit,
        _ => TriggerMode::Auto,
    }
}

fn kubernetes(images: &[ImageTarget]) -> Target {
    Target::Kubernetes(Box::new(KubernetesTarget {
        // The last one is deployed; others are what it is made from, or nobody's.
        image_maps: images.last().map(ImageTarget::image_map).into_iter().collect(),
        discovery: DiscoveryStrategy::Default,
        ..KubernetesTarget::default()
    }))
}

/// A few resources; each may depend on those before it.
pub fn project(chance: &mut Chance) -> Project {
    let count = 1 + chance.below(7);
    let mut project = Project::default();
    let pool = images::pool(chance);
    for number in 0..count {
        let name = format!("r{number}");
        let command = |what: &str, variant: u64| Command {
            argv: vec![what.to_owned(), name.clone(), variant.to_string()],
            dir: "/p".into(),
            ..Command::default()
        };
        let kind = chance.below(3);
        let local = LocalTarget {
            update: (kind != 1).then(|| command("build", chance.below(2))),
            serve: if kind == 0 {
                Command::default()
            } else {
                command("serve", chance.below(2))
            },
            deps: vec![format!("/p/{name}").into()],
            allow_parallel: chance.once_in(2),
            ..LocalTarget::default()
        };
        let deps = (0..number)
            .filter(|_| chance.once_in(4))
            .map(|dep| format!("r{dep}"))
            .collect();
        project.enabled.push(name.clone());
        let (images, target) = match chance.below(2) {
            0 => (Vec::new(), Target::Local(Box::new(local))),
            _ => {
                let images = images::some(&pool, chance);
                let target = kubernetes(&images);
                (images, target)
            }
        };
        project.resources.push(Resource {
            name,
            images,
            target,
            trigger: mode(chance),
            deps,
            labels: BTreeSet::new(),
            source: String::new(),
        });
    }
    share(&mut project, chance);
    project
}
