//! Pure. Which containers are changed in place, what each of them misses, and whether an update can do without a build.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::deploy::runtime::Runtime;
use crate::engine::effect::{LiveOrder, LiveTo, Scope};
use crate::engine::state::{
    AgentPhase, Hold, LiveFailure, LiveState, Means, Mode, Name, Patched, ResourceState, Sent, Seq, State, is_ours,
};
use crate::engine::workload;
use crate::liveupdate::plan::{Plan, Verdict, copied, plan};
use crate::liveupdate::pull::{Pulled, places};
use crate::model::build::ImageTarget;
use crate::model::image::Reference;
use crate::model::live::{InitialSync, LiveUpdate};
use crate::model::pod::{Container, ContainerState, Pod, trouble};

/// One deployed image of a resource whose containers can be changed in place.
pub struct Live<'a> {
    pub name: Name,
    pub image: &'a Name,
    pub target: &'a ImageTarget,
    /// The images whose sources it holds, bases first, itself last.
    pub sources: Vec<&'a Name>,
}

/// A container that a live update reaches.
#[derive(Clone, Copy)]
pub struct Reached<'a> {
    pub pod: &'a Pod,
    pub container: &'a Container,
}

/// How an update goes about what changed.
pub enum Course {
    /// It builds and deploys.
    Build,
    /// It changes containers in place.
    Live(Vec<LiveOrder>),
    /// It could change them, were they there.
    Wait(Hold),
    /// It has to build, for reasons that people want to know.
    Stop(Vec<Stopped>),
}

/// A live update that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    pub live: Name,
    pub reason: &'static str,
    pub message: String,
}

/// Whether anything of a resource can be changed in place.
pub fn can_be(resource: &ResourceState) -> bool {
    resource
        .declared
        .images
        .iter()
        .any(|image| !image.live_update.is_empty())
}

/// Everything of a resource that can be changed in place.
pub fn lives<'a>(state: &'a State, resource: &'a ResourceState) -> Vec<Live<'a>> {
    // Most resources are not, and are asked at every turn.
    if !can_be(resource) {
        return Vec::new();
    }
    let Some(target) = workload::target(resource) else {
        return Vec::new();
    };
    let declared = resource.images.iter().zip(&resource.declared.images);
    let deployed = declared.filter(|(name, image)| {
        // What only names containers is in no object.
        image.is_live_update_only() || target.image_maps.iter().any(|map| **map == ***name)
    });
    let lives = deployed.map(|(name, image)| Live {
        name: image.object_name(resource.name()).into(),
        image: name,
        target: image,
        sources: sources(resource, image, name),
    });
    lives
        .filter(|live| live.rules(state, live.image).is_some() || live.bases_have_rules(resource))
        .collect()
}

/// The images of a resource that one of them is made from, however far away, and that one.
fn sources<'a>(resource: &'a ResourceState, image: &ImageTarget, name: &'a Name) -> Vec<&'a Name> {
    let mut wanted: BTreeSet<&str> = image.image_deps.iter().map(String::as_str).collect();
    let mut found = vec![name];
    // Bases stand before what is made from them.
    for (name, image) in resource.images.iter().zip(&resource.declared.images).rev() {
        if wanted.contains(&**name) {
            wanted.extend(image.image_deps.iter().map(String::as_str));
            found.push(name);
        }
    }
    found.reverse();
    found
}

