//! What builds images: connected to when the first image is needed, so that sessions without images neither wait for an engine
//! nor miss one that is not there.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::build::prune::{Housekeeping, Live};
use crate::build::{BuildError, Builder, Commands, Order, Reports};
use crate::engine::effect::PruneOrder;
use crate::engine::perform::cluster::Whereabouts;
use crate::engine::state::Name;
use crate::model::built::Built;
use crate::world::docker::Engine;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BuildError>> + Send + 'a>>;

/// What is asked of whoever builds images.
pub trait Build: Send + Sync {
    fn build<'a>(&'a self, order: &'a Order, stop: &'a CancellationToken, reports: Reports<'a>) -> Answer<'a, Built>;

    fn is_there<'a>(&'a self, built: &'a Built) -> Answer<'a, bool>;

    /// Throws away what is old and not to be kept.
    fn prune<'a>(&'a self, order: &'a PruneOrder, reports: Reports<'a>) -> Answer<'a, ()>;
}

/// How to get at it.
pub trait Connect: Send + Sync {
    fn connect(&self) -> Answer<'_, Arc<dyn Build>>;
}

/// The engine that an environment names.
pub struct DockerFrom {
    /// Some clusters have an engine of their own to build with.
    pub whereabouts: Arc<Whereabouts>,
    /// Where what is learnt outlives the session.
    pub folder: PathBuf,
    pub commands: Commands,
}

impl Connect for DockerFrom {
    fn connect(&self) -> Answer<'_, Arc<dyn Build>> {
        Box::pin(async {
            let env = self.whereabouts.env().await;
            let engine = Engine::connect(&env).await.map_err(BuildError::Docker)?;
            let builder = Builder::new(engine, env, &self.folder);
            let builder: Arc<dyn Build> = Arc::new(builder.with_commands(self.commands.clone()));
            Ok(builder)
        })
    }
}

impl Build for Builder {
    fn build<'a>(&'a self, order: &'a Order, stop: &'a CancellationToken, reports: Reports<'a>) -> Answer<'a, Built> {
        Box::pin(Builder::build(self, order, stop, reports))
    }

    fn is_there<'a>(&'a self, built: &'a Built) -> Answer<'a, bool> {
        Box::pin(Builder::is_there(self, built))
    }

    fn prune<'a>(&'a self, order: &'a PruneOrder, reports: Reports<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let housekeeping = Housekeeping::new(&order.settings, Live::new(order.keep.iter().cloned()), self.folder());
            housekeeping.run(self.engine(), reports).await.map(drop)
        })
    }
}

/// The one connection of a session, and which images are being built over it.
pub struct Builders {
    connect: Box<dyn Connect>,
    // Held while connecting, so that it is done once.
    connected: Mutex<Option<Arc<dyn Build>>>,
    // Held for a look-up only.
    latest: std::sync::Mutex<BTreeMap<Name, Latest>>,
}

/// The image that was built last in this session. Held while one is built, so that none is built twice at once, whatever
/// updates find out about images that are gone.
pub type Latest = Arc<Mutex<Option<Built>>>;

impl Builders {
    pub fn new(connect: impl Connect + 'static) -> Builders {
        Builders {
            connect: Box::new(connect),
            connected: Mutex::new(None),
            latest: std::sync::Mutex::default(),
        }
    }

    pub async fn get(&self) -> Result<Arc<dyn Build>, BuildError> {
        let mut connected = self.connected.lock().await;
        if let Some(known) = connected.as_ref() {
            return Ok(Arc::clone(known));
        }
        let new = self.connect.connect().await?;
        *connected = Some(Arc::clone(&new));
        Ok(new)
    }

    /// The engine went away: whoever needs it next connects again, maybe to another version of it.
    pub async fn forget(&self) {
        *self.connected.lock().await = None;
    }

    pub fn latest(&self, image: &Name) -> Latest {
        let mut latest = self.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(latest.entry(Arc::clone(image)).or_default())
    }
}

impl fmt::Debug for Builders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Builders")
    }
}
