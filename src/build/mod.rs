//! Images: from sources to an image that the cluster can reach, never doing work twice.
//!
//! The thinking is in pure files: what an image is made from as one hash (`inputs`), which tags it gets (`tag`), what the
//! builder's progress looks like (`progress`). The doing is in `docker_build` and `custom`. Nothing here knows of resources or
//! of what else is built meanwhile; whoever orders a build passes in the images that it stands on.

mod command;
mod custom;
mod deliver;
mod docker;
mod error;
pub mod failure;
pub mod frame;
pub mod graph;
pub mod inputs;
mod layer;
pub mod many;
pub mod order;
pub mod progress;
pub mod prune;
pub mod tag;

pub use command::Commands;
pub use error::{BuildError, Class, OutputFault};
pub use order::{Order, Reuse, Share};
pub use progress::{LiveStep, StepState};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::model::build::Recipe;
use crate::model::built::{Built, Stage};
use crate::model::image::Reference;
use crate::world::clock::Duration;
use crate::world::credentials;
use crate::world::docker::{About, Engine, RegistryAuth};
use crate::world::files::FileError;
use crate::world::known::KnownImages;
use crate::world::lock::Lock;
use crate::world::registry::Registries;
use crate::world::tree::Hashes;

/// What happens during a build, for whoever watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// One or several whole lines for the log.
    Line { level: Level, text: String },
    /// A line that replaces the one before it of the same id wherever that can be shown.
    Progress { id: String, text: String, is_last: bool },
    /// All steps so far.
    Stages(Vec<Stage>),
    /// The same for a live view: what each is at just now.
    Steps(Vec<LiveStep>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// Gets reports as they come; must not block.
pub type Reports<'a> = &'a (dyn Fn(Report) + Send + Sync);

/// An engine that is restarted is back by then.
const PATIENCE: Duration = Duration::from_secs(15);

/// Builds images with one engine. Cheap to copy; copies share what they learn.
#[derive(Clone)]
pub struct Builder {
    engine: Engine,
    env: Arc<BTreeMap<String, String>>,
    commands: Commands,
    hashes: Arc<Hashes>,
    known: KnownImages,
    registries: Registries,
    about: Arc<OnceCell<About>>,
    patience: Duration,
    /// Where what is learnt is kept.
    folder: PathBuf,
    probed: layer::Probed,
}

/// Takes a lock, which may take its time.
async fn locked<T: Send + 'static>(
    path: PathBuf,
    take: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
) -> Result<T, BuildError> {
    let taken = tokio::task::spawn_blocking(move || take(&path)).await;
    taken.expect("locking does not panic").map_err(BuildError::Files)
}

/// What builds share, and whoever cleans up has alone.
fn building_lock(folder: &Path) -> PathBuf {
    folder.join("building.lock")
}

impl Builder {
    /// `folder` is where what is learnt outlives the session; it need not exist yet.
    pub fn new(engine: Engine, env: Arc<BTreeMap<String, String>>, folder: &Path) -> Builder {
        Builder {
            engine,
            env,
            commands: Commands::default(),
            hashes: Arc::new(Hashes::open(folder.join("hashes"))),
            known: KnownImages::open(folder.join("known")),
            registries: Registries::new(&[], &folder.join("registries")),
            about: Arc::default(),
            patience: PATIENCE,
            folder: folder.to_owned(),
            probed: layer::Probed::default(),
        }
    }

    /// What commands of the user's run in.
    pub fn with_commands(self, commands: Commands) -> Builder {
        Builder { commands, ..self }
    }

    /// How long an engine that went away in mid-build may take to come back.
    pub fn with_patience(self, patience: Duration) -> Builder {
        Builder { patience, ..self }
    }

    /// Held while images are made that have no name yet: nobody cleans up meanwhile.
    async fn building(&self) -> Result<Lock, BuildError> {
        locked(building_lock(&self.folder), Lock::share).await
    }

    /// Where what is learnt is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Asks the engine now what every build has to know of it, for whoever has something else to do meanwhile.
    pub async fn prepare(&self) -> Result<(), BuildError> {
        self.about().await.map(drop)
    }

    async fn auth(&self, name: &Reference) -> Result<RegistryAuth, BuildError> {
        credentials::for_image(&self.env, name)
            .await
            .map_err(BuildError::Credentials)
    }

    async fn about(&self) -> Result<&About, BuildError> {
        let asked = self.about.get_or_try_init(|| self.engine.about()).await;
        asked.map_err(BuildError::Docker)
    }

    /// Builds one image, or finds that it is there already, and sees to it that the cluster can reach it.
    pub async fn build(
        &self,
        order: &Order,
        stop: &CancellationToken,
        reports: Reports<'_>,
    ) -> Result<Built, BuildError> {
        match &order.target.recipe {
            Recipe::Docker(recipe) => {
                let build = docker::DockerBuild {
                    builder: self,
                    order,
                    recipe,
                    stop,
                    reports,
                };
                build.build().await
            }
            Recipe::Custom(recipe) => {
                let custom = custom::Custom {
                    builder: self,
                    order,
                    recipe,
                    stop,
                    reports,
                };
                custom.build().await
            }
            Recipe::Pack(_) => Err(BuildError::NotHere { what: "`pack`" }),
            Recipe::Compose(_) => Err(BuildError::NotHere {
                what: "a service's own `build:` section",
            }),
        }
    }

    /// Whether an image that was built before is still there. Images that were never in an engine of ours always are.
    pub async fn is_there(&self, built: &Built) -> Result<bool, BuildError> {
        let Some(id) = &built.id else { return Ok(true) };
        let found = self.engine.image(&built.local).await.map_err(BuildError::Docker)?;
        Ok(found.is_some_and(|image| image.id == *id))
    }

    fn uses_buildkit(&self) -> bool {
        let asked = self.env.get("DOCKER_BUILDKIT").map(String::as_str);
        self.engine.has_buildkit() && !matches!(asked, Some("0" | "false" | "no" | "off"))
    }
}
