//! One object brought into the cluster, whatever is there already.

use std::time::Duration;

use tokio::time::Instant;

use super::Mode;
use crate::deploy::answer::{field, is_deleting};
use crate::deploy::asking::Asking;
use crate::deploy::error::DeployError;
use crate::deploy::{Line, Say, merge};
use crate::model::kube::Object;
use crate::model::tree::Tree;
use crate::world::cluster::Cluster;
use crate::world::cluster::objects::{Address, Deletion, ObjectError, Patch};

/// Until an object is gone that is in the way of a new one.
const UNTIL_DELETED: Duration = Duration::from_secs(30);
/// Until an object is gone that somebody else is deleting.
const UNTIL_GONE: Duration = Duration::from_secs(60);
/// Until a kind is known, after its definition was applied.
const UNTIL_KNOWN: Duration = Duration::from_secs(10);
/// How long a namespace may be missing that nobody promised: another resource may be about to create it.
const UNTIL_THERE: Duration = Duration::from_secs(2);
/// Conflicts, and objects that come and go under our hands, before we say so.
const MOST_RACES: u32 = 8;
/// How often an object may be deleted because it cannot be changed.
const MOST_DELETED: u32 = 2;

/// What is being done for one object.
pub struct One<'a> {
    pub cluster: &'a Cluster,
    pub object: &'a Object,
    pub mode: Mode,
    pub asking: Asking<'a>,
    pub say: Say<'a>,
    /// Whether the same order brings what this one needs: its namespace, the definition of its kind.
    pub comes: Comes,
    /// Something was sent of which we do not know what became.
    pub is_uncertain: bool,
    /// The namespace that it goes to, as soon as that is known.
    pub namespace: Box<str>,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Comes {
    pub namespace: bool,
    pub kind: bool,
}

/// What was tried so far.
#[derive(Default)]
pub struct Progress {
    /// Without a note of itself: there is no room for it.
    is_noteless: bool,
    races: u32,
    deleted: u32,
    missing_since: Option<Instant>,
    has_told: bool,
}

