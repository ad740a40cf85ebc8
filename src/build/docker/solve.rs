//! A build by BuildKit.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::build::docker::plan::Plan;
use crate::build::docker::{DockerBuild, Outcome, now};
use crate::build::progress::Steps;
use crate::build::{BuildError, Reuse};
use crate::model::digest;
use crate::model::solve::{Progress, SolveFailure};
use crate::world::clock;
use crate::world::docker::session::{Agents, Offer, Session, Source, Texts};
use crate::world::docker::solve::{InlineCache, Solve, SolveError};
use crate::world::tree::{CHANGING, Tree};

/// How often a step that takes long says so.
const TICK: clock::Duration = clock::Duration::from_millis(500);

pub async fn run(build: &DockerBuild<'_>, plan: &Plan, tree: &Arc<Tree>) -> Result<Outcome, BuildError> {
    let engine = &build.builder.engine;
    let session = Session::open(engine, offer(build, plan, tree).await?)
        .await
        .map_err(BuildError::Docker)?;
    let order = Solve {
        options: plan.frontend(),
        names: Vec::new(),
        cache_from: match plan.reuse {
            Reuse::Nothing => Vec::new(),
            Reuse::Inputs | Reuse::Steps => plan.cache_from.clone(),
        },
        inline_cache: match plan.wants_inline_cache() {
            true => InlineCache::With,
            false => InlineCache::Without,
        },
        entitlements: plan.entitlements(),
    };
    let (news, mut heard) = mpsc::unbounded_channel::<Progress>();
    let mut on_progress = |item: Progress| drop(news.send(item));
    let mut steps = Steps::new();
    let solved = {
        let solving = engine.solve(&order, &session, &mut on_progress);
        tokio::pin!(solving);
        let mut ticks = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                solved = &mut solving => break solved,
                Some(item) = heard.recv() => steps.feed(&item, now()).into_iter().for_each(build.reports),
                _ = ticks.tick() => steps.tick(now()).into_iter().for_each(build.reports),
            }
        }
    };
    while let Ok(item) = heard.try_recv() {
        steps.feed(&item, now()).into_iter().for_each(build.reports);
    }
    steps.finish(now()).into_iter().for_each(build.reports);
    match solved {
        Ok(solved) => Ok(Outcome {
            image: solved.image,
            bases: bases(&steps),
        }),
        Err(SolveError::Docker(error)) => Err(BuildError::Docker(error)),
        Err(SolveError::Failed(failure)) => Err(failed(build, plan, &session, (&failure, &steps))),
    }
}

async fn offer(build: &DockerBuild<'_>, plan: &Plan, tree: &Arc<Tree>) -> Result<Offer, BuildError> {
    let env = &build.builder.env;
    let texts = Texts::new([
        ("Dockerfile".to_owned(), plan.dockerfile.clone()),
        // What is left out is left out already; this one is looked for before the context's own.
        ("Dockerfile.dockerignore".to_owned(), String::new()),
    ]);
    let context: Arc<dyn Source> = Arc::clone(tree) as Arc<dyn Source>;
    Ok(Offer {
        shared_key: shared_key(build),
        folders: BTreeMap::from([("dockerfile", Arc::new(texts) as Arc<dyn Source>), ("context", context)]),
        secrets: build.secrets(plan),
        agents: Agents::open(&plan.ssh, env).await.map_err(BuildError::Ssh)?,
        env: Arc::clone(env),
    })
}

/// Builds of one image find the files of the build before; those of another image with other ignores do not get in their way.
fn shared_key(build: &DockerBuild<'_>) -> String {
    let name = build.order.target.image_map();
    let place = build.recipe.context.to_string_lossy();
    digest::sha256_hex(format!("tilt\n{place}\n{name}").as_bytes())
}

/// The images that steps say they started from, where these had to be looked up: `… FROM name@sha256:…`.
fn bases(steps: &Steps) -> Vec<(String, String)> {
    let stages = steps.stages();
    let named = stages.iter().filter_map(|stage| {
        let (_, image) = stage.name.split_once("FROM ")?;
        let (name, digest) = image.split_once('@')?;
        Some((name.to_owned(), digest.to_owned()))
    });
    named.collect()
}

fn failed(
    build: &DockerBuild<'_>,
    plan: &Plan,
    session: &Session,
    (failure, steps): (&SolveFailure, &Steps),
) -> BuildError {
    if let Some(trouble) = session.trouble() {
        let (path, reason) = (trouble.path, trouble.reason);
        return match reason.contains("while it") || reason == CHANGING {
            true => BuildError::ContextChanged { path, reason },
            false => BuildError::ContextFile { path, reason },
        };
    }
    build.explained(plan, steps, failure)
}
