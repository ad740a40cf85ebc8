//! Pure. The objects that a Tiltfile stands for: those it declares, and those of its resources. The next evaluation replaces
//! them; objects that somebody made by hand are left alone.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::engine::objects::{
    BUTTON_HASH, BUTTON_TYPE, IS_DISABLED, LOG_SPAN, MANAGED_BY, RESOURCE, TARGET_ID, deploy, disable_name,
    disable_source, disable_switch, image, live, location, map, object, owned_by, stop_button, texts, tree,
};
use crate::engine::reduce::begin::update_cmd;
use crate::engine::state::{MAIN, Name, State};
use crate::model::digest;
use crate::model::filter::Ignore;
use crate::model::local::{LocalTarget, Probe, ProbeAction};
use crate::model::object::kinds::{
    CMD, CONFIG_MAP, FILE_WATCH, KINDS, TILTFILE, TOGGLE_BUTTON, UI_BUTTON, UI_RESOURCE,
};
use crate::model::object::{Owner, Stored};
use crate::model::project::{Project, Resource, Target};
use crate::model::tree::{Map, Tree};

/// What happens to the switches of resources that somebody may have flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggles {
    Keep,
    /// Back to what the Tiltfile says.
    Reset,
}

/// Whether the objects of a project can stand beside those of other Tiltfiles.
pub fn check(state: &State, name: &Name, project: &Project) -> Result<(), String> {
    for declared in project.objects.iter() {
        let Some(known) = state.table.get(declared.kind, &declared.name) else {
            continue;
        };
        let other = known
            .meta
            .owners
            .iter()
            .find(|owner| owner.controller && *owner.name != **name);
        // The same thing declared twice is one thing.
        if let Some(other) = other.filter(|_| known.spec != declared.clone().with_defaults().spec) {
            return Err(format!(
                "{} {:?} is defined in two Tiltfiles: in {} and in {name}",
                declared.kind.name, declared.name, other.name
            ));
        }
    }
    Ok(())
}

/// Makes the table say what the project declares.
pub fn replace(state: &mut State, name: &Name, project: &Project, toggles: Toggles) {
    let owner = state.table.get(&TILTFILE, name).map(|object| Owner::controller(object));
    let mut wanted = declared(project, name);
    for resource in &project.resources {
        wanted.extend(of_resource(project, resource, name));
        wanted.extend(deploy::of_resource(&state.session, project, resource));
        wanted.extend(live::of_resource(resource));
    }
    wanted.extend(deploy::of_project(project));
    let now = state.now;
    let mut kept = BTreeSet::new();
    for object in wanted {
        kept.insert((object.kind.plural, object.name.clone()));
        let known = state.table.get(object.kind, &object.name).cloned();
        let is_foreign = known.as_ref().is_some_and(|known| {
            let other = |owner: &Owner| owner.controller && *owner.name != **name && &*owner.kind == TILTFILE.name;
            known.meta.owners.iter().any(other)
        });
        if is_foreign {
            continue;
        }
        let mut object = owned_by(object, owner.clone());
        if let Some(known) = known {
            object.status = known.status.clone();
            object.meta.finalizers = known.meta.finalizers.clone();
            if toggles == Toggles::Keep && is_switch(&object) {
                object.spec = known.spec.clone();
            }
        }
        state.table.put(object, now);
    }
    prune(state, name, &kept);
}

fn is_switch(object: &Stored) -> bool {
    std::ptr::eq(object.kind, &CONFIG_MAP) && object.name.ends_with("-disable")
}

