//! Pure. A cluster in the simulated world: objects that are applied and deleted bit by bit, pods that come and go, and
//! followers who hear of it late.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::deploy::runtime::{self, Runtime};
use crate::engine::action::{Action, ApplyFact, Class, DiscoveryFact, UpdateFailure, UpdateOutcome};
use crate::engine::effect::{DiscoveryTask, Force, KubernetesDeploy, RemoveWork};
use crate::engine::sim::Event;
use crate::engine::sim::chance::Chance;
use crate::engine::sim::live::Containers;
use crate::engine::sim::world::pause;
use crate::engine::state::{Name, Removal, ResourceState, State};
use crate::engine::workload;
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::pod::{Container, ContainerState, Pod};
use crate::model::project::{Project, Target};
use crate::model::time::Time;
use crate::model::workload::Source;

pub type Images = BTreeMap<Name, String>;
type News = Vec<(Duration, Event)>;

pub struct Cluster {
    objects: BTreeMap<Box<str>, Live>,
    runs: BTreeMap<u64, Run>,
    /// Who applies or deletes something, by the name of the KubernetesApply.
    busy: BTreeMap<Name, u64>,
    followers: BTreeMap<Name, DiscoveryTask>,
    pub is_reachable: bool,
    numbers: u64,
}

/// An object that is there, with the one pod that it has.
struct Live {
    uid: Box<str>,
    hash: Box<str>,
    images: Images,
    pod: Pod,
}

enum Run {
    Apply {
        deploy: Box<KubernetesDeploy>,
        images: Images,
        stage: Stage,
    },
    Remove {
        work: Box<RemoveWork>,
        stage: Stage,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Images,
    Begun,
    HalfWay,
}

/// How many objects there may be.
const OBJECTS: u64 = 6;

impl Cluster {
    pub fn new() -> Cluster {
        Cluster {
            objects: BTreeMap::new(),
            runs: BTreeMap::new(),
            busy: BTreeMap::new(),
            followers: BTreeMap::new(),
            is_reachable: true,
            numbers: 0,
        }
    }

    /// An update begins that is to deploy once its images are there.
    pub fn begin(&mut self, update: u64, deploy: Box<KubernetesDeploy>) -> Result<(), String> {
        self.occupy(&deploy.apply, update)?;
        let (images, stage) = (Images::new(), Stage::Images);
        self.runs.insert(update, Run::Apply { deploy, images, stage });
        Ok(())
    }

    pub fn remove(&mut self, update: u64, work: Box<RemoveWork>, chance: &mut Chance) -> Result<News, String> {
        self.occupy(&work.apply, update)?;
        let stage = Stage::Begun;
        self.runs.insert(update, Run::Remove { work, stage });
        Ok(vec![(pause(chance, 500), Event::Cluster { update })])
    }

    fn occupy(&mut self, apply: &Name, update: u64) -> Result<(), String> {
        match self.busy.insert(Arc::clone(apply), update) {
            Some(_) => Err(format!("two runs look after {apply} at once")),
            None => Ok(()),
        }
    }

    pub fn over(&mut self, update: u64) {
        self.busy.retain(|_, run| *run != update);
        self.runs.remove(&update);
    }

    /// All images are there.
    pub fn deploy(&mut self, update: u64, made: Images, chance: &mut Chance) -> News {
        let Some(Run::Apply { images, stage, deploy }) = self.runs.get_mut(&update) else {
            return News::new();
        };
        *images = made;
        *stage = Stage::Begun;
        let started = applied(&deploy.apply, update, ApplyFact::Started);
        vec![
            (Duration::ZERO, started),
            (pause(chance, 500), Event::Cluster { update }),
        ]
    }

    /// A run goes on.
    pub fn turn(&mut self, update: u64, state: &State, chance: &mut Chance) -> Result<News, String> {
        match self.runs.remove(&update) {
            Some(Run::Apply { deploy, images, stage }) => self.apply((update, stage), deploy, images, (state, chance)),
            Some(Run::Remove { work, stage }) => self.delete((update, stage), work, (state, chance)),
            None => Ok(News::new()),
        }
    }

