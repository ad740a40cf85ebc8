//! All objects of a resource brought into the cluster: what others need first, what does not need each other at the same time.

mod one;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::delete::{Removal, without_namespaces};
use super::{AT_ONCE, Deployer, Line, Say, answer};
use crate::deploy::error::{DeployError, Doing};
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::kube::Object;
use crate::model::tree::Tree;
use crate::world::cluster::objects::ObjectError;
use one::{Comes, One};

/// Until what is deleted first is gone.
const UNTIL_DELETED: Duration = Duration::from_secs(30);

/// Who works out what changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// We, from what was applied last, as `kubectl apply` does.
    #[default]
    ClientSide,
    /// The cluster, as `kubectl apply --server-side --force-conflicts` has it.
    ServerSide,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    WithWhatIsThere,
    /// Everything but namespaces is deleted first.
    Anew,
}

/// What is to be in the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub objects: &'a [Object],
    /// Of everything that went into them; for [`Deployed::hash`].
    pub hash: &'a str,
    pub mode: Mode,
    pub start: Start,
    pub timeout: Duration,
    /// The cluster that is meant, see `Cluster::uid`.
    pub uid: Option<&'a str>,
    /// What the resource had in the cluster: what is not ordered any more is deleted.
    pub before: Option<&'a Deployed>,
    /// What other resources have there, which is none of ours to delete.
    pub elsewhere: &'a [ObjectRef],
}

/// What a resource had in the cluster before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'a> {
    pub objects: &'a [ObjectRef],
    /// What others have there, which is none of ours to delete.
    pub elsewhere: &'a [ObjectRef],
    pub timeout: Duration,
}

/// An order that was not carried out, or not to its end.
#[derive(Clone, Debug, Error)]
#[error("{error}")]
pub struct Unfinished {
    pub error: DeployError,
    /// What is, or may be, in the cluster: what was there before and what was applied. References of objects of which nobody
    /// knows whether they were applied have no uid. No hash.
    pub left: Deployed,
}

/// What became of each object, in the order of application.
struct Ran<'a> {
    object: &'a Object,
    outcome: Result<Tree, DeployError>,
    /// The reference of what may be there, where nobody knows whether it is.
    uncertain: Option<ObjectRef>,
}

impl Deployer {
    pub async fn apply(
        &self,
        order: &Order<'_>,
        stop: &CancellationToken,
        say: Say<'_>,
    ) -> Result<Deployed, Box<Unfinished>> {
        say(Line::info("Applying YAML to cluster"));
        let mut ran = Vec::with_capacity(order.objects.len());
        let error = match self.prepare(order, stop, say).await {
            Ok(()) => self.run(order, stop, (&mut ran, say)).await,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            let left = left(order, ran);
            return Err(Box::new(Unfinished { error, left }));
        }
        let applied: Vec<(ObjectRef, Tree)> = ran.into_iter().filter_map(Ran::applied).collect();
        say(Line::info("Objects applied to cluster:"));
        applied
            .iter()
            .for_each(|(object, _)| say(Line::info(format!("  → {}", object.display()))));
        let mut deployed = answer::deployed(applied, order.hash);
        let before = Before {
            objects: order.before.map(|before| before.objects.as_slice()).unwrap_or_default(),
            elsewhere: order.elsewhere,
            timeout: order.timeout,
        };
        deployed.surplus = self.collect(&before, &deployed, (stop, say)).await;
        Ok(deployed)
    }

    /// What has to be so before the first object: the right cluster, its kinds known, nothing left of what goes first.
    async fn prepare(&self, order: &Order<'_>, stop: &CancellationToken, say: Say<'_>) -> Result<(), DeployError> {
        let versions = || order.objects.iter().map(Object::api_version);
        self.check(order.uid, versions, &mut self.asking(order, stop)).await?;
        if order.start == Start::WithWhatIsThere {
            return Ok(());
        }
        let objects = super::refs(order.objects).into_iter();
        let before = order
            .before
            .into_iter()
            .flat_map(|before| before.objects.iter().cloned());
        let (doomed, _) = without_namespaces(objects.chain(before).collect());
        let removal = Removal {
            timeout: UNTIL_DELETED,
            is_waited_for: true,
            uid: None,
        };
        self.delete(&doomed, &removal, (stop, say)).await
    }

