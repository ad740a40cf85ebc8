//! Pure. Images as objects: what builds them on behalf of a resource, what watches their sources, and the maps that hand them on.

use std::sync::Arc;

use crate::engine::images::{is_watched, watch_name, watch_target};
use crate::engine::objects::declared::{all_ignores, ignore_list, watch_spec};
use crate::engine::objects::status::put_status;
use crate::engine::objects::{
    LOG_SPAN, RESOURCE, TARGET_ID, disable_source, disable_switch, map, micros, object, set, texts, tree,
};
use crate::engine::state::{ImageState, Name, ResourceState, State, is_ours};
use crate::model::build::{CustomRecipe, DockerRecipe, ImageTarget, OutputMode, PackRecipe, Recipe};
use crate::model::built::Stage;
use crate::model::object::kinds::{CMD_IMAGE, DOCKER_IMAGE, IMAGE_MAP};
use crate::model::object::{Kind, Stored};
use crate::model::project::{Project, Resource, Target};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// The objects that the images of a resource stand for. What several resources share is the first one's.
pub fn of_resource(project: &Project, resource: &Resource) -> Vec<Stored> {
    let name = resource.name.as_str();
    let mut objects = Vec::new();
    for image in &resource.images {
        let map_name = image.image_map();
        let users: Vec<&str> = users(project, &map_name);
        objects.extend(builder(resource, image));
        if users.first() == Some(&name) {
            objects.push(image_map(name, &map_name, image));
            objects.extend(watch(project, &users, image));
        }
    }
    objects
}

fn users<'p>(project: &'p Project, image: &str) -> Vec<&'p str> {
    let uses = |resource: &&Resource| resource.images.iter().any(|used| used.image_map() == image);
    let users = project.resources.iter().filter(uses);
    users.map(|resource| resource.name.as_str()).collect()
}

fn image_map(resource: &str, name: &str, image: &ImageTarget) -> Stored {
    let mut spec = map([("selector", Tree::text(image.selector.to_string()))]);
    flag(&mut spec, "matchExact", image.selector.exact);
    flag(&mut spec, "matchInEnvVars", image.match_in_env_vars);
    let words = |field, words: &Vec<String>| tree([(field, texts(words))]);
    let command = image.entrypoint.as_ref().map(|argv| words("command", argv));
    set(&mut spec, "overrideCommand", command);
    let args = image.container_args.as_ref().map(|argv| words("args", argv));
    set(&mut spec, "overrideArgs", args);
    let span = format!("imagemap:{name}");
    object(
        &IMAGE_MAP,
        name,
        spec,
        [(LOG_SPAN, span.as_str()), (RESOURCE, resource)],
    )
}

/// Its sources are watched as long as any of the resources that use it is enabled.
fn watch(project: &Project, users: &[&str], image: &ImageTarget) -> Option<Stored> {
    let first = users.first().filter(|_| is_watched(image))?;
    let ignores = [all_ignores(project), image.watch_ignores.clone()].concat();
    let paths: Vec<_> = image.watched_paths().into_iter().map(Into::into).collect();
    let mut spec = watch_spec(&paths, &ignores);
    let source = match users {
        [one] => disable_source(one),
        many => tree([(
            "everyConfigMap",
            Tree::List(many.iter().map(|user| disable_switch(user)).collect()),
        )]),
    };
    spec.insert("disableSource", source);
    let map_name = image.image_map();
    let about = [(RESOURCE, *first), (TARGET_ID, &watch_target(&map_name))];
    Some(object(
        &crate::model::object::kinds::FILE_WATCH,
        &watch_name(&map_name),
        spec,
        about,
    ))
}

