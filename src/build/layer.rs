//! The agent in an image: put on top of what was built, before it gets its name.
//!
//! It is for images whose containers are to start their process again, and for those where nothing could bring the agent in
//! later: with neither a shell nor `tar`.

mod plan;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::build::docker::DockerBuild;
use crate::build::docker::plan::Plan;
use crate::build::{BuildError, Builder, Level, Order, Report, Reports, tag};
use crate::model::build::{AgentLayer, DockerRecipe, Recipe};
use crate::model::digest;
use crate::world::agent;
use crate::world::docker::Image;
use crate::world::extensions;
use plan::{Found, LABEL, Tools};

/// Any of these can bring an agent into a running container.
const TOOLS: &[&str] = &["/bin/sh", "/bin/tar", "/usr/bin/tar", "/bin/busybox"];
/// Under which the image below the layer of a custom build stays, for the caches of whoever built it.
const BELOW: &str = "tilt-below-agent";

/// What was found in images, by what tells them apart.
pub type Probed = Arc<Mutex<BTreeMap<String, Tools>>>;

/// A hash of the programs, so that images with another one are other images.
pub fn agent_hash() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| {
        let hashes = agent::programs().map(|(arch, program)| format!("{arch}={}\n", digest::sha256_hex(program)));
        let hash = digest::sha256_hex(hashes.collect::<String>().as_bytes());
        hash.chars().take(16).collect()
    });
    &HASH
}

/// What the input key of an image has to say about its layer; empty where it gets none.
pub fn setting(order: &Order) -> Option<(String, String)> {
    match order.target.agent_layer() {
        AgentLayer::None => None,
        wanted => Some(("agent".to_owned(), format!("{wanted:?} {}", agent_hash()))),
    }
}

/// One image that may need the layer.
pub struct Layer<'a> {
    pub builder: &'a Builder,
    pub order: &'a Order,
    pub stop: &'a CancellationToken,
    pub reports: Reports<'a>,
}

impl Layer<'_> {
    /// The id of the image with what it needs, or its own where it needs nothing.
    pub async fn add(&self, id: &str) -> Result<String, BuildError> {
        let wanted = self.order.target.agent_layer();
        if wanted == AgentLayer::None {
            return Ok(id.to_owned());
        }
        let engine = &self.builder.engine;
        let Some(image) = engine.image(id).await.map_err(BuildError::Docker)? else {
            // Whoever uses it next will say so better.
            return Ok(id.to_owned());
        };
        let tools = match wanted {
            AgentLayer::IfBare => self.tools(&image).await?,
            AgentLayer::None | AgentLayer::Supervisor => Tools::Present,
        };
        let found = Found {
            agent: image.labels.get(LABEL).map(String::as_str),
            entrypoint: &image.entrypoint,
            command: &image.command,
            tools,
        };
        let below = format!("{BELOW}-{}", tag::of_content(id));
        let below = tag::under(&self.order.target, &self.order.registry, &below)?.local;
        let Some(dockerfile) = plan::dockerfile(wanted, &below.familiar(), agent_hash(), found) else {
            return Ok(id.to_owned());
        };
        let Some(program) = agent::program(architecture(&image.platform)) else {
            return self.without_agent(wanted, id, image.platform);
        };
        self.say(
            Level::Debug,
            "Adding the agent for live updates to the image".to_owned(),
        );
        engine.tag(id, &below).await.map_err(BuildError::Docker)?;
        let built = self.build(dockerfile, program, &image.platform).await;
        self.release(id, &below.familiar()).await?;
        built
    }

    fn without_agent(&self, wanted: AgentLayer, id: &str, platform: String) -> Result<String, BuildError> {
        if wanted == AgentLayer::Supervisor {
            // What is deployed would start a supervisor that is not there.
            return Err(BuildError::NoAgent { platform });
        }
        let text = format!("Live updates cannot reach this image: this tilt has no agent for images of {platform}");
        self.say(Level::Warn, text);
        Ok(id.to_owned())
    }

    async fn build(&self, dockerfile: String, program: &[u8], platform: &str) -> Result<String, BuildError> {
        let content = [(plan::FILE, program)];
        let context = extensions::materialise("agent", &content, &self.builder.folder).map_err(BuildError::Files)?;
        let recipe = DockerRecipe {
            dockerfile,
            context,
            platform: platform.to_owned(),
            ..DockerRecipe::default()
        };
        let plan = Plan {
            dockerfile: recipe.dockerfile.clone(),
            platform: recipe.platform.clone(),
            ..Plan::default()
        };
        // Its steps are none of the user's.
        let reports = |report: Report| {
            if let Report::Line { level: Level::Warn, .. } = report {
                (self.reports)(report);
            }
        };
        let build = DockerBuild {
            builder: self.builder,
            order: self.order,
            recipe: &recipe,
            stop: self.stop,
            reports: &reports,
        };
        build.layer(&plan).await
    }

    /// The image below has served. The builder of a custom one may look for it the next time.
    async fn release(&self, id: &str, below: &str) -> Result<(), BuildError> {
        let engine = &self.builder.engine;
        if matches!(self.order.target.recipe, Recipe::Custom(_)) {
            let kept = tag::under(&self.order.target, &self.order.registry, BELOW)?.local;
            engine.tag(id, &kept).await.map_err(BuildError::Docker)?;
        }
        if let Err(error) = engine.remove_image(below).await {
            self.say(Level::Debug, format!("{below} stays: {error}"));
        }
        Ok(())
    }

    /// Images that begin with the same layer come from the same base; what one of them has, all have.
    async fn tools(&self, image: &Image) -> Result<Tools, BuildError> {
        let first = image.layers.first().cloned().unwrap_or_default();
        let known = |key: &str| self.probed().get(key).copied();
        if let Some(tools) = known(&image.id).or_else(|| known(&first)) {
            return Ok(tools);
        }
        let (key, tools) = match self.builder.engine.has_any(&image.id, TOOLS).await {
            Ok(true) => (first, Tools::Present),
            Ok(false) => (image.id.clone(), Tools::Absent),
            Err(error) if error.is_connection() => return Err(BuildError::Docker(error)),
            Err(error) => {
                // Nearly all images have something; a build does not fail for the others.
                self.say(Level::Debug, error.to_string());
                return Ok(Tools::Present);
            }
        };
        self.probed().insert(key, tools);
        Ok(tools)
    }

    fn probed(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Tools>> {
        // Held for a look-up only; a map is whole between any two statements.
        self.builder.probed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, level: Level, text: String) {
        (self.reports)(Report::Line { level, text });
    }
}

/// Of a platform, `linux/arm64/v8`.
fn architecture(platform: &str) -> &str {
    platform.split('/').nth(1).unwrap_or_default()
}
