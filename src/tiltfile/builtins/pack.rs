//! Images built with Cloud Native Buildpacks.

mod sources;

use std::path::Path;

use starlark::values::Value;
use starlark::values::dict::DictRef;

use crate::model::build::Recipe;
use crate::model::image::Reference;
use crate::model::pack::{
    Cache, CachePlace, CreationTime, OptionError, PackRecipe, PackTarget, PullPolicy, SystemBuildpacks, UserNamespace,
    Volume, check_env, check_exec_env, check_platform, id,
};
use crate::model::path;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::common;
use crate::tiltfile::builtins::custom_build::{Output, watch};
use crate::tiltfile::builtins::docker_build::{add, overrides};
use crate::tiltfile::builtins::live_update;
use crate::tiltfile::call::{Call, Flag, Mismatch, unpack_int, unpack_string_map, unpack_strings, unpack_text};
use crate::tiltfile::declared::images::Definition;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};

/// Parameters that the extension of the same name had, which alone may be given by position.
const BY_POSITION: usize = 7;

const DEFAULT_BUILDER: &str = "docker.io/paketobuildpacks/builder:base";
const DEFAULT_NETWORK: &str = "bridge";

/// Asks buildpacks for a process that starts again when its files change.
const LIVE_RELOAD: &str = "BP_LIVE_RELOAD_ENABLED";

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "pack",
    params: &[
        Param::required("name", "str"),
        Param::nullable("path", "str", "'.'"),
        Param::nullable("builder", "str", "'docker.io/paketobuildpacks/builder:base'"),
        Param::nullable("buildpacks", "str | list[str]", "[]"),
        Param::nullable("env_vars", "list[str] | dict[str, str]", "[]"),
        Param::nullable("pull_policy", "str", "'if-not-present'"),
        Param::nullable("deps", "str | list[str]", "[]"),
        Param::nullable("pre_buildpacks", "str | list[str]", "[]"),
        Param::nullable("post_buildpacks", "str | list[str]", "[]"),
        Param::nullable("buildpack_registry", "str", "''"),
        Param::nullable("extensions", "str | list[str]", "[]"),
        Param::nullable("env_files", "str | list[str]", "[]"),
        Param::nullable("run_image", "str", "''"),
        Param::nullable("run_image_mirrors", "str | list[str]", "[]"),
        Param::nullable("target", "'auto' | 'daemon' | 'registry' | 'cluster'", "'auto'"),
        Param::nullable("cache", "dict[str, str | dict[str, str]]", "{}"),
        Param::nullable("descriptor", "str", "None"),
        Param::nullable("default_process", "str", "''"),
        Param::nullable("tags", "str | list[str]", "[]"),
        Param::nullable("network", "str", "'bridge'"),
        Param::nullable("volumes", "str | list[str]", "[]"),
        Param::nullable("workspace", "str", "''"),
        Param::nullable("uid", "int", "None"),
        Param::nullable("gid", "int", "None"),
        Param::nullable("previous_image", "str", "''"),
        Param::nullable("creation_time", "'now' | int", "None"),
        Param::nullable("sbom_output_dir", "str", "None"),
        Param::nullable("report_output_dir", "str", "None"),
        Param::nullable("platform", "str", "''"),
        Param::nullable("exec_env", "str", "''"),
        Param::nullable("userns_host", "bool", "False"),
        Param::nullable("disable_system_buildpacks", "bool", "False"),
        Param::nullable("trust_builder", "bool", "False"),
        Param::nullable("trust_extra_buildpacks", "bool", "False"),
        Param::nullable("lifecycle_image", "str", "''"),
        Param::nullable("docker_host", "str", "''"),
        Param::nullable("tag", "str", "''"),
        Param::nullable("disable_push", "bool", "False"),
        Param::nullable("skips_local_docker", "bool", "False"),
        Param::nullable("live_update", "list[LiveUpdateStep]", "[]"),
        Param::optional("match_in_env_vars", "bool", "False"),
        Param::nullable("ignore", "str | list[str]", "[]"),
        Param::nullable("entrypoint", "str | list[str]", "None"),
        Param::nullable("container_args", "list[str]", "None"),
        Param::nullable("outputs_image_ref_to", "str", "''"),
        Param::nullable("image_deps", "str | list[str]", "[]"),
        Param::nullable("env", "dict[str, str]", "{}"),
        Param::nullable("dir", "str", "''"),
    ],
    rest: Rest::PositionalAtMost(BY_POSITION),
    returns: "None",
    doc: "Builds an image from source with Cloud Native Buildpacks, without a Dockerfile and without the `pack` tool. `env_vars` are for the buildpacks, not for the running container. Buildpacks in local directories, the descriptor and files of variables are watched like the source. The builder never gets the Docker socket or credentials, so the trust options change nothing.",
    body: pack,
}];

