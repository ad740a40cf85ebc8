//! The engine inside a minikube cluster: images that are built there need not be sent anywhere.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::model::cluster::Facts;
use crate::model::cluster_product::Product;
use crate::world::process::Stream;
use crate::world::process::told::{self, Ending, Order};

/// A cluster that is up answers within a second or two.
const LIMIT: Duration = Duration::from_secs(20);

const HOST: &str = "DOCKER_HOST";

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MinikubeError {
    #[error("`minikube` is not installed, so the engine inside cluster `{profile}` cannot be used")]
    Missing { profile: String },
    #[error("`minikube docker-env -p {profile}`: {reason}")]
    Failed { profile: String, reason: String },
}

/// Whether images for this cluster are to be built in its own engine. Not if somebody says which engine to use; that
/// may well be the cluster's, by `eval $(minikube docker-env)`.
pub fn is_wanted(product: Product, facts: &Facts, env: &BTreeMap<String, String>) -> bool {
    let is_free = env.get(HOST).is_none_or(String::is_empty);
    product == Product::Minikube && facts.runtimes.contains("docker") && is_free
}

/// The environment in which the engine is the one of a minikube cluster. On failure the local engine is what remains,
/// and the error is the warning.
pub async fn environment(
    profile: &str,
    env: &BTreeMap<String, String>,
    stop: &CancellationToken,
) -> Result<BTreeMap<String, String>, MinikubeError> {
    let argv = ["minikube", "docker-env", "--shell", "none", "-p", profile];
    let order = Order {
        argv: argv.map(str::to_owned).to_vec(),
        dir: PathBuf::from("/"),
        env: env.clone(),
        limit: Some(LIMIT),
    };
    let mut found = BTreeMap::new();
    let mut said = Vec::new();
    let mut listen = |stream, line: &str| match stream {
        Stream::Stdout => found.extend(variable(line)),
        Stream::Stderr => said.push(line.trim().to_owned()),
    };
    let ending = told::run(&order, stop, &mut listen).await;
    let failed = |reason: String| MinikubeError::Failed {
        profile: profile.to_owned(),
        reason,
    };
    match ending {
        Ending::Good if found.contains_key(HOST) => Ok(env.clone().into_iter().chain(found).collect()),
        Ending::Good => Err(failed(format!("it does not tell {HOST}"))),
        Ending::Missing => Err(MinikubeError::Missing {
            profile: profile.to_owned(),
        }),
        Ending::Cancelled => Err(failed("canceled".to_owned())),
        Ending::Bad { reason } => {
            said.retain(|line| !line.is_empty());
            said.insert(0, reason);
            Err(failed(said.join(": ")))
        }
    }
}

/// One of the variables that matter to an engine's client.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().split_once('=')?;
    let is_meant = name.starts_with("DOCKER_") || name.starts_with("MINIKUBE_");
    is_meant.then(|| (name.to_owned(), value.trim_matches('"').to_owned()))
}

#[cfg(test)]
mod tests;
