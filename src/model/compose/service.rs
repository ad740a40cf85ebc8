//! Pure. One service of what `docker compose config` printed. Compose 2 prints the long forms only; Compose 1 also short ones.

use super::{Build, Dependency, Port, Service, ShapeError, Volume};
use crate::model::tree::Tree;

pub fn read(name: &str, tree: &Tree) -> Result<Service, ShapeError> {
    if tree.as_map().is_none() {
        return Err(ShapeError::NotAMap {
            service: name.to_owned(),
            found: tree.type_name(),
        });
    }
    Ok(Service {
        name: name.to_owned(),
        image: tree.get("image").map(scalar).filter(|image| !image.is_empty()),
        build: tree.get("build").filter(|build| !build.is_null()).map(build),
        depends_on: pairs(tree.get("depends_on"), dependency),
        ports: read_ports(name, tree)?,
        volumes: items(tree.get("volumes")).iter().map(volume).collect(),
        env_files: Vec::new(),
        labels: pairs(tree.get("labels"), |key, value| {
            (key.to_owned(), value.map(scalar).unwrap_or_default())
        }),
        profiles: texts(tree.get("profiles")),
        yaml: String::new(),
    })
}

fn build(tree: &Tree) -> Build {
    let text = |key: &str| tree.get(key).map(scalar).unwrap_or_default();
    if let Some(context) = tree.as_text() {
        return Build {
            context: context.to_owned(),
            dockerfile: "Dockerfile".to_owned(),
            ..Build::default()
        };
    }
    Build {
        context: text("context"),
        dockerfile: text("dockerfile"),
        dockerfile_inline: tree.get("dockerfile_inline").map(scalar),
        target: text("target"),
        args: pairs(tree.get("args"), assignment),
        additional_contexts: pairs(tree.get("additional_contexts"), |key, value| {
            (key.to_owned(), value.map(scalar).unwrap_or_default())
        }),
        ssh: texts(tree.get("ssh")),
        secrets: items(tree.get("secrets")).iter().map(source_of).collect(),
        network: text("network"),
        cache_from: texts(tree.get("cache_from")),
        platforms: texts(tree.get("platforms")),
    }
}

fn dependency(service: &str, value: Option<&Tree>) -> Dependency {
    let condition = value.and_then(|value| value.get("condition")).map(scalar);
    Dependency {
        service: service.to_owned(),
        condition: condition.unwrap_or_else(|| "service_started".to_owned()),
    }
}

fn assignment(name: &str, value: Option<&Tree>) -> String {
    match value {
        Some(Tree::Null) | None => name.to_owned(),
        Some(value) => format!("{name}={}", scalar(value)),
    }
}

fn source_of(entry: &Tree) -> String {
    scalar(entry.get("source").unwrap_or(entry))
}

fn read_ports(service: &str, tree: &Tree) -> Result<Vec<Port>, ShapeError> {
    let ports = items(tree.get("ports")).iter();
    ports
        .map(|entry| {
            port(entry).ok_or_else(|| ShapeError::Field {
                service: service.to_owned(),
                field: "ports",
                found: format!("{entry:?}"),
            })
        })
        .collect()
}

fn port(entry: &Tree) -> Option<Port> {
    if entry.as_map().is_none() {
        return short_port(&scalar(entry));
    }
    let text = |key: &str| entry.get(key).map(scalar).unwrap_or_default();
    Some(Port {
        target: text("target").parse().ok()?,
        published: text("published"),
        host_ip: text("host_ip"),
        protocol: text("protocol"),
    })
}

/// `[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]`
fn short_port(text: &str) -> Option<Port> {
    let (address, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let (host, target) = address.rsplit_once(':').unwrap_or(("", address));
    let (host_ip, published) = host.rsplit_once(':').unwrap_or(("", host));
    Some(Port {
        target: target.parse().ok()?,
        published: published.to_owned(),
        host_ip: host_ip.to_owned(),
        protocol: protocol.to_owned(),
    })
}

fn volume(entry: &Tree) -> Volume {
    if entry.as_map().is_none() {
        return short_volume(&scalar(entry));
    }
    let text = |key: &str| entry.get(key).map(scalar).unwrap_or_default();
    Volume {
        kind: text("type"),
        source: text("source"),
        target: text("target"),
    }
}

/// `[SOURCE:]TARGET[:MODE]`; what looks like a path is one of this machine.
fn short_volume(text: &str) -> Volume {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let (source, target) = parts.next().map_or(("", first), |second| (first, second));
    let kind = if source.starts_with(['/', '.', '~']) {
        "bind"
    } else {
        "volume"
    };
    Volume {
        kind: kind.to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
    }
}

fn items(tree: Option<&Tree>) -> &[Tree] {
    tree.and_then(Tree::as_list).unwrap_or_default()
}

fn texts(tree: Option<&Tree>) -> Vec<String> {
    items(tree).iter().map(scalar).collect()
}

/// A map's entries, or a list's `NAME` and `NAME=value` items.
fn pairs<T>(tree: Option<&Tree>, of: impl Fn(&str, Option<&Tree>) -> T) -> Vec<T> {
    if let Some(map) = tree.and_then(Tree::as_map) {
        return map.iter().map(|(key, value)| of(key, Some(value))).collect();
    }
    let of_item = |item: &Tree| {
        let item = scalar(item);
        match item.split_once('=') {
            Some((name, value)) => of(name, Some(&Tree::text(value))),
            None => of(&item, None),
        }
    };
    items(tree).iter().map(of_item).collect()
}

fn scalar(tree: &Tree) -> String {
    match tree {
        Tree::Text(text) | Tree::Big(text) => text.to_string(),
        Tree::Int(number) => number.to_string(),
        Tree::Float(number) => number.to_string(),
        Tree::Bool(value) => value.to_string(),
        Tree::Null | Tree::List(_) | Tree::Map(_) => String::new(),
    }
}
