//! Copying images into the nodes of a kind cluster, by `kind` itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::world::process::told::{self, Ending, Order};

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KindError {
    #[error("`kind` is not installed, and cluster `{cluster}` has no registry that images could be pushed to")]
    Missing { cluster: String },
    #[error("copying images into kind cluster `{cluster}`: {reason}")]
    Failed { cluster: String, reason: String },
    #[error("copying images into kind cluster `{cluster}`: canceled")]
    Cancelled { cluster: String },
}

/// Copies images of the local engine into all nodes of a cluster. `env` must name that engine as we reach it; `on_line` gets
/// what `kind` says.
pub async fn load(
    cluster: &str,
    images: &[String],
    env: &BTreeMap<String, String>,
    stop: &CancellationToken,
    on_line: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), KindError> {
    let words = ["kind", "load", "docker-image"].map(str::to_owned);
    let name = ["--name", cluster].map(str::to_owned);
    let order = Order {
        argv: words.into_iter().chain(images.iter().cloned()).chain(name).collect(),
        dir: PathBuf::from("/"),
        env: env.clone(),
        limit: None,
    };
    let cluster = cluster.to_owned();
    match told::run(&order, stop, &mut |_, line| on_line(line)).await {
        Ending::Good => Ok(()),
        Ending::Missing => Err(KindError::Missing { cluster }),
        Ending::Cancelled => Err(KindError::Cancelled { cluster }),
        Ending::Bad { reason } => Err(KindError::Failed { cluster, reason }),
    }
}

#[cfg(test)]
mod tests;