impl Live<'_> {
    /// What is done about files of one of its sources: what that source says, else what it says itself.
    fn rules<'s>(&self, state: &'s State, source: &Name) -> Option<&'s LiveUpdate> {
        let of = |name: &Name| {
            let image = state.images.get(name)?;
            Some(&image.target.live_update).filter(|rules| !rules.is_empty())
        };
        of(source).or_else(|| of(self.image))
    }

    fn bases_have_rules(&self, resource: &ResourceState) -> bool {
        let declared = resource.images.iter().zip(&resource.declared.images);
        let mut sources = declared.filter(|(name, _)| self.sources.contains(name));
        sources.any(|(_, image)| !image.live_update.is_empty())
    }

    /// What the image is now, as far as somebody built it.
    fn made<'s>(&self, state: &'s State) -> Option<&'s crate::engine::state::Made> {
        state.images.get(self.image)?.made.as_ref()
    }

    /// Whether its containers hold nothing but what was built, as far as we know: changes up to here.
    fn base(&self, state: &State, known: &LiveState) -> Seq {
        self.made(state).map_or(known.base, |made| made.inputs_as_of)
    }

    /// The containers of pods that are there to stay, of the image as it is now.
    pub fn reached<'s>(&self, state: &State, resource: &'s ResourceState) -> Vec<Reached<'s>> {
        let pods = resource.workload.pods.iter().filter(|pod| !pod.deleting);
        let all = pods.flat_map(|pod| pod.containers.iter().map(|container| Reached { pod, container }));
        all.filter(|reached| self.matches(state, reached.container)).collect()
    }

    fn matches(&self, state: &State, container: &Container) -> bool {
        if let Some(name) = &self.target.live_update.container {
            return *container.name == **name;
        }
        if let Some(made) = self.made(state).filter(|_| is_ours(self.target)) {
            return is_same_image(&container.image, &made.built.cluster);
        }
        !is_ours(self.target)
            && Reference::parse(&container.image).is_ok_and(|image| self.target.selector.matches(&image))
    }

    /// What of its sources changed after `since`.
    fn changed<'s>(&self, state: &'s State, source: &Name, since: Seq) -> BTreeMap<&'s PathBuf, Seq> {
        let image = state.images.get(source);
        let pending = image.into_iter().flat_map(|image| &image.pending);
        pending
            .filter(|(_, seq)| **seq > since)
            .map(|(path, seq)| (path, *seq))
            .collect()
    }
}

fn is_same_image(one: &str, other: &str) -> bool {
    one == other
        || matches!(
            (Reference::parse(one), Reference::parse(other)),
            (Ok(one), Ok(other)) if one.familiar() == other.familiar()
        )
}

/// What one container misses: the files of each source.
type Missing<'a> = BTreeMap<&'a Name, BTreeMap<&'a PathBuf, Seq>>;

/// What a container misses. `Which::Sent` leaves out what nobody has sent anywhere yet.
fn missing<'a>(
    state: &'a State,
    live: &'a Live<'_>,
    known: &'a LiveState,
    (patched, which): (&Patched, Which),
) -> Missing<'a> {
    let base = live.base(state, known);
    // What nobody builds never has what went into others; all that no sync has came with its deployment.
    let (since, sent_since) = match (patched.synced, is_ours(live.target)) {
        (synced, true) => (synced.unwrap_or(base), synced.unwrap_or(base)),
        (synced, false) => (synced.unwrap_or(base).max(base), synced.unwrap_or_default()),
    };
    let mut missing = Missing::new();
    if which == Which::All {
        for source in &live.sources {
            let files = live.changed(state, source, since);
            if !files.is_empty() {
                missing.insert(source, files);
            }
        }
    }
    for (path, sent) in known.sent.iter().filter(|(_, sent)| sent.seq > sent_since) {
        missing.entry(&sent.source).or_default().insert(path, sent.seq);
    }
    missing
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Sent,
}

/// Whether a container of the resource lacks what others got, or was never begun.
pub fn is_behind(state: &State, resource: &ResourceState) -> bool {
    let can_be = state.session.updates_live && resource.enabled && resource.started_once;
    if !can_be || resource.last_deploy.is_none() || resource.is_broken {
        return false;
    }
    lives(state, resource).iter().any(|live| {
        let fresh = LiveState::default();
        let known = state.lives.get(&live.name).map_or(&fresh, Arc::as_ref);
        if known.failed.is_some() {
            return false;
        }
        live.reached(state, resource).iter().any(|reached| {
            let is_there = reached.container.is_running() && !reached.container.id.is_empty();
            let patched = known.containers.get(&reached.container.id).cloned().unwrap_or_default();
            let lacks = || !missing(state, live, known, (&patched, Which::Sent)).is_empty();
            is_there
                && !known.is_left(&patched)
                && !is_given_up(state, &patched, reached.container)
                && (begins(state, live, &patched, reached.container) || lacks())
        })
    })
}

