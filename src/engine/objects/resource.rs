//! Pure. A resource as a UIResource shows it.

use crate::engine::fresh;
use crate::engine::objects::status::Before;
use crate::engine::objects::{declared, map, micros, set, tree};
use crate::engine::state::{Hold, Phase, Record, ResourceState, RuntimeStatus, UpdateStatus};
use crate::engine::workload;
use crate::model::link::Link;
use crate::model::object::API_VERSION;
use crate::model::project::{Target, TriggerMode};
use crate::model::time::Time;
use crate::model::tree::{Map, Tree};
use crate::model::workload::KubernetesTarget;

pub fn status(resource: &ResourceState, order: usize, before: &Before) -> Map {
    let (update, runtime) = (resource.update_status(), resource.runtime_status());
    let mut status = Map::new();
    set(&mut status, "lastDeployTime", resource.last_deploy.map(micros));
    status.push("triggerMode", Tree::Int(trigger_mode(resource.trigger_mode)));
    if !resource.history.is_empty() {
        status.push("buildHistory", Tree::List(resource.history.iter().map(build).collect()));
    }
    if let Some(running) = &resource.running {
        status.push(
            "currentBuild",
            tree([
                ("startTime", micros(running.started)),
                ("spanID", Tree::text(&*running.span)),
            ]),
        );
    }
    set(&mut status, "pendingBuildSince", pending_since(resource).map(micros));
    status.push("hasPendingChanges", Tree::Bool(!resource.pending.files.is_empty()));
    links(resource, &mut status);
    match &resource.declared.target {
        Target::Local(_) => status.push("localResourceInfo", local(resource)),
        Target::Kubernetes(target) => status.push("k8sResourceInfo", kubernetes(resource, target)),
        Target::Compose(_) => {}
    }
    status.push("runtimeStatus", Tree::text(runtime_word(runtime)));
    status.push("updateStatus", Tree::text(update_word(update)));
    status.push("specs", specs(resource));
    status.push("queued", Tree::Bool(resource.requested.is_some()));
    status.push("order", Tree::Int(order as i64));
    status.push("disableStatus", disable_status(resource));
    if let Some(hold) = resource.hold.as_ref().filter(|hold| is_waiting(hold)) {
        status.push("waiting", waiting(hold));
    }
    status.push("conditions", conditions(&judge(resource, update, runtime), before));
    status
}

pub fn trigger_mode(mode: TriggerMode) -> i64 {
    match mode {
        TriggerMode::Auto => 0,
        TriggerMode::ManualWithAutoInit => 1,
        TriggerMode::Manual => 2,
        TriggerMode::AutoWithManualInit => 3,
    }
}

pub fn build(record: &Record) -> Tree {
    let mut map = Map::new();
    set(&mut map, "error", record.error.as_deref().map(Tree::text));
    if !record.warnings.is_empty() {
        map.push("warnings", crate::engine::objects::texts(&record.warnings));
    }
    map.push("startTime", micros(record.started));
    map.push("finishTime", micros(record.finished));
    map.push("spanID", Tree::text(&*record.span));
    Tree::Map(map)
}

fn pending_since(resource: &ResourceState) -> Option<crate::model::time::Time> {
    let requested = resource.requested.as_ref().map(|requested| requested.at);
    [resource.pending.since, requested].into_iter().flatten().min()
}

fn links(resource: &ResourceState, status: &mut Map) {
    let links: &[Link] = match &resource.declared.target {
        Target::Local(local) => &local.links,
        Target::Kubernetes(target) => &target.links,
        Target::Compose(target) => &target.links,
    };
    let forwarded = resource.workload.links.iter().cloned();
    let declared = links.iter().map(|link| (link.url.to_string(), link.name.clone()));
    let links = forwarded.chain(declared).map(|(url, name)| {
        let mut map = map([("url", Tree::text(url))]);
        if !name.is_empty() {
            map.push("name", Tree::text(name));
        }
        Tree::Map(map)
    });
    let links: Vec<Tree> = links.collect();
    if !links.is_empty() {
        status.push("endpointLinks", Tree::List(links));
    }
}

/// What its newest pod does.
fn kubernetes(resource: &ResourceState, target: &KubernetesTarget) -> Tree {
    let mut shown = Map::new();
    let names = workload::display_names(target);
    if let Some(pod) = resource.workload.pod() {
        shown.push("podName", Tree::text(&*pod.name));
        let seconds = |time: Time| Tree::text(time.to_seconds_text());
        set(&mut shown, "podCreationTime", pod.created.map(seconds));
        set(&mut shown, "podUpdateStartTime", resource.last_deploy.map(seconds));
        shown.push("podStatus", Tree::text(&*pod.status));
        if !pod.errors.is_empty() {
            shown.push("podStatusMessage", Tree::text(pod.errors.join("\n")));
        }
        shown.push("allContainersReady", Tree::Bool(pod.is_ready()));
        set(
            &mut shown,
            "podRestarts",
            (pod.restarts() > 0).then(|| Tree::Int(pod.restarts().into())),
        );
        shown.push("spanID", Tree::text(format!("pod:{}:{}", resource.name(), pod.name)));
    }
    if !names.is_empty() {
        shown.push("displayNames", crate::engine::objects::texts(&names));
    }
    Tree::Map(shown)
}

fn local(resource: &ResourceState) -> Tree {
    let pid = match resource.serve.as_ref().map(|serve| &serve.process.phase) {
        Some(Phase::Running { pid, .. }) => i64::from(*pid),
        _ => 0,
    };
    tree([("pid", Tree::Int(pid))])
}

