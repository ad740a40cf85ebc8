//! Pure. Which images an update builds, which it takes as they are, and which of them others need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::build::Reuse;
use crate::engine::action::Class;
use crate::engine::effect::{Destination, ImageStep, Make, Side};
use crate::engine::state::{ImageFailure, ImageState, Making, Name, ResourceState, Seq, State, identity, is_ours};
use crate::model::build::ImageTarget;
use crate::model::built::Delivery;
use crate::model::project::Target;

/// The images of one update, in the order in which they are declared: bases first.
pub fn plan(state: &State, resource: &ResourceState) -> Vec<ImageStep> {
    let ours = resource.images.iter().filter_map(|name| {
        let image = state.images.get(name).filter(|image| is_ours(&image.target))?;
        Some((name, image))
    });
    let mut steps: Vec<ImageStep> = Vec::new();
    for (name, image) in ours {
        let is_step = |base: &&String| steps.iter().any(|step| *step.image == ***base);
        let bases = image.target.image_deps.iter().filter(is_step);
        let bases: Vec<Name> = bases.map(|base| base.as_str().into()).collect();
        let destination = destination(state, resource, name);
        steps.push(ImageStep {
            image: Arc::clone(name),
            target: Arc::clone(&image.target),
            bases,
            make: make(state, resource, image, &destination),
            destination,
        });
    }
    steps
}

fn make(state: &State, resource: &ResourceState, image: &ImageState, wanted: &Destination) -> Make {
    let is_forced = is_forced(resource);
    if let Some(failure) = image.failure.as_ref().filter(|_| resource.requested.is_none())
        && let Some(culprit) = blocks(state, resource, image, failure)
    {
        return Make::Failed {
            message: format!(
                "image {} failed to build (see resource {culprit})",
                image.target.selector
            ),
            class: failure.class,
        };
    }
    match &image.made {
        Some(made) if image.pending.is_empty() && !is_forced && made.is_at(wanted) => Make::Reuse {
            built: made.built.clone(),
            bases: made.bases.clone(),
        },
        _ => Make::Build {
            reuse: match is_forced && state.session.reuse == Reuse::Inputs {
                true => Reuse::Steps,
                false => state.session.reuse,
            },
        },
    }
}

/// Whoever triggers a resource by hand wants it built, unless it waits with changes to be triggered: then those are meant.
pub fn is_forced(resource: &ResourceState) -> bool {
    resource.requested.is_some() && (resource.follows_files() || resource.pending.files.is_empty())
}

/// The resource whose update failed to build the image from what it is made from now. Our own failures are tried again.
fn blocks<'a>(
    state: &State,
    resource: &ResourceState,
    image: &ImageState,
    failure: &'a ImageFailure,
) -> Option<&'a Name> {
    let is_newer = |seq: &Seq| *seq > failure.inputs_as_of;
    let culprit = state.resource(&failure.resource)?;
    let is_its_business =
        culprit.enabled && culprit.name() != resource.name() && culprit.uses(&image.target.image_map());
    let blocks = failure.class == Class::User && is_its_business && !image.pending.values().any(is_newer);
    blocks.then_some(&failure.resource)
}

/// Where an image has to be for a resource. What is only made into other images stays where it is. What is for a cluster is
/// pushed as far as can be told from here; the performer asks the cluster.
pub fn destination(state: &State, resource: &ResourceState, image: &str) -> Destination {
    let registry = state.settings.default_registry.clone().unwrap_or_default();
    let is_deployed = matches!(&resource.declared.target, Target::Kubernetes(target) if target.image_maps.iter().any(|map| map == image));
    let delivery = match is_deployed {
        true => Delivery::Push,
        false => Delivery::Stay,
    };
    let side = match &resource.declared.target {
        Target::Kubernetes(_) => Side::Cluster,
        Target::Compose(_) | Target::Local(_) => Side::Engine,
    };
    Destination {
        side,
        registry,
        delivery,
        platform: String::new(),
    }
}

/// Which steps may come to a build, be it only because a base of theirs does.
pub fn looked_after(steps: &[ImageStep]) -> BTreeSet<Name> {
    let mut found: BTreeSet<Name> = BTreeSet::new();
    for step in steps {
        let follows = step.bases.iter().any(|base| found.contains(base));
        let builds = match &step.make {
            Make::Build { .. } => true,
            Make::Reuse { bases, .. } => follows || has_other_bases(steps, step, bases),
            Make::Failed { .. } => false,
        };
        if builds {
            found.insert(Arc::clone(&step.image));
        }
    }
    found
}

/// Whether what an image is made from is not what it was made from. Of what is yet to be built nothing is known.
fn has_other_bases(steps: &[ImageStep], step: &ImageStep, bases: &BTreeMap<Name, String>) -> bool {
    let is_other = |base: &Name| {
        let of = steps.iter().find(|step| step.image == *base);
        match of.map(|of| &of.make) {
            Some(Make::Reuse { built, .. }) => bases.get(base) != Some(&identity(built)),
            _ => false,
        }
    };
    step.bases.len() != bases.len() || step.bases.iter().any(is_other)
}

/// What another update makes of the images that a resource needs.
pub fn made_elsewhere<'a>(state: &'a State, resource: &ResourceState) -> Option<(&'a Name, &'a Making)> {
    let mut needed = resource.images.iter().filter_map(|name| {
        let (name, image) = state.images.get_key_value(name)?;
        Some((name, image.making.as_ref()?))
    });
    needed.next()
}

/// Whether the files of its images are watched before they are built for the first time.
pub fn is_watch_starting(state: &State, resource: &ResourceState) -> bool {
    let starting = |name: &Name| {
        let image = state.images.get(name);
        let is_new = image.is_some_and(|image| image.made.is_none() && is_watched(&image.target));
        let watch = state.watches.get(watch_name(name).as_str());
        is_new && watch.is_none_or(|watch| watch.started.is_none() && watch.error.is_none())
    };
    resource.images.iter().any(starting)
}

pub fn is_watched(target: &ImageTarget) -> bool {
    !target.watched_paths().is_empty()
}

/// The name of the file watch of an image. The names of image maps can name objects already.
pub fn watch_name(image: &str) -> String {
    crate::model::digest::object_name(&watch_target(image))
}

pub fn watch_target(image: &str) -> String {
    format!("image:{image}")
}

/// Ids and names of all images that something in the session may still need.
pub fn live_images(state: &State) -> BTreeSet<String> {
    let made = state.images.values().filter_map(|image| image.made.as_ref());
    let names = made.flat_map(|made| {
        let built = &made.built;
        let names = [built.id.clone(), Some(built.local.clone()), Some(built.cluster.clone())];
        names.into_iter().flatten()
    });
    let used = state
        .resources
        .values()
        .flat_map(|resource| resource.used.values().cloned());
    names.chain(used).filter(|name| !name.is_empty()).collect()
}