fn patched_of<'k>(known: &'k LiveState, container: &Container) -> &'k Patched {
    static FRESH: Patched = Patched {
        synced: None,
        last_file: None,
        exec_error: None,
        is_begun: false,
        is_given_up: false,
        left: None,
        sending: None,
    };
    known.containers.get(&container.id).unwrap_or(&FRESH)
}

/// Whether a container is to get everything first. If nothing can be brought into it, a build would not change that.
fn begins(state: &State, live: &Live, patched: &Patched, container: &Container) -> bool {
    must_begin(live, patched) && !is_out_of_reach(state, &container.id)
}

fn is_out_of_reach(state: &State, container: &str) -> bool {
    state.agents.get(container).is_some_and(|agent| agent.is_out_of_reach())
}

fn is_given_up(state: &State, patched: &Patched, container: &Container) -> bool {
    patched.is_given_up && is_out_of_reach(state, &container.id)
}

fn must_begin(live: &Live, patched: &Patched) -> bool {
    live.target.live_update.initial_sync == InitialSync::Copy && !patched.is_begun
}

/// How an update of the resource would go about what is pending now.
pub fn course(state: &State, resource: &ResourceState) -> Course {
    if !state.session.updates_live || !may_be_live(resource) {
        return Course::Build;
    }
    let lives = lives(state, resource);
    if lives.is_empty() {
        return Course::Build;
    }
    if !are_explained(state, resource, &lives) {
        return Course::Build;
    }
    let which = match means(resource) {
        Means::CatchUp => Which::Sent,
        Means::Build | Means::Live => Which::All,
    };
    let mut orders = Vec::new();
    let mut stopped = Vec::new();
    let mut hold = None;
    for live in &lives {
        match of_live(state, resource, live, which) {
            Turn::Nothing => {}
            Turn::Build => return Course::Build,
            Turn::Go(order) => orders.push(order),
            Turn::Wait(reason) => hold = hold.or(Some(reason)),
            Turn::Stop(stop) => stopped.push(stop),
        }
    }
    match (stopped.is_empty(), hold) {
        (false, _) => Course::Stop(stopped),
        (true, Some(hold)) => Course::Wait(hold),
        (true, None) => Course::Live(orders),
    }
}

/// What a live update of the resource is for now: what is pending, where that may start something, else new containers.
pub fn means(resource: &ResourceState) -> Means {
    let is_for_files = resource.requested.is_some() || resource.follows_files();
    match is_for_files && !resource.pending.files.is_empty() {
        true => Means::Live,
        false => Means::CatchUp,
    }
}

/// Whether what changed waits until somebody asks for it.
pub fn waits_for_trigger(resource: &ResourceState) -> bool {
    !resource.follows_files() && resource.requested.is_none() && !resource.pending.files.is_empty()
}

/// Only changes of files are brought in without a build, and only into what was deployed.
fn may_be_live(resource: &ResourceState) -> bool {
    let is_asked_to_build = resource.requested.is_some() && crate::engine::images::is_forced(resource);
    resource.started_once
        && resource.last_deploy.is_some()
        && resource.due.is_none()
        && !resource.is_outdated
        && resource.retry == Default::default()
        && !is_asked_to_build
        && !resource.is_broken
}

/// A file that changed and belongs to none of the images that can be changed in place is for a build.
fn are_explained(state: &State, resource: &ResourceState, lives: &[Live]) -> bool {
    let is_source = |path: &Path| {
        let mut sources = lives.iter().flat_map(|live| &live.sources);
        sources.any(|source| {
            let image = state.images.get(*source);
            image.is_some_and(|image| image.pending.contains_key(path))
        })
    };
    resource.pending.files.keys().all(|path| is_source(path))
}

