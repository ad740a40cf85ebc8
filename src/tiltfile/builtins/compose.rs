//! Docker Compose.

use std::error::Error;
use std::path::{Path, PathBuf};

use starlark::values::Value;

use crate::model::compose::{self as model, Project, ProjectSpec, Service};
use crate::model::image::Reference;
use crate::model::quote::quoted;
use crate::tiltfile::builtins::common;
use crate::tiltfile::call::{Call, Flag, unpack_string};
use crate::tiltfile::declared::compose::{ComposeProject, ComposeService, Options};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::host::{Environment, Level};
use crate::tiltfile::run::Run;
use crate::tiltfile::values::blob::Blob;
use crate::world::compose::{self, Compose, Shell};
use crate::world::dirs::Dirs;
use crate::world::files;
use crate::world::process::{self, Invocation, Output, ProcessError};

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "docker_compose",
        params: &[
            Param::required("configPaths", "str | Blob | list[str | Blob]"),
            Param::nullable("env_file", "str", "None"),
            Param::nullable("project_name", "str", "''"),
            Param::nullable("profiles", "str | list[str]", "[]"),
            Param::nullable("wait", "bool", "False"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Makes a resource of each service in the Compose files. Calls that name the same project add up; without a name the \
              project is called after the directory of its first file. With `wait` a service counts as started once it is healthy.",
        body: docker_compose,
    },
    Builtin {
        name: "dc_resource",
        params: &[
            Param::required("name", "str"),
            Param::nullable("image", "str", "''"),
            Param::nullable("trigger_mode", "TriggerMode", "TRIGGER_MODE_AUTO"),
            Param::nullable("resource_deps", "list[str]", "[]"),
            Param::nullable("infer_links", "bool", "True"),
            Param::nullable("links", "str | Link | list[str | Link]", "[]"),
            Param::nullable("labels", "str | list[str]", "[]"),
            Param::nullable("auto_init", "bool", "True"),
            Param::nullable("project_name", "str", "''"),
            Param::nullable("new_name", "str", "''"),
        ],
        rest: Rest::Refused,
        returns: "None",
        doc: "Says more about a service that `docker_compose` declared. What is not given stays as it was; links, labels and \
              dependencies add up. `project_name` tells services of the same name apart, `new_name` renames the resource.",
        body: dc_resource,
    },
];

const PROFILES: &str = "COMPOSE_PROFILES";

fn docker_compose<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let values = call.one_or_many("configPaths");
    if values.is_empty() {
        return Err("Nothing to compose".into());
    }
    let spec = spec(call, &values)?;
    let spec = call.run.declared.borrow().compose.with(spec);
    watch(call.run, &spec);
    let project = load(call.run, &spec)?;
    let services = project
        .services
        .into_iter()
        .map(|service| named(&project.name, service));
    let project = ComposeProject {
        services: services.collect::<Result<_, _>>()?,
        frames: call.frames(),
        spec,
    };
    call.run
        .declared
        .borrow_mut()
        .declare_compose(project)
        .map_err(Fault::said)?;
    call.none()
}

/// What this call alone says of its project.
fn spec<'v>(call: &Call<'v, '_, '_, '_>, values: &[Value<'v>]) -> Result<ProjectSpec, Fault> {
    let mut spec = ProjectSpec {
        name: call.string_or("project_name", "")?,
        path: call.run.directory(),
        env_file: env_file(call)?,
        wait: call.flag("wait", Flag::Off)?,
        ..ProjectSpec::default()
    };
    let mut first_file: Option<PathBuf> = None;
    for value in values {
        let path = match Blob::from_value(*value) {
            Some(blob) => stored(call.run, blob.text())?,
            None => {
                let path = file(call, *value)?;
                first_file.get_or_insert(path.clone());
                path
            }
        };
        spec.config_paths.push(path);
    }
    if let Some(directory) = first_file.as_deref().and_then(Path::parent) {
        spec.path = directory.to_owned();
    }
    if spec.name.is_empty() {
        spec.name = model::project_name_of(&spec.path);
    }
    spec.profiles = profiles(call, &spec.name)?;
    Ok(spec)
}

fn env_file(call: &Call) -> Result<Option<PathBuf>, Fault> {
    match call.value("env_file").and_then(Value::unpack_str) {
        Some("") => Ok(None),
        _ => call.path("env_file"),
    }
}

fn file<'v>(call: &Call<'v, '_, '_, '_>, value: Value<'v>) -> Result<PathBuf, Fault> {
    let unfit = |_| format!("expected blob | path (string). Actual type: {}", value.get_type());
    let path = call.unpack_path(value).map_err(unfit)?;
    call.run.host.watch(&path);
    Ok(path)
}

/// Text becomes a file, for Compose reads nothing else. Its path depends on nothing but the text.
fn stored(run: &Run, yaml: &str) -> Result<PathBuf, Fault> {
    let failed = |why: String| Fault::Said(format!("unable to store yaml blob: {why}"));
    let variable = |name: &str| run.request.environment.get(name).cloned();
    let dirs = Dirs::from_env(variable).map_err(|error| failed(error.to_string()))?;
    let directory = dirs.cache.join("compose");
    compose::store_blob(&directory, yaml)
        .map_err(|error| failed(format!("{}: {}", directory.display(), files::reason(&error))))
}

