//! Images built by a command of the user's.

use std::path::PathBuf;

use crate::model::build::{CustomRecipe, OutputMode, Recipe};
use crate::tiltfile::builtins::common;
use crate::tiltfile::builtins::docker_build::{add, overrides};
use crate::tiltfile::builtins::live_update;
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::declared::images::{Definition, Watch};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::values::token::CustomBuildValue;

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "custom_build",
    params: &[
        Param::required("ref", "str"),
        Param::required("command", "str | list[str]"),
        Param::required("deps", "str | list[str]"),
        Param::nullable("tag", "str", "''"),
        Param::optional("disable_push", "bool", "False"),
        Param::optional("skips_local_docker", "bool", "False"),
        Param::nullable("live_update", "list[LiveUpdateStep]", "[]"),
        Param::optional("match_in_env_vars", "bool", "False"),
        Param::nullable("ignore", "str | list[str]", "[]"),
        Param::nullable("entrypoint", "str | list[str]", "None"),
        Param::nullable("container_args", "list[str]", "None"),
        Param::nullable("command_bat_val", "str | list[str]", "''"),
        Param::nullable("outputs_image_ref_to", "str", "''"),
        Param::nullable("command_bat", "str | list[str]", "''"),
        Param::nullable("image_deps", "str | list[str]", "[]"),
        Param::nullable("env", "dict[str, str]", "{}"),
        Param::nullable("dir", "str", "''"),
    ],
    rest: Rest::Refused,
    returns: "custom_build",
    doc: "Builds an image with a command whenever one of `deps` changes. The command finds the reference to build in `$EXPECTED_REF`, and the images of `image_deps` in `$TILT_IMAGE_0` and so on.",
    body: custom_build,
}];

fn custom_build<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let reference = common::first_reference(call, "ref")?;
    let name = reference.to_string();
    let deps = call.paths("deps")?;
    let live_update = live_update::live_update(call, "live_update")?;
    let mut definition = Definition::new(reference, Recipe::Custom(CustomRecipe::default()));
    definition.target.live_update = live_update;
    definition.watch = watch(call, &deps)?;
    definition.needs = common::references(call, "image_deps")?;
    overrides(call, &mut definition)?;
    definition.target.recipe = Recipe::Custom(recipe(call, deps)?);
    add(call, definition)?;
    Ok(call.alloc(CustomBuildValue { name }))
}

/// What an image that is made from `deps` does not watch.
pub fn watch(call: &Call, deps: &[PathBuf]) -> Result<Watch, Fault> {
    let mut repositories = vec![call.run.directory()];
    repositories.extend_from_slice(deps);
    Ok(Watch {
        tiltfile: Some(call.run.current_file()),
        repositories,
        roots: deps.to_vec(),
        ignore: common::patterns(call, "ignore")?,
        ..Watch::default()
    })
}

fn recipe(call: &Call, deps: Vec<PathBuf>) -> Result<CustomRecipe, Fault> {
    let command = call.command("command", "env", "dir")?;
    if command.is_empty() {
        return Err("Argument 2 (command) can't be empty".into());
    }
    let output = Output::read(call)?;
    let live_update_only = CustomRecipe::never_builds(&command, output.mode);
    Ok(CustomRecipe {
        command,
        deps,
        output_mode: output.mode,
        output_tag: output.tag,
        outputs_image_ref_to: output.reference_file,
        live_update_only,
    })
}

/// Where a build that we do not do ourselves leaves its image, and how we learn its reference.
pub struct Output {
    pub mode: OutputMode,
    pub tag: String,
    pub reference_file: Option<PathBuf>,
}

impl Output {
    pub fn read(call: &Call) -> Result<Output, Fault> {
        let tag = call.string("tag")?.unwrap_or_default();
        let named = call
            .value("outputs_image_ref_to")
            .is_some_and(|value| value.unpack_str() != Some(""));
        let reference_file = if named {
            call.path("outputs_image_ref_to")?
        } else {
            None
        };
        if !tag.is_empty() && reference_file.is_some() {
            return Err("Cannot specify both tag= and outputs_image_ref_to=".into());
        }
        let skips_local_docker = call.flag("skips_local_docker", Flag::Off)?;
        let disable_push = call.flag("disable_push", Flag::Off)?;
        let mode = match (skips_local_docker, disable_push) {
            (true, _) => OutputMode::Remote,
            (false, true) => OutputMode::LocalDockerAndRemote,
            (false, false) => OutputMode::LocalDocker,
        };
        Ok(Output {
            mode,
            tag,
            reference_file,
        })
    }
}

#[cfg(test)]
mod tests;