impl One<'_> {
    /// The object as the cluster has it then.
    pub async fn run(&mut self) -> Result<Tree, DeployError> {
        let address = self.address().await?;
        self.namespace = address.namespace.clone();
        let wanted = merge::wanted(self.object, &address.namespace);
        loop {
            match self.attempt(&address, &wanted).await? {
                Ok(live) if is_deleting(&live) => {
                    let cluster = self.cluster;
                    self.tell("is being deleted: waiting until it is gone");
                    self.asking
                        .gone(cluster, (&address, field(&live, "uid")), UNTIL_GONE)
                        .await?;
                    self.is_uncertain = false;
                }
                Ok(live) => return Ok(live),
                Err(error) => self.recover(&address, error).await?,
            }
        }
    }

    /// A kind whose definition was just applied becomes known a moment later; there is no watching that.
    async fn address(&mut self) -> Result<Address, DeployError> {
        let began = Instant::now();
        loop {
            let (object, cluster) = (self.object, self.cluster);
            let kind = (object.api_version(), object.kind());
            let place = (object.given_namespace().unwrap_or_default(), object.name());
            match self.asking.ask(cluster.address(kind, place)).await? {
                Ok(address) => return Ok(address),
                Err(error) if error.is_passing() => self.asking.pause(error).await?,
                Err(error) if error.is_unknown_kind() && self.comes.kind && began.elapsed() < UNTIL_KNOWN => {
                    self.asking.pause(error).await?;
                }
                Err(error) => return Err(self.asking.failed(error)),
            }
        }
    }

    async fn attempt(&mut self, address: &Address, wanted: &Tree) -> Result<Result<Tree, ObjectError>, DeployError> {
        match self.mode {
            Mode::ServerSide if !self.progress.is_noteless => {
                self.write(self.cluster.patch(address, (Patch::Apply, wanted))).await
            }
            Mode::ServerSide | Mode::ClientSide => self.client_side(address, wanted).await,
        }
    }

    async fn client_side(
        &mut self,
        address: &Address,
        wanted: &Tree,
    ) -> Result<Result<Tree, ObjectError>, DeployError> {
        let live = match self.asking.ask(self.cluster.get(address)).await? {
            Ok(live) if is_deleting(&live) => return Ok(Ok(live)),
            Ok(live) => Some(live),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Ok(Err(error)),
        };
        let annotated = merge::annotated(wanted).filter(|_| !self.progress.is_noteless);
        let cluster = self.cluster;
        match (live, annotated) {
            (None, annotated) => {
                self.write(cluster.create(address, annotated.as_ref().unwrap_or(wanted)))
                    .await
            }
            (Some(live), None) => self.write(cluster.replace(address, &in_place_of(&live, wanted))).await,
            (Some(live), Some(annotated)) => match merge::three_way(&live, &annotated) {
                merge::Change::Nothing => Ok(Ok(live)),
                merge::Change::Strategic(patch) => self.write(cluster.patch(address, (Patch::Strategic, &patch))).await,
                merge::Change::Merge(patch) => self.write(cluster.patch(address, (Patch::Merge, &patch))).await,
            },
        }
    }

    /// A request that changes something: until its answer is there, nobody knows whether it did.
    async fn write(
        &mut self,
        request: impl Future<Output = Result<Tree, ObjectError>>,
    ) -> Result<Result<Tree, ObjectError>, DeployError> {
        let was_uncertain = std::mem::replace(&mut self.is_uncertain, true);
        let answer = self.asking.ask(request).await?;
        if let Err(ObjectError::Refused(_)) = &answer {
            self.is_uncertain = was_uncertain;
        }
        Ok(answer)
    }

    /// Does what it takes before the next attempt, or says that there is none.
    async fn recover(&mut self, address: &Address, error: ObjectError) -> Result<(), DeployError> {
        if error.is_too_large() && !self.progress.is_noteless {
            self.progress.is_noteless = true;
            return Ok(());
        }
        if error.is_immutable() && self.object.kind() != "Namespace" && self.progress.deleted < MOST_DELETED {
            self.progress.deleted += 1;
            self.tell(&format!(
                "cannot be changed in place, so it is deleted and created anew: {error}"
            ));
            return self.clear(address).await;
        }
        if error.is_passing() {
            if !std::mem::replace(&mut self.progress.has_told, true) {
                self.tell(&format!("trying again: {error}"));
            }
            return self.asking.pause(error).await;
        }
        let is_race = error.is_already_there() || error.is_conflict();
        if is_race && self.progress.races < MOST_RACES {
            self.progress.races += 1;
            return self.asking.pause(error).await;
        }
        if error.is_not_found() && self.may_still_come() {
            self.cluster.forget_kinds(self.object.api_version());
            return self.asking.pause(error).await;
        }
        Err(self.asking.failed(error))
    }

    /// Something that this object needs is not there: its namespace, or its kind.
    fn may_still_come(&mut self) -> bool {
        let since = *self.progress.missing_since.get_or_insert_with(Instant::now);
        self.comes.namespace || self.comes.kind || since.elapsed() < UNTIL_THERE
    }

    /// Deletes what is in the way and waits until it is gone.
    async fn clear(&mut self, address: &Address) -> Result<(), DeployError> {
        let cluster = self.cluster;
        let live = match self.asking.insist(|| cluster.get(address)).await? {
            Ok(live) => live,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(self.asking.failed(error)),
        };
        let uid = field(&live, "uid");
        let deletion = Deletion {
            uid,
            ..Deletion::default()
        };
        match self.asking.insist(|| cluster.delete(address, deletion)).await? {
            Ok(_) => self.asking.gone(cluster, (address, uid), UNTIL_DELETED).await,
            Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
            Err(error) => Err(self.asking.failed(error)),
        }
    }

    fn tell(&self, what: &str) {
        let name = format!("{}:{}", self.object.name(), self.object.kind().to_lowercase());
        (self.say)(Line::info(format!("  → {name} {what}")));
    }
}

/// The wanted object, meant for the version that is there.
fn in_place_of(live: &Tree, wanted: &Tree) -> Tree {
    let mut tree = wanted.clone();
    let metadata = tree.as_map_mut().and_then(|map| map.get_mut("metadata")?.as_map_mut());
    if let Some(metadata) = metadata {
        metadata.insert("resourceVersion", Tree::text(field(live, "resourceVersion")));
    }
    tree
}
