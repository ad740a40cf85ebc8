//! The books: namespaces that are watched, what is known of owners, and what each follower was told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::News;
use super::following::{Following, told};
use super::mailbox::Mailbox;
use crate::deploy::events;
use crate::deploy::track::{self, Known, Lineage, Owners};
use crate::model::deployed::Wanted;
use crate::model::pod::{Pod, PodOwner};
use crate::model::time::Time;
use crate::world::cluster::ClusterError;
use crate::world::cluster::watch::{Change, ClusterEvent, Watches};

const LOOKUPS_AT_ONCE: usize = 16;
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(4);
/// Events that came before what they are about.
const MOST_HELD: usize = 200;
/// Changes that are taken in before anybody is told.
const BATCH: usize = 256;

pub enum Command {
    Follow {
        id: u64,
        /// In whose place.
        after: Option<u64>,
        wanted: Wanted,
        since: Time,
        mailbox: Arc<Mailbox>,
    },
    Change {
        id: u64,
        wanted: Wanted,
    },
    Stop {
        id: u64,
    },
}

enum Heard {
    Pods(Change<Arc<Pod>>),
    Events(Change<Arc<ClusterEvent>>),
}

pub struct Ledger {
    watches: Watches,
    owners: Owners,
    asked: BTreeSet<Box<str>>,
    lookups: JoinSet<(Box<str>, PodOwner, Known)>,
    permits: Arc<Semaphore>,
    places: BTreeMap<Box<str>, Place>,
    follows: BTreeMap<u64, Following>,
    /// The only one who is told for now: it has come late.
    whom: Option<u64>,
    tasks: TaskTracker,
    heard: UnboundedReceiver<(Box<str>, Heard)>,
    tell: UnboundedSender<(Box<str>, Heard)>,
}

/// A namespace.
struct Place {
    /// By uid; nothing until they were listed.
    pods: Option<BTreeMap<Box<str>, Arc<Pod>>>,
    /// Whose owners are being asked for.
    unresolved: BTreeSet<Box<str>>,
    events: BTreeMap<Box<str>, Arc<ClusterEvent>>,
    held: VecDeque<Arc<ClusterEvent>>,
    failure: Option<String>,
    slow: Option<String>,
    _watching: [AbortOnDropHandle<()>; 2],
}

impl Ledger {
    pub fn new(watches: Watches) -> Ledger {
        let (tell, heard) = unbounded_channel();
        Ledger {
            watches,
            owners: Owners::new(),
            asked: BTreeSet::new(),
            lookups: JoinSet::new(),
            permits: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
            places: BTreeMap::new(),
            follows: BTreeMap::new(),
            whom: None,
            tasks: TaskTracker::new(),
            heard,
            tell,
        }
    }

