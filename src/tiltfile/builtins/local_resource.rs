//! Resources that run on this machine.

use crate::model::command::Command;
use crate::model::local::Probe;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::common;
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::declared::locals::LocalResource;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::values::token::ProbeValue;

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "local_resource",
        params: PARAMS,
        rest: Rest::Refused,
        returns: "None",
        doc: "A resource that runs on this machine: `cmd` runs to its end at the start and whenever one of `deps` changes, `serve_cmd` keeps running. With `allow_parallel` it does not wait until everything else is done.",
        body: |call| local_resource(call, Flag::Off),
    },
    Builtin {
        name: "test",
        params: PARAMS,
        rest: Rest::Refused,
        returns: "None",
        doc: "Deprecated: use `local_resource(…, allow_parallel=True)`, which does the same.",
        body: test,
    },
];

const PARAMS: &[Param] = &[
    Param::required("name", "str"),
    Param::nullable("cmd", "str | list[str]", "''"),
    Param::nullable("deps", "str | list[str]", "[]"),
    Param::nullable("trigger_mode", "TriggerMode", "TRIGGER_MODE_AUTO"),
    Param::nullable("resource_deps", "list[str]", "[]"),
    Param::nullable("ignore", "str | list[str]", "[]"),
    Param::nullable("auto_init", "bool", "True"),
    Param::nullable("serve_cmd", "str | list[str]", "''"),
    Param::nullable("cmd_bat", "str | list[str]", "''"),
    Param::nullable("serve_cmd_bat", "str | list[str]", "''"),
    Param::nullable("allow_parallel", "bool", "False"),
    Param::nullable("links", "str | Link | list[str | Link]", "[]"),
    Param::nullable("labels", "str | list[str]", "[]"),
    Param::nullable("env", "dict[str, str]", "{}"),
    Param::nullable("serve_env", "dict[str, str]", "{}"),
    Param::nullable("readiness_probe", "Probe", "None"),
    Param::nullable("dir", "str", "''"),
    Param::nullable("serve_dir", "str", "''"),
];

const TEST_IS_DEPRECATED: &str = "test() is deprecated and will be removed in a future release.\n\
    Change this call to use `local_resource(..., allow_parallel=True)`";

fn test<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    call.run.warn(TEST_IS_DEPRECATED);
    local_resource(call, Flag::On)
}

fn local_resource<'v>(call: &mut Call<'v, '_, '_, '_>, parallel: Flag) -> Outcome<'v> {
    let resource = LocalResource {
        name: common::resource_name(call, "name")?,
        deps: call.paths("deps")?,
        trigger: common::trigger(call)?,
        init: common::init(call)?,
        allow_parallel: call.flag("allow_parallel", parallel)?,
        links: common::links(call, "links")?,
        labels: common::labels(call, "labels")?,
        readiness_probe: readiness_probe(call)?,
        resource_deps: common::resource_deps(call, "resource_deps")?,
        ignore: common::patterns(call, "ignore")?,
        directory: call.run.directory(),
        update: call.command("cmd", "env", "dir")?,
        serve: call.command("serve_cmd", "serve_env", "serve_dir")?,
    };
    check_commands(call, &resource)?;
    common::check_name_is_free(call, &resource.name)?;
    let resource = without_idle_parts(call, resource);
    call.run.declared.borrow_mut().locals.add(resource);
    call.none()
}

fn readiness_probe(call: &Call) -> Result<Option<Probe>, Fault> {
    call.read("readiness_probe", |value| {
        let probe = ProbeValue::from_value(value).map(|probe| probe.0.clone());
        probe.ok_or_else(|| format!("got {}, want probe: use probe()", value.get_type()))
    })
}

/// Refuses what would have no effect, or not the one that was meant.
fn check_commands(call: &Call, resource: &LocalResource) -> Result<(), Fault> {
    let (no_update, no_serve) = (resource.update.is_empty(), resource.serve.is_empty());
    match (no_update, no_serve) {
        (true, false) if call.is_given("dir") => Err(
            "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?"
                .into(),
        ),
        (true, true) if call.is_given("dir") => Err("local_resource: 'dir' specified but 'cmd' is empty".into()),
        (_, true) if call.is_given("serve_dir") => {
            Err("local_resource: 'serve_dir' specified but 'serve_cmd' is empty".into())
        }
        (true, true) => Err("local_resource must have a cmd and/or a serve_cmd, but both were empty".into()),
        _ => Ok(()),
    }
}

/// A command that is not there has no directory, and nothing to probe.
fn without_idle_parts(call: &Call, mut resource: LocalResource) -> LocalResource {
    if resource.update.is_empty() {
        resource.update = Command::default();
    }
    if resource.serve.is_empty() {
        resource.serve = Command::default();
        if resource.readiness_probe.take().is_some() {
            let name = quoted(&resource.name);
            call.run.warn(format!(
                "Ignoring readiness probe for local resource {name} (no serve_cmd was defined)"
            ));
        }
    }
    resource
}

#[cfg(test)]
mod tests;
