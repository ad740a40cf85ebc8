//! Docker and Kubernetes, as far as their programs and files tell. No cluster is asked anything.

use std::path::Path;
use std::thread;
use std::time::Duration;

use super::Section;
use crate::cli::verbs::surroundings::Surroundings;
use crate::world::compose::{Compose, Shell};
use crate::world::dirs::Dirs;
use crate::world::kubeconfig::{self, Context, KubeconfigError, Sources};
use crate::world::process::{self, Invocation, Output, ProcessError};

/// What a program has to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub fn docker(here: &Surroundings) -> Section {
    const FORMAT: &str = "{{.Server.Version}} (API {{.Server.APIVersion}}, {{.Server.Os}}/{{.Server.Arch}})";
    let ask = |words: &[&str]| match run(here, &owned(words), &here.here) {
        Ok(output) => first_line(&output.stdout),
        Err(error) => reason(&error),
    };
    let (server, context, builder, compose) = thread::scope(|scope| {
        let context = scope.spawn(|| ask(&["docker", "context", "show"]));
        let builder = scope.spawn(|| ask(&["docker", "buildx", "version"]));
        let compose = scope.spawn(|| compose(here));
        let server = ask(&["docker", "version", "--format", FORMAT]);
        (server, answer(context), answer(builder), answer(compose))
    });
    let host = here.variable("DOCKER_HOST").filter(|host| !host.is_empty());
    Section {
        title: "Docker",
        lines: vec![
            ("Host", host.unwrap_or_else(|| "[default]".to_owned())),
            ("Context", context),
            ("Server", server),
            ("Builder", builder),
            ("Compose", compose),
        ],
    }
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

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn reason(error: &ProcessError) -> String {
    let said = error.output().map(|output| first_line(&output.stderr));
    match said.filter(|said| !said.is_empty()) {
        Some(said) => format!("error: {said}"),
        None => format!("error: {error}"),
    }
}

fn first_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim().lines().next().unwrap_or_default().to_owned()
}