    /// Until nobody can want anything any more.
    pub async fn keep(mut self, mut orders: UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                Some((namespace, heard)) = self.heard.recv() => {
                    self.hear(&namespace, heard);
                    for _ in 0..BATCH {
                        let Ok((namespace, heard)) = self.heard.try_recv() else { break };
                        self.hear(&namespace, heard);
                    }
                }
                Some(found) = self.lookups.join_next() => {
                    if let Ok((namespace, owner, known)) = found {
                        self.learn(&namespace, &owner, known);
                    }
                }
            }
            self.tell_pods();
        }
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Follow {
                id,
                after,
                wanted,
                since,
                mailbox,
            } => {
                let mut following = Following::new(wanted, since, mailbox);
                if let Some(before) = after.and_then(|before| self.follows.get(&before)) {
                    following.told.clone_from(&before.told);
                }
                self.follows.insert(id, following);
                self.enter(id);
            }
            Command::Change { id, wanted } => {
                if let Some(following) = self.follows.get_mut(&id) {
                    following.change(wanted);
                    self.enter(id);
                }
            }
            Command::Stop { id } => drop(self.follows.remove(&id)),
        }
        let needed: BTreeSet<&Box<str>> = self
            .follows
            .values()
            .flat_map(|following| &following.namespaces)
            .collect();
        self.places.retain(|namespace, _| needed.contains(namespace));
    }

    /// A follower learns what is known already.
    fn enter(&mut self, id: u64) {
        let namespaces = self.follows.get(&id).map(|following| following.namespaces.clone());
        for namespace in namespaces.into_iter().flatten() {
            self.open(&namespace);
            let Some(place) = self.places.get(&namespace) else {
                continue;
            };
            if let Some(following) = self.follows.get(&id) {
                following.hear_of_failures(place.failure.as_ref(), place.slow.as_ref());
            }
            let pods: Vec<Arc<Pod>> = place.pods.iter().flat_map(|pods| pods.values().cloned()).collect();
            let events: Vec<Arc<ClusterEvent>> = place.events.values().cloned().collect();
            self.whom = Some(id);
            pods.iter().for_each(|pod| self.put(&namespace, pod));
            events.iter().for_each(|event| self.hear_event(&namespace, event));
            self.whom = None;
        }
    }

    fn open(&mut self, namespace: &str) {
        if self.places.contains_key(namespace) {
            return;
        }
        let (mut pods, mut events) = (self.watches.pods(namespace), self.watches.events(namespace));
        let (of_pods, of_events) = (self.tell.clone(), self.tell.clone());
        let name: Box<str> = namespace.into();
        let also: Box<str> = namespace.into();
        let pods = self
            .tasks
            .spawn(async move { while of_pods.send((name.clone(), Heard::Pods(pods.next().await))).is_ok() {} });
        let events = self.tasks.spawn(async move {
            while of_events
                .send((also.clone(), Heard::Events(events.next().await)))
                .is_ok()
            {}
        });
        self.places
            .insert(namespace.into(), Place::new([pods, events].map(AbortOnDropHandle::new)));
    }

    fn hear(&mut self, namespace: &str, heard: Heard) {
        // Of a namespace that nobody wants any more a word may still come.
        if !self.places.contains_key(namespace) {
            return;
        }
        match heard {
            Heard::Pods(change) => self.hear_pods(namespace, change),
            Heard::Events(change) => self.hear_events(namespace, change),
        }
    }

    fn hear_pods(&mut self, namespace: &str, change: Change<Arc<Pod>>) {
        match change {
            Change::All(pods) => self.replace(namespace, pods),
            Change::Put(pod) => {
                self.put(namespace, &pod);
                self.tell_held(namespace);
            }
            Change::Gone(pod) => {
                self.put(namespace, &pod);
                self.lose(namespace, &pod.uid);
            }
            Change::Failed(error) => self.fail(namespace, &error),
            Change::Recovered => self.recover(namespace),
            Change::Unwatchable(error) => self.slow_down(namespace, &error),
            Change::Lost => {}
        }
    }

    fn replace(&mut self, namespace: &str, pods: Vec<Arc<Pod>>) {
        let uids: BTreeSet<&Box<str>> = pods.iter().map(|pod| &pod.uid).collect();
        let known = self.places.get(namespace).and_then(|place| place.pods.as_ref());
        let lost = known
            .iter()
            .flat_map(|known| known.keys())
            .filter(|uid| !uids.contains(uid));
        for uid in lost.cloned().collect::<Vec<_>>() {
            self.lose(namespace, &uid);
        }
        if let Some(place) = self.places.get_mut(namespace) {
            place.pods.get_or_insert_default();
        }
        pods.iter().for_each(|pod| self.put(namespace, pod));
        self.tell_held(namespace);
        self.in_namespace(namespace)
            .for_each(|following| following.is_dirty = true);
    }

    fn put(&mut self, namespace: &str, pod: &Arc<Pod>) {
        let Some(place) = self.places.get_mut(namespace) else {
            return;
        };
        place.pods.get_or_insert_default().insert(pod.uid.clone(), pod.clone());
        let lineage = Lineage::of(pod, &self.owners);
        match &lineage.unknown {
            Some(_) => place.unresolved.insert(pod.uid.clone()),
            None => place.unresolved.remove(&pod.uid),
        };
        self.in_namespace(namespace)
            .for_each(|following| following.claim(pod, &lineage));
        if let Some(owner) = &lineage.unknown {
            self.ask(namespace, owner);
        }
    }

    fn lose(&mut self, namespace: &str, uid: &str) {
        if let Some(place) = self.places.get_mut(namespace) {
            place.pods.get_or_insert_default().remove(uid);
            place.unresolved.remove(uid);
        }
        self.in_namespace(namespace).for_each(|following| following.lose(uid));
    }

    fn in_namespace<'a>(&'a mut self, namespace: &'a str) -> impl Iterator<Item = &'a mut Following> {
        let whom = self.whom;
        let range = whom.map_or(0..=u64::MAX, |id| id..=id);
        let follows = self.follows.range_mut(range).map(|(_, following)| following);
        follows.filter(move |following| following.namespaces.contains(namespace))
    }

    fn ask(&mut self, namespace: &str, owner: &PodOwner) {
        if !self.asked.insert(owner.uid.clone()) {
            return;
        }
        let (cluster, permits) = (self.watches.cluster().clone(), self.permits.clone());
        let (namespace, owner) = (Box::<str>::from(namespace), owner.clone());
        self.lookups.spawn(async move {
            let mut retry = FIRST_RETRY;
            loop {
                let permit = permits.acquire().await;
                match cluster.owner(&namespace, &owner).await {
                    Ok(Some(found)) => {
                        let (created, above) = (found.created, found.owner);
                        return (namespace, owner, Known::Object { created, owner: above });
                    }
                    // The watch of the same cluster says what is wrong with it.
                    Err(error) if error.is_connection() => {}
                    Ok(None) | Err(_) => return (namespace, owner, Known::Hidden),
                }
                drop(permit);
                tokio::time::sleep(retry).await;
                retry = (retry * 2).min(LAST_RETRY);
            }
        });
    }

    fn learn(&mut self, namespace: &str, owner: &PodOwner, known: Known) {
        self.asked.remove(&owner.uid);
        self.owners.insert(owner.uid.clone(), known);
        let Some(place) = self.places.get(namespace) else {
            return;
        };
        let pods = place
            .pods
            .iter()
            .flat_map(|pods| place.unresolved.iter().filter_map(|uid| pods.get(uid)));
        for pod in pods.cloned().collect::<Vec<_>>() {
            self.put(namespace, &pod);
        }
        self.tell_held(namespace);
    }

    fn hear_events(&mut self, namespace: &str, change: Change<Arc<ClusterEvent>>) {
        match change {
            Change::All(events) => {
                let uids: BTreeSet<Box<str>> = events.iter().map(|event| event.uid.clone()).collect();
                self.in_namespace(namespace)
                    .for_each(|following| following.told.retain(|uid, _| uids.contains(uid)));
                if let Some(place) = self.places.get_mut(namespace) {
                    place.events.retain(|uid, _| uids.contains(uid));
                }
                events.iter().for_each(|event| self.hear_event(namespace, event));
            }
            Change::Put(event) => self.hear_event(namespace, &event),
            Change::Gone(event) => {
                self.in_namespace(namespace)
                    .for_each(|following| drop(following.told.remove(&event.uid)));
                if let Some(place) = self.places.get_mut(namespace) {
                    place.events.remove(&event.uid);
                }
            }
            // Events are something that one can do without; that the cluster is away, the pods tell.
            Change::Failed(error) if error.is_connection() => {}
            // Nor is it an error that not everybody may see them.
            Change::Failed(ClusterError::Refused { status: 403, .. }) => {}
            Change::Failed(error) | Change::Unwatchable(error) => self.slow_down(namespace, &error),
            Change::Recovered | Change::Lost => {}
        }
    }

    fn hear_event(&mut self, namespace: &str, event: &Arc<ClusterEvent>) {
        if !events::is_of_interest(told(event)) {
            return;
        }
        if let Some(place) = self.places.get_mut(namespace) {
            place.events.insert(event.uid.clone(), event.clone());
        }
        if !self.tell_event(namespace, event)
            && let Some(place) = self.places.get_mut(namespace)
        {
            place.held.push_back(event.clone());
            let surplus = place.held.len().saturating_sub(MOST_HELD);
            place.held.drain(..surplus);
        }
    }

    fn tell_held(&mut self, namespace: &str) {
        let held = self
            .places
            .get_mut(namespace)
            .map(|place| std::mem::take(&mut place.held));
        let mut held = held.unwrap_or_default();
        held.retain(|event| !self.tell_event(namespace, event));
        if let Some(place) = self.places.get_mut(namespace) {
            held.append(&mut place.held);
            place.held = held;
        }
    }

    /// Whether it is clear whom it is for, be it nobody.
    fn tell_event(&mut self, namespace: &str, event: &Arc<ClusterEvent>) -> bool {
        let about = &event.about;
        if &*about.kind == "Pod" {
            let mut is_told = false;
            for following in self
                .in_namespace(namespace)
                .filter(|following| following.knows(&about.uid))
            {
                following.tell(event);
                is_told = true;
            }
            let place = self.places.get(namespace);
            let is_known = |place: &Place| {
                let pods = place.pods.as_ref();
                pods.is_some_and(|pods| pods.contains_key(&about.uid)) && !place.unresolved.contains(&about.uid)
            };
            return is_told || place.is_some_and(is_known);
        }
        match track::chain("", Some(about), &self.owners) {
            Ok(chain) => {
                let is_above = |following: &&mut Following| {
                    let mut watches = following.wanted.watches.iter();
                    watches.any(|watch| !watch.uid.is_empty() && chain.contains(&watch.uid))
                };
                self.in_namespace(namespace)
                    .filter(is_above)
                    .for_each(|following| following.tell(event));
                true
            }
            Err(unknown) => {
                let is_watched = |following: &&mut Following| following.watches(&about.uid);
                let mut is_told = false;
                for following in self.in_namespace(namespace).filter(is_watched) {
                    following.tell(event);
                    is_told = true;
                }
                if !is_told {
                    self.ask(namespace, &unknown);
                }
                is_told
            }
        }
    }

    fn fail(&mut self, namespace: &str, error: &ClusterError) {
        let reason = error.to_string();
        if let Some(place) = self.places.get_mut(namespace) {
            place.failure = Some(reason.clone());
        }
        self.in_namespace(namespace)
            .for_each(|following| following.mailbox.state(News::Failed(reason.clone())));
    }

    fn recover(&mut self, namespace: &str) {
        if let Some(place) = self.places.get_mut(namespace) {
            place.failure = None;
        }
        let failing: BTreeSet<Box<str>> = self
            .places
            .iter()
            .filter(|(_, place)| place.failure.is_some())
            .map(|(name, _)| name.clone())
            .collect();
        let whole = self
            .in_namespace(namespace)
            .filter(|following| following.namespaces.is_disjoint(&failing));
        whole.for_each(|following| following.mailbox.state(News::Recovered));
    }

    fn slow_down(&mut self, namespace: &str, error: &ClusterError) {
        let reason = error.to_string();
        if let Some(place) = self.places.get_mut(namespace) {
            place.slow = Some(reason.clone());
        }
        self.in_namespace(namespace)
            .for_each(|following| following.mailbox.state(News::Slow(reason.clone())));
    }

    fn tell_pods(&mut self) {
        for following in self.follows.values_mut().filter(|following| following.is_dirty) {
            let mut places = following.namespaces.iter().map(|namespace| self.places.get(namespace));
            let is_listed =
                |place: Option<&Place>| place.is_some_and(|place| place.pods.is_some() && place.unresolved.is_empty());
            if following.shown.is_some() || places.all(is_listed) {
                following.tell_pods();
            }
        }
    }
}

impl Place {
    fn new(watching: [AbortOnDropHandle<()>; 2]) -> Place {
        Place {
            pods: None,
            unresolved: BTreeSet::new(),
            events: BTreeMap::new(),
            held: VecDeque::new(),
            failure: None,
            slow: None,
            _watching: watching,
        }
    }
}
