//! Objects taken out of the cluster: last what others needed, and nothing that asks to be kept.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;

use super::asking::Asking;
use super::{AT_ONCE, Deployer, Line, Say, answer};
use crate::deploy::error::{DeployError, Doing};
use crate::model::deployed::ObjectRef;
use crate::model::kube::{self, Object};
use crate::world::cluster::objects::{Address, Deletion};

/// A cluster that is not there now need not be waited for: nobody waits for what is to be deleted.
const UNTIL_REACHED: Duration = Duration::from_secs(5);

/// How objects are to be deleted.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    /// For all of them together.
    pub timeout: Duration,
    /// Until they are gone, that is, not only on their way.
    pub is_waited_for: bool,
    /// The cluster that is meant, see `Cluster::uid`.
    pub uid: Option<&'a str>,
}

/// The objects without the namespaces among them, and the names of those.
pub fn without_namespaces(objects: Vec<ObjectRef>) -> (Vec<ObjectRef>, Vec<String>) {
    let is_namespace = |object: &ObjectRef| &*object.kind == "Namespace" && &*object.api_version == "v1";
    let (namespaces, others): (Vec<_>, Vec<_>) = objects.into_iter().partition(is_namespace);
    (
        others,
        namespaces.into_iter().map(|object| object.name.into()).collect(),
    )
}

/// Objects of a YAML as references; of those that ask to be kept there is none.
pub fn refs(objects: &[Object]) -> Vec<ObjectRef> {
    let doomed = objects.iter().filter(|object| !answer::is_kept(object.tree()));
    doomed.map(answer::uncertain).collect()
}

impl Deployer {
    /// Objects that are gone already, or whose kinds are, are as good as deleted; one that took the name of an object with a
    /// uid is not meant.
    pub async fn delete(
        &self,
        objects: &[ObjectRef],
        removal: &Removal<'_>,
        (stop, say): (&CancellationToken, Say<'_>),
    ) -> Result<(), DeployError> {
        let mut ordered: Vec<&ObjectRef> = Vec::with_capacity(objects.len());
        for object in objects {
            if !ordered.iter().any(|known| known.is_same_object(object)) {
                ordered.push(object);
            }
        }
        ordered.sort_by_key(|object| std::cmp::Reverse(kube::kind_rank(&object.kind)));
        let named = ordered
            .iter()
            .map(|object| named(object))
            .collect::<Vec<_>>()
            .join(", ");
        let until = tokio::time::Instant::now() + removal.timeout;
        let mut all = Asking::new(stop, Doing::Deleting, named, removal.timeout.min(UNTIL_REACHED));
        let versions = || objects.iter().map(|object| &*object.api_version);
        self.check(removal.uid, versions, &mut all).await?;
        let asking = |object: &ObjectRef| {
            let mut asking = Asking::new(stop, Doing::Deleting, self::named(object), removal.timeout);
            asking.until = until;
            asking
        };
        let (mut doomed, mut errors) = (Vec::new(), Vec::new());
        for rank in ordered.chunk_by(|one, other| kube::kind_rank(&one.kind) == kube::kind_rank(&other.kind)) {
            let mut deletions = Vec::with_capacity(rank.len());
            for object in rank {
                deletions.push(self.delete_one(object, asking(object), say));
            }
            let answers: Vec<_> = futures_util::stream::iter(deletions).buffered(AT_ONCE).collect().await;
            for answer in answers {
                match answer {
                    Ok(dying) => doomed.extend(dying),
                    Err(error) => errors.push(error),
                }
            }
        }
        if removal.is_waited_for {
            let limit = until.saturating_duration_since(tokio::time::Instant::now());
            let waits = doomed
                .into_iter()
                .map(|dying| self.wait(dying, (stop, removal.timeout), limit));
            let ends = futures_util::future::join_all(waits).await;
            errors.extend(ends.into_iter().filter_map(Result::err));
        }
        DeployError::of(errors).map_or(Ok(()), Err)
    }

    /// Asks for the deletion of one object; what is dying then.
    async fn delete_one(
        &self,
        object: &ObjectRef,
        mut asking: Asking<'_>,
        say: Say<'_>,
    ) -> Result<Option<Dying>, DeployError> {
        let cluster = &self.cluster;
        let kind = (&*object.api_version, &*object.kind);
        let address = match asking
            .insist(|| cluster.address(kind, (&object.namespace, &object.name)))
            .await?
        {
            Ok(address) => address,
            Err(error) if error.is_unknown_kind() => return Ok(None),
            Err(error) => return Err(asking.failed(error)),
        };
        let live = match asking.insist(|| cluster.get(&address)).await? {
            Ok(live) => live,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(asking.failed(error)),
        };
        let uid = answer::field(&live, "uid");
        if answer::is_kept(&live) || (!object.uid.is_empty() && &*object.uid != uid) {
            return Ok(None);
        }
        let deletion = Deletion {
            uid,
            ..Deletion::default()
        };
        match asking.insist(|| cluster.delete(&address, deletion)).await? {
            Ok(_) => say(Line::info(format!("{} deleted", address.told()))),
            Err(error) if error.is_not_found() || error.is_conflict() => return Ok(None),
            Err(error) => return Err(asking.failed(error)),
        }
        let uid = uid.to_owned();
        Ok(Some(Dying { address, uid }))
    }

    async fn wait(
        &self,
        dying: Dying,
        (stop, timeout): (&CancellationToken, Duration),
        limit: Duration,
    ) -> Result<(), DeployError> {
        let named = format!("{}/{}", dying.address.kind.kind, dying.address.name);
        let mut asking = Asking::new(stop, Doing::Deleting, named, timeout);
        asking.gone(&self.cluster, (&dying.address, &dying.uid), limit).await
    }
}

/// An object whose deletion was accepted.
struct Dying {
    address: Address,
    uid: String,
}

fn named(object: &ObjectRef) -> String {
    format!("{}/{}", object.kind, object.name)
}
