//! From what was declared to a project.

pub mod deps;
pub mod enabled;
pub mod settings;

use crate::model::digest;
use crate::model::project::{Hashes, Project};
use crate::model::report::{Failure, FailureKind};
use crate::tiltfile::loader;
use crate::tiltfile::run::Run;

/// Runs the start file and makes a project of what it declared.
pub fn project(run: &Run) -> Result<Project, Failure> {
    let file = run.main_file();
    let bytes = run.host.read(file).map_err(|error| Failure {
        kind: FailureKind::Missing,
        message: error.to_string(),
        frames: Vec::new(),
        hint: None,
    })?;
    let mut project = Project { tiltignore: settings::tiltignore(run)?, ..Project::default() };
    loader::run_main(run, bytes, |_eval| {
        project.settings = settings::settings(run);
        project.objects = run.declared.borrow().objects.clone();
        deps::validate_deps(run, &mut project.resources)?;
        settings::check_registry(&project.settings, &project.resources)?;
        project.enabled = enabled::enabled(run, &project.resources)?;
        Ok(())
    })?;
    Ok(project)
}

/// Digests of the files that were run.
pub fn hashes(run: &Run) -> Hashes {
    let executed = run.executed.borrow();
    let mut all = digest::Hasher::new();
    executed.iter().for_each(|(_, bytes)| all.update(bytes));
    Hashes {
        tiltfile: executed.first().map(|(_, bytes)| digest::sha256_hex(bytes)).unwrap_or_default(),
        all_files: all.finish(),
    }
}