fn pack<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let reference = common::first_reference(call, "name")?.without_tag();
    let mut recipe = recipe(call)?;
    let live_update = live_update::live_update(call, "live_update")?;
    if !live_update.is_empty() && !recipe.env.iter().any(|variable| variable.contains(LIVE_RELOAD)) {
        recipe.env.push(format!("{LIVE_RELOAD}=true"));
    }
    let mut definition = Definition::new(reference, Recipe::Pack(Box::default()));
    definition.target.live_update = live_update;
    definition.watch = watch(call, &recipe.deps)?;
    definition.uses = [&recipe.builder, &recipe.run_image]
        .into_iter()
        .filter_map(|name| Reference::parse(name).ok())
        .collect();
    definition.needs = common::references(call, "image_deps")?;
    overrides(call, &mut definition)?;
    definition.target.recipe = Recipe::Pack(Box::new(recipe));
    add(call, definition)?;
    call.none()
}

fn recipe(call: &Call) -> Result<PackRecipe, Fault> {
    let base = match call.text("dir")? {
        Some(dir) => call.run.absolute(&dir),
        None => call.run.directory(),
    };
    let path = path::join(&base, text(call, "path")?.unwrap_or_else(|| ".".to_owned()));
    let mut recipe = PackRecipe {
        path,
        env: env(call)?,
        caller_env: call.environment("env")?,
        tags: names_of_images(call, "tags")?,
        run_image_mirrors: names_of_images(call, "run_image_mirrors")?,
        ..PackRecipe::default()
    };
    images(call, &mut recipe)?;
    container(call, &mut recipe, &base)?;
    outputs(call, &mut recipe, &base)?;
    sources::add(call, &mut recipe, &base)?;
    Ok(recipe)
}

fn images(call: &Call, recipe: &mut PackRecipe) -> Result<(), Fault> {
    recipe.builder = image(call, "builder")?.unwrap_or_else(|| DEFAULT_BUILDER.to_owned());
    recipe.run_image = image(call, "run_image")?.unwrap_or_default();
    recipe.previous_image = image(call, "previous_image")?.unwrap_or_default();
    recipe.pull_policy = option(call, "pull_policy", PullPolicy::parse)?.unwrap_or_default();
    recipe.platform =
        option(call, "platform", |text| check_platform(text).map(|()| text.to_owned()))?.unwrap_or_default();
    Ok(())
}

/// What the build's container looks like.
fn container(call: &Call, recipe: &mut PackRecipe, base: &Path) -> Result<(), Fault> {
    recipe.network = text(call, "network")?.unwrap_or_else(|| DEFAULT_NETWORK.to_owned());
    recipe.volumes = volumes(call, base)?;
    recipe.caches = caches(call, base)?;
    recipe.workspace = text(call, "workspace")?.unwrap_or_default();
    recipe.uid = number(call, "uid")?;
    recipe.gid = number(call, "gid")?;
    recipe.exec_env =
        option(call, "exec_env", |text| check_exec_env(text).map(|()| text.to_owned()))?.unwrap_or_default();
    if call.flag("userns_host", Flag::Off)? {
        recipe.user_namespace = UserNamespace::Host;
    }
    if call.flag("disable_system_buildpacks", Flag::Off)? {
        recipe.system_buildpacks = SystemBuildpacks::Disabled;
    }
    without_effect(call)
}

/// Options of `pack` that decide how far a builder is trusted. It is never trusted here, so that they only have to be of the right type.
fn without_effect(call: &Call) -> Result<(), Fault> {
    for name in ["trust_builder", "trust_extra_buildpacks"] {
        call.flag(name, Flag::Off)?;
    }
    for name in ["lifecycle_image", "docker_host"] {
        call.text(name)?;
    }
    Ok(())
}

fn outputs(call: &Call, recipe: &mut PackRecipe, base: &Path) -> Result<(), Fault> {
    let below = |name| Ok::<_, Fault>(text(call, name)?.map(|written| path::join(base, written)));
    let output = Output::read(call)?;
    recipe.output_mode = output.mode;
    recipe.output_tag = output.tag;
    recipe.outputs_image_ref_to = output.reference_file;
    recipe.target = option(call, "target", PackTarget::parse)?.unwrap_or_default();
    recipe.default_process = text(call, "default_process")?.unwrap_or_default();
    recipe.creation_time = creation_time(call)?;
    recipe.sbom_output_dir = below("sbom_output_dir")?;
    recipe.report_output_dir = below("report_output_dir")?;
    Ok(())
}

