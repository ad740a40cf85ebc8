//! Pure. Brings the table up to date with the state: the status of everything that the engine looks after. What did not
//! change since the last time is skipped, which is told by its pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::ci;
use crate::engine::objects::{
    self, LOG_SPAN, OWNER_KIND, OWNER_NAME, RESOURCE, deploy, image, live, map, micros, resource, session, set,
    tiltfile, tree,
};
use crate::engine::reduce::begin::update_cmd;
use crate::engine::spec::{self, Disable};
use crate::engine::state::{
    CmdState, Entries, ImageState, MAIN, Name, Phase, ProcessState, ResourceState, Serve, Session, State, WatchState,
};
use crate::model::object::kinds::{CLUSTER, CMD, CONFIG_MAP, FILE_WATCH, SESSION, TOGGLE_BUTTON, UI_RESOURCE};
use crate::model::object::{Kind, Stored, Table};
use crate::model::project::Target;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};

/// What the table says already.
#[derive(Debug, Default)]
pub struct Projected {
    resources: BTreeMap<Name, (usize, Arc<ResourceState>)>,
    images: Entries<ImageState>,
    watches: Entries<WatchState>,
    deploys: deploy::Shown,
    lives: live::Shown,
    tiltfiles: tiltfile::Shown,
    cmds: BTreeMap<Name, Arc<CmdState>>,
    serves: BTreeSet<Name>,
    queue: Vec<Name>,
    session: Option<Arc<Session>>,
    targets: Vec<ci::Target>,
    table: Option<Table>,
}

impl Projected {
    /// Whether objects of a kind changed since.
    fn differs(&self, state: &State, kind: &'static Kind) -> bool {
        self.table
            .as_ref()
            .is_none_or(|before| !before.same_kind(&state.table, kind))
    }
}

/// Changes of objects in here follow from the state; they wake nobody.
pub fn project(state: &mut State, projected: &mut Projected) {
    let switched = projected.differs(state, &CONFIG_MAP);
    let commands = switched || projected.differs(state, &CMD);
    let toggled = switched || projected.differs(state, &TOGGLE_BUTTON);
    let watched = switched || projected.differs(state, &FILE_WATCH);
    let mut moved = resources(state, projected, switched);
    images(state, projected);
    live::project(state, &mut projected.lives);
    moved |= tiltfile::project(state, &mut projected.tiltfiles);
    if commands || projected.cmds != state.cmds {
        user_cmds(state);
    }
    watches(state, projected, watched);
    if projected.differs(state, &CLUSTER) {
        projected.deploys.forget_cluster();
    }
    deploy::project(state, &mut projected.deploys);
    let known = projected.session.as_ref();
    let is_other = known.is_none_or(|known| !Arc::ptr_eq(known, &state.session));
    if moved || is_other {
        session::project(state);
        let targets = ci::targets(state);
        // There may be many, and saying anew how all of them are doing takes longer than finding out.
        if is_other || targets != projected.targets || projected.differs(state, &SESSION) {
            session::project_targets(state, &targets);
            projected.targets = targets;
        }
    }
    if toggled {
        toggle_errors(state);
    }
    projected.cmds = state.cmds.clone();
    projected.session = Some(Arc::clone(&state.session));
    projected.table = Some(state.table.clone());
}

/// Tells whether any of them changed.
fn resources(state: &mut State, projected: &mut Projected, switched: bool) -> bool {
    let known = std::mem::take(&mut projected.resources);
    let mut moved = known.len() != state.resources.len();
    let mut serves = BTreeSet::new();
    for (order, (name, current)) in state.resources.clone().into_iter().enumerate() {
        if let Some(serve) = &current.serve {
            serves.insert(Arc::clone(&serve.cmd));
        }
        let is_same = known
            .get(&name)
            .is_some_and(|(before, known)| *before == order && Arc::ptr_eq(known, &current));
        if !is_same || switched {
            moved = true;
            put_status(state, &UI_RESOURCE, &name, |before| {
                resource::status(&current, order + 2, before)
            });
            update_command(state, &name, &current);
            image::project_all(state, &current);
            if let Some(serve) = &current.serve {
                served(state, &name, &current, serve);
            }
        }
        projected.resources.insert(name, (order, current));
    }
    for gone in projected.serves.difference(&serves) {
        state.table.remove(&CMD, gone);
    }
    projected.serves = serves;
    if projected.queue != state.queue {
        queue(state);
        projected.queue = state.queue.clone();
    }
    moved
}

