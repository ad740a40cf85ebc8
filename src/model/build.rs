//! Pure. An image that we build: which references it answers to, and its recipe.

use std::path::{Path, PathBuf};

use crate::model::command::Command;
use crate::model::digest;
use crate::model::filter::Ignore;
use crate::model::image::Selector;
use crate::model::live::{LiveUpdate, Restart, supervisor};
pub use crate::model::pack::{PackRecipe, PullPolicy};

/// One image of the project: built once, whatever number of resources use it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageTarget {
    pub selector: Selector,
    pub match_in_env_vars: bool,
    /// Replaces the container's command; never an empty one.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the container's arguments; `Some(vec![])` clears them.
    pub container_args: Option<Vec<String>>,
    pub live_update: LiveUpdate,
    pub recipe: Recipe,
    /// Other images of the project that this one is made from, by the name of their image map.
    pub image_deps: Vec<String>,
    /// What the file watch of this image does not see.
    pub watch_ignores: Vec<Ignore>,
}

impl ImageTarget {
    /// The name of its image map, by which everything else refers to it.
    pub fn image_map(&self) -> String {
        digest::object_name(&self.selector.to_string())
    }

    /// The name of the objects that build it and update it in place on behalf of one resource.
    pub fn object_name(&self, resource: &str) -> String {
        digest::object_name(&format!("{resource}:{}", self.image_map()))
    }

    /// Files whose change makes it out of date.
    pub fn watched_paths(&self) -> Vec<&Path> {
        match &self.recipe {
            Recipe::Docker(recipe) if recipe.has_no_context() => Vec::new(),
            Recipe::Docker(recipe) => vec![&recipe.context],
            // Else a URL.
            Recipe::Compose(recipe) if !recipe.context.is_absolute() => Vec::new(),
            Recipe::Compose(recipe) => vec![&recipe.context],
            Recipe::Custom(recipe) => recipe.deps.iter().map(PathBuf::as_path).collect(),
            Recipe::Pack(recipe) => recipe.deps.iter().map(PathBuf::as_path).collect(),
        }
    }

    /// Whether the image comes to be in our engine, where a supervisor can be put on top of it.
    pub fn can_be_supervised(&self) -> bool {
        match &self.recipe {
            Recipe::Docker(_) | Recipe::Pack(_) => true,
            Recipe::Custom(recipe) => recipe.output_mode == OutputMode::LocalDocker && !recipe.live_update_only,
            Recipe::Compose(_) => false,
        }
    }

    /// What live updates need on top of the image.
    pub fn agent_layer(&self) -> AgentLayer {
        let is_done = self.entrypoint.as_deref().is_some_and(supervisor::is_supervised);
        if self.live_update.is_empty() || is_done || !self.can_be_supervised() {
            return AgentLayer::None;
        }
        match self.live_update.restart {
            Restart::Always => AgentLayer::Supervisor,
            Restart::Never => AgentLayer::IfBare,
        }
    }

    /// Whether nothing is ever built: the image only names what live updates reach.
    pub fn is_live_update_only(&self) -> bool {
        matches!(&self.recipe, Recipe::Custom(recipe) if recipe.live_update_only)
    }
}

/// What an image gets on top of itself for the sake of live updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentLayer {
    None,
    /// The agent, if nothing in the image could bring it into a container later.
    IfBare,
    /// The agent, as the supervisor of what the image runs.
    Supervisor,
}

/// How an image comes to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    Docker(Box<DockerRecipe>),
    Custom(CustomRecipe),
    Pack(Box<PackRecipe>),
    /// A service's own `build:` section, left to Docker Compose.
    Compose(ComposeRecipe),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DockerRecipe {
    /// Its text.
    pub dockerfile: String,
    /// A directory, or [`NO_CONTEXT`].
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

/// In place of a directory: the Dockerfile copies nothing from the outside.
pub const NO_CONTEXT: &str = "-";

impl DockerRecipe {
    pub fn has_no_context(&self) -> bool {
        self.context == Path::new(NO_CONTEXT)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
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

impl CustomRecipe {
    /// One that never builds. Its command does nothing, which is also how a Tiltfile asks for it.
    pub fn live_update_only(deps: Vec<PathBuf>) -> CustomRecipe {
        CustomRecipe {
            command: Command {
                argv: Command::shell(NO_BUILD),
                ..Command::default()
            },
            deps,
            output_mode: OutputMode::Remote,
            live_update_only: true,
            ..CustomRecipe::default()
        }
    }

    /// Whether a command, with what it says of its output, stands for no build at all.
    pub fn never_builds(command: &Command, mode: OutputMode) -> bool {
        mode == OutputMode::Remote && command.argv == Command::shell(NO_BUILD)
    }
}

/// The shell's way to do nothing.
const NO_BUILD: &str = ":";

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComposeRecipe {
    pub service: String,
    pub context: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(selector: &str) -> ImageTarget {
        ImageTarget {
            selector: Selector::parse(selector).unwrap(),
            match_in_env_vars: false,
            entrypoint: None,
            container_args: None,
            live_update: LiveUpdate::default(),
            recipe: Recipe::Custom(CustomRecipe::live_update_only(vec![PathBuf::from("/a")])),
            image_deps: Vec::new(),
            watch_ignores: Vec::new(),
        }
    }

    #[test]
    fn objects_are_named_after_resource_and_image() {
        for (image, map, object) in [
            ("img/one", "img_one", "web:img_one"),
            ("app:dev", "app:dev", "web:app:dev"),
            ("docker.io/library/nginx", "nginx", "web:nginx"),
            ("localhost:5000/a/b", "localhost:5000_a_b", "web:localhost:5000_a_b"),
        ] {
            assert_eq!(target(image).image_map(), map, "{image}");
            assert_eq!(target(image).object_name("web"), object, "{image}");
        }
    }

    #[test]
    fn images_that_we_build_get_what_their_live_update_needs() {
        let mut image = target("a");
        assert_eq!(image.agent_layer(), AgentLayer::None);
        image.live_update.syncs.push(crate::model::live::Sync::default());
        assert_eq!(image.agent_layer(), AgentLayer::None, "it is not built");
        image.recipe = Recipe::Docker(Box::default());
        assert_eq!(image.agent_layer(), AgentLayer::IfBare);
        image.live_update.restart = Restart::Always;
        assert_eq!(image.agent_layer(), AgentLayer::Supervisor);
        image.entrypoint = Some(supervisor::supervised(&["x".to_owned()]));
        assert_eq!(image.agent_layer(), AgentLayer::None, "the extension does it");
        image.entrypoint = None;
        image.recipe = Recipe::Custom(CustomRecipe {
            output_mode: OutputMode::LocalDockerAndRemote,
            ..CustomRecipe::default()
        });
        assert_eq!(image.agent_layer(), AgentLayer::None, "it is pushed already");
    }

    #[test]
    fn only_a_command_that_does_nothing_and_pushes_by_itself_stands_for_no_build() {
        let command = |argv: &[&str]| Command {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            ..Command::default()
        };
        let nothing = command(&["sh", "-c", ":"]);
        assert!(CustomRecipe::never_builds(&nothing, OutputMode::Remote));
        assert!(!CustomRecipe::never_builds(&nothing, OutputMode::LocalDocker));
        assert!(!CustomRecipe::never_builds(&nothing, OutputMode::LocalDockerAndRemote));
        assert!(!CustomRecipe::never_builds(&command(&["make"]), OutputMode::Remote));
        assert!(target("a").is_live_update_only());
        assert_eq!(target("a").watched_paths(), [Path::new("/a")]);
    }
}