fn builder(resource: &Resource, image: &ImageTarget) -> Option<Stored> {
    let (kind, word, mut spec) = match &image.recipe {
        Recipe::Docker(recipe) => (&DOCKER_IMAGE, "dockerimage", docker(recipe)),
        Recipe::Custom(recipe) => (&CMD_IMAGE, "cmdimage", custom(recipe)),
        Recipe::Pack(recipe) => (&CMD_IMAGE, "cmdimage", pack(recipe)),
        Recipe::Compose(_) => return None,
    };
    spec.push("ref", Tree::text(image.selector.to_string()));
    list(&mut spec, "imageMaps", &image.image_deps);
    let (cluster, deployed) = match &resource.target {
        Target::Kubernetes(target) => ("default", target.image_maps.as_slice()),
        Target::Compose(target) => ("docker", target.image_maps.as_slice()),
        Target::Local(_) => ("default", [].as_slice()),
    };
    let needs = match deployed.contains(&image.image_map()) {
        true => "push",
        false => "base-image",
    };
    spec.push("cluster", Tree::text(cluster));
    spec.push("clusterNeeds", Tree::text(needs));
    let name = image.object_name(&resource.name);
    let span = format!("{word}:{name}");
    let about = [(LOG_SPAN, span.as_str()), (RESOURCE, resource.name.as_str())];
    Some(object(kind, &name, spec, about))
}

fn docker(recipe: &DockerRecipe) -> Map {
    let mut spec = Map::new();
    text(&mut spec, "dockerfileContents", &recipe.dockerfile);
    text(&mut spec, "context", &recipe.context.to_string_lossy());
    if !recipe.context_ignores.is_empty() {
        spec.push("contextIgnores", ignore_list(&recipe.context_ignores));
    }
    list(&mut spec, "args", &recipe.args);
    text(&mut spec, "target", &recipe.target);
    text(&mut spec, "platform", &recipe.platform);
    flag(&mut spec, "pull", recipe.pull);
    list(&mut spec, "cacheFrom", &recipe.cache_from);
    text(&mut spec, "network", &recipe.network);
    list(&mut spec, "extraHosts", &recipe.extra_hosts);
    list(&mut spec, "extraTags", &recipe.extra_tags);
    list(&mut spec, "secrets", &recipe.secrets);
    list(&mut spec, "sshAgentConfigs", &recipe.ssh);
    spec
}

fn custom(recipe: &CustomRecipe) -> Map {
    let mut spec = Map::new();
    list(&mut spec, "args", &recipe.command.argv);
    text(&mut spec, "dir", &recipe.command.dir.to_string_lossy());
    list(&mut spec, "env", &recipe.command.env);
    text(&mut spec, "outputMode", output_mode(recipe.output_mode));
    text(&mut spec, "outputTag", &recipe.output_tag);
    let file = recipe.outputs_image_ref_to.as_ref();
    set(
        &mut spec,
        "outputsImageRefTo",
        file.map(|path| Tree::text(path.to_string_lossy().as_ref())),
    );
    spec
}

/// The command line that would do the same, as far as a CmdImage can say it.
fn pack(recipe: &PackRecipe) -> Map {
    let mut spec = Map::new();
    let words = ["pack", "build", "--builder", &recipe.builder];
    spec.push("args", texts(words));
    text(&mut spec, "dir", &recipe.path.to_string_lossy());
    list(&mut spec, "env", &recipe.env);
    text(&mut spec, "outputMode", output_mode(recipe.output_mode));
    text(&mut spec, "outputTag", &recipe.output_tag);
    let file = recipe.outputs_image_ref_to.as_ref();
    set(
        &mut spec,
        "outputsImageRefTo",
        file.map(|path| Tree::text(path.to_string_lossy().as_ref())),
    );
    spec
}

fn output_mode(mode: OutputMode) -> &'static str {
    match mode {
        OutputMode::LocalDocker => "local-docker",
        OutputMode::LocalDockerAndRemote => "local-docker-and-remote",
        OutputMode::Remote => "remote",
    }
}

fn text(spec: &mut Map, field: &str, value: &str) {
    set(spec, field, (!value.is_empty()).then(|| Tree::text(value)));
}

