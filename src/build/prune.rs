//! Housekeeping: images of ours that nobody needs any more, containers of ours that have stopped, old pieces of the cache.
//!
//! Nothing is touched that does not have our label, but for the cache, where the engine keeps no labels.

mod plan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::build::{BuildError, Level, Report, Reports, building_lock, locked};
use crate::model::settings::DockerPrune;
use crate::world::clock;
use crate::world::docker::prune::{CacheQuery, Container};
use crate::world::docker::{DockerError, Engine, Image};
use crate::world::lock::Lock;

use plan::{Candidate, size};
pub use plan::{Freed, Live, Policy};

/// What all images and containers have that we made.
pub const LABEL: &str = "dev.tilt.gc=true";

/// Old pieces of the cache stay as long as they are not more than this: with an empty one, the first build of a day is the
/// slowest.
pub const CACHE_KEPT: u64 = 2_000_000_000;

const CONFLICT: u16 = 409;

/// What is to be thrown away.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    /// `name=value`; nothing without it is touched.
    pub label: String,
    pub policy: Policy,
    /// Images that live objects name.
    pub live: Live,
    pub cache: Cache,
    pub mode: Mode,
    /// Where builders keep what they learn.
    pub folder: PathBuf,
}

/// Which part of the cache is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    #[default]
    All,
    /// What the engine's filters let through: `id`, `type`, …
    Only(Vec<(String, String)>),
    Leave,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Remove,
    /// Nothing is removed, only told.
    DryRun,
}

/// What was thrown away, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    pub containers: Freed,
    pub images: Freed,
    pub caches: Freed,
    pub mode: Mode,
    /// Images that could have gone, had nothing been built.
    pub left: usize,
    /// Why nothing was even looked at.
    pub skipped: Option<String>,
}

impl Housekeeping {
    /// `folder` is that of the builders.
    pub fn new(settings: &DockerPrune, live: Live, folder: &Path) -> Housekeeping {
        Housekeeping {
            label: LABEL.to_owned(),
            policy: Policy::of(settings),
            live,
            cache: Cache::All,
            mode: Mode::Remove,
            folder: folder.to_owned(),
        }
    }

    /// Throws away what is to be thrown away, and tells in the log what that was.
    pub async fn run(&self, engine: &Engine, reports: Reports<'_>) -> Result<Pruned, BuildError> {
        let pruned = self.prune(engine).await?;
        for (level, text, is_news) in pruned.lines() {
            if is_news {
                reports(Report::Line { level, text });
            }
        }
        Ok(pruned)
    }

    async fn prune(&self, engine: &Engine) -> Result<Pruned, BuildError> {
        let mut pruned = Pruned {
            mode: self.mode,
            ..Pruned::default()
        };
        if !engine.can_prune() {
            pruned.skipped = Some(format!(
                "Docker API version too low: \"image | container prune with filter: label\" requires API version 1.30, but the \
                 Docker daemon API version is {}",
                engine.api()
            ));
            return Ok(pruned);
        }
        let now = now();
        let containers = engine.containers().await.map_err(BuildError::Docker)?;
        let gone = self
            .containers(engine, &containers, (now, &mut pruned.containers))
            .await
            .map_err(BuildError::Docker)?;
        // Also what has stopped, and is too young to go, needs its image.
        let in_use = containers.into_iter().filter(|container| !gone.contains(&container.id));
        let in_use = in_use.map(|container| container.image_id).collect();
        pruned.left = self.images(engine, in_use, (now, &mut pruned.images)).await?;
        let caches = self.caches(engine, (now, &mut pruned.caches));
        caches.await.map_err(BuildError::Docker)?;
        Ok(pruned)
    }

    /// The ids of those that are gone, or would be.
    async fn containers(
        &self,
        engine: &Engine,
        all: &[Container],
        (now, freed): (i64, &mut Freed),
    ) -> Result<Vec<String>, DockerError> {
        let (name, value) = self.label.split_once('=').unwrap_or((&self.label, ""));
        let is_ours = |container: &&Container| container.labels.get(name).is_some_and(|found| found == value);
        let stopped = all.iter().filter(is_ours).filter(|container| container.is_stopped);
        let stopped = stopped.map(|container| Candidate {
            id: container.id.clone(),
            names: vec![container.name.clone()],
            created: container.created,
            bytes: 0,
        });
        let mut gone = Vec::new();
        for container in plan::containers(stopped.collect(), &self.policy, now) {
            if self.mode == Mode::DryRun || is_gone(engine.remove_container(&container.id).await)? {
                freed.add(container.names.join(", "), 0);
                gone.push(container.id);
            }
        }
        Ok(gone)
    }

    /// Gives how many stay only because something is built.
    async fn images(
        &self,
        engine: &Engine,
        in_use: Vec<String>,
        (now, freed): (i64, &mut Freed),
    ) -> Result<usize, BuildError> {
        // Those who clean up at once do so one after the other, and none takes another for a build.
        let _turn = self.turn().await?;
        let images = engine.images_with_label(&self.label).await;
        let images = images.map_err(BuildError::Docker)?;
        let candidates: Vec<Candidate> = images.into_iter().map(candidate).collect();
        let mut live = self.live.clone();
        in_use.into_iter().for_each(|id| live.add(id));
        let mut going = Vec::new();
        for image in plan::images(&candidates, &live, &self.policy, now) {
            if let Some(before) = named(engine, &image).await.map_err(BuildError::Docker)? {
                going.push((before, image));
            }
        }
        let mut left = 0;
        for (before, image) in going {
            if self.mode == Mode::Remove {
                // What is being built may be this one, made again, with no name yet.
                let Some(_alone) = self.alone().await? else {
                    left += 1;
                    continue;
                };
                // Whoever named it since, or named it again, wants it.
                let is_as_before = named(engine, &image).await.map_err(BuildError::Docker)? == Some(before);
                if !is_as_before || !removed(engine, &image).await.map_err(BuildError::Docker)? {
                    continue;
                }
            }
            let name = image.names.first().unwrap_or(&image.id);
            freed.add(name.clone(), image.bytes);
        }
        Ok(left)
    }

