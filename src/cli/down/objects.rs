//! The Kubernetes objects of a Tiltfile's resources, deleted.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::output;
use crate::deploy::{self, Deployer, Removal};
use crate::model::deployed::ObjectRef;
use crate::model::kube;
use crate::model::project::{Project, Resource, Target};
use crate::model::workload::Source;
use crate::tiltfile::Request;
use crate::world::cluster::Cluster;
use crate::world::dirs::Dirs;
use crate::world::kubeconfig::{self, Frozen};

/// What becomes of namespaces among the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    Deleted,
    Kept,
}

/// What is to be deleted of these resources, and the names of the namespaces that stay.
pub fn doomed(resources: &[&Resource], namespaces: Namespaces) -> Result<(Vec<ObjectRef>, Vec<String>), Exit> {
    let mut objects = Vec::new();
    for resource in resources {
        if let Target::Kubernetes(target) = &resource.target
            && let Source::Yaml(yaml) = &target.source
        {
            let parsed = kube::parse(yaml).map_err(|error| Exit::error(format!("{}: {error}", resource.name)))?;
            // Of one rank, what was written last goes first.
            objects.extend(deploy::refs(&parsed).into_iter().rev());
        }
    }
    Ok(match namespaces {
        Namespaces::Deleted => (objects, Vec::new()),
        Namespaces::Kept => deploy::without_namespaces(objects),
    })
}

/// Deletes them and waits until they are gone, or somebody interrupts.
pub async fn delete(
    objects: &[ObjectRef],
    (project, request): (&Project, &Request),
    interrupts: &mut Signal,
) -> Result<(), Exit> {
    let cluster = connect(request).await?;
    let removal = Removal {
        timeout: timeout(project),
        is_waited_for: true,
        uid: None,
    };
    let stop = CancellationToken::new();
    let (deployer, say) = (Deployer::new(cluster), |line: deploy::Line| {
        drop(output::result(&format!("{}\n", line.text)))
    });
    let deleting = deployer.delete(objects, &removal, (&stop, &say));
    tokio::pin!(deleting);
    let outcome = tokio::select! {
        outcome = &mut deleting => outcome,
        _ = interrupts.recv() => {
            stop.cancel();
            deleting.await
        }
    };
    match outcome {
        Err(deploy::DeployError::Cancelled) => Err(Exit::error("interrupted before everything was deleted")),
        outcome => outcome.map_err(Exit::error),
    }
}

/// The longest that one of the resources may take to be applied is what all of them may take to go.
fn timeout(project: &Project) -> Duration {
    let targets = project.resources.iter().filter_map(|resource| match &resource.target {
        Target::Kubernetes(target) => Some(target.timeout),
        Target::Compose(_) | Target::Local(_) => None,
    });
    targets.max().unwrap_or(Duration::from_secs(30))
}

/// Everything that follows speaks to the cluster that is active now. What is wrong with a kubeconfig is told when it is needed.
pub fn pin(request: &mut Request) -> Option<Frozen> {
    let environment = &request.environment;
    let dirs = Dirs::from_env(|name| environment.get(name).cloned()).ok()?;
    let sources = request.kubeconfig();
    let context = kubeconfig::active(&sources).ok()??;
    let file = dirs.frozen_kubeconfig("tilt-down", &std::process::id().to_string());
    let frozen = kubeconfig::freeze(&sources, &context, &file).ok()?;
    let path = frozen.path().to_string_lossy().into_owned();
    request.environment.insert("KUBECONFIG".to_owned(), path);
    request.pinned = Some(Arc::new(context));
    Some(frozen)
}

async fn connect(request: &Request) -> Result<Cluster, Exit> {
    let environment = &request.environment;
    let sources = request.kubeconfig();
    let context = kubeconfig::active(&sources).map_err(Exit::error)?;
    let context =
        context.ok_or_else(|| Exit::error("no Kubernetes context is active, so there is nothing to delete from"))?;
    Cluster::connect(&sources, &context, environment)
        .await
        .map_err(Exit::error)
}