fn list(spec: &mut Map, field: &str, values: &[String]) {
    set(spec, field, (!values.is_empty()).then(|| texts(values)));
}

fn flag(spec: &mut Map, field: &str, value: bool) {
    set(spec, field, value.then_some(Tree::Bool(true)));
}

/// Brings the objects of an image up to date, of whichever resources use it.
pub fn project(state: &mut State, name: &Name, image: &ImageState) {
    put_status(state, &IMAGE_MAP, name, |_| map_status(image));
    let users: Vec<Arc<ResourceState>> = state
        .resources
        .values()
        .filter(|resource| resource.uses(name))
        .cloned()
        .collect();
    for user in users {
        put(state, &user, image);
    }
}

/// Brings the objects up to date that build images on behalf of one resource.
pub fn project_all(state: &mut State, resource: &ResourceState) {
    for name in resource.images.iter() {
        if let Some(image) = state.images.get(name).cloned() {
            put(state, resource, &image);
        }
    }
}

fn put(state: &mut State, resource: &ResourceState, image: &ImageState) {
    let kind: &'static Kind = match image.target.recipe {
        Recipe::Docker(_) => &DOCKER_IMAGE,
        Recipe::Custom(_) | Recipe::Pack(_) => &CMD_IMAGE,
        Recipe::Compose(_) => return,
    };
    let name = image.target.object_name(resource.name());
    put_status(state, kind, &name, |_| status(image, kind, resource));
}

fn map_status(image: &ImageState) -> Map {
    let Some(made) = &image.made else { return Map::new() };
    map([
        ("image", Tree::text(made.built.cluster.as_str())),
        ("imageFromCluster", Tree::text(made.built.cluster.as_str())),
        ("imageFromLocal", Tree::text(made.built.local.as_str())),
        ("buildStartTime", micros(made.started)),
    ])
}

/// What runs or waits to run comes first, then how the last build ended.
fn status(image: &ImageState, kind: &'static Kind, resource: &ResourceState) -> Map {
    let mut status = Map::new();
    let started = image.making.as_ref().and_then(|making| making.started);
    let (ended, error) = ended(image);
    if let Some(started) = started {
        status.push("building", tree([("startedAt", micros(started))]));
    } else if let Some((started, finished)) = ended {
        let mut completed = map([("startedAt", micros(started)), ("finishedAt", micros(finished))]);
        set(&mut completed, "error", error.map(Tree::text));
        status.push("completed", Tree::Map(completed));
    } else if let Some(reason) = waiting(image, resource) {
        status.push("waiting", tree([("reason", Tree::text(reason))]));
    }
    if let Some(made) = image.made.as_ref().filter(|_| error.is_none()) {
        status.push("ref", Tree::text(made.built.local.as_str()));
    }
    if std::ptr::eq(kind, &DOCKER_IMAGE) && !image.stages.is_empty() {
        let stages = image.stages.iter().map(stage).collect();
        status.push("stageStatuses", Tree::List(stages));
    }
    status
}

fn ended(image: &ImageState) -> (Option<(Time, Time)>, Option<&str>) {
    match (&image.failure, &image.made) {
        (Some(failure), _) => (Some((failure.started, failure.finished)), Some(&failure.message)),
        (None, Some(made)) => (Some((made.started, made.finished)), None),
        (None, None) => (None, None),
    }
}

fn waiting(image: &ImageState, resource: &ResourceState) -> Option<String> {
    if !is_ours(&image.target) {
        return None;
    }
    let hold = resource.hold.as_ref().map(|hold| hold.reason());
    Some(hold.unwrap_or("waiting-for-turn").to_owned())
}

fn stage(stage: &Stage) -> Tree {
    let mut map = map([("name", Tree::text(stage.name.as_str()))]);
    flag(&mut map, "cached", stage.cached);
    text(&mut map, "error", &stage.error);
    set(&mut map, "startedAt", stage.started.map(micros));
    set(&mut map, "finishedAt", stage.finished.map(micros));
    Tree::Map(map)
}
