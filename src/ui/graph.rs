//! Pure. A project as a picture in text: what is built from what, what is deployed, and who waits for whom.

use std::collections::{HashMap, HashSet};

use crate::model::build::{ImageTarget, Recipe};
use crate::model::command::Command;
use crate::model::link::Link;
use crate::model::local::LocalTarget;
use crate::model::port::PortForward;
use crate::model::project::{Project, Resource, Target, TriggerMode};
use crate::model::suggest::counted;
use crate::model::tree::Tree;
use crate::model::workload::{KubernetesTarget, Source};
use crate::model::yaml;
use crate::ui::style::Style;

/// More objects of a kind than this are counted rather than named.
const NAMED: usize = 2;

/// Every resource with its images, its target and what it waits for; those that others wait for come first.
pub fn tree(project: &Project, style: Style) -> String {
    if project.resources.is_empty() {
        return "no resources: k8s_yaml(), docker_compose() and local_resource() declare them\n".to_owned();
    }
    let mut out = String::new();
    for resource in in_order_of_start(&project.resources) {
        out.push_str(&heading(project, resource, style));
        draw(&lines(resource), "", style, &mut out);
        out.push('\n');
    }
    out.push_str(&summary(project));
    out
}

fn summary(project: &Project) -> String {
    let images: HashSet<String> = project
        .resources
        .iter()
        .flat_map(|resource| resource.images.iter().map(|image| image.selector.to_string()))
        .collect();
    let mut parts = vec![counted(project.resources.len(), "resource")];
    if project.enabled.len() < project.resources.len() {
        parts.push(format!("{} enabled", project.enabled.len()));
    }
    if !images.is_empty() {
        parts.push(counted(images.len(), "image"));
    }
    format!("{}\n", parts.join(", "))
}

/// By definition, except that what a resource waits for stands before it.
fn in_order_of_start(resources: &[Resource]) -> Vec<&Resource> {
    let by_name: HashMap<&str, &Resource> = resources
        .iter()
        .map(|resource| (resource.name.as_str(), resource))
        .collect();
    let mut seen = HashSet::new();
    let mut order = Vec::with_capacity(resources.len());
    for resource in resources {
        let mut path = vec![(resource, false)];
        while let Some((next, has_followed)) = path.pop() {
            if has_followed {
                order.push(next);
            } else if seen.insert(next.name.as_str()) {
                path.push((next, true));
                let deps = next.deps.iter().rev().filter_map(|dep| by_name.get(dep.as_str()));
                path.extend(deps.map(|dep| (*dep, false)));
            }
        }
    }
    order
}

fn heading(project: &Project, resource: &Resource, style: Style) -> String {
    let mut notes: Vec<String> = resource.labels.iter().map(|label| format!("#{label}")).collect();
    notes.extend(match resource.trigger {
        TriggerMode::Auto => None,
        TriggerMode::ManualWithAutoInit => Some("manual".to_owned()),
        TriggerMode::Manual => Some("manual, not started".to_owned()),
        TriggerMode::AutoWithManualInit => Some("not started".to_owned()),
    });
    if !project.enabled.contains(&resource.name) {
        notes.push("disabled".to_owned());
    }
    let notes: String = notes.iter().map(|note| format!("  {}", style.faint(note))).collect();
    format!("{}{notes}\n", style.bold(&resource.name))
}

/// A line of the picture, with those that hang below it.
struct Line {
    what: &'static str,
    text: String,
    below: Vec<Line>,
}

impl Line {
    fn new(what: &'static str, text: impl Into<String>) -> Line {
        let (text, below) = (text.into(), Vec::new());
        Line { what, text, below }
    }
}

fn draw(lines: &[Line], indent: &str, style: Style, out: &mut String) {
    let width = lines.iter().map(|line| line.what.len()).max().unwrap_or_default();
    for (index, line) in lines.iter().enumerate() {
        let (branch, below) = match index + 1 == lines.len() {
            true => ("└─", "   "),
            false => ("├─", "│  "),
        };
        let branch = style.faint(&format!("{indent}{branch} {:width$}", line.what));
        out.push_str(&format!("{branch}  {}\n", line.text));
        draw(&line.below, &format!("{indent}{below}"), style, out);
    }
}

