//! Extension repositories, and extensions in them: fetched and found by what also serves `load('ext://…')`.

use crate::engine::action::{Action, RepoOutcome};
use crate::engine::effect::RepoSource;
use crate::engine::perform::Context;
use crate::engine::state::Name;
use crate::tiltfile::extension;
use crate::world::extensions::Repo;

pub fn repo(name: Name, generation: u64, source: RepoSource, context: &Context) {
    let task = context.clone();
    context.tracker.spawn_blocking(move || {
        let log = task.logs.span(&format!("extensionrepo:{name}"), "");
        let outcome = match extension::fetch(&repo_of(source), &task.surroundings.environment, &mut |line| {
            log.info(line)
        }) {
            Ok(checkout) => RepoOutcome::Fetched {
                path: checkout.folder,
                checkout: checkout.commit,
                stale: checkout.stale,
            },
            Err(error) => RepoOutcome::Failed {
                error: error.to_string(),
            },
        };
        if let RepoOutcome::Failed { error } = &outcome {
            log.error(&format!("Extension repo {name}: {error}"));
        }
        task.tell(Action::Repo {
            repo: name,
            generation,
            outcome,
        });
    });
}

pub fn extension(name: Name, generation: u64, (source, path): (RepoSource, String), context: &Context) {
    let task = context.clone();
    context.tracker.spawn_blocking(move || {
        let log = task.logs.span(&format!("extension:{name}"), "");
        let environment = &task.surroundings.environment;
        let outcome = extension::find(&repo_of(source), &path, environment, &mut |line| log.info(line));
        let outcome = outcome.map_err(|error| error.to_string());
        if let Err(error) = &outcome {
            log.error(&format!("Extension {name}: {error}"));
        }
        task.tell(Action::Extension {
            extension: name,
            generation,
            outcome,
        });
    });
}

fn repo_of(source: RepoSource) -> Repo {
    Repo {
        url: source.url,
        reference: source.reference,
        subpath: source.subpath,
    }
}