/// Removes what the Tiltfile declared before and does not any more.
fn prune(state: &mut State, name: &Name, kept: &BTreeSet<(&'static str, Box<str>)>) {
    let config_watch = config_watch_name(name);
    for kind in KINDS {
        let gone: Vec<Box<str>> = state
            .table
            .list(kind)
            .filter(|object| object.is_owned_by(&TILTFILE, name))
            .map(|object| object.name.clone())
            .filter(|object| !kept.contains(&(kind.plural, object.clone())))
            .filter(|object| **object != *config_watch && !is_own(kind.name, object, name))
            .collect();
        for object in gone {
            state.table.remove(kind, &object);
        }
    }
}

/// The objects that stand for the Tiltfile itself.
fn is_own(kind: &str, object: &str, name: &str) -> bool {
    (kind == UI_RESOURCE.name && object == name) || kind == "Session"
}

fn declared(project: &Project, name: &str) -> Vec<Stored> {
    let objects = project.objects.iter().map(|object| {
        let mut stored = Stored::of(object.clone().with_defaults());
        if stored.annotation(RESOURCE).is_none() {
            stored.meta.annotations.insert(RESOURCE, Tree::text(name));
        }
        match std::ptr::eq(stored.kind, &UI_BUTTON) {
            true => hashed(stored),
            false => stored,
        }
    });
    objects.collect()
}

fn of_resource(project: &Project, resource: &Resource, tiltfile: &str) -> Vec<Stored> {
    let name = resource.name.as_str();
    let labels = resource.labels.iter();
    let mut ui = object(&UI_RESOURCE, name, Map::new(), [(RESOURCE, name)]);
    labels.for_each(|label| ui.meta.labels.insert(label.as_str(), Tree::text(label.as_str())));
    let is_disabled = !project.enabled.iter().any(|enabled| enabled == name);
    let switch = tree([(IS_DISABLED, Tree::text(is_disabled.to_string()))]);
    let about = [(RESOURCE, tiltfile)];
    let mut objects = vec![
        ui,
        object(&CONFIG_MAP, &disable_name(name), map([("data", switch)]), about),
        object(
            &TOGGLE_BUTTON,
            &disable_name(name),
            toggle(name),
            [(RESOURCE, tiltfile), (BUTTON_TYPE, "DisableToggle")],
        ),
        stop(name, Some(tiltfile)),
    ];
    if let Target::Local(local) = &resource.target {
        objects.extend(of_local(project, name, local));
    }
    objects.extend(image::of_resource(project, resource));
    objects
}

/// The button that stops what runs for a resource or a Tiltfile.
pub fn stop(name: &str, tiltfile: Option<&str>) -> Stored {
    let spec = map([
        ("iconName", Tree::text("cancel")),
        ("location", location(name)),
        ("text", Tree::text("Stop Build")),
    ]);
    let mut button = object(&UI_BUTTON, &stop_button(name), spec, []);
    if let Some(tiltfile) = tiltfile {
        button.meta.annotations.push(RESOURCE, Tree::text(tiltfile));
    }
    button.meta.annotations.push(BUTTON_TYPE, Tree::text("StopBuild"));
    hashed(button)
}

/// A click is meant for the button as it was shown; the hash tells whether it still looks like that.
pub fn hashed(mut button: Stored) -> Stored {
    let printed = format!("{:?}", button.spec);
    let hash = digest::sha256_hex(printed.as_bytes());
    button.meta.annotations.insert(BUTTON_HASH, Tree::text(&hash[..20]));
    button
}

fn toggle(name: &str) -> Map {
    let state = tree([
        ("key", Tree::text(IS_DISABLED)),
        ("name", Tree::text(disable_name(name))),
        ("offValue", Tree::text("false")),
        ("onValue", Tree::text("true")),
    ]);
    map([
        ("defaultOn", Tree::Bool(false)),
        ("location", location(name)),
        (
            "off",
            tree([
                ("requiresConfirmation", Tree::Bool(true)),
                ("text", Tree::text("Disable Resource")),
            ]),
        ),
        ("on", tree([("text", Tree::text("Enable Resource"))])),
        ("stateSource", tree([("configMap", state)])),
    ])
}

fn of_local(project: &Project, name: &str, local: &LocalTarget) -> Vec<Stored> {
    let mut objects = Vec::new();
    if let Some(update) = &local.update {
        let cmd = update_cmd(name);
        let spec = command_spec(&update.argv, &update.dir.display().to_string(), &update.env, name);
        let span = format!("cmd:{cmd}");
        let annotations = [
            (LOG_SPAN, span.as_str()),
            (MANAGED_BY, "local_resource"),
            (RESOURCE, name),
        ];
        objects.push(object(&CMD, &cmd, spec, annotations));
    }
    if !local.deps.is_empty() {
        let id = format!("local:{name}");
        let ignores = [all_ignores(project), local.watch_ignores.clone()].concat();
        let mut spec = watch_spec(&local.deps, &ignores);
        spec.insert("disableSource", disable_source(name));
        let watch = digest::object_name(&id);
        objects.push(object(
            &FILE_WATCH,
            &watch,
            spec,
            [(RESOURCE, name), (TARGET_ID, id.as_str())],
        ));
    }
    objects
}

fn command_spec(argv: &[String], dir: &str, env: &[String], resource: &str) -> Map {
    let mut spec = map([("args", texts(argv)), ("dir", Tree::text(dir))]);
    if !env.is_empty() {
        spec.push("env", texts(env));
    }
    spec.push("disableSource", disable_source(resource));
    spec
}

/// What no watch of the project reports.
pub fn all_ignores(project: &Project) -> Vec<Ignore> {
    let files = [&project.tiltignore].into_iter().chain(&project.settings.watch_ignores);
    let stated = files.filter(|file| !file.ignore.patterns.is_empty());
    stated.map(|file| file.ignore.clone()).collect()
}

pub fn watch_spec(paths: &[PathBuf], ignores: &[Ignore]) -> Map {
    let mut spec = map([("watchedPaths", texts(paths.iter().map(|path| path.to_string_lossy())))]);
    if !ignores.is_empty() {
        spec.push("ignores", ignore_list(ignores));
    }
    spec
}

pub fn ignore_list(ignores: &[Ignore]) -> Tree {
    let list = ignores.iter().map(|ignore| {
        let mut map = map([("basePath", Tree::text(ignore.base.to_string_lossy().as_ref()))]);
        if !ignore.patterns.is_empty() {
            map.push("patterns", texts(&ignore.patterns));
        }
        Tree::Map(map)
    });
    Tree::List(list.collect())
}

pub fn config_watch_name(tiltfile: &str) -> String {
    digest::object_name(&format!("configs:{tiltfile}"))
}

/// The watch of the files that an evaluation read.
pub fn config_watch(state: &mut State, name: &Name) {
    let Some(tiltfile) = state.tiltfiles.get(name) else {
        return;
    };
    let ignores = tiltfile.project.as_deref().map(all_ignores).unwrap_or_default();
    let ignores = match &**name {
        MAIN => ignores,
        _ => Vec::new(),
    };
    let spec = watch_spec(&tiltfile.config_files, &ignores);
    let id = format!("configs:{name}");
    let watch = config_watch_name(name);
    let mut object = object(
        &FILE_WATCH,
        &watch,
        spec,
        [(RESOURCE, &**name), (TARGET_ID, id.as_str())],
    );
    let owner = state.table.get(&TILTFILE, name).map(|object| Owner::controller(object));
    object.meta.owners = owner.into_iter().collect();
    if let Some(known) = state.table.get(&FILE_WATCH, &watch) {
        object.status = known.status.clone();
    }
    state.table.put(object, state.now);
}

/// A probe as the spec of a Cmd has it.
pub fn probe(probe: &Probe) -> Tree {
    let action = match &probe.action {
        ProbeAction::Exec(command) => ("exec", tree([("command", texts(command))])),
        ProbeAction::HttpGet {
            host,
            port,
            scheme,
            path,
            headers,
        } => {
            let mut get = map([
                ("path", Tree::text(path.as_str())),
                ("port", Tree::Int(i64::from(*port))),
                ("host", Tree::text(host.as_str())),
                ("scheme", Tree::text(scheme.as_str())),
            ]);
            if !headers.is_empty() {
                get.push("httpHeaders", Tree::List(headers.iter().map(header).collect()));
            }
            ("httpGet", Tree::Map(get))
        }
        ProbeAction::TcpSocket { host, port } => (
            "tcpSocket",
            tree([
                ("port", Tree::Int(i64::from(*port))),
                ("host", Tree::text(host.as_str())),
            ]),
        ),
    };
    let mut map = map([action]);
    let numbers = [
        ("initialDelaySeconds", probe.initial_delay_secs),
        ("timeoutSeconds", probe.timeout_secs),
        ("periodSeconds", probe.period_secs),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ];
    for (field, value) in numbers.into_iter().filter(|(_, value)| *value != 0) {
        map.push(field, Tree::Int(i64::from(value)));
    }
    Tree::Map(map)
}

fn header((name, value): &(String, String)) -> Tree {
    tree([
        ("name", Tree::text(name.as_str())),
        ("value", Tree::text(value.as_str())),
    ])
}

/// The switch of a resource, as the status of a UIResource names it.
pub fn switch_of(resource: &str) -> Tree {
    tree([("configMap", disable_switch(resource))])
}