pub fn runtime_word(status: RuntimeStatus) -> &'static str {
    match status {
        RuntimeStatus::None => "none",
        RuntimeStatus::Unknown => "unknown",
        RuntimeStatus::Pending => "pending",
        RuntimeStatus::Ok => "ok",
        RuntimeStatus::Error => "error",
        RuntimeStatus::NotApplicable => "not_applicable",
    }
}

pub fn update_word(status: UpdateStatus) -> &'static str {
    match status {
        UpdateStatus::None => "none",
        UpdateStatus::Pending => "pending",
        UpdateStatus::InProgress => "in_progress",
        UpdateStatus::Ok => "ok",
        UpdateStatus::Error => "error",
        UpdateStatus::NotApplicable => "not_applicable",
    }
}

fn specs(resource: &ResourceState) -> Tree {
    let mut specs: Vec<Tree> = resource
        .declared
        .images
        .iter()
        .map(|image| {
            let mut map = map([
                ("id", Tree::text(format!("image:{}", image.image_map()))),
                ("type", Tree::text("image")),
            ]);
            if !image.live_update.is_empty() {
                map.push("hasLiveUpdate", Tree::Bool(true));
            }
            Tree::Map(map)
        })
        .collect();
    let kind = match resource.declared.target {
        Target::Local(_) => "local",
        Target::Kubernetes(_) => "k8s",
        Target::Compose(_) => "docker-compose",
    };
    specs.push(tree([
        ("id", Tree::text(format!("{kind}:{}", resource.name()))),
        ("type", Tree::text(kind)),
    ]));
    Tree::List(specs)
}

fn disable_status(resource: &ResourceState) -> Tree {
    let disabled = i64::from(!resource.enabled);
    tree([
        ("enabledCount", Tree::Int(1 - disabled)),
        ("disabledCount", Tree::Int(disabled)),
        (
            "state",
            Tree::text(if resource.enabled { "Enabled" } else { "Disabled" }),
        ),
        ("sources", Tree::List(vec![declared::switch_of(resource.name())])),
    ])
}

/// A hold that somebody else's doing will end; one that only the user ends is a state of its own.
fn is_waiting(hold: &Hold) -> bool {
    !matches!(hold, Hold::Manual { .. } | Hold::ManualInit | Hold::Disabled)
}

fn waiting(hold: &Hold) -> Tree {
    let mut map = map([("reason", Tree::text(hold.reason()))]);
    let on = hold.on().iter().map(|name| {
        tree([
            ("group", Tree::text("tilt.dev")),
            (
                "apiVersion",
                Tree::text(API_VERSION.rsplit('/').next().unwrap_or_default()),
            ),
            ("kind", Tree::text("UIResource")),
            ("name", Tree::text(&**name)),
        ])
    });
    let on: Vec<Tree> = on.collect();
    if !on.is_empty() {
        map.push("on", Tree::List(on));
    }
    Tree::Map(map)
}

/// A condition: whether it is true, why not, and what there is to say.
pub struct Condition {
    pub kind: &'static str,
    pub reason: Option<&'static str>,
    pub message: String,
}

fn judge(resource: &ResourceState, update: UpdateStatus, runtime: RuntimeStatus) -> [Condition; 3] {
    let update_reason = match update {
        _ if !resource.enabled => Some("Disabled"),
        UpdateStatus::Ok | UpdateStatus::NotApplicable => None,
        UpdateStatus::Error => Some("UpdateError"),
        UpdateStatus::Pending | UpdateStatus::InProgress => Some("UpdatePending"),
        UpdateStatus::None => Some("Unknown"),
    };
    let runtime_reason = match runtime {
        RuntimeStatus::Ok | RuntimeStatus::NotApplicable => None,
        RuntimeStatus::Error => Some("RuntimeError"),
        RuntimeStatus::Pending => Some("RuntimePending"),
        RuntimeStatus::Unknown | RuntimeStatus::None => Some("Unknown"),
    };
    let message = resource.hold.as_ref().map(Hold::to_string).unwrap_or_default();
    [
        Condition {
            kind: "UpToDate",
            reason: update_reason,
            message,
        },
        Condition {
            kind: "Ready",
            reason: update_reason.or(runtime_reason),
            message: String::new(),
        },
        fresh(resource),
    ]
}

/// Whether everything that was saved runs. Not of upstream's.
fn fresh(resource: &ResourceState) -> Condition {
    let (reason, message) = match fresh::why_not(resource) {
        Some(stale) => (Some(stale.reason), stale.message),
        None => (None, fresh::runs(resource).unwrap_or_default()),
    };
    Condition {
        kind: "Fresh",
        reason,
        message,
    }
}

/// Conditions with the time of their last change, which the object itself remembers.
pub fn conditions(conditions: &[Condition], before: &Before) -> Tree {
    let known = before
        .object
        .status
        .get("conditions")
        .and_then(Tree::as_list)
        .unwrap_or_default();
    let condition = |condition: &Condition| {
        let value = if condition.reason.is_none() { "True" } else { "False" };
        let same = known.iter().find(|known| {
            known.get("type").and_then(Tree::as_text) == Some(condition.kind)
                && known.get("status").and_then(Tree::as_text) == Some(value)
        });
        let since = same.and_then(|known| known.get("lastTransitionTime").cloned());
        let mut map = map([
            ("type", Tree::text(condition.kind)),
            ("status", Tree::text(value)),
            ("lastTransitionTime", since.unwrap_or_else(|| micros(before.now))),
        ]);
        set(&mut map, "reason", condition.reason.map(Tree::text));
        if !condition.message.is_empty() {
            map.push("message", Tree::text(condition.message.as_str()));
        }
        Tree::Map(map)
    };
    Tree::List(conditions.iter().map(condition).collect())
}
