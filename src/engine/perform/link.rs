//! The cluster of a session: one context, pinned when the session begins, connected to when it is first needed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::deploy::discovery::Discoveries;
use crate::deploy::{DeployError, Deployer};
use crate::engine::action::{Action, ClusterFact};
use crate::engine::perform::Context as Shared;
use crate::engine::state::Connected;
use crate::engine::store;
use crate::model::cluster::Facts;
use crate::model::cluster_product::Product;
use crate::world::cluster::{Cluster, ClusterError, HealthFact, watch_health};
use crate::world::kubeconfig::{self, Context, Frozen, Sources};

/// Between attempts to connect for the first time.
const RETRY: Duration = Duration::from_secs(5);

/// Which cluster a session is for, whatever `kubectl config use-context` says from now on.
pub struct Link {
    pinned: Result<Option<Pinned>, String>,
    env: Arc<BTreeMap<String, String>>,
    // Held while connecting, so that it is done once.
    connecting: Mutex<()>,
    live: OnceLock<Arc<Live>>,
}

struct Pinned {
    context: Context,
    /// The kubeconfig of what we run; it goes with us.
    frozen: Frozen,
}

/// A cluster that answers.
pub struct Live {
    pub cluster: Cluster,
    pub facts: Facts,
    /// What tells it from any other, where we may see that.
    pub uid: Option<String>,
    pub deployer: Deployer,
    pub discoveries: Discoveries,
}

impl Link {
    /// Resolves the context. `file` is where its kubeconfig is kept for as long as the session lasts.
    pub fn pin(sources: &Sources, file: &Path, env: Arc<BTreeMap<String, String>>) -> Link {
        let pinned = match kubeconfig::active(sources) {
            Ok(None) => Ok(None),
            Ok(Some(context)) => kubeconfig::freeze(sources, &context, file)
                .map(|frozen| Some(Pinned { context, frozen }))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        Link::of(pinned, env)
    }

    /// One that leads nowhere.
    pub fn none(env: Arc<BTreeMap<String, String>>) -> Link {
        Link::of(Ok(None), env)
    }

    fn of(pinned: Result<Option<Pinned>, String>, env: Arc<BTreeMap<String, String>>) -> Link {
        Link {
            pinned,
            env,
            connecting: Mutex::new(()),
            live: OnceLock::new(),
        }
    }

    /// The context that everything of this session uses; nothing where there is none.
    pub fn context(&self) -> Option<&Context> {
        self.pinned.as_ref().ok()?.as_ref().map(|pinned| &pinned.context)
    }

    /// Why there is no context although somebody wrote down one.
    pub fn fault(&self) -> Option<&str> {
        self.pinned.as_ref().err().map(String::as_str)
    }

    /// For `KUBECONFIG`.
    pub fn file(&self) -> Option<PathBuf> {
        let pinned = self.pinned.as_ref().ok()?.as_ref()?;
        Some(pinned.frozen.path().to_owned())
    }

    pub fn product(&self) -> Product {
        let pinned = self.pinned.as_ref().ok().and_then(Option::as_ref);
        pinned.map_or(Product::None, |pinned| {
            pinned.context.product(&pinned.frozen.sources().home)
        })
    }

    /// The cluster, if it was reached already.
    pub fn reached(&self) -> Option<Arc<Live>> {
        self.live.get().cloned()
    }

    pub async fn live(&self) -> Result<Arc<Live>, ClusterError> {
        let _connecting = self.connecting.lock().await;
        if let Some(live) = self.reached() {
            return Ok(live);
        }
        let live = Arc::new(self.connect().await?);
        Ok(Arc::clone(self.live.get_or_init(|| live)))
    }

    async fn connect(&self) -> Result<Live, ClusterError> {
        let nowhere = |reason: &str| ClusterError::Kubeconfig {
            context: String::new(),
            reason: reason.to_owned(),
        };
        let pinned = self.pinned.as_ref().map_err(|error| nowhere(error))?;
        let Some(pinned) = pinned else {
            return Err(nowhere(
                "no kubeconfig names a cluster; `kubectl config current-context` says which one is active",
            ));
        };
        let cluster = Cluster::connect(&pinned.frozen.sources(), &pinned.context, &self.env).await?;
        let (facts, uid) = tokio::join!(cluster.facts(), cluster.uid());
        Ok(Live {
            facts: facts?,
            uid: uid?,
            deployer: Deployer::new(cluster.clone()),
            discoveries: Discoveries::new(cluster.clone()),
            cluster,
        })
    }

    fn connected(&self, live: &Live) -> Connected {
        let context = self.context().cloned().unwrap_or_default();
        Connected {
            facts: live.facts.clone(),
            product: live.cluster.product(),
            namespace: live.cluster.namespace().to_owned(),
            context: context.name,
            cluster: context.cluster,
            config_path: self.file().map(|file| file.display().to_string()).unwrap_or_default(),
            at: store::now(),
        }
    }
}

impl Live {
    /// Whatever tells it from any other, as one word.
    pub fn identity(&self) -> &str {
        self.uid.as_deref().unwrap_or(&self.cluster.identity().server)
    }

    /// That it is the cluster that the session began with, for what we cannot look over the shoulder of.
    pub async fn check(&self) -> Result<(), DeployError> {
        let now = self.cluster.uid().await.map_err(DeployError::Cluster)?;
        match (&self.uid, now) {
            (Some(before), Some(now)) if *before != now => Err(DeployError::OtherCluster {
                server: self.cluster.identity().server.clone(),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("context", &self.context()).finish()
    }
}

/// Connects, and tells how the cluster does until told to stop.
pub(super) fn keep(stop: CancellationToken, shared: &Shared) {
    let task = shared.clone();
    shared.tracker.spawn(async move {
        tokio::select! {
            () = follow(&task, &stop) => {}
            () = stop.cancelled() => {}
        }
    });
}

async fn follow(shared: &Shared, stop: &CancellationToken) {
    let link = &shared.surroundings.link;
    let live = loop {
        match link.live().await {
            Ok(live) => break live,
            Err(error) => {
                let error = error.to_string();
                shared.tell(Action::Cluster(ClusterFact::Failed { error }));
            }
        }
        sleep(RETRY).await;
    };
    let connected = Box::new(link.connected(&live));
    shared.tell(Action::Cluster(ClusterFact::Connected(connected)));
    let tell = |fact: HealthFact| {
        let fact = match fact {
            HealthFact::Recovered => ClusterFact::Recovered,
            HealthFact::Failed(error) => ClusterFact::Failed {
                error: error.to_string(),
            },
            HealthFact::Replaced { .. } => ClusterFact::Moved { error: fact.line() },
        };
        shared.tell(Action::Cluster(fact));
    };
    watch_health(&live.cluster, tell, stop).await;
}
