//! What to say about images that are built and never deployed.

use crate::model::quote::quoted;
use crate::tiltfile::declared::images::{Definition, Images};
use crate::tiltfile::run::Run;

/// What the Tiltfile deploys, as far as it matters to images that are not among it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deployments {
    /// Services of Docker Compose.
    pub services: usize,
    /// Resources of Kubernetes.
    pub workloads: usize,
    /// Objects of Kubernetes that belong to none of them.
    pub unassigned: usize,
}

const NOTHING_DEPLOYED: &str = "We could not find any deployment instructions, e.g. `k8s_yaml` or `docker_compose`.\n\
    Skipping all image builds until we know how to deploy them.";

const NO_IMAGES_FOUND: &str = "No Kubernetes configs with images found.\n\
    If you are using CRDs, add k8s_kind() to tell Tilt how to find images.\n\
    https://docs.tilt.dev/api.html#api.k8s_kind";

/// How many names are offered instead.
const MOST_OFFERED: usize = 3;

/// Warns of the first image that nothing uses, unless it is to be silent about it.
pub fn warn(run: &Run, deployments: Deployments) {
    let declared = run.declared.borrow();
    let silent = &declared.settings.update.suppress_unused_image_warnings;
    let suppressed = |definition: &Definition| silent.iter().any(|name| name == "*" || *name == definition.name());
    let Some(image) = declared.images.unused().find(|definition| !suppressed(definition)) else {
        return;
    };
    match deployments {
        Deployments { services: 0, workloads: 0, unassigned: 0 } => run.warn(NOTHING_DEPLOYED),
        Deployments { workloads: 0, unassigned: 1.., .. } => run.warn(NO_IMAGES_FOUND),
        Deployments { services: 0, .. } => run.warn(not_used(image, &declared.images, "Kubernetes")),
        _ => run.warn(not_used(image, &declared.images, "Docker Compose")),
    }
}

fn not_used(image: &Definition, images: &Images, deployed_by: &str) -> String {
    let name = image.name();
    let mut text = format!("Image not used in any {deployed_by} config:\n    ✕ {name}\n");
    let offered = similar(&image.target.selector.reference.familiar_name(), images.consumed());
    if !offered.is_empty() {
        text.push_str("Did you mean…\n");
        offered.iter().for_each(|other| text.push_str(&format!("    - {other}\n")));
    }
    text.push_str(&format!(
        "Skipping this image build\nIf this is deliberate, suppress this warning with: update_settings(suppress_unused_image_warnings=[{}])",
        quoted(&name)
    ));
    text
}

/// Those names that share pieces with `name`, the most similar first.
fn similar<'a>(name: &str, candidates: &'a [String]) -> Vec<&'a str> {
    let wanted = pieces(name);
    let mut scored: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        let found = pieces(candidate);
        let shared = found.iter().filter(|piece| wanted.contains(piece)).count();
        if shared > 0 {
            // Out of a thousand, so that long names do not win by their length alone.
            scored.push((1000 * 2 * shared / (found.len() + wanted.len()), candidate));
        }
    }
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().take(MOST_OFFERED).map(|(_, candidate)| candidate).collect()
}

/// All runs of two, three and four letters.
fn pieces(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.to_lowercase().chars().collect();
    (2..=4).flat_map(|length| letters.windows(length).map(|run| run.iter().collect::<String>()).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_pieces_in_common_are_offered() {
        let names = ["gcr.io/foo", "gcr.io/frontend", "busybox", "gcr.io/foo-bar", "gcr.io/x"].map(String::from);
        assert_eq!(similar("gcr.io/fooo", &names), ["gcr.io/foo", "gcr.io/foo-bar", "gcr.io/x"]);
        assert_eq!(similar("frontend", &names), ["gcr.io/frontend"]);
        assert!(similar("qqq", &names).is_empty());
    }
}
