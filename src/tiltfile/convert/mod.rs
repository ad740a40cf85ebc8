//! From what was declared to a project.

pub mod compose;
pub mod deps;
pub mod enabled;
pub mod grouping;
pub mod ignores;
pub mod images;
mod kinds;
pub mod kube;
pub mod locals;
pub mod settings;
#[cfg(test)]
pub mod testing;
pub mod unused;

use starlark::eval::Evaluator;

use crate::model::digest;
use crate::model::project::{Hashes, Project};
use crate::model::report::{Failure, FailureKind};
use crate::tiltfile::Purpose;
use crate::tiltfile::builtins::context;
use crate::tiltfile::convert::images::Resolver;
use crate::tiltfile::convert::unused::Deployments;
use crate::tiltfile::loader;
use crate::tiltfile::run::Run;

/// Runs the start file and makes a project of what it declared.
pub fn project(run: &Run) -> Result<Project, Failure> {
    let file = run.main_file();
    let bytes = run.host.read(file).map_err(|error| Failure {
        kind: FailureKind::Missing,
        message: match error.is_missing() {
            true => format!(
                "No Tiltfile found at paths '{}'. Check out https://docs.tilt.dev/tutorial.html",
                file.display()
            ),
            false => error.to_string(),
        },
        frames: Vec::new(),
        hint: None,
    })?;
    let tiltignore = settings::tiltignore(run)?;
    let mut project = None;
    loader::run_main(run, bytes, |eval| {
        project = Some(assemble(run, eval)?);
        Ok(())
    })?;
    match project {
        Some(project) => Ok(Project { tiltignore, ..project }),
        None => Err(Failure::whole("the Tiltfile ended without a project")),
    }
}

/// Resources of all worlds in their order: Kubernetes, Compose, this machine, and objects that belong to none.
fn assemble(run: &Run, eval: &mut Evaluator) -> Result<Project, Failure> {
    let secrets = kube::secrets(run);
    let resolver = Resolver::new(run)?;
    let kubernetes = kube::resources(run, eval, &resolver)?;
    let services = compose::resources(run, &resolver)?;
    let deployments = Deployments {
        services: services.len(),
        workloads: kubernetes.resources.len(),
        unassigned: kubernetes.unassigned,
    };
    let purpose = run.request.purpose;
    if purpose == Purpose::Resources && deployments.workloads + deployments.unassigned > 0 {
        context::may_deploy(run)?;
    }
    let mut resources = kubernetes.resources;
    resources.extend(services);
    let images = match purpose {
        Purpose::Resources => {
            unused::warn(run, deployments);
            Vec::new()
        }
        Purpose::Images => resolver.all()?,
    };
    images::check_restarts(&resources)?;
    images::check_steps(run)?;
    resources.extend(locals::resources(run));
    resources.extend(kubernetes.uncategorized);
    deps::validate_deps(run, &mut resources)?;
    let settings = settings::settings(run);
    settings::check_registry(&settings, &resources)?;
    let enabled = enabled::enabled(run, &resources)?;
    Ok(Project {
        resources,
        images,
        enabled,
        settings,
        objects: run.declared.borrow().objects.clone(),
        secrets,
        ..Project::default()
    })
}

/// Digests of the files that were run.
pub fn hashes(run: &Run) -> Hashes {
    let executed = run.executed.borrow();
    let mut all = digest::Hasher::new();
    executed.iter().for_each(|(_, bytes)| all.update(bytes));
    Hashes {
        tiltfile: executed
            .first()
            .map(|(_, bytes)| digest::sha256_hex(bytes))
            .unwrap_or_default(),
        all_files: all.finish(),
    }
}
