//! Pure. A project as a picture in text: what is built, from what, and who waits for whom.

use crate::model::build::{ImageTarget, Recipe};
use crate::model::project::{Project, Resource, Target, TriggerMode};
use crate::model::suggest::counted;
use crate::ui::style::Style;

/// Every resource with its images, its target and what it waits for.
pub fn tree(project: &Project, style: Style) -> String {
    let mut out = String::new();
    for resource in &project.resources {
        out.push_str(&heading(project, resource, style));
        let lines = lines(resource);
        let last = lines.len().saturating_sub(1);
        for (index, line) in lines.iter().enumerate() {
            let branch = if index == last { "└─" } else { "├─" };
            out.push_str(&format!("  {} {line}\n", style.faint(branch)));
        }
    }
    out.push_str(&format!(
        "{}, {} enabled\n",
        counted(project.resources.len(), "resource"),
        project.enabled.len()
    ));
    out
}

fn heading(project: &Project, resource: &Resource, style: Style) -> String {
    let mut notes: Vec<String> = Vec::new();
    if !resource.labels.is_empty() {
        notes.push(
            resource
                .labels
                .iter()
                .map(|label| format!("#{label}"))
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    match resource.trigger {
        TriggerMode::Auto => {}
        TriggerMode::ManualWithAutoInit => notes.push("manual".to_owned()),
        TriggerMode::Manual => notes.push("manual, not started".to_owned()),
        TriggerMode::AutoWithManualInit => notes.push("not started".to_owned()),
    }
    if !project.enabled.contains(&resource.name) {
        notes.push("disabled".to_owned());
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!("  {}", style.faint(&notes.join(", ")))
    };
    format!("{}{notes}\n", style.bold(&resource.name))
}

fn lines(resource: &Resource) -> Vec<String> {
    let mut lines: Vec<String> = resource.images.iter().map(image).collect();
    match &resource.target {
        Target::Kubernetes(target) => {
            let forwards: Vec<String> = target
                .port_forwards
                .iter()
                .map(|f| format!("{}:{}", f.local, f.container))
                .collect();
            let forwards = if forwards.is_empty() {
                String::new()
            } else {
                format!(", forwards {}", forwards.join(" "))
            };
            lines.push(format!("kubernetes{forwards}"));
        }
        Target::Compose(target) => lines.push(format!("compose service {} of {}", target.service, target.project.name)),
        Target::Local(target) => {
            if let Some(update) = &target.update {
                lines.push(format!(
                    "runs {}",
                    crate::model::command::Command::display(&update.argv)
                ));
            }
            if !target.serve.is_empty() {
                lines.push(format!(
                    "serves {}",
                    crate::model::command::Command::display(&target.serve.argv)
                ));
            }
        }
    }
    if !resource.deps.is_empty() {
        lines.push(format!("after {}", resource.deps.join(", ")));
    }
    lines
}

fn image(image: &ImageTarget) -> String {
    let how = match &image.recipe {
        Recipe::Docker(_) => "docker",
        Recipe::Custom(_) => "custom",
        Recipe::Pack(_) => "pack",
        Recipe::Compose(_) => "compose build",
    };
    let from = if image.image_deps.is_empty() {
        String::new()
    } else {
        format!(" from {}", image.image_deps.join(", "))
    };
    let live = if image.live_update.is_empty() {
        ""
    } else {
        ", live update"
    };
    format!("image {} ({how}{from}{live})", image.selector)
}