fn images(state: &mut State, projected: &mut Projected) {
    let images = state.images.clone();
    for name in images.changed(&projected.images) {
        if let Some(image) = images.get(name) {
            image::project(state, name, image);
        }
    }
    projected.images = state.images.clone();
}

/// What a status is made from: the object as it is, and the time.
pub struct Before<'a> {
    pub object: &'a Stored,
    pub now: Time,
}

pub fn put_status(state: &mut State, kind: &'static Kind, name: &str, status: impl FnOnce(&Before) -> Map) {
    let Some(object) = state.table.get(kind, name).cloned() else {
        return;
    };
    let status = status(&Before {
        object: &object,
        now: state.now,
    });
    if status != object.status {
        let mut next = object.as_ref().clone();
        next.status = status;
        state.table.put(next, state.now);
    }
}

/// The Cmd object of an update: its latest run.
fn update_command(state: &mut State, name: &Name, resource: &ResourceState) {
    if !resource.has_update_command() {
        return;
    }
    let disabled = disable_status(state, &CMD, &update_cmd(name));
    put_status(state, &CMD, &update_cmd(name), |_| {
        let mut status = Map::new();
        if let Some(running) = &resource.running {
            if let Some(pid) = running.pid {
                let started = micros(running.started);
                status.push(
                    "running",
                    tree([("pid", Tree::Int(pid.into())), ("startedAt", started)]),
                );
            }
        } else if let Some(run) = &resource.last_command {
            status.push(
                "terminated",
                terminated(run.pid, run.code, &run.reason, (run.started, run.finished)),
            );
            status.push("ready", Tree::Bool(true));
        }
        set(&mut status, "disableStatus", disabled);
        status
    });
}

fn terminated(pid: i32, code: i32, reason: &str, (started, finished): (Time, Time)) -> Tree {
    let mut map = map([
        ("pid", Tree::Int(pid.into())),
        ("exitCode", Tree::Int(code.into())),
        ("startedAt", micros(started)),
        ("finishedAt", micros(finished)),
    ]);
    if !reason.is_empty() {
        map.push("reason", Tree::text(reason));
    }
    Tree::Map(map)
}

/// The Cmd object of a served process exists as long as this process is the resource's.
fn served(state: &mut State, name: &Name, resource: &ResourceState, serve: &Serve) {
    let Target::Local(local) = &resource.declared.target else {
        return;
    };
    let mut spec = map([
        ("args", objects::texts(&local.serve.argv)),
        ("dir", Tree::text(local.serve.dir.to_string_lossy().as_ref())),
    ]);
    if !local.serve.env.is_empty() {
        spec.push("env", objects::texts(&local.serve.env));
    }
    set(
        &mut spec,
        "readinessProbe",
        local.readiness_probe.as_ref().map(objects::declared::probe),
    );
    let span = format!("localserve:{}", serve.number);
    let annotations = [
        (LOG_SPAN, span.as_str()),
        (OWNER_KIND, "CmdServer"),
        (OWNER_NAME, &**name),
        (RESOURCE, &**name),
    ];
    let mut object = match state.table.get(&CMD, &serve.cmd) {
        Some(known) => known.as_ref().clone(),
        None => objects::object(&CMD, &serve.cmd, spec, annotations),
    };
    object.status = process_status(&serve.process, enabled_without_source(&object, state.now));
    state.table.put(object, state.now);
}

fn process_status(process: &ProcessState, disabled: Tree) -> Map {
    let mut status = Map::new();
    match &process.phase {
        Phase::Starting => status.push(
            "waiting",
            tree([("reason", Tree::text("waiting for the process before it to end"))]),
        ),
        Phase::Running { pid, started } => status.push(
            "running",
            tree([("pid", Tree::Int((*pid).into())), ("startedAt", micros(*started))]),
        ),
        Phase::Exited {
            pid,
            code,
            reason,
            started,
            finished,
        } => status.push("terminated", terminated(*pid, *code, reason, (*started, *finished))),
    }
    status.push("ready", Tree::Bool(process.is_ready()));
    status.push("disableStatus", disabled);
    status
}

