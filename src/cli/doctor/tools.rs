//! Docker, as its engine tells, and Kubernetes, as far as files tell. No cluster is asked anything.

use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::time::timeout;

use super::Section;
use crate::cli::exit::Exit;
use crate::cli::verbs::online;
use crate::cli::verbs::surroundings::Surroundings;
use crate::world::compose::{Compose, Shell};
use crate::world::dirs::Dirs;
use crate::world::docker::endpoint::Endpoint;
use crate::world::docker::{About, DockerError, Engine, Store};
use crate::world::kubeconfig::{self, Context, KubeconfigError, Sources};
use crate::world::process::{self, Invocation, Output, ProcessError};

/// What a program has to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn docker(here: &Surroundings) -> Section {
    let (mut lines, compose) = thread::scope(|scope| {
        let compose = scope.spawn(|| compose(here));
        (engine(here), answer(compose))
    });
    lines.push(("Compose Version", compose));
    Section { title: "Docker", lines }
}

/// What the engine says of itself.
fn engine(here: &Surroundings) -> Vec<(&'static str, String)> {
    let asked = online(async {
        let asked = async {
            let engine = Engine::connect(&here.variables).await?;
            Ok((engine.about().await?, engine))
        };
        let in_time = timeout(PATIENCE, asked)
            .await
            .map_err(|_| Exit::error("it does not answer"))?;
        in_time.map_err(|error: DockerError| Exit::error(error))
    });
    let host = match Endpoint::from_environment(&here.variables) {
        Ok(endpoint) => endpoint.url,
        Err(_) => here.variable("DOCKER_HOST").unwrap_or_default(),
    };
    let mut lines = vec![("Host", host)];
    match asked {
        Ok((about, engine)) => lines.extend(told(&about, &engine)),
        Err(error) => {
            let error = error.to_string();
            let error = error.strip_prefix("Error: ").unwrap_or(&error);
            lines.push(("Server Version", format!("error: {error}")));
        }
    }
    lines
}

fn told(about: &About, engine: &Engine) -> Vec<(&'static str, String)> {
    let builder = match engine.has_buildkit() {
        true => "2 (BuildKit)",
        false => "1 (classic: no BuildKit)",
    };
    let store = match about.store {
        Store::GraphDriver => "graph driver",
        Store::Containerd => "containerd",
    };
    vec![
        (
            "Server Version",
            format!("{} ({}/{})", about.version, about.os, about.arch),
        ),
        ("API Version", about.api.clone()),
        ("Builder", builder.to_owned()),
        ("Image Store", store.to_owned()),
    ]
}

fn answer(probe: thread::ScopedJoinHandle<String>) -> String {
    probe
        .join()
        .unwrap_or_else(|_| "the probe panicked; this is a bug in tilt".to_owned())
}

fn compose(here: &Surroundings) -> String {
    let shell = Shell {
        run: &|argv, dir| run(here, argv, dir),
        env: &here.variables,
    };
    match Compose::find(shell) {
        Ok(found) => format!("v{} ({})", found.version, found.command.join(" ")),
        Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
    }
}

pub fn kubernetes(context: Option<&str>, dirs: &Dirs, here: &Surroundings) -> Section {
    let sources = Sources {
        variable: here.variable("KUBECONFIG"),
        home: dirs.home.clone(),
        context: context.map(str::to_owned),
        namespace: None,
    };
    let lines = match kubeconfig::active(&sources) {
        Ok(Some(context)) => described(&context, &dirs.home),
        Ok(None) => vec![(
            "Context",
            "none: there is no kubeconfig, or it names none as current".to_owned(),
        )],
        Err(KubeconfigError::UnknownContext { name, known }) => vec![(
            "Context",
            format!("error: there is no context {name:?}; there are: {}", known.join(", ")),
        )],
        Err(error) => vec![("Context", format!("error: {error}"))],
    };
    Section {
        title: "Kubernetes",
        lines,
    }
}

fn described(context: &Context, home: &Path) -> Vec<(&'static str, String)> {
    let product = context.product(home);
    let may = match product.is_dev() {
        true => "for development: tilt may deploy to it",
        false => "not known to be for development: only with allow_k8s_contexts()",
    };
    vec![
        ("Env", format!("{} ({may})", product.name())),
        ("Context", context.name.clone()),
        ("Cluster Name", context.cluster.clone()),
        ("Server", context.server.clone()),
        ("Namespace", context.namespace.clone()),
        ("Kubeconfig", context.origin.display().to_string()),
    ]
}

fn run(here: &Surroundings, argv: &[String], dir: &Path) -> Result<Output, ProcessError> {
    process::capture(&Invocation {
        argv: argv.to_vec(),
        dir: dir.to_owned(),
        env: here.variables.clone(),
        limit: Some(PATIENCE),
        ..Invocation::default()
    })
}
