//! From what was declared to a project.

pub mod ignores;
pub mod images;
pub mod locals;
#[cfg(test)]
pub mod testing;
pub mod unused;

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
    let mut project = Project::default();
    loader::run_main(run, bytes, |_eval| {
        project = Project::default();
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