    fn apply(
        &mut self,
        (update, stage): (u64, Stage),
        deploy: Box<KubernetesDeploy>,
        images: Images,
        (state, chance): (&State, &mut Chance),
    ) -> Result<News, String> {
        let hash = hash(&deploy, &images);
        let wanted = wanted(&deploy);
        let half = wanted.len() / 2;
        let same = deploy.before.as_ref().filter(|before| before.hash == hash);
        if let Some(before) = same.filter(|_| deploy.force == Force::No) {
            return Ok(done(&deploy.apply, update, Arc::clone(before)));
        }
        let mut news = News::new();
        if !self.is_reachable || chance.once_in(8) {
            let left = match stage {
                Stage::Images | Stage::Begun => Vec::new(),
                Stage::HalfWay => self.refs(&wanted[..half]),
            };
            return Ok(self.failed((&deploy.apply, update), left));
        }
        if stage != Stage::HalfWay {
            self.put(&wanted[..half], (&hash, &images, &deploy), chance, &mut news);
            news.push((pause(chance, 500), Event::Cluster { update }));
            let stage = Stage::HalfWay;
            self.runs.insert(update, Run::Apply { deploy, images, stage });
            return Ok(news);
        }
        self.put(&wanted[half..], (&hash, &images, &deploy), chance, &mut news);
        for object in deploy.left.iter().filter(|object| !wanted.contains(&object.name)) {
            self.take(object, (&deploy.apply, &deploy.elsewhere), (state, chance), &mut news)?;
        }
        let deployed = Deployed {
            objects: self.refs(&wanted),
            hash,
            ..Deployed::default()
        };
        news.extend(done(&deploy.apply, update, Arc::new(deployed)));
        Ok(news)
    }

    fn failed(&self, (apply, update): (&Name, u64), left: Vec<ObjectRef>) -> News {
        let class = match self.is_reachable {
            true => Class::User,
            false => Class::Environment,
        };
        let error = "it was not deployed".to_owned();
        let outcome = UpdateOutcome::Failed(UpdateFailure {
            class,
            message: error.clone(),
            exit: None,
        });
        vec![
            (
                Duration::ZERO,
                applied(apply, update, ApplyFact::Failed { error, left }),
            ),
            (Duration::ZERO, Event::Fact(Action::Updated { update, outcome })),
        ]
    }

    fn delete(
        &mut self,
        (update, stage): (u64, Stage),
        work: Box<RemoveWork>,
        (state, chance): (&State, &mut Chance),
    ) -> Result<News, String> {
        let mut news = News::new();
        if !self.is_reachable || chance.once_in(8) {
            let outcome = UpdateOutcome::Failed(UpdateFailure {
                class: Class::Environment,
                message: "it was not deleted".to_owned(),
                exit: None,
            });
            news.push((Duration::ZERO, Event::Fact(Action::Updated { update, outcome })));
            return Ok(news);
        }
        let half = work.objects.len() / 2;
        let part = match stage {
            Stage::HalfWay => &work.objects[half..],
            Stage::Images | Stage::Begun => &work.objects[..half],
        };
        for object in part {
            self.take(object, (&work.apply, &work.elsewhere), (state, chance), &mut news)?;
        }
        if stage == Stage::HalfWay {
            let outcome = UpdateOutcome::Done;
            news.push((Duration::ZERO, Event::Fact(Action::Updated { update, outcome })));
            return Ok(news);
        }
        news.push((pause(chance, 500), Event::Cluster { update }));
        let stage = Stage::HalfWay;
        self.runs.insert(update, Run::Remove { work, stage });
        Ok(news)
    }

    /// A run is asked to end: what it did so far stays, and it tells of that.
    pub fn cancelled(&mut self, update: u64) -> News {
        let Some(Run::Apply { deploy, stage, .. }) = self.runs.remove(&update) else {
            return News::new();
        };
        if stage == Stage::Images {
            return News::new();
        }
        let wanted = wanted(&deploy);
        let left = match stage {
            Stage::HalfWay => self.refs(&wanted[..wanted.len() / 2]),
            Stage::Images | Stage::Begun => Vec::new(),
        };
        let error = "it was cancelled".to_owned();
        vec![(
            Duration::ZERO,
            applied(&deploy.apply, update, ApplyFact::Failed { error, left }),
        )]
    }

