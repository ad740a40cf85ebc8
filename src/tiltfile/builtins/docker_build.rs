//! Images built from a Dockerfile.

use std::path::{Path, PathBuf};

use crate::model::build::{DockerRecipe, NO_CONTEXT, Recipe};
use crate::model::dockerfile;
use crate::model::image::Reference;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::common;
use crate::tiltfile::builtins::live_update::{self, Copied};
use crate::tiltfile::call::{Call, Flag, unpack_argv, unpack_strings, unpack_text};
use crate::tiltfile::declared::images::{Definition, Watch};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "docker_build",
    params: &[
        Param::required("ref", "str"),
        Param::required("context", "str"),
        Param::nullable("build_args", "dict[str, str]", "{}"),
        Param::nullable("dockerfile", "str", "None"),
        Param::nullable("dockerfile_contents", "str | Blob", "None"),
        Param::nullable("cache", "str | list[str]", "None"),
        Param::nullable("live_update", "list[LiveUpdateStep]", "[]"),
        Param::optional("match_in_env_vars", "bool", "False"),
        Param::nullable("ignore", "str | list[str]", "[]"),
        Param::nullable("only", "str | list[str]", "[]"),
        Param::nullable("entrypoint", "str | list[str]", "None"),
        Param::nullable("container_args", "list[str]", "None"),
        Param::nullable("target", "str", "''"),
        Param::nullable("ssh", "str | list[str]", "[]"),
        Param::nullable("secret", "str | list[str]", "[]"),
        Param::nullable("network", "str", "''"),
        Param::nullable("extra_tag", "str | list[str]", "[]"),
        Param::nullable("cache_from", "str | list[str]", "[]"),
        Param::optional("pull", "bool", "False"),
        Param::nullable("platform", "str", "''"),
        Param::nullable("extra_hosts", "str | list[str]", "[]"),
    ],
    rest: Rest::Refused,
    returns: "None",
    doc: "Builds an image from a Dockerfile whenever a file of its context changes, and puts it wherever a deployed resource names it. `ignore` and `only` narrow down the context; a build argument with an empty value takes that of the environment.",
    body: docker_build,
}];

/// What the Docker command line takes its platform from.
const DEFAULT_PLATFORM: &str = "DOCKER_DEFAULT_PLATFORM";

const CACHE_IS_OBSOLETE: &str = "docker_build(cache=...) is obsolete, and currently a no-op.\n\
    You should switch to live_update to optimize your builds.";

fn docker_build<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let args = call.string_map("build_args")?;
    let mut recipe = options(call, &args)?;
    let reference = common::first_reference(call, "ref")?;
    let context = context(call)?;
    let dockerfile = Dockerfile::read(call, context.as_deref())?;
    if call.is_given("cache") {
        call.run.warn(CACHE_IS_OBSOLETE);
    }
    let copied = Copied {
        dockerfile: &dockerfile.text,
        name: dockerfile
            .path
            .as_ref()
            .map_or_else(|| "the Dockerfile".to_owned(), |path| path.display().to_string()),
        args: &args,
        target: &recipe.target,
        context: context.as_deref(),
    };
    let live_update = live_update::live_update_of(call, "live_update", Some(&copied))?;
    let watch = Watch {
        tiltfile: Some(call.run.current_file()),
        dockerfile: dockerfile.path,
        repositories: context.iter().cloned().collect(),
        roots: context.iter().cloned().collect(),
        ignore: common::patterns(call, "ignore")?,
        only: only(call)?,
        mounts: Vec::new(),
    };
    check_tags(&recipe.extra_tags)?;
    let uses = images_of(&dockerfile.text, &args);
    recipe.dockerfile = dockerfile.text;
    recipe.context = context.unwrap_or_else(|| PathBuf::from(NO_CONTEXT));
    let mut definition = Definition::new(reference, Recipe::Docker(Box::new(recipe)));
    definition.uses = uses;
    definition.watch = watch;
    definition.target.live_update = live_update;
    overrides(call, &mut definition)?;
    add(call, definition)?;
    call.none()
}

fn check_tags(tags: &[String]) -> Result<(), Fault> {
    for tag in tags {
        let (shown, checked) = (quoted(tag), Reference::parse(tag));
        checked.map_err(|error| {
            Fault::Said(format!(
                "Argument extra_tag={shown} not a valid image reference: {error}"
            ))
        })?;
    }
    Ok(())
}