    fn asking<'a>(&self, order: &Order<'_>, stop: &'a CancellationToken) -> Asking<'a> {
        let named = order.objects.iter().map(named).collect::<Vec<_>>().join(", ");
        Asking::new(stop, Doing::Applying, named, order.timeout)
    }

    /// That it is the cluster that is meant, and what its kinds are: both at once.
    pub(super) async fn check<'v, I: Iterator<Item = &'v str>>(
        &self,
        pinned: Option<&str>,
        versions: impl Fn() -> I,
        asking: &mut Asking<'_>,
    ) -> Result<(), DeployError> {
        let cluster = &self.cluster;
        let both = || async {
            let uid = async {
                match pinned {
                    Some(_) => cluster.uid().await.map_err(ObjectError::Cluster),
                    None => Ok(None),
                }
            };
            let (uid, kinds) = tokio::join!(uid, cluster.learn_kinds(versions()));
            kinds.and(uid)
        };
        let found = match asking.insist(both).await? {
            Ok(found) => found,
            Err(error) => return Err(asking.failed(error)),
        };
        match (pinned, found) {
            (Some(pinned), Some(found)) if pinned != found => Err(DeployError::OtherCluster {
                server: cluster.identity().server.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// One rank after the other, until something in a rank goes wrong.
    async fn run<'o>(
        &self,
        order: &Order<'o>,
        stop: &CancellationToken,
        (ran, say): (&mut Vec<Ran<'o>>, Say<'_>),
    ) -> Option<DeployError> {
        let (ordered, promised) = (ordered(order.objects), Promised::by(order.objects));
        let mut until = Instant::now() + order.timeout;
        for rank in ordered.chunk_by(|one, other| one.rank() == other.rank()) {
            // Collected, because a stream that holds the closure cannot be sent to another thread.
            let running: Vec<_> = rank
                .iter()
                .map(|object| {
                    let mut asking = Asking::new(stop, Doing::Applying, named(object), order.timeout);
                    asking.until = until;
                    let one = One {
                        cluster: &self.cluster,
                        object,
                        mode: order.mode,
                        asking,
                        say,
                        comes: promised.to(object),
                        is_uncertain: false,
                        namespace: Box::default(),
                        progress: Default::default(),
                    };
                    ended(one, object)
                })
                .collect();
            let ends: Vec<(Ran<'o>, Instant)> = futures_util::stream::iter(running).buffered(AT_ONCE).collect().await;
            // Waiting for what others delete was not our time, so it is not that of the next rank either.
            until = ends.iter().map(|(_, until)| *until).max().unwrap_or(until);
            let first = ran.len();
            ran.extend(ends.into_iter().map(|(one, _)| one));
            let errors = ran[first..]
                .iter()
                .filter_map(|one| one.outcome.as_ref().err().cloned());
            if let Some(error) = DeployError::of(errors.collect()) {
                return Some(error);
            }
        }
        None
    }

    /// Deletes what the resource had and does not have any more. That it could not is told, and what may be left is returned; what
    /// was ordered is there.
    async fn collect(
        &self,
        before: &Before<'_>,
        deployed: &Deployed,
        (stop, say): (&CancellationToken, Say<'_>),
    ) -> Vec<ObjectRef> {
        let is_used = |old: &ObjectRef| {
            let is_ordered = deployed.objects.iter().any(|object| object.is_same_object(old));
            is_ordered || before.elsewhere.iter().any(|object| object.may_be(old))
        };
        let old: Vec<ObjectRef> = before.objects.iter().filter(|old| !is_used(old)).cloned().collect();
        let (old, kept) = without_namespaces(old);
        if !kept.is_empty() {
            say(Line::info(format!("Not deleting namespaces: {}", kept.join(", "))));
        }
        if old.is_empty() {
            return old;
        }
        let removal = Removal {
            timeout: before.timeout,
            is_waited_for: false,
            uid: None,
        };
        match self.delete(&old, &removal, (stop, say)).await {
            Ok(()) => Vec::new(),
            Err(error) => {
                say(Line::warn(format!(
                    "Objects that are not part of the YAML any more are still there: {error}"
                )));
                old
            }
        }
    }
}

impl Deployer {
    /// Takes over what somebody else applied: their references, with the uids that the cluster knows them by. What was there before
    /// and is not among it is deleted.
    pub async fn adopt(
        &self,
        (objects, hash): (&[Object], &str),
        before: &Before<'_>,
        (stop, say): (&CancellationToken, Say<'_>),
    ) -> Result<Deployed, DeployError> {
        let mut found: Vec<(ObjectRef, Tree)> = Vec::with_capacity(objects.len());
        for some in objects.chunks(AT_ONCE) {
            let asked: Vec<_> = some.iter().map(|object| self.find(object)).collect();
            found.extend(try_join_all(asked).await?);
        }
        let mut deployed = answer::deployed(found, hash);
        deployed.surplus = self.collect(before, &deployed, (stop, say)).await;
        Ok(deployed)
    }

    /// What is gone again already, as a Job may be that cleans up after itself, is as it was printed.
    async fn find(&self, object: &Object) -> Result<(ObjectRef, Tree), DeployError> {
        let failed = |source| DeployError::Object {
            doing: Doing::Applying,
            object: format!("{}/{}", object.kind(), object.name()),
            source,
        };
        let place = (object.given_namespace().unwrap_or_default(), object.name());
        let address = self.cluster.address((object.api_version(), object.kind()), place).await;
        match self.cluster.get(&address.map_err(failed)?).await {
            Ok(live) => Ok((answer::reference(object, &live), live)),
            Err(error) if error.is_not_found() || error.is_forbidden() => {
                Ok((answer::reference(object, object.tree()), object.tree().clone()))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

async fn ended<'o>(mut one: One<'_>, object: &'o Object) -> (Ran<'o>, Instant) {
    let outcome = one.run().await;
    let ran = Ran {
        object,
        outcome,
        // With the namespace spelled out: it is compared with references of what is there.
        uncertain: one.is_uncertain.then(|| ObjectRef {
            namespace: one.namespace.clone(),
            ..answer::uncertain(object)
        }),
    };
    (ran, one.asking.until)
}

impl Ran<'_> {
    fn applied(self) -> Option<(ObjectRef, Tree)> {
        let live = self.outcome.ok()?;
        Some((answer::reference(self.object, &live), live))
    }
}

/// What is in the cluster after an order that failed.
fn left(order: &Order<'_>, ran: Vec<Ran<'_>>) -> Deployed {
    let failed = ran.iter().filter(|one| one.outcome.is_err());
    let uncertain: Vec<ObjectRef> = failed.filter_map(|one| one.uncertain.clone()).collect();
    let mut left = answer::deployed(ran.into_iter().filter_map(Ran::applied).collect(), "");
    left.is_complete = false;
    let before = order
        .before
        .into_iter()
        .flat_map(|before| before.objects.iter().cloned());
    for object in before.chain(uncertain) {
        if !left.objects.iter().any(|known| known.is_same_object(&object)) {
            left.objects.push(object);
        }
    }
    left
}

/// In the order of application; of an object that comes twice, the last.
fn ordered(objects: &[Object]) -> Vec<&Object> {
    let mut seen = BTreeSet::new();
    let mut ordered: Vec<&Object> = objects
        .iter()
        .rev()
        .filter(|object| seen.insert(object.key()))
        .collect();
    ordered.reverse();
    ordered.sort_by_key(|object| object.rank());
    ordered
}

/// `Deployment/web`
pub(super) fn named(object: &Object) -> String {
    format!("{}/{}", object.kind(), object.name())
}

/// What an order brings that other objects of it need.
struct Promised<'a> {
    namespaces: BTreeSet<&'a str>,
    kinds: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Promised<'a> {
    fn by(objects: &'a [Object]) -> Promised<'a> {
        let text = |object: &'a Object, path: &[&str]| object.tree().at(path).and_then(Tree::as_text);
        let of_kind = |kind: &'static str| objects.iter().filter(move |object| object.kind() == kind);
        let defined = |object| {
            Some((
                text(object, &["spec", "group"])?,
                text(object, &["spec", "names", "kind"])?,
            ))
        };
        Promised {
            namespaces: of_kind("Namespace").map(Object::name).collect(),
            kinds: of_kind("CustomResourceDefinition").filter_map(defined).collect(),
        }
    }

    fn to(&self, object: &Object) -> Comes {
        Comes {
            namespace: self.namespaces.contains(object.given_namespace().unwrap_or_default()),
            kind: self.kinds.contains(&(object.group(), object.kind())),
        }
    }
}
