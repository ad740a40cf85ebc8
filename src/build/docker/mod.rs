//! `docker_build`: a context, a Dockerfile and its options to an image.
//!
//! First the inputs are looked at. Where the engine has the image of these very inputs, that is it: nothing is sent, nothing is
//! built. Else BuildKit gets the differences; engines without it get the whole context.

mod again;
mod classic;
mod context;
mod keys;
pub mod plan;
mod reuse;
mod solve;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::build::deliver::deliver;
use crate::build::failure::{Attempt, explain};
use crate::build::layer::Layer;
use crate::build::progress::Steps;
use crate::build::{BuildError, Builder, Level, Order, Report, Reports, Reuse, tag};
use crate::model::build::DockerRecipe;
use crate::model::built::{Built, Origin};
use crate::model::solve::SolveFailure;
use crate::model::time::Time;
use crate::world::clock::{self, SystemTime};
use crate::world::docker::session::SecretSource;
use crate::world::tree::Tree;
use again::Tries;
use keys::Keys;
use plan::{Plan, SecretPlace};

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
        let _building = self.builder.building().await?;
        let mut plan = plan::plan(self.order, self.recipe, &self.builder.env).map_err(BuildError::Plan)?;
        let mut tries = Tries::default();
        loop {
            match self.attempt(&plan).await {
                Err(error) => tries.again(self, &mut plan, error).await?,
                done => return done,
            }
        }
    }

    async fn attempt(&self, plan: &Plan) -> Result<Built, BuildError> {
        let tree = Arc::new(context::look(self, plan).await?);
        self.build_tree(plan, &tree).await
    }

    async fn build_tree(&self, plan: &Plan, tree: &Arc<Tree>) -> Result<Built, BuildError> {
        let keys = Keys::new(self, plan, tree).await?;
        let found = keys.key(keys.remembered()).await?;
        if let Err(reason) = &found {
            self.say(Level::Debug, format!("The builder is asked: {reason}"));
        }
        if self.order.reuse == Reuse::Inputs
            && let Ok(found) = &found
            && let Some(built) = reuse::find(self, &keys, found).await?
        {
            return Ok(built);
        }
        let outcome = self.run(plan, tree).await;
        self.save_hashes();
        let mut outcome = outcome?;
        outcome.image = self.layered(&outcome.image).await?;
        // Only now it is told which images the names of registries stood for.
        let key = keys.key(outcome.bases.clone()).await?.ok();
        if let Some(key) = &key {
            reuse::note_bases(self, key)?;
        }
        // A base that moved meanwhile may or may not be the one that was used: nothing is claimed then.
        let before = found.map(|found| found.seen).unwrap_or_default();
        let key = key.filter(|key| key.seen == before);
        if let Some(key) = &key {
            reuse::remember(self, key, &outcome).await?;
        }
        let text = key.as_ref().map(|key| key.text.clone());
        let built = self.finish(&outcome.image, Origin::Built, text).await?;
        reuse::publish(self, &built).await;
        Ok(built)
    }

    /// Builds a layer of ours: nothing is looked up, remembered or named. Gives the image's id.
    pub async fn layer(&self, plan: &Plan) -> Result<String, BuildError> {
        let tree = Arc::new(context::look(self, plan).await?);
        let outcome = self.run(plan, &tree).await?;
        Ok(outcome.image)
    }

    async fn layered(&self, image: &str) -> Result<String, BuildError> {
        let layer = Layer {
            builder: self.builder,
            order: self.order,
            stop: self.stop,
            reports: self.reports,
        };
        // A layer is built by one of these, too.
        Box::pin(layer.add(image)).await
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

    /// What was read need not be read again after a restart. Nobody waits for that.
    fn save_hashes(&self) {
        let hashes = Arc::clone(&self.builder.hashes);
        tokio::task::spawn_blocking(move || hashes.save());
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

    /// Secrets and where they are.
    fn secrets(&self, plan: &Plan) -> BTreeMap<String, SecretSource> {
        let place = |(id, place): (&String, &SecretPlace)| {
            let source = match place {
                SecretPlace::File(path) => SecretSource::File(path.clone()),
                SecretPlace::Variable(name) => {
                    SecretSource::Value(self.builder.env.get(name).cloned().unwrap_or_default())
                }
            };
            (id.clone(), source)
        };
        plan.secrets.iter().map(place).collect()
    }

    /// The names of the project's images, as far as they matter here.
    fn images(&self) -> Vec<String> {
        let bases = self.order.bases.values().map(|(target, _)| target.selector.to_string());
        bases.chain([self.order.target.selector.to_string()]).collect()
    }

    /// Why a builder failed, told about the Dockerfile as it was written.
    fn explained(&self, plan: &Plan, steps: &Steps, failure: &SolveFailure) -> BuildError {
        let args = plan.args.iter().map(|(name, value)| (name.clone(), value.clone()));
        let args: Vec<(String, String)> = args.collect();
        let images = self.images();
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        let attempt = Attempt {
            name: "Dockerfile",
            dockerfile: &self.recipe.dockerfile,
            build_args: &args,
            steps,
            images: &images,
            why_not: &|path| context::why_not(self, path),
        };
        BuildError::Failed(Box::new(explain(failure, &attempt)))
    }

    fn say(&self, level: Level, text: String) {
        (self.reports)(Report::Line { level, text });
    }
}

fn now() -> Time {
    let age = clock::today().duration_since(SystemTime::UNIX_EPOCH);
    Time::from_micros(age.map_or(0, |age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX)))
}
