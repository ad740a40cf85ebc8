//! Pure. How what is deployed to Kubernetes does, and which pods and ports follow from it.

use std::sync::Arc;

use crate::deploy::runtime::{self, Runtime};
use crate::engine::effect::{Effect, Span};
use crate::engine::live;
use crate::engine::objects::status::is_disabled;
use crate::engine::say::{self, span};
use crate::engine::state::{ApplyState, DiscoveryState, Name, ResourceState, State, Workload};
use crate::model::deployed::{Deployed, ObjectRef};
use crate::model::object::kinds::KUBERNETES_APPLY;
use crate::model::pod::Pod;
use crate::model::port::PortForward;
use crate::model::project::Target;
use crate::model::workload::{KubernetesTarget, Source};

pub fn target(resource: &ResourceState) -> Option<&KubernetesTarget> {
    match &resource.declared.target {
        Target::Kubernetes(target) => Some(target),
        Target::Compose(_) | Target::Local(_) => None,
    }
}

/// The hashes of the pod templates that were applied.
pub fn template_hashes(deployed: &Deployed) -> Vec<Box<str>> {
    let hashes = deployed.objects.iter().map(|object| object.template_hash.clone());
    hashes.filter(|hash| !hash.is_empty()).collect()
}

/// Works out anew how a resource does.
pub fn judge(state: &mut State, name: &Name, effects: &mut Vec<Effect>) {
    let now = state.now;
    let discovery = state.discoveries.get(name);
    let pods = discovery.map(|discovery| discovery.pods.clone()).unwrap_or_default();
    // What they lack is part of how they do.
    if state
        .resource(name)
        .is_some_and(|resource| target(resource).is_some() && resource.workload.pods != pods)
        && let Some(resource) = state.resource_mut(name)
    {
        resource.workload.pods = pods;
    }
    let Some(resource) = state.resource(name) else { return };
    let Some(target) = target(resource) else { return };
    let apply = state.applies.get(name).map(Arc::as_ref);
    let discovery = state.discoveries.get(name).map(Arc::as_ref);
    let runtime = runtime(target, apply, discovery).map(|runtime| match runtime {
        Runtime::Ok if live::is_behind(state, resource) => Runtime::Pending { why: None },
        runtime => runtime,
    });
    let before = &resource.workload;
    // Another reason to wait is no other state.
    let is_same = match (&before.runtime, &runtime) {
        (Some(before), Some(now)) => std::mem::discriminant(before) == std::mem::discriminant(now),
        (before, now) => before == now,
    };
    let since = match is_same {
        true => before.since,
        false => Some(now),
    };
    let is_ready = matches!(runtime, Some(Runtime::Ok | Runtime::NotApplicable));
    let last_ready = match is_ready && !is_same {
        true => Some(now),
        false => before.last_ready,
    };
    let span = span(format!("monitor:{name}"), name);
    effects.extend(told(before.runtime.as_ref(), runtime.as_ref(), &span));
    let next = Workload {
        runtime,
        pods: before.pods.clone(),
        since,
        last_ready,
        links: before.links.clone(),
    };
    if next == *before && (!is_ready || resource.ever_ready) {
        return;
    }
    if let Some(resource) = state.resource_mut(name) {
        resource.ever_ready |= is_ready && resource.last_deploy.is_some();
        resource.workload = next;
    }
}

/// What keeps the newest pod from being ready, where it can be told.
pub fn held_up(workload: &Workload) -> Option<String> {
    let pod = workload.pods.last()?;
    let unready = || {
        let mut containers = pod.containers.iter().filter(|container| !container.ready);
        containers
            .next()
            .map(|container| format!("container {} is not ready", container.name))
    };
    let why = match &workload.runtime {
        Some(Runtime::Pending { why: Some(why) }) => Some(why.clone()),
        _ => unready(),
    };
    Some(format!("pod {}: {}", pod.name, why?))
}

fn runtime(
    target: &KubernetesTarget,
    apply: Option<&ApplyState>,
    discovery: Option<&DiscoveryState>,
) -> Option<Runtime> {
    let deployed = apply?.deployed.as_ref()?;
    let pods: &[Arc<Pod>] = discovery.map(|discovery| discovery.pods.as_slice()).unwrap_or_default();
    Some(runtime::runtime(pods, target.readiness, deployed.is_complete))
}

