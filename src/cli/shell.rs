//! `tilt alpha shell`: a shell in a pod of a resource, or one here that speaks to the session's cluster.

mod attached;

use clap::Args;

use crate::cli::client::{Accept, Client};
use crate::cli::exit::Exit;
use crate::cli::verbs::args::Connection;
use crate::cli::verbs::surroundings::Surroundings;
use crate::model::object::kinds;
use crate::model::suggest;
use crate::model::tree::Tree;
use crate::world::cluster::Cluster;
use crate::world::kubeconfig::{self, Sources};
use crate::world::terminal::{self, TerminalError};

#[derive(Args, Debug)]
pub struct Shell {
    /// Resource in whose newest pod the shell runs; a shell here without one, with KUBECONFIG of the session
    #[arg(value_name = "RESOURCE")]
    pub resource: Option<String>,
    /// Container of the pod, instead of its first one
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    #[command(flatten)]
    pub connection: Connection,
}

/// Where a shell is to run.
struct Place {
    namespace: String,
    pod: String,
    container: String,
}

pub async fn run(args: &Shell, here: &Surroundings) -> Result<(), Exit> {
    let client = here.client(&args.connection)?;
    let connection = connection(&client).await?;
    match &args.resource {
        None => run_here(&connection, here),
        Some(resource) => {
            let place = place(&client, resource, args.container.as_deref()).await?;
            let sources = sources(&connection, here);
            let context = kubeconfig::active(&sources).map_err(Exit::error)?;
            let context = context.ok_or_else(|| Exit::error("the session's kubeconfig names no context"))?;
            let cluster = Cluster::connect(&sources, &context, &here.variables).await;
            let cluster = cluster.map_err(Exit::error)?;
            attached::run(&cluster, &place, here).await
        }
    }
}

/// How the session reaches its cluster.
async fn connection(client: &Client) -> Result<Tree, Exit> {
    const PATH: [&str; 3] = ["status", "connection", "kubernetes"];
    let cluster = match fetched(client, "cluster", "default").await? {
        Some(cluster) => cluster,
        None => return Err(Exit::error("this session has no Kubernetes cluster")),
    };
    let said = cluster.at(&["status", "error"]).and_then(Tree::as_text);
    match cluster.at(&PATH) {
        Some(connection) => Ok(connection.clone()),
        None => Err(Exit::error(match said {
            Some(error) => format!("the session has no connection to its cluster: {error}"),
            None => "the session has no connection to its cluster".to_owned(),
        })),
    }
}

fn sources(connection: &Tree, here: &Surroundings) -> Sources {
    let text = |key: &str| text(connection, &[key]).filter(|text| !text.is_empty());
    Sources {
        variable: text("configPath").or_else(|| here.variable("KUBECONFIG")),
        home: here.variable("HOME").unwrap_or_default().into(),
        context: text("context"),
        namespace: None,
    }
}

fn run_here(connection: &Tree, here: &Surroundings) -> Result<(), Exit> {
    let mut env = here.variables.clone();
    if let Some(config) = text(connection, &["configPath"]).filter(|path| !path.is_empty()) {
        env.insert("KUBECONFIG".to_owned(), config);
    }
    let shell = here.variable("SHELL").filter(|shell| !shell.is_empty());
    let shell = shell.unwrap_or_else(|| "/bin/sh".to_owned());
    match terminal::run(&[shell], &here.here, &env) {
        Ok(()) => Ok(()),
        Err(TerminalError::Failed(status)) => Err(Exit::silent(terminal::exit_code(status))),
        Err(error) => Err(Exit::error(error)),
    }
}

async fn place(client: &Client, resource: &str, container: Option<&str>) -> Result<Place, Exit> {
    let Some(shown) = fetched(client, "uiresource", resource).await? else {
        return Err(unknown(client, resource).await);
    };
    let discovered = fetched(client, "kubernetesdiscovery", resource).await?;
    let told = text(&shown, &["status", "k8sResourceInfo", "podName"]).unwrap_or_default();
    let pods = discovered
        .as_ref()
        .map(|found| list(found, &["status", "pods"]))
        .unwrap_or_default();
    let is_told = |pod: &&Tree| told.is_empty() || text(pod, &["name"]).as_deref() == Some(told.as_str());
    let pod = pods.iter().filter(is_told).max_by_key(|pod| text(pod, &["createdAt"]));
    let Some(pod) = pod else {
        return Err(Exit::error(format!("resource `{resource}` has no pod")));
    };
    let pod_name = text(pod, &["name"]).unwrap_or_default();
    let containers: Vec<String> = list(pod, &["containers"])
        .iter()
        .filter_map(|container| text(container, &["name"]))
        .collect();
    let container = chosen(container, &containers, &pod_name)?;
    Ok(Place {
        namespace: text(pod, &["namespace"]).unwrap_or_else(|| "default".to_owned()),
        pod: pod_name,
        container,
    })
}

fn chosen(named: Option<&str>, containers: &[String], pod: &str) -> Result<String, Exit> {
    match named {
        // The cluster takes the first one where we know none.
        None => Ok(containers.first().cloned().unwrap_or_default()),
        Some(named) if containers.is_empty() || containers.iter().any(|known| known == named) => Ok(named.to_owned()),
        Some(named) => Err(Exit::error(format!(
            "pod `{pod}` has no container `{named}`; it has {}",
            containers
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}

async fn unknown(client: &Client, resource: &str) -> Exit {
    let selection = crate::cli::client::Selection::default();
    let known = match kinds::kind_called("uiresource") {
        Some(kind) => client.list(kind, &selection, Accept::Objects).await.unwrap_or_default(),
        None => Tree::default(),
    };
    let items = list(&known, &["items"]);
    let names: Vec<String> = items
        .iter()
        .filter_map(|item| text(item, &["metadata", "name"]))
        .collect();
    let hint = suggest::did_you_mean(resource, names.iter().map(String::as_str));
    Exit::error(format!("no such resource `{resource}`{hint}"))
}

/// An object of the session, if there is one.
async fn fetched(client: &Client, kind: &str, name: &str) -> Result<Option<Tree>, Exit> {
    let kind = kinds::kind_called(kind).ok_or_else(|| Exit::error(format!("no such kind `{kind}`")))?;
    match client.get(kind, name, Accept::Objects).await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn text(tree: &Tree, path: &[&str]) -> Option<String> {
    tree.at(path)?.as_text().map(str::to_owned)
}

fn list(tree: &Tree, path: &[&str]) -> Vec<Tree> {
    tree.at(path).and_then(Tree::as_list).unwrap_or_default().to_vec()
}
