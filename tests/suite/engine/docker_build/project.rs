//! A folder with a Dockerfile, and what building it comes to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tilt::build::{BuildError, Builder, Level, Order, Report, Reuse, Share};
use tilt::model::build::{DockerRecipe, ImageTarget, Recipe};
use tilt::model::built::{Built, Delivery, Stage};
use tilt::model::filter::Ignore;
use tilt::model::image::Selector;
use tilt::model::live::LiveUpdate;
use tilt::model::registry::Registry;
use tilt::world::docker::Engine;
use tokio_util::sync::CancellationToken;

use crate::engine::support::{Name, engine};
use crate::support::engine::{base, docker_ok, environment};
use crate::support::own_engine::OwnEngine;

/// Runs a test with a project of its own, or says that it is skipped.
pub fn with_project(test: &str, work: impl AsyncFnOnce(Project)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        if let Some(project) = Project::new(test).await {
            work(project).await;
        }
    });
}

pub struct Project {
    pub engine: Engine,
    pub name: Name,
    pub folder: tempfile::TempDir,
    pub lines: Arc<Mutex<Vec<(Level, String)>>>,
    pub stages: Arc<Mutex<Vec<Stage>>>,
    pub env: BTreeMap<String, String>,
}

impl Project {
    /// Nothing where there is no engine; the test says so then.
    pub async fn new(test: &str) -> Option<Project> {
        let engine = engine(test).await?;
        base();
        Some(Project::with(engine, environment()))
    }

    /// On another engine than everybody's.
    pub async fn on(own: &OwnEngine) -> Project {
        let env = own.environment();
        let engine = Engine::connect(&env).await.unwrap();
        Project::with(engine, env)
    }

    fn with(engine: Engine, env: BTreeMap<String, String>) -> Project {
        Project {
            engine,
            name: Name::new("docker"),
            folder: tempfile::tempdir().unwrap(),
            lines: Arc::default(),
            stages: Arc::default(),
            env,
        }
    }

    pub fn context(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.context().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn recipe(&self, dockerfile: &str) -> DockerRecipe {
        std::fs::create_dir_all(self.context()).unwrap();
        DockerRecipe {
            dockerfile: dockerfile.to_owned(),
            context: self.context(),
            ..DockerRecipe::default()
        }
    }

    /// The order for a Dockerfile without any options.
    pub fn plain(&self, dockerfile: &str) -> Order {
        self.order(self.recipe(dockerfile))
    }

    /// The message of a build that has to fail.
    #[track_caller]
    pub fn refusal(&self, built: Result<Built, BuildError>) -> String {
        match built {
            Ok(built) => panic!("built {built:?}: {}", self.said()),
            Err(error) => error.to_string(),
        }
    }

    pub fn ignoring(&self, recipe: DockerRecipe, patterns: &[&str]) -> DockerRecipe {
        DockerRecipe {
            context_ignores: vec![Ignore::patterns(self.context(), patterns.iter().copied())],
            ..recipe
        }
    }

    pub fn order(&self, recipe: DockerRecipe) -> Order {
        let target = ImageTarget {
            selector: Selector::parse(self.name.as_str()).unwrap(),
            match_in_env_vars: false,
            entrypoint: None,
            container_args: None,
            live_update: LiveUpdate::default(),
            recipe: Recipe::Docker(Box::new(recipe)),
            image_deps: Vec::new(),
            watch_ignores: Vec::new(),
        };
        Order {
            target: Arc::new(target),
            bases: BTreeMap::new(),
            registry: Registry::default(),
            delivery: Delivery::Stay,
            platform: String::new(),
            reuse: Reuse::Inputs,
            share: Share::default(),
        }
    }

    /// A builder as after a restart: it knows what was written down, and nothing else.
    pub fn builder(&self) -> Builder {
        Builder::new(
            self.engine.clone(),
            Arc::new(self.env.clone()),
            &self.folder.path().join("learnt"),
        )
    }

    pub async fn build(&self, order: &Order) -> Result<Built, BuildError> {
        self.build_with(&self.builder(), order).await
    }

    pub async fn build_with(&self, builder: &Builder, order: &Order) -> Result<Built, BuildError> {
        self.lines.lock().unwrap().clear();
        let (lines, stages) = (Arc::clone(&self.lines), Arc::clone(&self.stages));
        let reports = move |report: Report| match report {
            Report::Line { level, text } => lines.lock().unwrap().push((level, text)),
            Report::Progress { text, .. } => lines.lock().unwrap().push((Level::Debug, text)),
            Report::Stages(now) => *stages.lock().unwrap() = now,
            Report::Steps(_) => {}
        };
        builder.build(order, &CancellationToken::new(), &reports).await
    }

    /// All that was said since the last build began.
    pub fn said(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|(_, text)| format!("{text}\n")).collect()
    }

    /// What a command prints in a container of the image.
    #[track_caller]
    pub fn run(&self, built: &Built, command: &str) -> String {
        docker_ok(&["run", "--rm", "--entrypoint", "/bin/sh", &built.local, "-c", command])
    }
}
