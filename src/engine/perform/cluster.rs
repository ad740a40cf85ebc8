//! Where images have to go: asked of the cluster once, when the first image for it is about to be built.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::engine::effect::{ImageStep, Side};
use crate::engine::logs::SpanWriter;
use crate::engine::perform::link::Link;
use crate::model::built::Delivery;
use crate::model::cluster::Facts;
use crate::model::cluster_product::Product;
use crate::model::delivery::{self, Audience, BuildEngine, Line, Route};
use crate::model::registry::Registry;
use crate::world::docker::endpoint::Endpoint;
use crate::world::docker::minikube;

/// The cluster of a session, as far as images are concerned.
pub struct Whereabouts {
    link: Arc<Link>,
    env: Arc<BTreeMap<String, String>>,
    // Held while the cluster is asked, so that it is asked once.
    found: Mutex<Option<Arc<Found>>>,
}

/// What a cluster told.
#[derive(Clone, Debug, Default)]
struct Found {
    product: Product,
    cluster: String,
    facts: Facts,
    /// The variables with which the engine that builds for it is reached.
    env: BTreeMap<String, String>,
}

impl Whereabouts {
    pub fn new(link: Arc<Link>, env: Arc<BTreeMap<String, String>>) -> Whereabouts {
        Whereabouts {
            link,
            env,
            found: Mutex::new(None),
        }
    }

    /// The steps with their destinations made out. Nobody is asked where no image is for a cluster.
    pub async fn settle(&self, steps: Vec<ImageStep>, log: &SpanWriter) -> Vec<ImageStep> {
        let Some(first) = steps.iter().find(|step| step.destination.side == Side::Cluster) else {
            return steps;
        };
        let found = self.find(&first.destination.registry.clone(), log).await;
        steps.into_iter().map(|step| found.settle(step)).collect()
    }

    /// The variables of the engine to build with.
    pub async fn env(&self) -> Arc<BTreeMap<String, String>> {
        match &*self.found.lock().await {
            Some(found) => Arc::new(found.env.clone()),
            None => Arc::clone(&self.env),
        }
    }

    async fn find(&self, declared: &Registry, log: &SpanWriter) -> Arc<Found> {
        let mut known = self.found.lock().await;
        if let Some(found) = known.as_ref() {
            return Arc::clone(found);
        }
        let found = match self.ask(log).await {
            Ok(found) => found,
            // What could not be asked is asked again next time.
            Err(found) => return Arc::new(found),
        };
        for line in delivery::registry(&found.facts.registries, Some(declared), found.product).lines {
            match line {
                Line::Note(text) => log.info(&text),
                Line::Warning(text) => log.warn(&text),
            }
        }
        let found = Arc::new(found);
        *known = Some(Arc::clone(&found));
        found
    }

    /// What is known anyhow is the error where the cluster does not answer.
    async fn ask(&self, log: &SpanWriter) -> Result<Found, Found> {
        let mut found = Found {
            env: (*self.env).clone(),
            ..Found::default()
        };
        if let Some(fault) = self.link.fault() {
            log.warn(fault);
            return Err(found);
        }
        let Some(context) = self.link.context() else {
            return Ok(found);
        };
        found.product = self.link.product();
        found.cluster.clone_from(&context.cluster);
        found.facts = match self.link.live().await {
            Ok(live) => live.facts.clone(),
            Err(error) => {
                let text =
                    format!("The cluster does not tell where images go, so they go where the Tiltfile says: {error}");
                log.warn(&text);
                return Err(found);
            }
        };
        found.facts.gaps.iter().for_each(|gap| log.warn(gap));
        if minikube::is_wanted(found.product, &found.facts, &self.env) {
            match minikube::environment(&context.cluster, &self.env, &CancellationToken::new()).await {
                Ok(env) => found.env = env,
                Err(error) => log.warn(&format!("Building with the engine of this machine: {error}")),
            }
        }
        Ok(found)
    }
}

impl Found {
    fn settle(&self, mut step: ImageStep) -> ImageStep {
        if step.destination.side != Side::Cluster {
            return step;
        }
        let declared = &step.destination.registry;
        let chosen = delivery::registry(&self.facts.registries, Some(declared), self.product);
        let url = Endpoint::from_environment(&self.env).map(|endpoint| endpoint.url);
        let url = url.unwrap_or_default();
        let route = Route {
            product: self.product,
            cluster: &self.cluster,
            runtimes: &self.facts.runtimes,
            engine: BuildEngine::of(&url, &self.env),
            registry: &chosen,
        };
        let has_nowhere_to_go = self.product == Product::None && chosen.registry.host.is_empty();
        step.destination.delivery = match step.destination.delivery {
            Delivery::Stay => Delivery::Stay,
            _ if has_nowhere_to_go => Delivery::Stay,
            _ => delivery::delivery(&step.target.recipe, Audience::Kubernetes, &route),
        };
        step.destination.platform = delivery::platform("", &self.env, self.facts.arch.as_deref()).unwrap_or_default();
        step.destination.registry = chosen.registry;
        step
    }
}

impl fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whereabouts")
    }
}
