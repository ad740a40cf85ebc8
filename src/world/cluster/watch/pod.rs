//! A pod as it comes over the wire, and the pod that is made of it. Only what is needed is read: whatever else a cluster
//! of another version tells is left alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::source::Metadata;
use crate::model::pod::{
    Container, ContainerState, LastRun, Pod, PodCondition, PodOwner, RestartPolicy, TEMPLATE_HASH, column, trouble,
};
use crate::model::time::Time;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WirePod {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    restart_policy: String,
    #[serde(deserialize_with = "or_default")]
    containers: Vec<Declared>,
    #[serde(deserialize_with = "or_default")]
    init_containers: Vec<Declared>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Declared {
    name: String,
    image: String,
    restart_policy: String,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    container_port: u16,
    protocol: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    reason: String,
    message: String,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<Told>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<Told>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    r#type: String,
    status: String,
    reason: String,
    message: String,
    last_transition_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    name: String,
    #[serde(rename = "containerID")]
    container_id: String,
    image: String,
    ready: bool,
    restart_count: i32,
    #[serde(deserialize_with = "or_default")]
    state: State,
    #[serde(deserialize_with = "or_default")]
    last_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Option<Moment>,
    running: Option<Moment>,
    terminated: Option<Moment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Moment {
    reason: String,
    message: String,
    exit_code: i32,
    signal: i32,
    started_at: Option<String>,
    finished_at: Option<String>,
    #[serde(rename = "containerID")]
    container_id: String,
}

/// Go writes lists and objects that hold nothing as null.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

pub fn time(text: &Option<String>) -> Option<Time> {
    text.as_deref().and_then(Time::parse)
}

impl WirePod {
    pub fn read(self) -> Pod {
        let WirePod { metadata, spec, status } = self;
        let mut pod = Pod {
            created: time(&metadata.creation_timestamp),
            deleting: metadata.deletion_timestamp.is_some(),
            restart: restart(&spec.restart_policy),
            phase: status.phase.as_str().into(),
            conditions: status.conditions.into_iter().map(condition).collect(),
            init_containers: containers(&spec.init_containers, &status.init_container_statuses),
            containers: containers(&spec.containers, &status.container_statuses),
            template_hash: metadata.labels.get(TEMPLATE_HASH).cloned().unwrap_or_default().into(),
            owner: metadata.controller().map(|owner| owner.read()),
            uid: metadata.uid.into(),
            name: metadata.name.into(),
            namespace: metadata.namespace.into(),
            labels: labels(metadata.labels),
            ..Pod::default()
        };
        let sidecars = spec
            .init_containers
            .iter()
            .filter(|declared| declared.restart_policy == "Always");
        let sidecars: Vec<&str> = sidecars.map(|declared| declared.name.as_str()).collect();
        let told = status.init_container_statuses.iter().chain(&status.container_statuses);
        let signals = told.filter_map(|told| Some((told.name.as_str(), told.state.terminated.as_ref()?.signal)));
        let signals: Vec<(&str, i32)> = signals.collect();
        let hints = column::Hints {
            reason: &status.reason,
            sidecars: &sidecars,
            signals: &signals,
        };
        pod.status = column::status(&pod, hints).into();
        pod.errors = trouble::of(&pod, &status.reason, &status.message);
        pod
    }
}

fn restart(policy: &str) -> RestartPolicy {
    match policy {
        "Never" => RestartPolicy::Never,
        "OnFailure" => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    }
}

fn labels(labels: BTreeMap<String, String>) -> Vec<(Box<str>, Box<str>)> {
    labels
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

fn condition(condition: Condition) -> PodCondition {
    PodCondition {
        since: time(&condition.last_transition_time),
        kind: condition.r#type.into(),
        status: condition.status.into(),
        reason: condition.reason.into(),
        message: condition.message.into(),
    }
}

/// As they are declared: what is told of them comes in any order, and late.
fn containers(declared: &[Declared], told: &[Told]) -> Vec<Container> {
    let of = |declared: &Declared| {
        let told = told.iter().find(|told| told.name == declared.name);
        let ports = declared
            .ports
            .iter()
            .filter(|port| port.protocol.is_empty() || port.protocol == "TCP");
        let mut container = told.map(container).unwrap_or_default();
        container.name = declared.name.as_str().into();
        // What the runtime says may be a digest or another name of it.
        container.image = declared.image.as_str().into();
        container.ports = ports.map(|port| port.container_port).collect();
        container
    };
    declared.iter().map(of).collect()
}

fn container(told: &Told) -> Container {
    Container {
        name: told.name.as_str().into(),
        id: without_runtime(&told.container_id),
        image: told.image.as_str().into(),
        ready: told.ready,
        restarts: told.restart_count,
        ports: Vec::new(),
        state: state(&told.state),
        last: told.last_state.terminated.as_ref().map(last),
    }
}

fn without_runtime(id: &str) -> Box<str> {
    id.split_once("://").map_or(id, |(_, id)| id).into()
}

fn last(moment: &Moment) -> LastRun {
    LastRun {
        id: without_runtime(&moment.container_id),
        reason: moment.reason.as_str().into(),
        message: moment.message.as_str().into(),
        exit_code: moment.exit_code,
        finished: time(&moment.finished_at),
    }
}

fn state(state: &State) -> ContainerState {
    if let Some(moment) = &state.terminated {
        return ContainerState::Terminated {
            reason: moment.reason.as_str().into(),
            message: moment.message.as_str().into(),
            exit_code: moment.exit_code,
            started: time(&moment.started_at),
            finished: time(&moment.finished_at),
        };
    }
    if let Some(moment) = &state.running {
        let started = time(&moment.started_at);
        return ContainerState::Running { started };
    }
    state
        .waiting
        .as_ref()
        .map_or(ContainerState::Unknown, |moment| ContainerState::Waiting {
            reason: moment.reason.as_str().into(),
            message: moment.message.as_str().into(),
        })
}

/// A reference to an owner, without what only the owner itself tells.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    pub controller: bool,
}

impl OwnerReference {
    fn read(&self) -> PodOwner {
        PodOwner {
            api_version: self.api_version.as_str().into(),
            kind: self.kind.as_str().into(),
            name: self.name.as_str().into(),
            uid: self.uid.as_str().into(),
            created: None,
        }
    }
}

impl Metadata {
    pub fn owner(&self) -> Option<PodOwner> {
        self.controller().map(OwnerReference::read)
    }
}