fn lines(resource: &Resource) -> Vec<Line> {
    let mut lines = Vec::new();
    if !resource.deps.is_empty() {
        lines.push(Line::new("after", resource.deps.join(", ")));
    }
    lines.extend(images(&resource.images));
    match &resource.target {
        Target::Kubernetes(target) => kubernetes(target, &mut lines),
        Target::Compose(target) => {
            let text = format!("service {} of {}", target.service, target.project.name);
            lines.push(Line::new("compose", text));
            links(&target.links, &mut lines);
        }
        Target::Local(target) => local(target, &mut lines),
    }
    lines
}

/// The images that are deployed; each has those that it is built from below it.
fn images(images: &[ImageTarget]) -> Vec<Line> {
    let bases: HashSet<&str> = images
        .iter()
        .flat_map(|image| image.image_deps.iter().map(String::as_str))
        .collect();
    let deployed = images
        .iter()
        .filter(|image| !bases.contains(image.image_map().as_str()));
    let mut shown = HashSet::new();
    deployed
        .map(|image| image_line("image", image, images, &mut shown))
        .collect()
}

/// An image that several others are built from has its own line each time, what it is built from only once.
fn image_line<'i>(
    what: &'static str,
    image: &'i ImageTarget,
    all: &'i [ImageTarget],
    shown: &mut HashSet<&'i str>,
) -> Line {
    let how = match &image.recipe {
        Recipe::Docker(_) => "docker",
        Recipe::Custom(_) => "custom",
        Recipe::Pack(_) => "pack",
        Recipe::Compose(_) => "compose",
    };
    let live = if image.live_update.is_empty() {
        ""
    } else {
        ", live update"
    };
    let mut below = Vec::new();
    for name in &image.image_deps {
        let base = all.iter().find(|base| base.image_map() == *name);
        if let Some(base) = base.filter(|_| shown.insert(name)) {
            below.push(image_line("from", base, all, shown));
        } else {
            below.push(Line::new("from", name.as_str()));
        }
    }
    let text = format!("{} ({how}{live})", image.selector);
    Line { what, text, below }
}

fn kubernetes(target: &KubernetesTarget, lines: &mut Vec<Line>) {
    lines.push(match &target.source {
        Source::Yaml(text) => Line::new("deploys", objects(text)),
        Source::Custom { apply, .. } => Line::new("deploys", format!("with {}", first_line(apply))),
    });
    lines.extend(
        target
            .port_forwards
            .iter()
            .map(|forward| Line::new("forward", described(forward))),
    );
    links(&target.links, lines);
}

/// The objects of a stream, kinds in the order in which they come.
fn objects(text: &str) -> String {
    let objects = yaml::parse_documents(text).unwrap_or_default();
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for object in &objects {
        let word = |keys: &[&str]| object.at(keys).and_then(Tree::as_text).unwrap_or("?");
        let (kind, name) = (word(&["kind"]), word(&["metadata", "name"]));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, names)) => names.push(name),
            None => kinds.push((kind, vec![name])),
        }
    }
    let shown = kinds.iter().map(|(kind, names)| match names.len() {
        count if count > NAMED => format!("{count} × {kind}"),
        _ => format!("{kind} {}", names.join(" and ")),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn described(forward: &PortForward) -> String {
    let host = if forward.host.is_empty() {
        "localhost"
    } else {
        &forward.host
    };
    let name = if forward.name.is_empty() {
        String::new()
    } else {
        format!(" ({})", forward.name)
    };
    match forward.container {
        0 => format!("{host}:{}{name}", forward.local),
        port => format!("{host}:{} → {port}{name}", forward.local),
    }
}

fn local(target: &LocalTarget, lines: &mut Vec<Line>) {
    lines.extend(target.update.iter().map(|update| Line::new("runs", first_line(update))));
    if !target.serve.is_empty() {
        lines.push(Line::new("serves", first_line(&target.serve)));
    }
    links(&target.links, lines);
}

/// A command; scripts of many lines by their first one.
fn first_line(command: &Command) -> String {
    let text = match command.argv.as_slice() {
        [shell, flag, script] if shell == "sh" && flag == "-c" => script.clone(),
        argv => Command::display(argv),
    };
    match text.trim().split_once('\n') {
        Some((first, _)) => format!("{first} …"),
        None => text.trim().to_owned(),
    }
}

fn links(links: &[Link], lines: &mut Vec<Line>) {
    lines.extend(links.iter().map(|link| {
        let name = if link.name.is_empty() {
            String::new()
        } else {
            format!(" ({})", link.name)
        };
        Line::new("link", format!("{}{name}", link.url))
    }));
}
