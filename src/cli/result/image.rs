//! Images with their recipes.

use serde::Serialize;

use crate::cli::result::target::{self, IgnoreJson};
use crate::model::build::{
    ComposeRecipe, CustomRecipe, DockerRecipe, ImageTarget, OutputMode, PackRecipe, PullPolicy, Recipe,
};
use crate::model::command::Echo;
use crate::model::digest;
use crate::model::live::{InitialSync, LiveUpdate, ModeRule, Ownership, Restart};

#[derive(Serialize)]
pub struct ImageTargetJson<'p> {
    selector: String,
    #[serde(rename = "matchExact", skip_serializing_if = "is_false")]
    match_exact: bool,
    #[serde(rename = "matchInEnvVars", skip_serializing_if = "is_false")]
    match_in_env_vars: bool,
    #[serde(rename = "overrideCommand", skip_serializing_if = "Option::is_none")]
    override_command: Option<OverrideCommand<'p>>,
    #[serde(rename = "overrideArgs", skip_serializing_if = "Option::is_none")]
    override_args: Option<OverrideArgs<'p>>,
    #[serde(rename = "LiveUpdateName")]
    live_update_name: String,
    #[serde(rename = "LiveUpdateSpec")]
    live_update_spec: LiveUpdateJson<'p>,
    #[serde(rename = "LiveUpdateReconciler")]
    live_update_reconciler: bool,
    #[serde(rename = "DockerImageName")]
    docker_image_name: String,
    #[serde(rename = "CmdImageName")]
    cmd_image_name: String,
    #[serde(rename = "BuildDetails")]
    build_details: Details<'p>,
    #[serde(rename = "IsLiveUpdateOnly")]
    is_live_update_only: bool,
    #[serde(rename = "FileWatchIgnores")]
    file_watch_ignores: Option<Vec<IgnoreJson<'p>>>,
}

#[derive(Serialize)]
struct OverrideCommand<'p> {
    command: &'p [String],
}

#[derive(Serialize)]
struct OverrideArgs<'p> {
    args: &'p [String],
}