/// A text that is not empty.
fn text(call: &Call, name: &str) -> Result<Option<String>, Fault> {
    Ok(call.text(name)?.filter(|text| !text.is_empty()))
}

/// A text with a meaning.
fn option<T>(call: &Call, name: &str, parse: impl Fn(&str) -> Result<T, OptionError>) -> Result<Option<T>, Fault> {
    let text = text(call, name)?;
    text.map(|text| parse(&text).map_err(|error| call.wrong(name, error)))
        .transpose()
}

fn image(call: &Call, name: &str) -> Result<Option<String>, Fault> {
    let Some(text) = text(call, name)? else {
        return Ok(None);
    };
    match Reference::parse(&text) {
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(call.wrong(name, format!("can't parse {}: {error}", quoted(&text)))),
    }
}

fn names_of_images(call: &Call, name: &str) -> Result<Vec<String>, Fault> {
    common::references(call, name)?;
    call.strings(name)
}

fn number(call: &Call, name: &str) -> Result<Option<u32>, Fault> {
    let number = call.read(name, unpack_int)?;
    number
        .map(|number| id(number).map_err(|error| call.wrong(name, error)))
        .transpose()
}

/// Variables in their order; a dict's value of None passes on the caller's.
fn env(call: &Call) -> Result<Vec<String>, Fault> {
    let variables = call.read("env_vars", |value| {
        let variables = match DictRef::from_value(value) {
            Some(dict) => dict
                .iter()
                .map(|(name, value)| variable(name, value))
                .collect::<Result<_, Mismatch>>()?,
            None => unpack_strings(value)?,
        };
        variables
            .iter()
            .try_for_each(|variable| check_env(variable))
            .map_err(|error| error.to_string())?;
        Ok(variables)
    })?;
    Ok(variables.unwrap_or_default())
}

fn variable(name: Value, value: Value) -> Result<String, Mismatch> {
    let name = unpack_text(name)?;
    if value.is_none() {
        return Ok(name);
    }
    let value = unpack_text(value).map_err(|_| {
        let (name, of) = (quoted(&name), value.get_type());
        format!("the value of {name} is a {of}: give a string, or None to pass on the value that tilt was started with")
    })?;
    Ok(format!("{name}={value}"))
}

fn volumes(call: &Call, base: &Path) -> Result<Vec<Volume>, Fault> {
    let mut volumes = Vec::new();
    for written in call.strings("volumes")? {
        let mut volume = Volume::parse(&written).map_err(|error| call.wrong("volumes", error))?;
        if let Some(hidden) = volume.hides() {
            let written = quoted(&written);
            call.run.warn(format!(
                "pack: volume {written} is mounted over `{hidden}`, which the build itself uses"
            ));
        }
        volume.source = bound(&volume.source, base);
        volumes.push(volume);
    }
    Ok(volumes)
}

fn caches(call: &Call, base: &Path) -> Result<Vec<Cache>, Fault> {
    let Some(value) = call.value("cache") else {
        return Ok(Vec::new());
    };
    let found = value.get_type();
    let example = "give a dict such as {'build': 'format=volume;name=my-cache'}";
    let dict =
        DictRef::from_value(value).ok_or_else(|| call.wrong("cache", format!("got {found}, want dict: {example}")))?;
    let caches = dict.iter().map(|(kind, parts)| cache(kind, parts, base));
    caches
        .collect::<Result<_, Mismatch>>()
        .map_err(|mismatch| call.wrong("cache", mismatch))
}

fn cache(kind: Value, parts: Value, base: &Path) -> Result<Cache, Mismatch> {
    let kind = unpack_text(kind)?;
    let parts = match unpack_text(parts) {
        Ok(text) => Cache::parts(&text),
        Err(_) => unpack_string_map(parts)?,
    };
    let mut cache = Cache::parse(&kind, &parts).map_err(|error| error.to_string())?;
    if let CachePlace::Bind(source) = &mut cache.place {
        *source = path::join(base, &source).display().to_string();
    }
    Ok(cache)
}

/// The name of a volume as it is, a path absolute.
fn bound(source: &str, base: &Path) -> String {
    match source.starts_with('.') || source.contains('/') {
        true => path::join(base, source).display().to_string(),
        false => source.to_owned(),
    }
}

fn creation_time(call: &Call) -> Result<CreationTime, Fault> {
    let time = call.read("creation_time", |value| {
        let text = unpack_int(value)
            .map(|seconds| seconds.to_string())
            .or_else(|_| unpack_text(value));
        let text = text.map_err(|_| format!("got {}, want 'now' or seconds since 1970", value.get_type()))?;
        CreationTime::parse(&text).map_err(|error| error.to_string())
    })?;
    Ok(time.unwrap_or_default())
}

#[cfg(test)]
mod tests;
