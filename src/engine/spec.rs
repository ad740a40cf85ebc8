//! Pure. Specs of objects as the values that the engine acts on.

use std::path::PathBuf;

use crate::model::command::{Command, Echo};
use crate::model::deployed::{LabelSelector, Operator, Requirement, Wanted, WatchRef};
use crate::model::filter::Ignore;
use crate::model::local::{Probe, ProbeAction};
use crate::model::port::PortForward;
use crate::model::tree::{Map, Tree};

pub fn text<'a>(map: &'a Map, field: &str) -> &'a str {
    map.get(field).and_then(Tree::as_text).unwrap_or_default()
}

pub fn texts(map: &Map, field: &str) -> Vec<String> {
    let list = map.get(field).and_then(Tree::as_list).unwrap_or_default();
    list.iter().filter_map(Tree::as_text).map(str::to_owned).collect()
}

pub fn int(map: &Map, field: &str) -> i32 {
    match map.get(field) {
        Some(Tree::Int(value)) => i32::try_from(*value).unwrap_or_default(),
        _ => 0,
    }
}

pub fn map<'a>(map: &'a Map, field: &str) -> Option<&'a Map> {
    map.get(field).and_then(Tree::as_map)
}

/// What a Cmd runs.
pub fn command(spec: &Map) -> Command {
    Command {
        argv: texts(spec, "args"),
        dir: PathBuf::from(text(spec, "dir")),
        env: texts(spec, "env"),
        echo: Echo::On,
    }
}

pub fn probe(spec: &Map) -> Option<Probe> {
    let probe = map(spec, "readinessProbe")?;
    Some(Probe {
        action: action(probe)?,
        initial_delay_secs: int(probe, "initialDelaySeconds"),
        timeout_secs: int(probe, "timeoutSeconds"),
        period_secs: int(probe, "periodSeconds"),
        success_threshold: int(probe, "successThreshold"),
        failure_threshold: int(probe, "failureThreshold"),
    })
}

fn action(probe: &Map) -> Option<ProbeAction> {
    if let Some(exec) = map(probe, "exec") {
        return Some(ProbeAction::Exec(texts(exec, "command")));
    }
    if let Some(get) = map(probe, "httpGet") {
        return Some(ProbeAction::HttpGet {
            host: text(get, "host").to_owned(),
            port: int(get, "port"),
            scheme: text(get, "scheme").to_owned(),
            path: text(get, "path").to_owned(),
            headers: headers(get),
        });
    }
    map(probe, "tcpSocket").map(|socket| ProbeAction::TcpSocket {
        host: text(socket, "host").to_owned(),
        port: int(socket, "port"),
    })
}

fn headers(get: &Map) -> Vec<(String, String)> {
    let list = get.get("httpHeaders").and_then(Tree::as_list).unwrap_or_default();
    let maps = list.iter().filter_map(Tree::as_map);
    maps.map(|header| (text(header, "name").to_owned(), text(header, "value").to_owned()))
        .collect()
}

pub fn ignores(spec: &Map) -> Vec<Ignore> {
    let list = spec.get("ignores").and_then(Tree::as_list).unwrap_or_default();
    let maps = list.iter().filter_map(Tree::as_map);
    maps.map(|ignore| Ignore::patterns(text(ignore, "basePath"), texts(ignore, "patterns")))
        .collect()
}

fn maps<'a>(map: &'a Map, field: &str) -> impl Iterator<Item = &'a Map> {
    let list = map.get(field).and_then(Tree::as_list).unwrap_or_default();
    list.iter().filter_map(Tree::as_map)
}

/// Which pods a KubernetesDiscovery is about.
pub fn wanted(spec: &Map, template_hashes: Vec<Box<str>>) -> Wanted {
    let watches = maps(spec, "watches").map(|watch| WatchRef {
        uid: text(watch, "uid").into(),
        namespace: text(watch, "namespace").into(),
        name: text(watch, "name").into(),
    });
    Wanted {
        watches: watches.collect(),
        selectors: maps(spec, "extraSelectors").map(selector).collect(),
        namespace: Box::default(),
        template_hashes,
    }
}

fn selector(selector: &Map) -> LabelSelector {
    let labels = map(selector, "matchLabels").into_iter().flat_map(Map::iter);
    let labels = labels.filter_map(|(key, value)| Some((key.into(), value.as_text()?.into())));
    let expressions = maps(selector, "matchExpressions").map(|requirement| Requirement {
        key: text(requirement, "key").into(),
        operator: match text(requirement, "operator") {
            "NotIn" => Operator::NotIn,
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            _ => Operator::In,
        },
        values: texts(requirement, "values").into_iter().map(Into::into).collect(),
    });
    LabelSelector {
        labels: labels.collect(),
        expressions: expressions.collect(),
    }
}

/// The ports of a PortForward, or of a template for one.
pub fn forwards(spec: &Map) -> Vec<PortForward> {
    let port = |forward: &Map, field| u16::try_from(int(forward, field)).unwrap_or_default();
    maps(spec, "forwards")
        .map(|forward| PortForward {
            local: port(forward, "localPort"),
            container: port(forward, "containerPort"),
            host: text(forward, "host").to_owned(),
            name: text(forward, "name").to_owned(),
            path: text(forward, "path").to_owned(),
        })
        .collect()
}

/// The ConfigMaps that decide whether an object is disabled: any one of them, or all of them together.
pub enum Disable<'a> {
    Any(Vec<Switch<'a>>),
    Every(Vec<Switch<'a>>),
}

/// A key of a ConfigMap.
pub struct Switch<'a> {
    pub config_map: &'a str,
    pub key: &'a str,
}

pub fn disable(spec: &Map) -> Option<Disable<'_>> {
    let source = map(spec, "disableSource")?;
    if let Some(one) = map(source, "configMap") {
        return Some(Disable::Any(vec![switch_of(one)]));
    }
    let every = source.get("everyConfigMap").and_then(Tree::as_list)?;
    Some(Disable::Every(
        every.iter().filter_map(Tree::as_map).map(switch_of).collect(),
    ))
}

fn switch_of(map: &Map) -> Switch<'_> {
    Switch {
        config_map: text(map, "name"),
        key: text(map, "key"),
    }
}
