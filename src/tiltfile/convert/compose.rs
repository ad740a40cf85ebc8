//! From Docker Compose projects and what was said of their services to resources.

use std::path::{Path, PathBuf};

use crate::model::build::{ComposeRecipe, ImageTarget, Recipe};
use crate::model::compose::{Build, ComposeTarget};
use crate::model::project::{Resource, Target, Trigger, TriggerMode};
use crate::model::report::Failure;
use crate::tiltfile::convert::images::Resolver;
use crate::tiltfile::declared::Declared;
use crate::tiltfile::declared::compose::{ComposeProject, ComposeService};
use crate::tiltfile::declared::images::{Definition, Images, Watch};
use crate::tiltfile::run::Run;

/// One resource for each service, in their order.
pub fn resources(run: &Run, resolver: &Resolver) -> Result<Vec<Resource>, Failure> {
    // All images first: one that a later service builds may share its name with one that is looked up here.
    let images = consume_images(run)?;
    let declared = run.declared.borrow();
    let trigger = declared.default_trigger();
    let projects = declared.compose.projects().iter();
    let services = projects.flat_map(|project| project.services.iter().map(move |service| (project, service)));
    services
        .zip(images)
        .map(|((project, service), image)| {
            let images = resolver.target_set(image.as_slice())?;
            check_entrypoints(&images)?;
            let deployed = image.map(|index| &declared.images.definitions()[index].target);
            Ok(Resource {
                images,
                ..resource(project, service, deployed, trigger)
            })
        })
        .collect()
}

/// The definition that builds each service's image; a service's own `build` becomes one if there is no other.
fn consume_images(run: &Run) -> Result<Vec<Option<usize>>, Failure> {
    let mut declared = run.declared.borrow_mut();
    let Declared { compose, images, .. } = &mut *declared;
    let mut consumed = Vec::new();
    for project in compose.projects() {
        for service in &project.services {
            consumed.push(consume_image(project, service, images)?);
        }
    }
    Ok(consumed)
}

fn consume_image(
    project: &ComposeProject,
    service: &ComposeService,
    images: &mut Images,
) -> Result<Option<usize>, Failure> {
    let found = images.consume(service.image());
    let build = service.definition.build.as_ref();
    let (None, Some(build)) = (found, build.filter(|build| !build.context.is_empty())) else {
        return Ok(found);
    };
    let added = images.add(built_by_compose(project, service, build));
    let index = added.map_err(|error| Failure::about(&project.frames, error.to_string()))?;
    images.mark_used(index);
    Ok(Some(index))
}

fn built_by_compose(project: &ComposeProject, service: &ComposeService, build: &Build) -> Definition {
    let recipe = ComposeRecipe {
        service: service.definition.name.clone(),
        context: PathBuf::from(&build.context),
    };
    // A context that is a URL has no files here.
    let context: Vec<PathBuf> = Some(recipe.context.clone())
        .filter(|context| context.is_absolute())
        .into_iter()
        .collect();
    let mut definition = Definition::new(service.image().clone(), Recipe::Compose(recipe));
    definition.watch = Watch {
        dockerfile: build.dockerfile_path(),
        repositories: context.clone(),
        roots: context,
        mounts: service.definition.bind_sources().map(Path::to_owned).collect(),
        ..Watch::default()
    };
    definition.frames = project.frames.clone();
    definition
}

/// Compose files say themselves what a container runs.
fn check_entrypoints(images: &[ImageTarget]) -> Result<(), Failure> {
    match images.iter().any(|image| image.entrypoint.is_some()) {
        true => Err(
            Failure::whole("docker_build/custom_build.entrypoint not supported for Docker Compose resources")
                .hinting("set `entrypoint` of the service in the compose file instead"),
        ),
        false => Ok(()),
    }
}

fn resource(
    project: &ComposeProject,
    service: &ComposeService,
    image: Option<&ImageTarget>,
    trigger: Trigger,
) -> Resource {
    let options = &service.options;
    let target = ComposeTarget {
        name: service.name.clone(),
        service: service.definition.name.clone(),
        project: project.spec.clone(),
        image_maps: image
            .filter(|image| !image.is_live_update_only())
            .map(ImageTarget::image_map)
            .into_iter()
            .collect(),
        service_yaml: service.definition.yaml.clone(),
        links: options.links.clone(),
        infer_links: options.infer_links.unwrap_or(true),
        published_ports: service.definition.published_ports(),
    };
    Resource {
        name: service.name.clone(),
        images: Vec::new(),
        target: Target::Compose(Box::new(target)),
        trigger: TriggerMode::new(options.trigger.unwrap_or(trigger), options.init.unwrap_or_default()),
        deps: project.dependencies(service),
        labels: options.labels.clone(),
        source: String::new(),
    }
}