    fn put(
        &mut self,
        names: &[Box<str>],
        (hash, images, deploy): (&str, &Images, &KubernetesDeploy),
        chance: &mut Chance,
        news: &mut News,
    ) {
        let force = deploy.force;
        let runs: Vec<&str> = deploy
            .images
            .iter()
            .filter_map(|(name, _)| images.get(name).map(String::as_str))
            .collect();
        for name in names {
            let known = self.objects.get(name);
            if force == Force::No && known.is_some_and(|known| *known.hash == *hash) {
                continue;
            }
            let kept = known.filter(|_| force == Force::No).map(|known| known.uid.clone());
            self.numbers += 1;
            let uid = kept.unwrap_or_else(|| format!("u{}", self.numbers).into());
            let pod = pod(self.numbers, &uid, hash, &runs);
            for _ in 0..2 {
                let (object, pod) = (name.clone(), pod.name.clone());
                news.push((pause(chance, 3000), Event::Pod { object, pod }));
            }
            let live = Live {
                uid: uid.clone(),
                hash: hash.into(),
                images: images.clone(),
                pod,
            };
            let before = self.objects.insert(name.clone(), live);
            self.announce(&uid, chance, news);
            if let Some(gone) = before.filter(|before| before.uid != uid) {
                self.announce(&gone.uid, chance, news);
            }
        }
    }

    /// Deletes an object unless it is somebody else's.
    fn take(
        &mut self,
        object: &ObjectRef,
        (apply, elsewhere): (&Name, &[ObjectRef]),
        (state, chance): (&State, &mut Chance),
        news: &mut News,
    ) -> Result<(), String> {
        if elsewhere.iter().any(|other| other.may_be(object)) {
            return Ok(());
        }
        let deploys = |name: &Name, resource: &ResourceState| {
            let has_it = |apply: &[ObjectRef]| apply.iter().any(|left| left.name == object.name);
            let applied = state.applies.get(name).is_some_and(|apply| has_it(&apply.left));
            resource.enabled && name != apply && applied && declares(resource, &object.name)
        };
        if let Some((name, _)) = state.resources.iter().find(|(name, one)| deploys(name, one)) {
            return Err(format!("{apply} deletes {}, which {name} deploys", object.name));
        }
        if let Some(gone) = self.objects.remove(&object.name) {
            self.announce(&gone.uid, chance, news);
        }
        Ok(())
    }

    fn refs(&self, names: &[Box<str>]) -> Vec<ObjectRef> {
        let there = names.iter().filter_map(|name| Some((name, self.objects.get(name)?)));
        there
            .map(|(name, live)| ObjectRef {
                namespace: "default".into(),
                uid: live.uid.clone(),
                template_hash: live.hash.clone(),
                ..declared(name)
            })
            .collect()
    }

    /// Each follower hears of it in its own time, sometimes of how it was a while ago first.
    fn announce(&self, uid: &str, chance: &mut Chance, news: &mut News) {
        let looks = |task: &DiscoveryTask| task.wanted.watches.iter().any(|watch| *watch.uid == *uid);
        for (discovery, task) in self.followers.iter().filter(|(_, task)| looks(task)) {
            let generation = task.generation;
            let first = pause(chance, 300);
            if chance.once_in(3) {
                news.push((first, self.seen(discovery, task)));
            }
            let discovery = Arc::clone(discovery);
            news.push((first + pause(chance, 300), Event::Look { discovery, generation }));
        }
    }

    fn seen(&self, discovery: &Name, task: &DiscoveryTask) -> Event {
        Event::Fact(Action::Discovered {
            discovery: Arc::clone(discovery),
            generation: task.generation,
            fact: DiscoveryFact::Pods(self.pods(task)),
        })
    }

    fn pods(&self, task: &DiscoveryTask) -> Vec<Arc<Pod>> {
        let wanted = &task.wanted;
        let is_wanted = |live: &&Live| {
            let is_of_it = wanted.watches.iter().any(|watch| watch.uid == live.uid);
            is_of_it && (wanted.template_hashes.is_empty() || wanted.template_hashes.contains(&live.hash))
        };
        let live = self.objects.values().filter(is_wanted);
        let mut pods: Vec<Arc<Pod>> = live.map(|live| Arc::new(live.pod.clone())).collect();
        pods.sort_by_key(|pod| pod.created);
        pods
    }

    pub fn follow(&mut self, discovery: Name, task: DiscoveryTask, chance: &mut Chance) -> News {
        let generation = task.generation;
        self.followers.insert(Arc::clone(&discovery), task);
        vec![(pause(chance, 300), Event::Look { discovery, generation })]
    }

    pub fn forget(&mut self, discovery: &Name) {
        self.followers.remove(discovery);
    }

