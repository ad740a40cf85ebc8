//! Pure. Which pods belong to what was deployed: by the objects that own them, and by their labels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::deployed::{Wanted, WatchRef};
use crate::model::pod::{Pod, PodOwner};
use crate::model::time::Time;

/// Chains of owners are short; one that is longer goes round in circles.
const LONGEST_CHAIN: usize = 10;
/// Of pods that completed and were deleted so many are remembered.
const MOST_RECORDED: usize = 20;
/// Which of its templates a Deployment made a pod from; set by the cluster.
const REPLICA_HASH: &str = "pod-template-hash";

/// What is known of objects that own pods, by uid.
pub type Owners = BTreeMap<Box<str>, Known>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    Object {
        created: Option<Time>,
        owner: Option<PodOwner>,
    },
    /// It is gone, or not for our eyes: the chain ends with it.
    Hidden,
}

/// Everything that an object comes from, itself first; or the owner that has to be asked for before one can tell.
pub fn chain(uid: &str, owner: Option<&PodOwner>, owners: &Owners) -> Result<Vec<Box<str>>, PodOwner> {
    let mut chain: Vec<Box<str>> = vec![uid.into()];
    let mut next = owner;
    while let Some(owner) = next.filter(|_| chain.len() < LONGEST_CHAIN) {
        chain.push(owner.uid.clone());
        next = match owners.get(&owner.uid) {
            Some(Known::Object { owner, .. }) => owner.as_ref(),
            Some(Known::Hidden) => None,
            None => return Err(owner.clone()),
        };
    }
    Ok(chain)
}

/// Where a pod comes from, whoever wants to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// Itself, and what it comes from.
    uids: Vec<Box<str>>,
    /// Where ReplicaSets are not for our eyes, their names tell which Deployment they are of.
    deployment: Option<Box<str>>,
    owner_created: Option<Time>,
    /// Who has to be asked for before all of it is known.
    pub unknown: Option<PodOwner>,
}

impl Lineage {
    pub fn of(pod: &Pod, owners: &Owners) -> Lineage {
        let owner = pod.owner.as_ref();
        let (uids, unknown) = match chain(&pod.uid, owner, owners) {
            Ok(uids) => (uids, None),
            // What is known may be enough to tell whose it is: a Job's pod names it.
            Err(unknown) => {
                let own = Some(pod.uid.clone());
                (
                    own.into_iter().chain(owner.map(|owner| owner.uid.clone())).collect(),
                    Some(unknown),
                )
            }
        };
        let known = owner.and_then(|owner| owners.get(&owner.uid));
        Lineage {
            uids,
            unknown,
            deployment: deployment_name(pod).filter(|_| matches!(known, Some(Known::Hidden))),
            owner_created: known.and_then(|known| match known {
                Known::Object { created, .. } => *created,
                Known::Hidden => None,
            }),
        }
    }

    /// The watched object that it comes from.
    fn ancestor<'a>(&self, wanted: &'a Wanted, pod: &Pod) -> Option<&'a WatchRef> {
        let watches = || wanted.watches.iter().filter(|watch| !watch.uid.is_empty());
        let is_named =
            |watch: &&WatchRef| Some(&watch.name) == self.deployment.as_ref() && watch.namespace == pod.namespace;
        watches()
            .find(|watch| self.uids.contains(&watch.uid))
            .or_else(|| watches().find(is_named))
    }
}

fn deployment_name(pod: &Pod) -> Option<Box<str>> {
    let owner = pod.owner.as_ref().filter(|owner| &*owner.kind == "ReplicaSet")?;
    let (_, hash) = pod.labels.iter().find(|(key, _)| &**key == REPLICA_HASH)?;
    let name = owner.name.strip_suffix(&**hash)?.strip_suffix('-')?;
    Some(name.into())
}

/// Whether labels speak for a pod. Selectors look where something was deployed, and where they were told to.
pub fn is_selected(wanted: &Wanted, pod: &Pod) -> bool {
    let is_here =
        wanted.namespace == pod.namespace || wanted.watches.iter().any(|watch| watch.namespace == pod.namespace);
    is_here && wanted.selectors.iter().any(|selector| selector.matches(&pod.labels))
}