enum Turn {
    Nothing,
    Build,
    Go(LiveOrder),
    Wait(Hold),
    Stop(Stopped),
}

fn of_live(state: &State, resource: &ResourceState, live: &Live, which: Which) -> Turn {
    let fresh = LiveState::default();
    let known = state.lives.get(&live.name).map_or(&fresh, Arc::as_ref);
    let stop = |reason: &'static str, message: String| {
        Turn::Stop(Stopped {
            live: Arc::clone(&live.name),
            reason,
            message,
        })
    };
    let reached = live.reached(state, resource);
    // Before a container is there it is known already whether the changes can be brought in.
    let fresh = Patched::default();
    let mut everything = match reached.is_empty() {
        true => missing(state, live, known, (&fresh, which)),
        false => Missing::new(),
    };
    for one in &reached {
        let patched = known.containers.get(&one.container.id).unwrap_or(&fresh);
        for (source, files) in missing(state, live, known, (patched, which)) {
            everything.entry(source).or_default().extend(files);
        }
    }
    let planned = planned(state, live, &everything);
    match planned {
        Err(message) => return stop("UpdateStopped", message),
        Ok(_) if known.failed.is_some() && !everything.is_empty() => {
            let failed = known.failed.as_ref().expect("it was looked at");
            return stop(failed.reason, failed.message.clone());
        }
        Ok(None)
            if !reached
                .iter()
                .any(|one| begins(state, live, patched_of(known, one.container), one.container)) =>
        {
            return Turn::Nothing;
        }
        Ok(_) => {}
    }
    let mut containers = Vec::new();
    let mut waits = None;
    let mut ended = 0;
    for one in &reached {
        match target(state, live, known, one, which) {
            Ok(Some(to)) => containers.push(to),
            Ok(None) => {}
            Err(Obstacle::Ended) => ended += 1,
            Err(Obstacle::Waits(hold)) => waits = waits.or(Some(hold)),
            Err(Obstacle::Stops(reason, message)) => return stop(reason, message),
        }
    }
    if !reached.is_empty() && ended == reached.len() {
        return stop(
            "Terminated",
            format!("all containers of {} have terminated", live.target.selector),
        );
    }
    match waits {
        Some(hold) => Turn::Wait(hold),
        None if reached.is_empty() => nobody(resource, live),
        None if containers.is_empty() => Turn::Nothing,
        None => Turn::Go(LiveOrder {
            live: Arc::clone(&live.name),
            rules: Arc::new(live.target.live_update.clone()),
            containers,
        }),
    }
}

/// There is no container, and there will be one, or not.
fn nobody(resource: &ResourceState, live: &Live) -> Turn {
    let workload = &resource.workload;
    let has_failed = matches!(workload.runtime, Some(Runtime::Error { .. }));
    let are_leaving = !workload.pods.is_empty() && workload.pods.iter().all(|pod| pod.deleting);
    if are_leaving {
        return Turn::Wait(Hold::WaitingForContainer { container: None });
    }
    match (workload.is_ready() || has_failed, workload.pods.is_empty()) {
        // Its pods run something else: a build tells what.
        (true, false) => Turn::Stop(Stopped {
            live: Arc::clone(&live.name),
            reason: "ObjectNotFound",
            message: format!("no container runs {}", live.target.selector),
        }),
        // Nobody waits for pods of it.
        (true, true) => Turn::Build,
        (false, _) => Turn::Wait(Hold::WaitingForContainer { container: None }),
    }
}