    pub fn look(&self, discovery: &Name, generation: u64) -> Option<Event> {
        let task = self.followers.get(discovery)?;
        (task.generation == generation).then(|| self.seen(discovery, task))
    }

    /// A pod gets ready, or breaks.
    pub fn change(&mut self, (object, pod): (&str, &str), files: &mut Containers, chance: &mut Chance) -> News {
        let mut news = News::new();
        let Some(live) = self.objects.get_mut(object).filter(|live| *live.pod.name == *pod) else {
            return news;
        };
        live.pod.phase = "Running".into();
        let is_ready = !chance.once_in(4);
        let reason = "CrashLoopBackOff".into();
        let message = "".into();
        for container in &mut live.pod.containers {
            if is_ready && (container.id.is_empty() || chance.once_in(3)) {
                self.numbers += 1;
                container.id = format!("c{}", self.numbers).into();
                files.starts(container.id.clone(), &container.image);
            }
            container.ready = is_ready;
            container.state = match is_ready {
                true => ContainerState::Running { started: None },
                false => ContainerState::Waiting {
                    reason: Box::clone(&reason),
                    message: Box::clone(&message),
                },
            };
        }
        let uid = live.uid.clone();
        self.announce(&uid, chance, &mut news);
        self.bury(files);
        news
    }

    /// Another container takes the place of one that ran.
    pub fn crash(&mut self, files: &mut Containers, chance: &mut Chance) -> News {
        let mut news = News::new();
        let live = self.objects.values_mut().flat_map(|live| {
            let uid = &live.uid;
            live.pod.containers.iter_mut().map(move |container| (uid, container))
        });
        let mut running: Vec<_> = live.filter(|(_, container)| container.is_running()).collect();
        let Some(place) = (0..running.len()).nth(chance.below(running.len().max(1) as u64) as usize) else {
            return news;
        };
        let (uid, container) = running.swap_remove(place);
        self.numbers += 1;
        container.id = format!("c{}", self.numbers).into();
        files.starts(container.id.clone(), &container.image);
        let uid = uid.clone();
        self.announce(&uid, chance, &mut news);
        self.bury(files);
        news
    }

    /// Containers that are in no pod any more are gone.
    pub fn bury(&self, files: &mut Containers) {
        let containers = self.objects.values().flat_map(|live| &live.pod.containers);
        let running = containers.filter(|container| container.is_running());
        files.retain(&running.map(|container| &*container.id).collect());
    }
}

fn applied(apply: &Name, run: u64, fact: ApplyFact) -> Event {
    let apply = Arc::clone(apply);
    Event::Fact(Action::Applied { apply, run, fact })
}

fn done(apply: &Name, update: u64, deployed: Arc<Deployed>) -> News {
    let outcome = UpdateOutcome::Done;
    vec![
        (Duration::ZERO, applied(apply, update, ApplyFact::Done(deployed))),
        (Duration::ZERO, Event::Fact(Action::Updated { update, outcome })),
    ]
}

fn pod(number: u64, uid: &str, hash: &str, images: &[&str]) -> Pod {
    let container = |image: &&str| Container {
        name: "main".into(),
        image: (*image).into(),
        ..Container::default()
    };
    let images = if images.is_empty() { &[""] } else { images };
    Pod {
        name: format!("p{number}").into(),
        namespace: "default".into(),
        created: Some(Time::from_micros(number as i64)),
        phase: "Pending".into(),
        template_hash: hash.into(),
        ancestor: uid.into(),
        containers: images.iter().map(container).collect(),
        ..Pod::default()
    }
}

fn yaml(deploy: &KubernetesDeploy) -> &str {
    match &deploy.source {
        Source::Yaml(yaml) => yaml,
        Source::Custom { .. } => "",
    }
}

fn hash(deploy: &KubernetesDeploy, images: &Images) -> String {
    format!("{} {images:?}", yaml(deploy))
}

/// The YAML of this world: a variant, and the names of objects.
fn wanted(deploy: &KubernetesDeploy) -> Vec<Box<str>> {
    yaml(deploy).split(' ').skip(1).map(Box::from).collect()
}

fn declared(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        name: name.into(),
        ..ObjectRef::default()
    }
}

fn declares(resource: &ResourceState, name: &str) -> bool {
    let target = workload::target(resource);
    target.is_some_and(|target| target.objects.iter().any(|object| *object.name == *name))
}

