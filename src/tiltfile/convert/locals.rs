//! From what was said about resources on this machine to resources.

use crate::model::filter::Ignore;
use crate::model::local::LocalTarget;
use crate::model::project::{Resource, Target, Trigger, TriggerMode};
use crate::tiltfile::convert::ignores;
use crate::tiltfile::declared::locals::LocalResource;
use crate::tiltfile::run::Run;

/// One resource for each `local_resource()`, in their order.
pub fn resources(run: &Run) -> Vec<Resource> {
    let declared = run.declared.borrow();
    let trigger = declared.default_trigger();
    declared.locals.iter().map(|local| resource(local, trigger)).collect()
}

fn resource(local: &LocalResource, default_trigger: Trigger) -> Resource {
    Resource {
        name: local.name.clone(),
        images: Vec::new(),
        target: Target::Local(Box::new(target(local))),
        trigger: TriggerMode::new(local.trigger.unwrap_or(default_trigger), local.init),
        deps: local.resource_deps.clone(),
        labels: local.labels.clone(),
        source: String::new(),
    }
}

fn target(local: &LocalResource) -> LocalTarget {
    LocalTarget {
        update: (!local.update.is_empty()).then(|| local.update.clone()),
        serve: local.serve.clone(),
        links: local.links.clone(),
        deps: local.deps.clone(),
        watch_ignores: watch_ignores(local),
        // With nothing that runs to its end there is nothing to wait for.
        allow_parallel: local.allow_parallel || local.update.is_empty(),
        readiness_probe: local.readiness_probe.clone(),
    }
}

fn watch_ignores(local: &LocalResource) -> Vec<Ignore> {
    let mut ignores = ignores::repositories(local.deps.iter().chain([&local.directory]));
    if !local.ignore.is_empty() {
        ignores.push(Ignore::patterns(&local.directory, local.ignore.iter().cloned()));
    }
    ignores
}