/// Cmd objects that run on their own account.
fn user_cmds(state: &mut State) {
    let cmds = state.cmds.clone();
    for (name, cmd) in &cmds {
        let disabled = disable_status(state, &CMD, name).unwrap_or_default();
        put_status(state, &CMD, name, |_| cmd_status(cmd, disabled));
    }
}

fn cmd_status(cmd: &CmdState, disabled: Tree) -> Map {
    match &cmd.process {
        Some(process) => process_status(process, disabled),
        None => {
            let is_disabled = disabled.get("disabled") == Some(&Tree::Bool(true));
            let reason = match is_disabled {
                true => "disabled",
                false => "cmd StartOn has not been triggered",
            };
            map([
                ("waiting", tree([("reason", Tree::text(reason))])),
                ("disableStatus", disabled),
            ])
        }
    }
}

fn watches(state: &mut State, projected: &mut Projected, all: bool) {
    let names: Vec<Name> = match all {
        true => state
            .table
            .list(&FILE_WATCH)
            .map(|watch| (*watch.name).into())
            .collect(),
        false => state.watches.changed(&projected.watches).into_iter().cloned().collect(),
    };
    for name in names {
        let disabled = disable_status(state, &FILE_WATCH, &name);
        let watch = state.watches.get(&name).cloned().unwrap_or_default();
        put_status(state, &FILE_WATCH, &name, |_| watch_status(&watch, disabled));
    }
    projected.watches = state.watches.clone();
}

fn watch_status(watch: &WatchState, disabled: Option<Tree>) -> Map {
    let mut status = Map::new();
    set(&mut status, "monitorStartTime", watch.started.map(micros));
    set(&mut status, "lastEventTime", watch.last_event().map(micros));
    let events = watch.batches.iter().map(|batch| {
        let paths = batch.paths.iter().map(|path| path.to_string_lossy());
        tree([("time", micros(batch.at)), ("seenFiles", objects::texts(paths))])
    });
    let events: Vec<Tree> = events.collect();
    if !events.is_empty() {
        status.push("fileEvents", Tree::List(events));
    }
    set(&mut status, "error", watch.error.as_deref().map(Tree::text));
    set(&mut status, "disableStatus", disabled);
    status
}

/// Whether an object is disabled by its switches, and why, since when.
pub fn disable_status(state: &State, kind: &'static Kind, name: &str) -> Option<Tree> {
    let object = state.table.get(kind, name)?;
    let verdict = verdict(&state.table, &object.spec);
    Some(verdict.status(object, state.now))
}

fn enabled_without_source(object: &Stored, now: Time) -> Tree {
    Verdict {
        disabled: false,
        reason: "object does not specify a DisableSource".to_owned(),
    }
    .status(object, now)
}

/// What the switches of an object say.
pub struct Verdict {
    pub disabled: bool,
    pub reason: String,
}

impl Verdict {
    /// The time is that of the last change of the verdict.
    fn status(self, object: &Stored, now: Time) -> Tree {
        let before = object.status.get("disableStatus");
        let is_same = before.is_some_and(|before| {
            before.get("disabled") == Some(&Tree::Bool(self.disabled))
                && before.get("reason").and_then(Tree::as_text) == Some(&self.reason)
        });
        match before {
            Some(before) if is_same => before.clone(),
            _ => tree([
                ("disabled", Tree::Bool(self.disabled)),
                ("lastUpdateTime", Tree::text(now.to_seconds_text())),
                ("reason", Tree::text(self.reason)),
                ("state", Tree::text(if self.disabled { "Disabled" } else { "Enabled" })),
            ]),
        }
    }
}

/// Whether the switches of a spec turn it off, without saying why.
pub fn is_disabled(table: &Table, spec: &Map) -> bool {
    let is_off = |switch: &spec::Switch| switch_value(table, switch) == Some("true");
    match spec::disable(spec) {
        None => false,
        Some(Disable::Any(switches)) => switches.iter().any(is_off),
        Some(Disable::Every(switches)) => !switches.is_empty() && switches.iter().all(is_off),
    }
}