/// What is passed on to the builder as it is.
fn options(call: &Call, args: &[(String, String)]) -> Result<DockerRecipe, Fault> {
    let platform = call.text("platform")?.filter(|platform| !platform.is_empty());
    Ok(DockerRecipe {
        args: build_args(args),
        target: call.text("target")?.unwrap_or_default(),
        ssh: call.strings("ssh")?,
        secrets: call.strings("secret")?,
        network: call.text("network")?.unwrap_or_default(),
        pull: call.flag("pull", Flag::Off)?,
        cache_from: call.strings("cache_from")?,
        platform: platform
            .or_else(|| call.run.host.variable(DEFAULT_PLATFORM))
            .unwrap_or_default(),
        extra_tags: call.strings("extra_tag")?,
        extra_hosts: call.strings("extra_hosts")?,
        ..DockerRecipe::default()
    })
}

/// The directory that the build sees, or nothing for `-`.
fn context(call: &Call) -> Result<Option<PathBuf>, Fault> {
    if call.required("context").unpack_str() == Some(NO_CONTEXT) {
        return Ok(None);
    }
    call.path("context")
}

/// A Dockerfile with the path that it has, or would have in its context.
struct Dockerfile {
    path: Option<PathBuf>,
    text: String,
}

impl Dockerfile {
    fn read(call: &Call, context: Option<&Path>) -> Result<Dockerfile, Fault> {
        let default = context.map(|context| context.join("Dockerfile"));
        if call.is_given("dockerfile") && call.is_given("dockerfile_contents") {
            return Err("Cannot specify both dockerfile and dockerfile_contents keyword arguments".into());
        }
        if let Some(value) = call.value("dockerfile_contents") {
            let text = unpack_text(value)
                .map_err(|_| Fault::from("Argument (dockerfile_contents): must be string or blob."))?;
            return Ok(Dockerfile { path: default, text });
        }
        let path = call.path("dockerfile")?.or(default);
        let path =
            path.ok_or("the context `-` is empty, so no Dockerfile is in it: give dockerfile or dockerfile_contents")?;
        let text = read_text(call, &path)?;
        Ok(Dockerfile { path: Some(path), text })
    }
}

fn read_text(call: &Call, path: &Path) -> Result<String, Fault> {
    let failed = |why: String| Fault::Said(format!("error reading dockerfile: {why}"));
    let bytes = call.run.host.read(path).map_err(|error| failed(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| failed(format!("{} is no text in UTF-8", path.display())))?;
    Ok(text.to_owned())
}

fn only(call: &Call) -> Result<Vec<String>, Fault> {
    let paths = common::lines(call, "only")?;
    match paths.iter().find(|path| path.contains('*')) {
        Some(path) => Err(Fault::Said(format!(
            "'only' does not support '*' file globs. Must be a real path: {path}"
        ))),
        None => Ok(paths),
    }
}

/// `NAME=value`, sorted; without a value it is the environment's that counts.
fn build_args(args: &[(String, String)]) -> Vec<String> {
    let mut args: Vec<String> = args
        .iter()
        .map(|(name, value)| {
            if value.is_empty() {
                name.clone()
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    args.sort();
    args
}

/// Images that the Dockerfile starts from or copies from, each once.
fn images_of(text: &str, args: &[(String, String)]) -> Vec<Reference> {
    let args: Vec<(String, String)> = args.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    let mut images: Vec<Reference> = Vec::new();
    for image in dockerfile::base_images(text, &args) {
        // What is no reference is the builder's to refuse.
        if let Ok(reference) = Reference::parse(&image.text)
            && !images.contains(&reference)
        {
            images.push(reference);
        }
    }
    images
}

/// What an image changes about the containers that run it; the same for all kinds of builds.
pub fn overrides(call: &Call, definition: &mut Definition) -> Result<(), Fault> {
    let target = &mut definition.target;
    target.match_in_env_vars = call.flag("match_in_env_vars", Flag::Off)?;
    target.entrypoint = call.read("entrypoint", unpack_argv)?.filter(|argv| !argv.is_empty());
    target.container_args = match call.value("container_args") {
        Some(value) if value.unpack_str().is_some() => {
            return Err("Argument 'container_args': got string, want a list of strings".into());
        }
        Some(_) => call.read("container_args", unpack_strings)?,
        None => None,
    };
    Ok(())
}

/// Adds a definition that stands where the call stands.
pub fn add(call: &Call, mut definition: Definition) -> Result<(), Fault> {
    definition.frames = call.frames();
    let added = call.run.declared.borrow_mut().images.add(definition);
    added.map_err(Fault::said)?;
    Ok(())
}

#[cfg(test)]
mod tests;