/// Those of the call, else those of the environment.
fn profiles(call: &Call, project: &str) -> Result<Vec<String>, Fault> {
    if call.is_given("profiles") {
        return call.strings("profiles");
    }
    let host = &call.run.host;
    let Some(profiles) = host.variable(PROFILES).filter(|profiles| !profiles.is_empty()) else {
        return Ok(Vec::new());
    };
    let text = format!(
        "Compose project {} loading profiles from environment: {profiles}",
        quoted(project)
    );
    host.log(Level::Info, text);
    Ok(profiles
        .split(',')
        .filter(|profile| !profile.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Files that Compose reads of its own accord.
fn watch(run: &Run, spec: &ProjectSpec) {
    match &spec.env_file {
        Some(file) => run.host.watch(file),
        None => {
            let file = spec.path.join(".env");
            if files::exists(&file) {
                run.host.watch(&file);
            }
        }
    }
}

/// What Compose makes of a project's files.
fn load(run: &Run, spec: &ProjectSpec) -> Result<Project, Fault> {
    let mut env: Environment = run.host.environment().clone();
    // The profiles of the project are options of the command; where there are none, there are to be none.
    env.remove(PROFILES);
    let execute = |argv: &[String], directory: &Path| execute(argv, directory, &env);
    let shell = Shell {
        run: &execute,
        env: &env,
    };
    let loaded = command(run, shell)?.load(spec, shell).map_err(|error| {
        // They may be what is wrong, and nobody knows yet which of the services count.
        compose::env_files(spec, shell)
            .iter()
            .for_each(|file| run.host.watch(file));
        told(&error)
    })?;
    for service in &loaded.project.services {
        service.env_files.iter().for_each(|file| run.host.watch(&file.path));
    }
    for warning in &loaded.warnings {
        let is_news = run.declared.borrow_mut().compose.is_news(warning);
        if is_news {
            run.warn(format!("Docker Compose: {warning}"));
        }
    }
    Ok(loaded.project)
}

fn execute(argv: &[String], directory: &Path, env: &Environment) -> Result<Output, ProcessError> {
    process::capture(&Invocation {
        argv: argv.to_vec(),
        dir: directory.to_owned(),
        env: env.clone(),
        ..Invocation::default()
    })
}

/// How Compose is called: found out once for all calls.
fn command(run: &Run, shell: Shell) -> Result<Compose, Fault> {
    if let Some(known) = run.declared.borrow().compose.command.clone() {
        return Ok(known);
    }
    let found = Compose::find(shell).map_err(|error| told(&error))?;
    if let Some(warning) = found.warning() {
        run.warn(warning);
    }
    run.declared.borrow_mut().compose.command = Some(found.clone());
    Ok(found)
}

/// An error with its causes.
fn told(error: &compose::Error) -> Fault {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Fault::Said(text)
}

fn named(project: &str, service: Service) -> Result<ComposeService, Fault> {
    let image = service.image_name(project);
    let image = Reference::parse(&image).map_err(|error| {
        format!(
            "getting service {}: Error parsing image name {}: {error}",
            service.name,
            quoted(&image)
        )
    })?;
    Ok(ComposeService::new(service, image))
}

fn dc_resource<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let name = call.string_or("name", "")?;
    if name.is_empty() {
        return Err("dc_resource: `name` must not be empty".into());
    }
    let given = options(call)?;
    let project = call.string_or("project_name", "")?;
    let new_name = match call.string_or("new_name", "")?.is_empty() {
        true => None,
        false => Some(common::resource_name(call, "new_name")?),
    };
    let mut declared = call.run.declared.borrow_mut();
    let place = declared.compose.find(&name, &project).map_err(Fault::said)?;
    if let Some(new) = new_name {
        declared.rename_service(place, &new).map_err(Fault::said)?;
    }
    declared.compose.service_mut(place).options.add(given);
    call.none()
}

/// What this call says, and nothing about what it leaves open.
fn options(call: &Call) -> Result<Options, Fault> {
    Ok(Options {
        image: image(call)?,
        trigger: common::trigger(call)?,
        init: call.is_given("auto_init").then(|| common::init(call)).transpose()?,
        infer_links: call
            .is_given("infer_links")
            .then(|| call.flag("infer_links", Flag::On))
            .transpose()?,
        links: common::links(call, "links")?,
        labels: common::labels(call, "labels")?,
        deps: common::resource_deps(call, "resource_deps")?,
    })
}

fn image(call: &Call) -> Result<Option<Reference>, Fault> {
    let Some(value) = call.value("image") else {
        return Ok(None);
    };
    let text = unpack_string(value).map_err(|_| format!("image arg must be a string; got {}", value.get_type()))?;
    if text.is_empty() {
        return Ok(None);
    }
    let reference = Reference::parse(&text).map_err(|error| format!("parsing {}: {error}", quoted(&text)))?;
    Ok(Some(reference))
}

#[cfg(test)]
mod tests;