pub fn image_target<'p>(image: &'p ImageTarget, resource: &str) -> ImageTargetJson<'p> {
    let selector = image.selector.to_string();
    let object_name = format!("{resource}:{}", digest::object_name(&selector));
    let named = |applies: bool| {
        if applies { object_name.clone() } else { String::new() }
    };
    let has_live_update = !image.live_update.is_empty();
    ImageTargetJson {
        match_exact: image.selector.exact,
        match_in_env_vars: image.match_in_env_vars,
        override_command: image.entrypoint.as_deref().map(|command| OverrideCommand { command }),
        override_args: image.container_args.as_deref().map(|args| OverrideArgs { args }),
        live_update_name: named(has_live_update),
        live_update_spec: live_update(&image.live_update),
        live_update_reconciler: has_live_update,
        docker_image_name: named(matches!(image.recipe, Recipe::Docker(_))),
        cmd_image_name: named(matches!(image.recipe, Recipe::Custom(_) | Recipe::Pack(_))),
        build_details: details(image),
        is_live_update_only: matches!(&image.recipe, Recipe::Custom(custom) if custom.live_update_only),
        file_watch_ignores: target::ignores(&image.watch_ignores),
        selector,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LiveUpdateJson<'p> {
    base_path: String,
    selector: SelectorJson<'p>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_paths: &'p [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    syncs: Vec<SyncJson<'p>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pulls: &'p [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    execs: Vec<ExecJson<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    restart_triggers: &'p [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_sync: Option<Empty>,
}

#[derive(Serialize)]
struct SelectorJson<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes: Option<ContainerJson<'p>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContainerJson<'p> {
    discovery_name: &'static str,
    container_name: &'p str,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncJson<'p> {
    local_path: &'p str,
    container_path: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecJson<'p> {
    args: &'p [String],
    trigger_paths: Option<&'p [String]>,
    echo_off: bool,
}

/// As `sync()` takes it, where it is not what goes without saying.
fn owner(owner: Ownership) -> Option<String> {
    match owner {
        Ownership::LikeExisting => None,
        Ownership::ContainerUser => Some("container".to_owned()),
        Ownership::Ids { uid, gid } => Some(format!("{uid}:{gid}")),
    }
}

fn mode(mode: ModeRule) -> Option<String> {
    match mode {
        ModeRule::Host => None,
        ModeRule::LikeExisting => Some("existing".to_owned()),
        ModeRule::Fixed(mode) => Some(format!("{mode:04o}")),
    }
}

fn live_update(live: &LiveUpdate) -> LiveUpdateJson<'_> {
    LiveUpdateJson {
        base_path: live.base.display().to_string(),
        selector: SelectorJson {
            kubernetes: live.container.as_deref().map(|container_name| ContainerJson {
                discovery_name: "",
                container_name,
            }),
        },
        stop_paths: &live.stop_paths,
        syncs: live
            .syncs
            .iter()
            .map(|sync| SyncJson {
                local_path: &sync.local,
                container_path: &sync.container,
                owner: owner(sync.owner),
                mode: mode(sync.mode),
            })
            .collect(),
        execs: live
            .execs
            .iter()
            .map(|exec| ExecJson {
                args: &exec.argv,
                trigger_paths: super::or_null(&exec.triggers),
                echo_off: exec.echo == Echo::Off,
            })
            .collect(),
        pulls: &live.pulls,
        restart: (live.restart == Restart::Always).then_some("always"),
        restart_triggers: &live.restart_triggers,
        initial_sync: (live.initial_sync == InitialSync::Copy).then_some(Empty {}),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'p> {
    Docker(Box<DockerJson<'p>>),
    Custom(CustomJson<'p>),
    Pack(Box<PackJson<'p>>),
    Compose(ComposeJson<'p>),
}

fn details(image: &ImageTarget) -> Details<'_> {
    match &image.recipe {
        Recipe::Docker(recipe) => Details::Docker(Box::new(docker(recipe, &image.image_deps))),
        Recipe::Custom(recipe) => Details::Custom(custom(recipe, &image.image_deps)),
        Recipe::Pack(recipe) => Details::Pack(Box::new(pack(recipe, &image.image_deps))),
        Recipe::Compose(recipe) => Details::Compose(compose(recipe)),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerJson<'p> {
    #[serde(rename = "ref")]
    reference: &'static str,
    dockerfile_contents: &'p str,
    context: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_ignores: Option<Vec<IgnoreJson<'p>>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    args: &'p [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    target: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    ssh_agent_configs: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    secrets: &'p [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    network: &'p str,
    #[serde(skip_serializing_if = "is_false")]
    pull: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cache_from: &'p [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    platform: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    extra_tags: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    extra_hosts: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    image_maps: &'p [String],
}

fn docker<'p>(recipe: &'p DockerRecipe, image_maps: &'p [String]) -> DockerJson<'p> {
    DockerJson {
        reference: "",
        dockerfile_contents: &recipe.dockerfile,
        context: recipe.context.display().to_string(),
        context_ignores: target::ignores(&recipe.context_ignores),
        args: &recipe.args,
        target: &recipe.target,
        ssh_agent_configs: &recipe.ssh,
        secrets: &recipe.secrets,
        network: &recipe.network,
        pull: recipe.pull,
        cache_from: &recipe.cache_from,
        platform: &recipe.platform,
        extra_tags: &recipe.extra_tags,
        extra_hosts: &recipe.extra_hosts,
        image_maps,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomJson<'p> {
    #[serde(rename = "ref")]
    reference: &'static str,
    args: &'p [String],
    #[serde(skip_serializing_if = "String::is_empty")]
    dir: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    env: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    image_maps: &'p [String],
    output_mode: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    output_tag: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs_image_ref_to: Option<String>,
    #[serde(rename = "Deps")]
    deps: Vec<String>,
}

fn custom<'p>(recipe: &'p CustomRecipe, image_maps: &'p [String]) -> CustomJson<'p> {
    CustomJson {
        reference: "",
        args: &recipe.command.argv,
        dir: recipe.command.dir.display().to_string(),
        env: &recipe.command.env,
        image_maps,
        output_mode: output_mode(recipe.output_mode),
        output_tag: &recipe.output_tag,
        outputs_image_ref_to: recipe
            .outputs_image_ref_to
            .as_ref()
            .map(|path| path.display().to_string()),
        deps: recipe.deps.iter().map(|path| path.display().to_string()).collect(),
    }
}

fn output_mode(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::LocalDocker => "local-docker",
        OutputMode::LocalDockerAndRemote => "local-docker-and-remote",
        OutputMode::Remote => "remote",
    }
}

/// Upstream knows no such recipe; names follow the command line of `pack`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PackJson<'p> {
    #[serde(rename = "ref")]
    reference: &'static str,
    path: String,
    builder: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    buildpacks: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    env: &'p [String],
    pull_policy: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    run_image: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    descriptor: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    default_process: &'p str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'p [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    image_maps: &'p [String],
    output_mode: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    output_tag: &'p str,
    #[serde(rename = "Deps")]
    deps: Vec<String>,
}

fn pack<'p>(recipe: &'p PackRecipe, image_maps: &'p [String]) -> PackJson<'p> {
    PackJson {
        reference: "",
        path: recipe.path.display().to_string(),
        builder: &recipe.builder,
        buildpacks: &recipe.buildpacks,
        env: &recipe.env,
        pull_policy: pull_policy(&recipe.pull_policy),
        run_image: &recipe.run_image,
        descriptor: recipe.descriptor.as_ref().map(|path| path.display().to_string()),
        default_process: &recipe.default_process,
        tags: &recipe.tags,
        image_maps,
        output_mode: output_mode(recipe.output_mode),
        output_tag: &recipe.output_tag,
        deps: recipe.deps.iter().map(|path| path.display().to_string()).collect(),
    }
}

fn pull_policy(policy: &PullPolicy) -> String {
    match policy {
        PullPolicy::Always => "always".to_owned(),
        PullPolicy::Never => "never".to_owned(),
        PullPolicy::IfNotPresent => "if-not-present".to_owned(),
        PullPolicy::Every(seconds) => format!("interval={seconds}s"),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ComposeJson<'p> {
    service: &'p str,
    context: String,
}

fn compose(recipe: &ComposeRecipe) -> ComposeJson<'_> {
    ComposeJson {
        service: &recipe.service,
        context: recipe.context.display().to_string(),
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}