/// Objects find their resources; from one project to the next they move.
pub fn share(project: &mut Project, chance: &mut Chance) {
    let targets = project.resources.iter_mut().filter_map(|one| match &mut one.target {
        Target::Kubernetes(target) => Some(target),
        Target::Local(_) | Target::Compose(_) => None,
    });
    let mut targets: Vec<_> = targets.collect();
    for number in 0..OBJECTS {
        let place = chance.below(targets.len() as u64 + 1) as usize;
        if let Some(target) = targets.get_mut(place) {
            target.objects.push(declared(&format!("o{number}")));
        }
    }
    for target in targets {
        let names: Vec<&str> = target.objects.iter().map(|object| &*object.name).collect();
        let yaml = format!("v{} {}", chance.below(2), names.join(" "));
        target.source = Source::Yaml(yaml.trim_end().to_owned());
    }
}

/// What is there once nothing is left to happen is what is declared, and everybody knows how it does.
pub fn check(cluster: &Cluster, deployed: &BTreeMap<Name, Images>, state: &State) -> Result<(), String> {
    if let Some(apply) = cluster.busy.keys().next() {
        return Err(format!("{apply} is applied or deleted for ever"));
    }
    for (name, resource) in &state.resources {
        present(cluster, (name, resource), deployed.get(name), state)?;
        seen(cluster, name, resource, state)?;
    }
    for name in cluster.objects.keys() {
        stray(name, state)?;
    }
    let seen: BTreeSet<&Name> = cluster.followers.keys().collect();
    match seen == state.discoveries.keys().collect() {
        true => Ok(()),
        false => Err(format!("{seen:?} look for pods")),
    }
}

fn present(
    cluster: &Cluster,
    (name, resource): (&Name, &ResourceState),
    images: Option<&Images>,
    state: &State,
) -> Result<(), String> {
    let went_well = resource.last().is_some_and(|last| last.error.is_none());
    let is_settled = resource.enabled && went_well && !resource.is_due() && resource.due.is_none();
    let Some(target) = workload::target(resource).filter(|_| is_settled) else {
        return Ok(());
    };
    for object in &target.objects {
        let there = cluster.objects.get(&object.name);
        let Some(there) = there else {
            return Err(format!("{name} was updated, {} is not there", object.name));
        };
        if images != Some(&there.images) {
            return Err(format!(
                "{} of {name} runs {:?}, not {images:?}",
                object.name, there.images
            ));
        }
        let Source::Yaml(yaml) = &target.source else { continue };
        if !there.hash.starts_with(yaml.as_str()) {
            return Err(format!("{} is {}, {name} says {yaml}", object.name, there.hash));
        }
    }
    let left = state
        .applies
        .get(name)
        .map(|apply| apply.left.len())
        .unwrap_or_default();
    match left >= target.objects.len() {
        true => Ok(()),
        false => Err(format!("{name} left {left} objects of {}", target.objects.len())),
    }
}

/// How a resource does is how its pods do.
fn seen(cluster: &Cluster, name: &Name, resource: &ResourceState, state: &State) -> Result<(), String> {
    let Some(target) = workload::target(resource).filter(|_| resource.enabled) else {
        return Ok(());
    };
    let deployed = state.applies.get(name).and_then(|apply| apply.deployed.as_ref());
    let truth = deployed.map(|deployed| {
        let pods = cluster.followers.get(name).map(|task| cluster.pods(task));
        match runtime::runtime(&pods.unwrap_or_default(), target.readiness, deployed.is_complete) {
            // What lacks changes does not count as ready.
            Runtime::Ok if resource.is_behind => Runtime::Pending { why: None },
            runtime => runtime,
        }
    });
    match truth == resource.workload.runtime {
        true => Ok(()),
        false => Err(format!(
            "{name} is {:?}, its pods are {truth:?}",
            resource.workload.runtime
        )),
    }
}

/// Whatever is there is somebody's, or could not be deleted.
fn stray(object: &str, state: &State) -> Result<(), String> {
    let is_declared = state
        .resources
        .values()
        .any(|resource| resource.enabled && declares(resource, object));
    let mut applies = state.applies.iter();
    let is_known = applies.any(|(name, apply)| {
        let is_left = apply.left.iter().any(|left| *left.name == *object);
        is_left && (apply.removal == Removal::Failed || workload::is_wanted(state, name))
    });
    match is_declared || is_known {
        true => Ok(()),
        false => Err(format!("{object} was left behind")),
    }
}
