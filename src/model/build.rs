//! Pure. An image that we build: which references it answers to, and its recipe.

use std::path::PathBuf;

use crate::model::command::Command;
use crate::model::filter::Ignore;
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;

/// One image of the project: built once, whatever number of resources use it.
#[derive(Clone, Debug)]
pub struct ImageTarget {
    pub selector: Selector,
    pub match_in_env_vars: bool,
    /// Replaces the container's command; `Some(vec![])` clears it.
    pub entrypoint: Option<Vec<String>>,
    pub container_args: Option<Vec<String>>,
    pub live_update: LiveUpdate,
    pub recipe: Recipe,
    /// Other images of the project that this one is made from, by the name of their image map.
    pub image_deps: Vec<String>,
    /// What the file watch of this image does not see.
    pub watch_ignores: Vec<Ignore>,
}

/// How an image comes to be.
#[derive(Clone, Debug)]
pub enum Recipe {
    Docker(Box<DockerRecipe>),
    Custom(CustomRecipe),
    Pack(Box<PackRecipe>),
    /// A service's own `build:` section, left to Docker Compose.
    Compose(ComposeRecipe),
}

#[derive(Clone, Debug, Default)]
pub struct DockerRecipe {
    pub dockerfile: String,
    pub context: PathBuf,
    pub context_ignores: Vec<Ignore>,
    /// `NAME=value`, or `NAME` alone to pass the caller's value through.
    pub args: Vec<String>,
    pub target: String,
    pub ssh: Vec<String>,
    pub secrets: Vec<String>,
    pub network: String,
    pub pull: bool,
    pub cache_from: Vec<String>,
    pub platform: String,
    pub extra_tags: Vec<String>,
    pub extra_hosts: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct CustomRecipe {
    pub command: Command,
    pub deps: Vec<PathBuf>,
    pub output_mode: OutputMode,
    pub output_tag: String,
    pub outputs_image_ref_to: Option<PathBuf>,
    /// Nothing is ever built: the image only names what live updates reach.
    pub live_update_only: bool,
}

/// Where a custom build leaves its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputMode {
    /// In the local engine; we tag and push it.
    #[default]
    LocalDocker,
    /// In the local engine and, pushed by the command itself, in the registry.
    LocalDockerAndRemote,
    /// In the registry only.
    Remote,
}

#[derive(Clone, Debug, Default)]
pub struct ComposeRecipe {
    pub service: String,
    pub context: PathBuf,
}

/// A build with Cloud Native Buildpacks.
#[derive(Clone, Debug, Default)]
pub struct PackRecipe {
    pub path: PathBuf,
    pub builder: String,
    pub buildpacks: Vec<String>,
    pub pre_buildpacks: Vec<String>,
    pub post_buildpacks: Vec<String>,
    pub buildpack_registry: String,
    pub extensions: Vec<String>,
    /// `NAME=value`, or `NAME` alone to pass the caller's value through.
    pub env: Vec<String>,
    pub env_files: Vec<PathBuf>,
    pub pull_policy: PullPolicy,
    pub run_image: String,
    pub run_image_mirrors: Vec<String>,
    pub target: String,
    pub cache: Vec<(String, String)>,
    pub descriptor: Option<PathBuf>,
    pub default_process: String,
    pub tags: Vec<String>,
    pub network: String,
    pub volumes: Vec<String>,
    pub workspace: String,
    pub uid: Option<i64>,
    pub gid: Option<i64>,
    pub previous_image: String,
    pub creation_time: String,
    pub sbom_output_dir: Option<PathBuf>,
    pub report_output_dir: Option<PathBuf>,
    pub platform: String,
    pub exec_env: String,
    pub disable_system_buildpacks: bool,
    pub deps: Vec<PathBuf>,
    pub output_mode: OutputMode,
    pub output_tag: String,
}

/// When builder and run images are fetched again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    Always,
    Never,
    #[default]
    IfNotPresent,
    Daily,
    /// Every so many seconds.
    Every(u64),
}
