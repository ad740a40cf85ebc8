//! The files of a context: looked at once, in the order in which builders want to hear of them.

use crate::build::BuildError;
use crate::build::docker::DockerBuild;
use crate::build::docker::plan::Plan;
use crate::model::filter::{Filter, Ignore};
use crate::world::tree::{Tree, TreeError};

/// Lists the context and hashes what is new in it.
pub async fn look(build: &DockerBuild<'_>, _plan: &Plan) -> Result<Tree, BuildError> {
    if build.recipe.has_no_context() {
        return Ok(Tree::default());
    }
    let root = build.recipe.context.clone();
    let ignores = build.recipe.context_ignores.clone();
    let stop = build.stop.child_token();
    let hashes = std::sync::Arc::clone(&build.builder.hashes);
    let looked = tokio::task::spawn_blocking(move || {
        let filter = Filter::new(&ignores).map_err(|source| BuildError::Ignore { source })?;
        let mut tree = Tree::walk(&root, &filter, &stop).map_err(of_tree)?;
        hashes.hash(&mut tree, &filter, &stop).map_err(of_tree)?;
        Ok(tree)
    });
    looked.await.unwrap_or(Err(BuildError::Panicked))
}

fn of_tree(error: TreeError) -> BuildError {
    match error {
        TreeError::Cancelled => BuildError::Cancelled,
        other => BuildError::Context(other),
    }
}

/// What hides a path of the context that is there: the pattern, as far as one can be named.
pub fn why_not(build: &DockerBuild<'_>, path: &str) -> Option<String> {
    let full = build.recipe.context.join(path.trim_start_matches('/'));
    full.symlink_metadata().ok()?;
    let hides = |ignore: &&Ignore| {
        let alone = std::slice::from_ref(*ignore);
        Filter::new(alone).is_ok_and(|filter| filter.matches(&full))
    };
    let ignore = build.recipe.context_ignores.iter().find(hides)?;
    // The last pattern that matches decides, so the last one without which it would be seen is the one to name.
    let decides = |count: &usize| {
        let shorter = Ignore::patterns(ignore.base.clone(), ignore.patterns[..*count].to_vec());
        Filter::new(&[shorter]).is_ok_and(|filter| filter.matches(&full))
    };
    let pattern = (1..=ignore.patterns.len())
        .find(decides)
        .map(|count| &ignore.patterns[count - 1]);
    Some(match pattern {
        Some(pattern) => format!("`{pattern}` of .dockerignore, ignore= or only="),
        None => format!("{} is left out as a whole", ignore.base.display()),
    })
}