/// Where to look.
pub fn namespaces(wanted: &Wanted) -> BTreeSet<Box<str>> {
    let watched = wanted.watches.iter().map(|watch| watch.namespace.clone());
    let extra = Some(wanted.namespace.clone()).filter(|_| !wanted.selectors.is_empty());
    watched.chain(extra).filter(|namespace| !namespace.is_empty()).collect()
}

/// A pod as it belongs to what is wanted: with its ancestor, and what is known of its owner.
pub fn claim(wanted: &Wanted, pod: &Arc<Pod>, lineage: &Lineage) -> Option<Arc<Pod>> {
    let ancestor = lineage.ancestor(wanted, pod);
    if ancestor.is_none() && !is_selected(wanted, pod) {
        return None;
    }
    let mut claimed = Pod::clone(pod);
    claimed.ancestor = ancestor.map(|watch| watch.uid.clone()).unwrap_or_default();
    if let Some(owner) = &mut claimed.owner {
        owner.created = lineage.owner_created;
    }
    Some(Arc::new(claimed))
}

/// Of the pods that belong to what is wanted those that are of interest, oldest first: none of an older ReplicaSet once a
/// newer one has some, none of another template than was deployed.
pub fn current(wanted: &Wanted, claimed: impl IntoIterator<Item = Arc<Pod>>) -> Vec<Arc<Pod>> {
    let mut pods: Vec<Arc<Pod>> = claimed.into_iter().collect();
    let newest = newest_replica_sets(&pods);
    pods.retain(|pod| {
        let owner = pod.owner.as_ref();
        let is_newest = owner
            .zip(newest.get(&pod.ancestor))
            .is_none_or(|(owner, newest)| owner.uid == *newest);
        (is_newest || !is_of_replica_set(pod)) && has_template(wanted, pod)
    });
    pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    pods
}

fn is_of_replica_set(pod: &Pod) -> bool {
    !pod.ancestor.is_empty() && pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "ReplicaSet")
}

/// By ancestor. A ReplicaSet that is not for our eyes is as old as its oldest pod.
fn newest_replica_sets(pods: &[Arc<Pod>]) -> BTreeMap<Box<str>, Box<str>> {
    let mut ages: BTreeMap<(Box<str>, Box<str>), Option<Time>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| is_of_replica_set(pod)) {
        let Some(owner) = &pod.owner else { continue };
        let created = owner.created.or(pod.created);
        let age = ages.entry((pod.ancestor.clone(), owner.uid.clone())).or_insert(created);
        *age = (*age).min(created);
    }
    let mut newest: BTreeMap<Box<str>, (Option<Time>, Box<str>)> = BTreeMap::new();
    for ((ancestor, uid), created) in ages {
        let known = newest.entry(ancestor).or_insert((created, uid.clone()));
        if created > known.0 {
            *known = (created, uid);
        }
    }
    newest.into_iter().map(|(ancestor, (_, uid))| (ancestor, uid)).collect()
}

fn has_template(wanted: &Wanted, pod: &Pod) -> bool {
    pod.ancestor.is_empty()
        || pod.template_hash.is_empty()
        || wanted.template_hashes.is_empty()
        || wanted.template_hashes.contains(&pod.template_hash)
}

/// Whether a pod that is gone is remembered: what completed did so, whoever tidied up after it.
pub fn is_recorded(pod: &Pod) -> bool {
    let is_of_job = pod.owner.as_ref().is_some_and(|owner| &*owner.kind == "Job");
    match &*pod.phase {
        "Succeeded" => true,
        "Failed" => is_of_job,
        _ => false,
    }
}

/// Forgets the oldest where there are too many.
pub fn trim_recorded(recorded: &mut Vec<Arc<Pod>>) {
    recorded.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    let surplus = recorded.len().saturating_sub(MOST_RECORDED);
    recorded.drain(..surplus);
}

#[cfg(test)]
mod tests;
