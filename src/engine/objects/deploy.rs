//! Pure. Deploys as objects: the cluster, what is applied to it, the pods that come of it, their logs and their ports.

use std::sync::Arc;

use crate::engine::objects::status::{disable_status, put_status};
use crate::engine::objects::{
    LOG_SPAN, MANAGED_BY, RESOURCE, TARGET_ID, declared, disable_source, map, micros, object, set, texts, tree,
};
use crate::engine::settle::deploy::BUILD_CONTROL;
use crate::engine::state::{ApplyState, ClusterState, DiscoveryState, ForwardState, MAIN, Session, State, StreamState};
use crate::engine::touched::{Names, Seen, owner};
use crate::model::cluster::{self, Connection};
use crate::model::command::Command;
use crate::model::digest;
use crate::model::duration::Duration;
use crate::model::object::Stored;
use crate::model::object::kinds::{
    CLUSTER, FILE_WATCH, KUBERNETES_APPLY, KUBERNETES_DISCOVERY, POD_LOG_STREAM, PORT_FORWARD,
};
use crate::model::pod::{Container, ContainerState, MESH, Pod, PodCondition};
use crate::model::port::PortForward;
use crate::model::project::{Project, Resource, Target};
use crate::model::settings::ServerSideApply;
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::model::workload::{DiscoveryStrategy, KubernetesTarget, Locator, ObjectSelector, Source};

/// The name of the session's Cluster.
pub const DEFAULT: &str = "default";

/// What a project stands for beyond its resources: a cluster, if any of them is deployed to one.
pub fn of_project(project: &Project) -> Option<Stored> {
    let is_deployed = |resource: &Resource| matches!(resource.target, Target::Kubernetes(_));
    let is_used = project.resources.iter().any(is_deployed);
    let Tree::Map(spec) = cluster::spec(project.settings.default_registry.as_ref()) else {
        return None;
    };
    is_used.then(|| object(&CLUSTER, DEFAULT, spec, [(RESOURCE, MAIN)]))
}

/// The objects that a resource stands for that is deployed to Kubernetes.
pub fn of_resource(session: &Session, project: &Project, resource: &Resource) -> Vec<Stored> {
    let Target::Kubernetes(target) = &resource.target else {
        return Vec::new();
    };
    let name = resource.name.as_str();
    let span = format!("kubernetesapply:{name}");
    let about = [(LOG_SPAN, span.as_str()), (MANAGED_BY, BUILD_CONTROL), (RESOURCE, name)];
    let spec = apply_spec(session, project, name, target);
    let apply = object(&KUBERNETES_APPLY, name, spec, about);
    [Some(apply), watch(project, name, target)]
        .into_iter()
        .flatten()
        .collect()
}

/// What deploys again when it changes.
fn watch(project: &Project, name: &str, target: &KubernetesTarget) -> Option<Stored> {
    let Source::Custom { deps, .. } = &target.source else {
        return None;
    };
    if deps.is_empty() {
        return None;
    }
    let ignores = [declared::all_ignores(project), target.watch_ignores.clone()].concat();
    let mut spec = declared::watch_spec(deps, &ignores);
    spec.insert("disableSource", disable_source(name));
    let id = watch_target(name);
    let about = [(RESOURCE, name), (TARGET_ID, id.as_str())];
    Some(object(&FILE_WATCH, &digest::object_name(&id), spec, about))
}

pub fn watch_target(resource: &str) -> String {
    format!("k8s:{resource}")
}