/// What is told of a change for the worse.
fn told(before: Option<&Runtime>, now: Option<&Runtime>, span: &Span) -> Option<Effect> {
    if before == now {
        return None;
    }
    match now? {
        error @ Runtime::Error { .. } => Some(say::error(span, error.error()?)),
        Runtime::Pending { why } => Some(say::warn(span, why.clone()?)),
        Runtime::NotApplicable | Runtime::Ok => None,
    }
}

/// Brings the links of a resource up to date with where its ports are open.
pub fn relink(state: &mut State, name: &Name) {
    let Some(resource) = state.resource(name) else { return };
    let Some(target) = target(resource) else { return };
    let links = links(state, name, &target.port_forwards);
    if links != resource.workload.links
        && let Some(resource) = state.resource_mut(name)
    {
        resource.workload.links = links;
    }
}

fn links(state: &State, name: &Name, declared: &[PortForward]) -> Vec<(String, String)> {
    let open = state
        .forwards
        .get(name)
        .map(|forward| forward.ports.as_slice())
        .unwrap_or_default();
    let link = |(place, forward): (usize, &PortForward)| {
        let opened = open.get(place).map(|open| open.local).filter(|port| *port != 0);
        let port = opened.or(Some(forward.local).filter(|port| *port != 0))?;
        let host = match forward.host.as_str() {
            "" => state.session.forward_host(),
            host => host,
        };
        let path = forward.path.trim_start_matches('/');
        Some((format!("http://{host}:{port}/{path}"), forward.name.clone()))
    };
    declared.iter().enumerate().filter_map(link).collect()
}

/// The pod whose ports are forwarded: the newest one that is ready, else the newest one that runs.
pub fn forwarded(pods: &[Arc<Pod>]) -> Option<&Arc<Pod>> {
    let running = || pods.iter().rev().filter(|pod| pod.is_running() && !pod.deleting);
    running().find(|pod| pod.is_ready()).or_else(|| running().next())
}

/// Whether what an apply left is to stay.
pub fn is_wanted(state: &State, name: &str) -> bool {
    let object = state.table.get(&KUBERNETES_APPLY, name);
    object.is_some_and(|object| !is_disabled(&state.table, &object.spec))
}

/// Which resource is to deploy an object.
pub fn declaring(state: &State, object: &ObjectRef) -> Option<Name> {
    let is_its = |resource: &ResourceState| {
        let target = target(resource).filter(|_| resource.enabled);
        target.is_some_and(|target| target.objects.iter().any(|declared| declared.may_be(object)))
    };
    let mut resources = state.resources.iter();
    let found = resources.find(|(_, resource)| is_its(resource));
    found.map(|(name, _)| Arc::clone(name))
}

/// Whether somebody who is busy is about to delete, or to replace, something that a resource declares.
pub fn is_in_the_way(busy: &[(&Name, &ApplyState)], name: &str, target: &KubernetesTarget) -> bool {
    let is_shared = |left: &ObjectRef| target.objects.iter().any(|object| object.may_be(left));
    let mut others = busy.iter().filter(|(other, _)| ***other != *name);
    others.any(|(_, other)| other.left.iter().chain(&other.sought).any(is_shared))
}

/// What everybody but one deploys or means to deploy. Nothing of it is deleted by that one.
pub fn elsewhere(state: &State, except: &str) -> Arc<[ObjectRef]> {
    let namespace = state.cluster.connected().map(|connected| connected.namespace.as_str());
    let declared = state
        .resources
        .iter()
        .filter(|(name, resource)| resource.enabled && ***name != *except)
        .filter_map(|(_, resource)| target(resource))
        .flat_map(|target| target.objects.iter())
        .map(|object| match (&*object.namespace, namespace) {
            ("", Some(namespace)) => ObjectRef {
                namespace: namespace.into(),
                ..object.clone()
            },
            _ => object.clone(),
        });
    let applied = state
        .applies
        .iter()
        .filter(|(name, apply)| ***name != *except && apply.deployed.is_some() && is_wanted(state, name))
        .flat_map(|(_, apply)| apply.left.iter().cloned());
    declared.chain(applied).collect()
}

/// What a resource deploys, in the words that people are shown.
pub fn display_names(target: &KubernetesTarget) -> Vec<String> {
    match &target.source {
        Source::Yaml(_) => target.objects.iter().map(ObjectRef::display).collect(),
        Source::Custom { .. } => Vec::new(),
    }
}