    async fn turn(&self) -> Result<Lock, BuildError> {
        locked(self.folder.join("pruning.lock"), |path| Lock::wait(path, || ())).await
    }

    /// Nothing where somebody builds.
    async fn alone(&self) -> Result<Option<Lock>, BuildError> {
        locked(building_lock(&self.folder), Lock::attempt).await
    }

    async fn caches(&self, engine: &Engine, (now, freed): (i64, &mut Freed)) -> Result<(), DockerError> {
        let filters = match &self.cache {
            Cache::Leave => return Ok(()),
            Cache::All => Vec::new(),
            Cache::Only(filters) => filters.clone(),
        };
        if !engine.has_buildkit() {
            return Ok(());
        }
        // Somebody who calls everything old wants all of it gone, and so does who asks for certain pieces.
        let keep_bytes = match self.policy.max_age < self.policy.limit() || !filters.is_empty() {
            true => 0,
            false => CACHE_KEPT,
        };
        let unused_for = self.policy.limit();
        if self.mode == Mode::DryRun {
            let pieces = engine.build_cache().await?;
            let pieces = pieces.into_iter().filter(|piece| !piece.in_use);
            let pieces = pieces.map(|piece| (piece.id, piece.bytes, piece.used)).collect();
            let going = plan::caches(pieces, unused_for, keep_bytes, now);
            going.into_iter().for_each(|(id, bytes)| freed.add(id, bytes));
            return Ok(());
        }
        let query = CacheQuery {
            unused_for,
            keep_bytes,
            filters,
        };
        let dropped = engine.prune_build(&query).await?;
        *freed = Freed {
            names: dropped.ids,
            bytes: dropped.bytes,
        };
        Ok(())
    }
}

/// When an image last got a name, as long as it has those that it was listed with: a list takes its time.
async fn named(engine: &Engine, image: &Candidate) -> Result<Option<String>, DockerError> {
    let found = engine.image(&image.id).await?.unwrap_or_default();
    let [listed, now] = [&image.names, &found.tags].map(|names| names.iter().collect::<BTreeSet<_>>());
    Ok((listed == now).then(|| found.named.unwrap_or_default()))
}

/// Takes all of its names away, and with the last one the image.
async fn removed(engine: &Engine, image: &Candidate) -> Result<bool, DockerError> {
    let own = [image.id.clone()];
    let names = if image.names.is_empty() { &own[..] } else { &image.names };
    let mut is_removed = true;
    for name in names {
        is_removed &= match is_gone(engine.remove_image(name).await) {
            // Of what somebody else removes at the same time some engines say that it makes no sense.
            Err(_) if engine.image(name).await.is_ok_and(|found| found.is_none()) => false,
            removed => removed?,
        };
    }
    Ok(is_removed)
}

/// What somebody has begun to use in between, or what others stand on, stays; what is gone already is no failure either.
fn is_gone(removed: Result<(), DockerError>) -> Result<bool, DockerError> {
    match removed {
        Ok(()) => Ok(true),
        Err(DockerError::Refused { status: CONFLICT, .. }) => Ok(false),
        Err(error) if error.is_missing() => Ok(false),
        Err(error) => Err(error),
    }
}

impl Pruned {
    /// What is to be said, and whether it is news to somebody who did not ask.
    fn lines(&self) -> Vec<(Level, String, bool)> {
        if let Some(reason) = &self.skipped {
            let text = format!("[Docker Prune] skipping Docker prune, {reason}");
            return vec![(Level::Debug, text, true)];
        }
        let did = match self.mode {
            Mode::Remove => ["removed", "reclaimed"],
            Mode::DryRun => ["would remove", "reclaiming"],
        };
        let parts = [
            ("containers", &self.containers),
            ("images", &self.images),
            ("caches", &self.caches),
        ];
        let lines = parts.into_iter().flat_map(|(what, freed)| {
            let count = freed.names.len();
            let [removed, reclaimed] = did;
            let text = format!(
                "[Docker Prune] {removed} {count} {what}, {reclaimed} {}",
                size(freed.bytes)
            );
            let names = freed
                .names
                .iter()
                .map(|name| (Level::Debug, format!("\t- {name}"), true));
            std::iter::once((Level::Info, text, count > 0)).chain(names)
        });
        let left = (self.left > 0).then(|| {
            let text = format!(
                "[Docker Prune] left {} images alone while something is built; they go the next time",
                self.left
            );
            (Level::Info, text, false)
        });
        lines.chain(left).collect()
    }

    /// All of it, for whoever asked: a line for each kind, then a line for each thing.
    pub fn text(&self) -> String {
        let lines = self.lines().into_iter().map(|(_, text, _)| format!("{text}\n"));
        lines.collect()
    }
}

fn candidate(image: Image) -> Candidate {
    Candidate {
        id: image.id,
        names: image.tags,
        created: image.created,
        bytes: image.size,
    }
}

fn now() -> i64 {
    let since = clock::today().duration_since(clock::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
