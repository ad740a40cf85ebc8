//! Pure. LiveUpdates: which containers a resource changes in place and by which rules, what each has, and why it is not done.

use std::sync::Arc;

use crate::engine::images::watch_name;
use crate::engine::live;
use crate::engine::objects::status::put_status;
use crate::engine::objects::{LOG_SPAN, MANAGED_BY, RESOURCE, map, micros, object, set, texts, tree};
use crate::engine::state::{AgentPhase, LiveState, Patched, ResourceState, State};
use crate::model::build::ImageTarget;
use crate::model::command::Echo;
use crate::model::live::{InitialSync, LiveUpdate, Restart};
use crate::model::object::Stored;
use crate::model::object::kinds::LIVE_UPDATE;
use crate::model::pod::Container;
use crate::model::project::{Resource, Target, TriggerMode};
use crate::model::tree::{Map, Tree};

/// Who decides when a live update is due.
const UPDATE_MODE: &str = "tilt.dev/update-mode";

/// The LiveUpdates of a resource: one for each image that it deploys and that can be changed in place.
pub fn of_resource(resource: &Resource) -> Vec<Stored> {
    let Target::Kubernetes(target) = &resource.target else {
        return Vec::new();
    };
    let is_deployed = |image: &&ImageTarget| {
        image.is_live_update_only() || target.image_maps.iter().any(|map| *map == image.image_map())
    };
    let deployed = resource.images.iter().filter(is_deployed);
    deployed.filter_map(|image| of_image(resource, image)).collect()
}

fn of_image(resource: &Resource, image: &ImageTarget) -> Option<Stored> {
    let sources = sources(resource, image);
    // What a base brings in counts as well.
    let own = Some(&image.live_update).filter(|rules| !rules.is_empty());
    let rules = own.or_else(|| {
        let mut rules = sources.iter().map(|source| &source.live_update);
        rules.find(|rules| !rules.is_empty())
    })?;
    let mut spec = map([
        ("basePath", Tree::text(rules.base.to_string_lossy().as_ref())),
        ("selector", selector(resource, image)),
        (
            "sources",
            Tree::List(sources.iter().map(|source| source_tree(source)).collect()),
        ),
    ]);
    rules_into(&mut spec, rules);
    let name = image.object_name(&resource.name);
    let span = format!("liveupdate:{name}");
    let mode = match resource.trigger {
        TriggerMode::Auto | TriggerMode::AutoWithManualInit => "auto",
        TriggerMode::Manual | TriggerMode::ManualWithAutoInit => "manual",
    };
    let about = [
        (LOG_SPAN, span.as_str()),
        (MANAGED_BY, ""),
        (RESOURCE, resource.name.as_str()),
        (UPDATE_MODE, mode),
    ];
    Some(object(&LIVE_UPDATE, &name, spec, about))
}

fn sources<'r>(resource: &'r Resource, image: &'r ImageTarget) -> Vec<&'r ImageTarget> {
    let mut wanted: Vec<String> = image.image_deps.clone();
    let mut found = vec![image];
    for other in resource.images.iter().rev() {
        if wanted.contains(&other.image_map()) {
            wanted.extend(other.image_deps.iter().cloned());
            found.push(other);
        }
    }
    found.reverse();
    found
}

fn source_tree(image: &ImageTarget) -> Tree {
    let name = image.image_map();
    tree([
        ("fileWatch", Tree::text(watch_name(&name))),
        ("imageMap", Tree::text(name)),
    ])
}

fn selector(resource: &Resource, image: &ImageTarget) -> Tree {
    let mut of = map([
        ("applyName", Tree::text(resource.name.as_str())),
        ("discoveryName", Tree::text(resource.name.as_str())),
    ]);
    match &image.live_update.container {
        Some(container) => of.push("containerName", Tree::text(container.as_str())),
        None if image.is_live_update_only() => of.push("image", Tree::text(image.selector.to_string())),
        None => of.push("imageMapName", Tree::text(image.image_map())),
    }
    tree([("kubernetes", Tree::Map(of))])
}

