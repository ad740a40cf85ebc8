//! `docker_build`: a context, a Dockerfile and its options to an image.
//!
//! First the inputs are looked at. Where the engine has the image of these very inputs, that is it: nothing is sent, nothing is
//! built. Else BuildKit gets the differences; engines without it get the whole context.

mod classic;
mod context;
pub mod plan;
mod solve;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::build::deliver::deliver;
use crate::build::{BuildError, Builder, Level, Order, Report, Reports, tag};
use crate::model::build::DockerRecipe;
use crate::model::built::{Built, Origin};
use crate::world::tree::Tree;
use plan::Plan;

/// How often a build starts over because files of its context changed while they were sent.
const ATTEMPTS: u32 = 3;

/// One image to build.
pub struct DockerBuild<'a> {
    pub builder: &'a Builder,
    pub order: &'a Order,
    pub recipe: &'a DockerRecipe,
    pub stop: &'a CancellationToken,
    pub reports: Reports<'a>,
}

/// An image as the builder left it.
pub struct Outcome {
    pub image: String,
    /// Images of registries that it was made from: their names, and the digests that these stood for.
    pub bases: Vec<(String, String)>,
}

impl DockerBuild<'_> {
    pub async fn build(&self) -> Result<Built, BuildError> {
        let plan = plan::plan(self.order, self.recipe, &self.builder.env).map_err(BuildError::Plan)?;
        let mut attempt = 1;
        loop {
            let tree = Arc::new(context::look(self, &plan).await?);
            match self.from_tree(&plan, &tree).await {
                Err(BuildError::ContextChanged { path, reason }) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.say(Level::Info, format!("Starting over: {path} {reason}"));
                }
                other => return other,
            }
        }
    }

    async fn from_tree(&self, plan: &Plan, tree: &Arc<Tree>) -> Result<Built, BuildError> {
        let outcome = self.run(plan, tree).await?;
        self.finish(&outcome.image, Origin::Built, None).await
    }

    /// Builds until it is done or nobody wants it any more.
    async fn run(&self, plan: &Plan, tree: &Arc<Tree>) -> Result<Outcome, BuildError> {
        let work = async {
            match self.builder.uses_buildkit() {
                true => solve::run(self, plan, tree).await,
                false => classic::run(self, plan, tree).await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => Err(BuildError::Cancelled),
            done = work => done,
        }
    }

    /// Names the image and sees to it that the cluster can reach it.
    async fn finish(&self, image: &str, origin: Origin, key: Option<String>) -> Result<Built, BuildError> {
        let engine = &self.builder.engine;
        let names = tag::names(&self.order.target, &self.order.registry, image)?;
        engine.tag(image, &names.local).await.map_err(BuildError::Docker)?;
        for extra in &self.recipe.extra_tags {
            let extra = crate::model::image::Reference::parse(extra).map_err(BuildError::Tag)?;
            engine.tag(image, &extra).await.map_err(BuildError::Docker)?;
        }
        let digest = deliver(self.builder, self.order, &names.local, (self.stop, self.reports)).await?;
        Ok(Built {
            id: Some(image.to_owned()),
            local: names.local.familiar(),
            cluster: names.cluster.familiar(),
            digest,
            key,
            origin,
        })
    }

    fn say(&self, level: Level, text: String) {
        (self.reports)(Report::Line { level, text });
    }
}
