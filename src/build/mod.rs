//! Images: from sources to an image that the cluster can reach, never doing work twice.
//!
//! The thinking is in pure files: what an image is made from as one hash (`inputs`), which tags it gets (`tag`), what the
//! builder's progress looks like (`progress`). The doing is in `docker_build` and `custom`. Nothing here knows of resources or
//! of what else is built meanwhile; whoever orders a build passes in the images that it stands on.

mod command;
mod custom;
mod deliver;
mod error;
mod lines;
pub mod order;
pub mod prune;
pub mod tag;

pub use command::Commands;
pub use error::{BuildError, Class, OutputFault};
pub use order::{Order, Reuse, Share};

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::model::build::Recipe;
use crate::model::built::{Built, Stage};
use crate::model::image::Reference;
use crate::world::docker::{Engine, RegistryAuth};

/// What happens during a build, for whoever watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// One or several whole lines for the log.
    Line { level: Level, text: String },
    /// A line that replaces the one before it of the same id wherever that can be shown.
    Progress { id: String, text: String, is_last: bool },
    /// All steps so far.
    Stages(Vec<Stage>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
}

/// Gets reports as they come; must not block.
pub type Reports<'a> = &'a (dyn Fn(Report) + Send + Sync);

/// Builds images with one engine.
#[derive(Clone)]
pub struct Builder {
    engine: Engine,
    env: Arc<BTreeMap<String, String>>,
    commands: Commands,
    credentials: Credentials,
}

/// Who we are to the registry of an image.
pub type Credentials = Arc<dyn Fn(&Reference) -> RegistryAuth + Send + Sync>;

impl Builder {
    pub fn new(engine: Engine, env: Arc<BTreeMap<String, String>>) -> Builder {
        Builder {
            engine,
            env,
            commands: Commands::default(),
            credentials: Arc::new(|_| RegistryAuth::default()),
        }
    }

    /// What commands of the user's run in.
    pub fn with_commands(self, commands: Commands) -> Builder {
        Builder { commands, ..self }
    }

    pub fn with_credentials(self, credentials: Credentials) -> Builder {
        Builder { credentials, ..self }
    }

    fn auth(&self, name: &Reference) -> RegistryAuth {
        (self.credentials)(name)
    }

    /// Builds one image, or finds that it is there already, and sees to it that the cluster can reach it.
    pub async fn build(
        &self,
        order: &Order,
        stop: &CancellationToken,
        reports: Reports<'_>,
    ) -> Result<Built, BuildError> {
        match &order.target.recipe {
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
            Recipe::Docker(_) | Recipe::Pack(_) | Recipe::Compose(_) => Err(BuildError::Cancelled),
        }
    }

    /// Whether an image that was built before is still there. Images that were never in an engine of ours always are.
    pub async fn is_there(&self, built: &Built) -> Result<bool, BuildError> {
        let Some(id) = &built.id else { return Ok(true) };
        let found = self.engine.image(&built.local).await.map_err(BuildError::Docker)?;
        Ok(found.is_some_and(|image| image.id == *id))
    }
}