fn rules_into(spec: &mut Map, rules: &LiveUpdate) {
    let some = |list: &[String]| (!list.is_empty()).then(|| texts(list));
    set(spec, "stopPaths", some(&rules.stop_paths));
    let syncs: Vec<Tree> = rules
        .syncs
        .iter()
        .map(|sync| {
            tree([
                ("localPath", Tree::text(sync.local.as_str())),
                ("containerPath", Tree::text(sync.container.as_str())),
            ])
        })
        .collect();
    set(spec, "syncs", (!syncs.is_empty()).then_some(Tree::List(syncs)));
    let execs: Vec<Tree> = rules
        .execs
        .iter()
        .map(|exec| {
            let mut map = map([
                ("args", texts(&exec.argv)),
                ("echoOff", Tree::Bool(exec.echo == Echo::Off)),
            ]);
            map.push(
                "triggerPaths",
                if exec.triggers.is_empty() {
                    Tree::Null
                } else {
                    texts(&exec.triggers)
                },
            );
            Tree::Map(map)
        })
        .collect();
    set(spec, "execs", (!execs.is_empty()).then_some(Tree::List(execs)));
    let restart = (rules.restart == Restart::Always).then(|| Tree::text("always"));
    set(spec, "restart", restart);
    let initial = (rules.initial_sync == InitialSync::Copy).then(|| Tree::Map(Map::new()));
    set(spec, "initialSync", initial);
}

/// Whether the table says anything that may have to be taken back.
#[derive(Debug, Default)]
pub struct Shown {
    is_any: bool,
}

/// Brings the status of all LiveUpdates up to date.
pub fn project(state: &mut State, shown: &mut Shown) {
    // Few resources have any, and their rows follow from more than what is known of live updates.
    if state.lives.is_empty() && !shown.is_any {
        return;
    }
    shown.is_any = !state.lives.is_empty();
    let fresh = LiveState::default();
    let can_be = |resource: &&Arc<ResourceState>| live::can_be(resource);
    let resources: Vec<Arc<ResourceState>> = state.resources.values().filter(can_be).cloned().collect();
    let mut statuses = Vec::new();
    for resource in &resources {
        for one in live::lives(state, resource) {
            let known = state.lives.get(&one.name).map_or(&fresh, Arc::as_ref);
            let containers = one.reached(state, resource);
            let rows = containers
                .iter()
                .map(|reached| container(state, (resource, known), reached))
                .collect();
            statuses.push((Arc::clone(&one.name), status(rows, known)));
        }
    }
    for (name, status) in statuses {
        put_status(state, &LIVE_UPDATE, &name, |_| status);
    }
}

fn status(containers: Vec<Tree>, known: &LiveState) -> Map {
    let mut status = Map::new();
    set(
        &mut status,
        "containers",
        (!containers.is_empty()).then_some(Tree::List(containers)),
    );
    let failed = known.failed.as_ref().map(|failed| {
        tree([
            ("reason", Tree::text(failed.reason)),
            ("message", Tree::text(failed.message.as_str())),
            ("lastTransitionTime", micros(failed.at)),
        ])
    });
    set(&mut status, "failed", failed);
    status
}

fn container(state: &State, (resource, known): (&ResourceState, &LiveState), reached: &live::Reached) -> Tree {
    let live::Reached { pod, container } = reached;
    let fresh = Patched::default();
    let patched = known.containers.get(&container.id).unwrap_or(&fresh);
    let mut row = map([("containerName", Tree::text(&*container.name))]);
    set(
        &mut row,
        "containerID",
        (!container.id.is_empty()).then(|| Tree::text(&*container.id)),
    );
    row.push("podName", Tree::text(&*pod.name));
    row.push("namespace", Tree::text(&*pod.namespace));
    set(&mut row, "lastFileTimeSynced", patched.last_file.map(micros));
    set(&mut row, "lastExecError", patched.exec_error.as_deref().map(Tree::text));
    let waiting = waiting(state, resource, container).map(|(reason, message)| {
        let mut waiting = map([("reason", Tree::text(reason))]);
        set(
            &mut waiting,
            "message",
            (!message.is_empty()).then(|| Tree::text(message.as_str())),
        );
        Tree::Map(waiting)
    });
    set(&mut row, "waiting", waiting);
    Tree::Map(row)
}

/// Why nothing could be brought into a container at the moment.
fn waiting(state: &State, resource: &ResourceState, container: &Container) -> Option<(&'static str, String)> {
    if !container.is_running() {
        return Some(("ContainerWaiting", "the container does not run".to_owned()));
    }
    match state.agents.get(&*container.id).map(|agent| &agent.phase) {
        Some(AgentPhase::Starting) => Some((
            "ContainerWaiting",
            "the way into the container is being made".to_owned(),
        )),
        Some(AgentPhase::Delayed { error } | AgentPhase::Failed { error }) => Some(("ContainerWaiting", error.clone())),
        Some(AgentPhase::Ready { .. }) | None if live::waits_for_trigger(resource) => Some(("Trigger", String::new())),
        Some(AgentPhase::Ready { .. }) | None => None,
    }
}