fn switch_value<'a>(table: &'a Table, switch: &spec::Switch) -> Option<&'a str> {
    let object = table.get(&CONFIG_MAP, switch.config_map)?;
    spec::map(&object.spec, "data")?.get(switch.key)?.as_text()
}

/// Looks the switches of a spec up. A switch that does not exist leaves the object enabled.
pub fn verdict(table: &Table, spec: &Map) -> Verdict {
    let read = |switch: &spec::Switch| {
        let (map, key) = (switch.config_map, switch.key);
        match switch_value(table, switch) {
            Some("true") => (true, format!("ConfigMap/key {map:?}/{key:?} is true")),
            Some(value) => (false, format!("ConfigMap/key {map:?}/{key:?} is {value}")),
            None => (false, format!("ConfigMap {map:?} has no key {key:?}")),
        }
    };
    let none = || Verdict {
        disabled: false,
        reason: "object does not specify a DisableSource".to_owned(),
    };
    let (found, of_all) = match spec::disable(spec) {
        None => return none(),
        Some(Disable::Any(switches)) => (switches.iter().map(read).collect::<Vec<_>>(), false),
        Some(Disable::Every(switches)) => (switches.iter().map(read).collect(), true),
    };
    let disabled = match of_all {
        true => !found.is_empty() && found.iter().all(|(disabled, _)| *disabled),
        false => found.iter().any(|(disabled, _)| *disabled),
    };
    let decisive = found.into_iter().find(|(one, _)| *one == disabled);
    decisive.map_or_else(none, |(_, reason)| Verdict { disabled, reason })
}

/// The queue of triggers, as a ConfigMap mirrors it.
fn queue(state: &mut State) {
    let mut object = match state.table.get(&CONFIG_MAP, "tilt-trigger-queue") {
        Some(known) => known.as_ref().clone(),
        None => Stored::new(&CONFIG_MAP, "tilt-trigger-queue"),
    };
    let mut data = Map::new();
    for (place, name) in state.queue.iter().enumerate() {
        data.push(format!("{place}-name"), Tree::text(&**name));
        let source = state.resource(name).and_then(|resource| resource.requested.as_ref());
        let code = source.map_or(64, |requested| requested.source.code());
        data.push(format!("{place}-reason-code"), Tree::text(code.to_string()));
    }
    object.spec = match data.is_empty() {
        true => Map::new(),
        false => map([("data", Tree::Map(data))]),
    };
    state.table.put(object, state.now);
}

/// A toggle whose switch cannot be read says so.
fn toggle_errors(state: &mut State) {
    let broken: Vec<(Box<str>, String)> = state
        .table
        .list(&TOGGLE_BUTTON)
        .map(|toggle| (toggle.name.clone(), toggle_error(state, toggle).unwrap_or_default()))
        .collect();
    for (name, error) in broken {
        put_status(state, &TOGGLE_BUTTON, &name, |_| map([("error", Tree::text(error))]));
    }
}

fn toggle_error(state: &State, toggle: &Stored) -> Option<String> {
    let source = spec::map(&toggle.spec, "stateSource").and_then(|source| spec::map(source, "configMap"))?;
    let (name, key) = (spec::text(source, "name"), spec::text(source, "key"));
    let object = state.table.get(&CONFIG_MAP, name)?;
    let value = spec::map(&object.spec, "data")?.get(key)?.as_text()?;
    let known = [spec::text(source, "onValue"), spec::text(source, "offValue")];
    (!known.contains(&value)).then(|| {
        format!(
            "ConfigMap {name:?} key {key:?} holds {value:?}, which is neither {:?} nor {:?}",
            known[0], known[1]
        )
    })
}

/// Where lines of an object go: as its annotations say, else to the main Tiltfile.
pub fn log_span(object: &Stored) -> crate::engine::effect::Span {
    let id = object.annotation(LOG_SPAN).filter(|id| !id.is_empty());
    let resource = object.annotation(RESOURCE).filter(|resource| !resource.is_empty());
    crate::engine::effect::Span {
        id: id.map_or_else(|| format!("cmd:{}", object.name).into(), Into::into),
        resource: resource.unwrap_or(MAIN).into(),
    }
}