fn apply_spec(session: &Session, project: &Project, name: &str, target: &KubernetesTarget) -> Map {
    let mut spec = map([("cluster", Tree::text(DEFAULT))]);
    match &target.source {
        Source::Yaml(yaml) => spec.push("yaml", Tree::text(yaml.as_str())),
        Source::Custom { apply, delete, deps } => {
            spec.push("applyCmd", command(apply));
            spec.push("deleteCmd", command(delete));
            if !deps.is_empty() {
                let watch = digest::object_name(&watch_target(name));
                spec.push("restartOn", tree([("fileWatches", texts([watch]))]));
            }
        }
    }
    spec.push("disableSource", disable_source(name));
    match target.discovery {
        DiscoveryStrategy::Unset => {}
        DiscoveryStrategy::Default => spec.push("discoveryStrategy", Tree::text("default")),
        DiscoveryStrategy::SelectorsOnly => spec.push("discoveryStrategy", Tree::text("selectors-only")),
    }
    if !target.image_locators.is_empty() {
        spec.push(
            "imageLocators",
            Tree::List(target.image_locators.iter().map(locator).collect()),
        );
    }
    if !target.image_maps.is_empty() {
        spec.push("imageMaps", texts(&target.image_maps));
    }
    if !target.extra_selectors.is_empty() {
        let selectors = target.extra_selectors.iter().map(|labels| {
            let labels = labels
                .iter()
                .map(|(key, value)| (key.as_str().into(), Tree::text(value.as_str())));
            tree([("matchLabels", Tree::Map(labels.collect()))])
        });
        let template = tree([("extraSelectors", Tree::List(selectors.collect()))]);
        spec.push("kubernetesDiscoveryTemplateSpec", template);
    }
    let stream = tree([
        ("ignoreContainers", texts(MESH)),
        ("sinceTime", Tree::text(session.started.to_seconds_text())),
    ]);
    spec.push("podLogStreamTemplateSpec", stream);
    if !target.port_forwards.is_empty() {
        let forwards = target
            .port_forwards
            .iter()
            .map(|forward| forward_spec(session, forward));
        spec.push(
            "portForwardTemplateSpec",
            tree([("forwards", Tree::List(forwards.collect()))]),
        );
    }
    if project.settings.update.server_side_apply == ServerSideApply::Always {
        spec.push("serverSideApply", Tree::Bool(true));
    }
    spec.push("timeout", Tree::text(Duration::from_std(target.timeout).to_string()));
    spec
}

fn command(command: &Command) -> Tree {
    let mut map = map([
        ("args", texts(&command.argv)),
        ("dir", Tree::text(command.dir.to_string_lossy().as_ref())),
    ]);
    if !command.env.is_empty() {
        map.push("env", texts(&command.env));
    }
    Tree::Map(map)
}

fn locator(locator: &Locator) -> Tree {
    let ObjectSelector {
        api_version,
        kind,
        name,
        namespace,
    } = &locator.selector;
    let mut selector = Map::new();
    for (field, value) in [
        ("apiVersionRegexp", api_version),
        ("kindRegexp", kind),
        ("nameRegexp", name),
        ("namespaceRegexp", namespace),
    ] {
        set(
            &mut selector,
            field,
            (!value.is_empty()).then(|| Tree::text(value.as_str())),
        );
    }
    let mut map = map([
        ("objectSelector", Tree::Map(selector)),
        ("path", Tree::text(locator.path.as_str())),
    ]);
    let fields = locator.object.as_ref().map(|(repo, tag)| {
        tree([
            ("repoField", Tree::text(repo.as_str())),
            ("tagField", Tree::text(tag.as_str())),
        ])
    });
    set(&mut map, "object", fields);
    Tree::Map(map)
}

fn forward_spec(session: &Session, forward: &PortForward) -> Tree {
    let host = match forward.host.as_str() {
        "" => session.forward_host(),
        given => given,
    };
    let mut map = map([
        ("containerPort", Tree::Int(forward.container.into())),
        ("host", Tree::text(host)),
    ]);
    set(
        &mut map,
        "localPort",
        (forward.local != 0).then(|| Tree::Int(forward.local.into())),
    );
    set(
        &mut map,
        "name",
        (!forward.name.is_empty()).then(|| Tree::text(forward.name.as_str())),
    );
    set(
        &mut map,
        "path",
        (!forward.path.is_empty()).then(|| Tree::text(forward.path.as_str())),
    );
    Tree::Map(map)
}

/// What the table says already.
#[derive(Debug, Default)]
pub struct Shown {
    cluster: Option<Arc<ClusterState>>,
    deploys: Seen,
}

impl Shown {
    /// The objects of clusters are others than before.
    pub fn forget_cluster(&mut self) {
        self.cluster = None;
    }
}

/// Brings the objects up to date with the state.
pub fn project(state: &mut State, shown: &mut Shown) {
    let is_shown = shown
        .cluster
        .as_ref()
        .is_some_and(|known| Arc::ptr_eq(known, &state.cluster));
    if !is_shown {
        let cluster = Arc::clone(&state.cluster);
        put_status(state, &CLUSTER, DEFAULT, |_| cluster_status(&cluster));
        shown.cluster = Some(cluster);
    }
    let touched = shown.deploys.touched(state);
    for name in &touched {
        project_one(state, name);
    }
    forwards(state, &touched);
    shown.deploys = Seen::of(state);
}