enum Obstacle {
    Ended,
    Waits(Hold),
    Stops(&'static str, String),
}

/// What one container gets; nothing where it has it all.
fn target(
    state: &State,
    live: &Live,
    known: &LiveState,
    reached: &Reached,
    which: Which,
) -> Result<Option<LiveTo>, Obstacle> {
    let Reached { pod, container } = reached;
    let patched = known.containers.get(&container.id).cloned().unwrap_or_default();
    if which == Which::Sent && known.is_left(&patched) {
        return Ok(None);
    }
    let everything = begins(state, live, &patched, container);
    let missing = missing(state, live, known, (&patched, which));
    if missing.is_empty() && !everything {
        return Ok(None);
    }
    match &container.state {
        // Nothing is started again in it: another one takes its place.
        _ if pod.has_ended() => return Err(Obstacle::Ended),
        ContainerState::Terminated { exit_code, .. } if !pod.restart.starts_again(*exit_code) => {
            return Err(Obstacle::Ended);
        }
        ContainerState::Waiting { .. } if trouble::fatal_reason(container).is_some() => {
            let reason = trouble::fatal_reason(container).unwrap_or_default();
            let message = format!("container {} of pod {} is in {reason}", container.name, pod.name);
            let word = match reason {
                "CrashLoopBackOff" => "CrashLoopBackOff",
                _ => "ContainerWaiting",
            };
            return Err(Obstacle::Stops(word, message));
        }
        ContainerState::Running { .. } if !container.id.is_empty() => {}
        ContainerState::Running { .. }
        | ContainerState::Waiting { .. }
        | ContainerState::Terminated { .. }
        | ContainerState::Unknown => {
            let container = Some(Arc::from(&*container.name));
            return Err(Obstacle::Waits(Hold::WaitingForContainer { container }));
        }
    }
    match state.agents.get(&*container.id).map(|agent| &agent.phase) {
        Some(AgentPhase::Ready { .. }) => {}
        Some(AgentPhase::Failed { error }) => return Err(Obstacle::Stops("UpdateFailed", error.clone())),
        Some(AgentPhase::Starting | AgentPhase::Delayed { .. }) | None => {
            let container = Some(Arc::from(&*container.name));
            return Err(Obstacle::Waits(Hold::WaitingForContainer { container }));
        }
    }
    let plan = planned(state, live, &missing).map_err(|message| Obstacle::Stops("UpdateStopped", message))?;
    Ok(Some(LiveTo {
        container: container.id.clone(),
        name: container.name.clone(),
        pod: pod.name.clone(),
        scope: match everything {
            true => Scope::Everything {
                ignores: ignores(state, live),
            },
            false => Scope::Files(plan.unwrap_or_default()),
        },
        sent: sent(&missing),
    }))
}

fn sent(missing: &Missing) -> BTreeMap<PathBuf, Sent> {
    let files = missing.iter().flat_map(|(source, files)| {
        files.iter().map(|(path, seq)| {
            let sent = Sent {
                seq: *seq,
                source: Arc::clone(source),
            };
            ((*path).clone(), sent)
        })
    });
    files.collect()
}

fn ignores(state: &State, live: &Live) -> Vec<crate::model::filter::Ignore> {
    let image = state.images.get(live.image);
    image
        .map(|image| image.target.watch_ignores.clone())
        .unwrap_or_default()
}

/// What the files of all sources come to; nothing where there are none.
fn planned(state: &State, live: &Live, missing: &Missing) -> Result<Option<Plan>, String> {
    let none = LiveUpdate::default();
    let mut whole: Option<Plan> = None;
    for (source, files) in missing {
        // Without any rules there is no sync that could have them.
        let rules = live.rules(state, source).unwrap_or(&none);
        match plan(rules, files.keys().copied()) {
            Verdict::Nothing => {}
            Verdict::Stop(stop) => return Err(stop.to_string()),
            Verdict::Go(plan) => {
                whole = Some(match whole {
                    Some(whole) => whole.join(plan),
                    None => plan,
                });
            }
        }
    }
    Ok(whole)
}

/// The agents that should work: one in each container that a live update reaches and that runs, by the container's id.
pub fn agents(state: &State) -> BTreeMap<Name, AgentOf<'_>> {
    let mut agents = BTreeMap::new();
    if !state.session.updates_live {
        return agents;
    }
    for (name, resource) in state.resources.iter().filter(|(_, resource)| resource.enabled) {
        for live in lives(state, resource) {
            // Nothing changes while `tilt ci` runs.
            if state.session.mode == Mode::Ci && live.target.live_update.initial_sync != InitialSync::Copy {
                continue;
            }
            for reached in live.reached(state, resource) {
                if reached.container.is_running() && !reached.container.id.is_empty() {
                    let roots = roots(state, &live);
                    let agent = AgentOf {
                        resource: name,
                        reached,
                        roots,
                        pulls: pulls(state, &live),
                    };
                    agents.insert(Name::from(&*reached.container.id), agent);
                }
            }
        }
    }
    agents
}

