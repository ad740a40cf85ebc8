//! One follower: what belongs to what it wants, and what it was told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::mailbox::Mailbox;
use super::{EventLine, News};
use crate::deploy::events::{self, Told};
use crate::deploy::track::{self, Lineage};
use crate::model::deployed::Wanted;
use crate::model::pod::Pod;
use crate::model::time::Time;
use crate::world::cluster::watch::ClusterEvent;

/// Pods that are gone may still be spoken of.
const MOST_PAST: usize = 200;

pub struct Following {
    pub wanted: Wanted,
    pub namespaces: BTreeSet<Box<str>>,
    since: Time,
    pub mailbox: Arc<Mailbox>,
    claimed: BTreeMap<Box<str>, Arc<Pod>>,
    recorded: Vec<Arc<Pod>>,
    past: VecDeque<Box<str>>,
    pub shown: Option<Vec<Arc<Pod>>>,
    /// Version by uid.
    pub told: BTreeMap<Box<str>, Box<str>>,
    pub is_dirty: bool,
}

impl Following {
    pub fn new(wanted: Wanted, since: Time, mailbox: Arc<Mailbox>) -> Following {
        Following {
            namespaces: track::namespaces(&wanted),
            wanted,
            since,
            mailbox,
            claimed: BTreeMap::new(),
            recorded: Vec::new(),
            past: VecDeque::new(),
            shown: None,
            told: BTreeMap::new(),
            is_dirty: true,
        }
    }

    /// What completed before stays recorded as far as it is still of what is wanted.
    pub fn change(&mut self, wanted: Wanted) {
        self.namespaces = track::namespaces(&wanted);
        self.wanted = wanted;
        self.claimed.clear();
        let mut recorded = std::mem::take(&mut self.recorded);
        recorded.retain(|pod| self.watches(&pod.ancestor) || track::is_selected(&self.wanted, pod));
        self.recorded = recorded;
        self.is_dirty = true;
    }

    pub fn hear_of_failures(&self, failure: Option<&String>, slow: Option<&String>) {
        if let Some(reason) = failure {
            self.mailbox.state(News::Failed(reason.clone()));
        }
        if let Some(reason) = slow {
            self.mailbox.state(News::Slow(reason.clone()));
        }
    }

    pub fn watches(&self, uid: &str) -> bool {
        !uid.is_empty() && self.wanted.watches.iter().any(|watch| &*watch.uid == uid)
    }

    pub fn claim(&mut self, pod: &Arc<Pod>, lineage: &Lineage) {
        let claimed = track::claim(&self.wanted, pod, lineage);
        let known = self.claimed.get(&pod.uid);
        if claimed.as_ref() == known {
            return;
        }
        self.is_dirty = true;
        match claimed {
            Some(claimed) => drop(self.claimed.insert(pod.uid.clone(), claimed)),
            None => drop(self.claimed.remove(&pod.uid)),
        }
    }

    pub fn lose(&mut self, uid: &str) {
        let Some(pod) = self.claimed.remove(uid) else { return };
        self.is_dirty = true;
        self.past.push_back(uid.into());
        let surplus = self.past.len().saturating_sub(MOST_PAST);
        self.past.drain(..surplus);
        if track::is_recorded(&pod) {
            self.recorded.push(pod);
            track::trim_recorded(&mut self.recorded);
        }
    }

    pub fn knows(&self, pod: &str) -> bool {
        self.claimed.contains_key(pod) || self.past.iter().any(|past| &**past == pod)
    }

    pub fn tell(&mut self, event: &Arc<ClusterEvent>) {
        if !events::is_recent(told(event), self.since) || self.told.get(&event.uid) == Some(&event.version) {
            return;
        }
        self.told.insert(event.uid.clone(), event.version.clone());
        let is_of_pod = &*event.about.kind == "Pod";
        self.mailbox.event(EventLine {
            text: events::line(told(event)),
            is_warning: &*event.kind != "Normal",
            reason: event.reason.clone(),
            pod: if is_of_pod { event.about.name.clone() } else { "".into() },
        });
    }

    pub fn tell_pods(&mut self) {
        self.is_dirty = false;
        let known = self.claimed.values().chain(&self.recorded);
        let pods = track::current(&self.wanted, known.cloned());
        if self.shown.is_none() {
            self.mailbox.state(News::Started);
        }
        if self.shown.as_ref() != Some(&pods) {
            self.shown = Some(pods.clone());
            self.mailbox.pods(pods);
        }
    }
}

pub fn told(event: &ClusterEvent) -> Told<'_> {
    Told {
        kind: &event.kind,
        reason: &event.reason,
        message: &event.message,
        created: event.created,
        object_kind: &event.about.kind,
        object_namespace: &event.namespace,
        object_name: &event.about.name,
    }
}