fn project_one(state: &mut State, name: &str) {
    let disabled = disable_status(state, &KUBERNETES_APPLY, name);
    let apply = state.applies.get(name).map(Arc::clone);
    put_status(state, &KUBERNETES_APPLY, name, |_| match apply {
        Some(apply) => apply_status(&apply, disabled),
        // What was never applied says at least whether it is disabled.
        None => disabled
            .map(|disabled| map([("disableStatus", disabled)]))
            .unwrap_or_default(),
    });
    if let Some(discovery) = state.discoveries.get(name).map(Arc::clone) {
        put_status(state, &KUBERNETES_DISCOVERY, name, |_| discovery_status(&discovery));
    }
    if let Some(stream) = state.streams.get(name).map(Arc::clone) {
        put_status(state, &POD_LOG_STREAM, name, |_| stream_status(&stream));
    }
}

fn cluster_status(cluster: &ClusterState) -> Map {
    let status = match cluster {
        ClusterState::Unknown => return Map::new(),
        ClusterState::Connected(connected) => cluster::status(
            &connected.facts,
            &Connection {
                context: &connected.context,
                cluster: &connected.cluster,
                namespace: &connected.namespace,
                product: connected.product,
                config_path: &connected.config_path,
                connected_at: connected.at,
            },
        ),
        ClusterState::Failed { error, .. } | ClusterState::Moved { error } => cluster::failed_status(error),
    };
    match status {
        Tree::Map(status) => status,
        _ => Map::new(),
    }
}

fn apply_status(apply: &ApplyState, disabled: Option<Tree>) -> Map {
    let mut status = Map::new();
    if let Some(deployed) = &apply.deployed {
        status.push("appliedInputHash", Tree::text(deployed.hash.as_str()));
        status.push("resultYAML", Tree::text(deployed.yaml.as_str()));
        if deployed.is_complete {
            let at = apply.finished.unwrap_or_default().to_seconds_text();
            let condition = tree([
                ("lastTransitionTime", Tree::text(at)),
                ("message", Tree::text("")),
                ("reason", Tree::text("JobComplete")),
                ("status", Tree::text("True")),
                ("type", Tree::text("JobComplete")),
            ]);
            status.push("conditions", Tree::List(vec![condition]));
        }
    }
    set(&mut status, "disableStatus", disabled);
    set(&mut status, "error", apply.error.as_deref().map(Tree::text));
    set(&mut status, "lastApplyStartTime", apply.started.map(micros));
    set(&mut status, "lastApplyTime", apply.finished.map(micros));
    status
}

fn discovery_status(discovery: &DiscoveryState) -> Map {
    let mut status = Map::new();
    set(&mut status, "monitorStartTime", discovery.started.map(micros));
    status.push(
        "pods",
        Tree::List(discovery.pods.iter().map(|pod| pod_tree(pod)).collect()),
    );
    match (&discovery.error, discovery.started) {
        (Some(error), _) => status.push("waiting", tree([("reason", Tree::text(error.as_str()))])),
        (None, Some(started)) => status.push("running", tree([("startTime", micros(started))])),
        (None, None) => {}
    }
    status
}

fn pod_tree(pod: &Pod) -> Tree {
    let mut map = map([
        ("ancestorUID", Tree::text(&*pod.ancestor)),
        ("conditions", Tree::List(pod.conditions.iter().map(condition).collect())),
        ("containers", Tree::List(pod.containers.iter().map(container).collect())),
        ("createdAt", seconds(pod.created)),
        ("deleting", Tree::Bool(pod.deleting)),
        ("errors", texts(&pod.errors)),
    ]);
    if !pod.init_containers.is_empty() {
        map.push(
            "initContainers",
            Tree::List(pod.init_containers.iter().map(container).collect()),
        );
    }
    map.push("name", Tree::text(&*pod.name));
    map.push("namespace", Tree::text(&*pod.namespace));
    let owner = pod.owner.as_ref().map(|owner| {
        tree([
            ("apiVersion", Tree::text(&*owner.api_version)),
            ("creationTimestamp", seconds(owner.created)),
            ("kind", Tree::text(&*owner.kind)),
            ("name", Tree::text(&*owner.name)),
        ])
    });
    set(&mut map, "owner", owner);
    map.push("phase", Tree::text(&*pod.phase));
    text(&mut map, "podTemplateSpecHash", &pod.template_hash);
    map.push("status", Tree::text(&*pod.status));
    map.push("uid", Tree::text(&*pod.uid));
    Tree::Map(map)
}

