//! Deploys by a command.

use crate::model::command::Command;
use crate::model::image::Reference;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::{common, live_update};
use crate::tiltfile::call::{Call, Mismatch, unpack_string};
use crate::tiltfile::declared::kube::CustomDeploy;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "k8s_custom_deploy",
    params: &[
        Param::required("name", "str"),
        Param::required("apply_cmd", "str | list[str]"),
        Param::required("delete_cmd", "str | list[str]"),
        Param::required("deps", "str | list[str]"),
        Param::optional("image_selector", "str", "''"),
        Param::optional("live_update", "list[step]", "[]"),
        Param::optional("apply_dir", "str", "''"),
        Param::optional("apply_env", "dict[str, str]", "{}"),
        Param::optional("apply_cmd_bat", "str | list[str]", "''"),
        Param::optional("delete_dir", "str", "''"),
        Param::optional("delete_env", "dict[str, str]", "{}"),
        Param::optional("delete_cmd_bat", "str | list[str]", "''"),
        Param::optional("container_selector", "str", "''"),
        Param::optional("image_deps", "list[str]", "[]"),
    ],
    rest: Rest::Refused,
    returns: "None",
    doc: "A Kubernetes resource that a command deploys: it prints the objects that it applied as YAML on standard output. It runs \
          again when a file below `deps` changes, unless the change can be brought in by `live_update`.",
    body: k8s_custom_deploy,
}];

fn k8s_custom_deploy<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let name = common::resource_name(call, "name")?;
    let apply = command(call, ["apply_cmd", "apply_env", "apply_dir"])?;
    let delete = command(call, ["delete_cmd", "delete_env", "delete_dir"])?;
    let mut live_update = live_update::live_update(call, "live_update")?;
    common::check_name_is_free(call, &name)
        .map_err(|fault| said(fault, |message| format!("error making resource for {name}: {message}")))?;
    let live_update_image = match live_update.is_empty() {
        true => None,
        false => {
            live_update.container = selector(call, "container_selector")?;
            Some(live_update_image(call, &name)?)
        }
    };
    let image_deps = image_deps(call)?;
    let deps = call.paths("deps")?;
    let deploy = CustomDeploy {
        name,
        apply,
        delete,
        deps,
        live_update,
        live_update_image,
        image_deps,
        tiltfile: call.run.current_file(),
        frames: call.frames(),
    };
    call.run
        .declared
        .borrow_mut()
        .declare_custom_deploy(deploy)
        .map_err(Fault::said)?;
    call.none()
}

fn said(fault: Fault, words: impl FnOnce(String) -> String) -> Fault {
    match fault {
        Fault::Said(message) => Fault::Said(words(message)),
        raised => raised,
    }
}

fn command(call: &Call, [argv, env, dir]: [&str; 3]) -> Result<Command, Fault> {
    let command = call.command(argv, env, dir)?;
    match command.is_empty() {
        true => Err(Fault::Said(format!("k8s_custom_deploy: {argv} cannot be empty"))),
        false => Ok(command),
    }
}

/// The image by which a live update finds its containers; made up where it goes by the container's name.
fn live_update_image(call: &Call, name: &str) -> Result<Reference, Fault> {
    let text = match (selector(call, "image_selector")?, selector(call, "container_selector")?) {
        (None, None) => return Err("k8s_custom_deploy: no Live Update selector specified".into()),
        (Some(_), Some(_)) => {
            return Err("k8s_custom_deploy: cannot specify more than one Live Update selector".into());
        }
        (Some(image), None) => image,
        (None, Some(_)) => format!("k8s_custom_deploy:{name}"),
    };
    parse(&text)
}

fn selector(call: &Call, param: &str) -> Result<Option<String>, Fault> {
    let text = call.read(param, unpack_optional)?.flatten();
    Ok(text.filter(|text| !text.is_empty()))
}

fn unpack_optional(value: starlark::values::Value) -> Result<Option<String>, Mismatch> {
    match value.is_none() {
        true => Ok(None),
        false => unpack_string(value).map(Some),
    }
}

fn image_deps(call: &Call) -> Result<Vec<Reference>, Fault> {
    call.strings("image_deps")?.iter().map(|text| parse(text)).collect()
}

fn parse(text: &str) -> Result<Reference, Fault> {
    Reference::parse(text).map_err(|error| Fault::Said(format!("can't parse {}: {error}", quoted(text))))
}