pub struct AgentOf<'a> {
    pub resource: &'a Name,
    pub reached: Reached<'a>,
    /// Where files may go.
    pub roots: Vec<String>,
    pub pulls: Vec<Pulled>,
}

fn pulls(state: &State, live: &Live) -> Vec<Pulled> {
    let rules = live.sources.iter().filter_map(|source| live.rules(state, source));
    let mut pulls: Vec<Pulled> = rules.flat_map(places).collect();
    pulls.dedup();
    pulls
}

fn roots(state: &State, live: &Live) -> Vec<String> {
    let rules = live.sources.iter().filter_map(|source| live.rules(state, source));
    let roots: BTreeSet<String> = rules
        .flat_map(|rules| rules.syncs.iter().map(|sync| sync.container.clone()))
        .collect();
    roots.into_iter().collect()
}

/// A build of an image came to its end that saw changes up to `as_of`. Whoever starts from another image has what was sent before.
/// If it is what it was, containers go on that lack what changed back meanwhile.
pub fn built(state: &mut State, image: &Name, as_of: Seq, is_same: bool) {
    let Some(known) = state.images.get(image).map(Arc::clone) else {
        return;
    };
    for live in state.lives.values_mut() {
        if live.sent.values().all(|sent| sent.source != *image) {
            continue;
        }
        let live = Arc::make_mut(live);
        if !is_same {
            live.sent.retain(|_, sent| sent.source != *image || sent.seq > as_of);
            continue;
        }
        for (path, sent) in live.sent.iter_mut().filter(|(_, sent)| sent.source == *image) {
            if let Some(seq) = known.pending.get(path).filter(|seq| **seq <= as_of) {
                sent.seq = *seq;
            }
        }
    }
    state.unpatched = true;
}

/// What whoever runs an image that nobody builds needs, of all that changed up to `as_of`: by the LiveUpdates of a resource.
pub fn needed(state: &State, resource: &ResourceState, as_of: Seq) -> BTreeMap<Name, BTreeMap<PathBuf, Sent>> {
    let foreign = lives(state, resource);
    let foreign = foreign.into_iter().filter(|live| !is_ours(live.target));
    let needed = foreign.map(|live| {
        let mut files = BTreeMap::new();
        for source in &live.sources {
            let rules = live.rules(state, source);
            let mut changed = live.changed(state, source, Seq::default());
            changed.retain(|path, seq| *seq <= as_of && rules.is_some_and(|rules| is_copied(rules, path)));
            files.extend(sent(&Missing::from([(*source, changed)])));
        }
        (live.name, files)
    });
    needed.collect()
}

/// Whether a live update could bring it in.
fn is_copied(rules: &LiveUpdate, path: &PathBuf) -> bool {
    copied(rules, path).is_some() && matches!(plan(rules, [path]), Verdict::Go(_))
}

/// Why the containers of a resource cannot be changed in place any more.
pub fn failures(state: &State, resource: &str) -> Vec<(Name, LiveFailure)> {
    let Some(resource) = state.resource(resource) else {
        return Vec::new();
    };
    let failed = lives(state, resource).into_iter().filter_map(|live| {
        let failure = state.lives.get(&live.name)?.failed.clone()?;
        Some((live.name, failure))
    });
    failed.collect()
}