fn seconds(time: Option<Time>) -> Tree {
    time.map_or(Tree::Null, |time| Tree::text(time.to_seconds_text()))
}

fn text(map: &mut Map, field: &str, value: &str) {
    set(map, field, (!value.is_empty()).then(|| Tree::text(value)));
}

fn condition(condition: &PodCondition) -> Tree {
    let mut map = Map::new();
    set(
        &mut map,
        "lastTransitionTime",
        condition.since.map(|since| seconds(Some(since))),
    );
    text(&mut map, "message", &condition.message);
    text(&mut map, "reason", &condition.reason);
    map.push("status", Tree::text(&*condition.status));
    map.push("type", Tree::text(&*condition.kind));
    Tree::Map(map)
}

fn container(container: &Container) -> Tree {
    let ports = container.ports.iter().map(|port| Tree::Int((*port).into()));
    tree([
        ("id", Tree::text(&*container.id)),
        ("image", Tree::text(&*container.image)),
        ("name", Tree::text(&*container.name)),
        ("ports", Tree::List(ports.collect())),
        ("ready", Tree::Bool(container.ready)),
        ("restarts", Tree::Int(container.restarts.into())),
        ("state", container_state(&container.state)),
    ])
}

fn container_state(state: &ContainerState) -> Tree {
    let (mut running, mut terminated, mut waiting) = (Tree::Null, Tree::Null, Tree::Null);
    match state {
        ContainerState::Unknown => {}
        ContainerState::Waiting { reason, .. } => waiting = tree([("reason", Tree::text(&**reason))]),
        ContainerState::Running { started } => running = tree([("startedAt", seconds(*started))]),
        ContainerState::Terminated {
            reason,
            exit_code,
            started,
            finished,
            ..
        } => {
            terminated = tree([
                ("exitCode", Tree::Int((*exit_code).into())),
                ("finishedAt", seconds(*finished)),
                ("reason", Tree::text(&**reason)),
                ("startedAt", seconds(*started)),
            ]);
        }
    }
    tree([("running", running), ("terminated", terminated), ("waiting", waiting)])
}

fn stream_status(stream: &StreamState) -> Map {
    let containers = stream.containers.iter().map(|container| {
        let mut map = map([("name", Tree::text(container.name.as_str()))]);
        set(&mut map, "active", container.active.then_some(Tree::Bool(true)));
        set(&mut map, "terminated", container.terminated.then_some(Tree::Bool(true)));
        text(&mut map, "error", &container.error);
        Tree::Map(map)
    });
    let containers: Vec<Tree> = containers.collect();
    let mut status = Map::new();
    if !containers.is_empty() {
        status.push("containerStatuses", Tree::List(containers));
    }
    text(&mut status, "error", &stream.error);
    status
}

/// The ports are open as long as the pods of one discovery are looked for; the object is that of the pod they lead into now.
fn forwards(state: &mut State, touched: &Names) {
    let touched = |object: &Arc<Stored>| {
        let name = owner(object).unwrap_or(&object.name);
        let forward = state.forwards.get(name).filter(|_| touched.contains(name))?;
        Some((object.name.clone(), Arc::clone(forward)))
    };
    let forwards: Vec<(Box<str>, Arc<ForwardState>)> = state.table.list(&PORT_FORWARD).filter_map(touched).collect();
    for (name, forward) in forwards {
        put_status(state, &PORT_FORWARD, &name, |_| forward_status(&forward));
    }
}

fn forward_status(forward: &ForwardState) -> Map {
    let ports = forward.ports.iter().map(|port| {
        let mut map = map([
            ("addresses", texts(&port.addresses)),
            ("containerPort", Tree::Int(port.container.into())),
        ]);
        text(&mut map, "error", &port.error);
        map.push("localPort", Tree::Int(port.local.into()));
        set(&mut map, "startedAt", port.started.map(micros));
        Tree::Map(map)
    });
    map([("forwardStatuses", Tree::List(ports.collect()))])
}
