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

/// Warns of the first image that nothing uses. Called once all resources have asked for theirs.
pub fn warn(run: &Run, deployments: Deployments) {
    let declared = run.declared.borrow();
    let suppressed = &declared.settings.update.suppress_unused_image_warnings;
    if let Some(text) = warning(&declared.images, suppressed, deployments) {
        run.warn(text);
    }
}

fn warning(images: &Images, suppressed: &[String], deployments: Deployments) -> Option<String> {
    let is_suppressed =
        |definition: &Definition| suppressed.iter().any(|name| name == "*" || *name == definition.name());
    let image = images.unused().find(|definition| !is_suppressed(definition))?;
    Some(match deployments {
        Deployments {
            services: 0,
            workloads: 0,
            unassigned: 0,
        } => NOTHING_DEPLOYED.to_owned(),
        Deployments {
            workloads: 0,
            unassigned: 1..,
            ..
        } => NO_IMAGES_FOUND.to_owned(),
        Deployments { services: 0, .. } => not_used(image, images, "Kubernetes"),
        _ => not_used(image, images, "Docker Compose"),
    })
}

fn not_used(image: &Definition, images: &Images, deployed_by: &str) -> String {
    let name = image.name();
    let mut text = format!("Image not used in any {deployed_by} config:\n    ✕ {name}\n");
    let offered = similar(&image.target.selector.reference.familiar_name(), images.consumed());
    if !offered.is_empty() {
        text.push_str("Did you mean…\n");
        offered
            .iter()
            .for_each(|other| text.push_str(&format!("    - {other}\n")));
    }
    text.push_str(&format!(
        "Skipping this image build\nIf this is deliberate, suppress this warning with: update_settings(suppress_unused_image_warnings=[{}])",
        quoted(&name)
    ));
    text
}

/// Those names that share pieces with `name`, the most similar first.
fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
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
    scored
        .into_iter()
        .take(MOST_OFFERED)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// All runs of two, three and four letters.
fn pieces(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.to_lowercase().chars().collect();
    (2..=4)
        .flat_map(|length| {
            letters
                .windows(length)
                .map(|run| run.iter().collect::<String>())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::Reference;
    use crate::model::live::LiveUpdate;

    const WORKLOAD: Deployments = Deployments {
        services: 0,
        workloads: 1,
        unassigned: 0,
    };

    /// Images that were defined, of which one is used, and another name that was asked for.
    fn images(defined: &[&str], asked: &[&str]) -> Images {
        let mut images = Images::default();
        let reference = |name: &&str| Reference::parse(name).unwrap();
        for name in defined {
            images
                .add(Definition::live_update_only(
                    reference(name),
                    LiveUpdate::default(),
                    Vec::new(),
                ))
                .unwrap();
        }
        for name in asked {
            images.consume(&reference(name));
        }
        images
    }

    #[test]
    fn names_with_pieces_in_common_are_offered() {
        let names = || ["gcr.io/foo", "gcr.io/frontend", "busybox", "gcr.io/foo-bar", "gcr.io/x"].into_iter();
        assert_eq!(
            similar("gcr.io/fooo", names()),
            ["gcr.io/foo", "gcr.io/foo-bar", "gcr.io/x"]
        );
        assert_eq!(similar("frontend", names()), ["gcr.io/frontend"]);
        assert!(similar("qqq", names()).is_empty());
    }

    #[test]
    fn an_unused_image_is_named_with_what_was_probably_meant() {
        let text = warning(&images(&["gcr.io/foo:stable"], &["gcr.io/foo", "zzz"]), &[], WORKLOAD).unwrap();
        let expected = "Image not used in any Kubernetes config:
    ✕ gcr.io/foo:stable
Did you mean…
    - gcr.io/foo
Skipping this image build
If this is deliberate, suppress this warning with: update_settings(suppress_unused_image_warnings=[\"gcr.io/foo:stable\"])";
        assert_eq!(text, expected);
        let text = warning(
            &images(&["a"], &["zzz"]),
            &[],
            Deployments {
                services: 1,
                ..WORKLOAD
            },
        )
        .unwrap();
        assert!(
            text.starts_with("Image not used in any Docker Compose config:\n    ✕ a\nSkipping this image build\n"),
            "{text}"
        );
    }

    #[test]
    fn where_nothing_is_deployed_that_is_what_is_missing() {
        let images = images(&["a"], &[]);
        let begins = |deployments, start: &str| warning(&images, &[], deployments).unwrap().starts_with(start);
        assert!(begins(
            Deployments::default(),
            "We could not find any deployment instructions"
        ));
        let loose = Deployments {
            unassigned: 2,
            ..Deployments::default()
        };
        assert!(begins(
            loose,
            "No Kubernetes configs with images found.\nIf you are using CRDs"
        ));
    }

    #[test]
    fn used_and_suppressed_images_are_not_warned_of() {
        let images = images(&["a", "b", "c:1"], &["a"]);
        let with = |names: &[&str]| {
            let suppressed: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            warning(&images, &suppressed, WORKLOAD).map(|text| text.lines().nth(1).unwrap().trim().to_owned())
        };
        assert_eq!(with(&[]).as_deref(), Some("✕ b"));
        assert_eq!(with(&["b"]).as_deref(), Some("✕ c:1"));
        assert_eq!(with(&["b", "c"]).as_deref(), Some("✕ c:1"));
        assert_eq!(with(&["b", "c:1"]), None);
        assert_eq!(with(&["*"]), None);
    }
}
