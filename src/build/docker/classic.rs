//! A build by an engine without BuildKit, or where `DOCKER_BUILDKIT=0` asks for it.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::build::docker::plan::{LABEL, LABEL_VALUE, Plan, Pull};
use crate::build::docker::{DockerBuild, Outcome, now};
use crate::build::progress::{Classic, Steps};
use crate::build::{BuildError, Reuse};
use crate::model::image::Reference;
use crate::model::solve::SolveFailure;
use crate::world::credentials;
use crate::world::docker::DockerError;
use crate::world::docker::classic::{ClassicBuild, ClassicNews};
use crate::world::docker::session::{Source, Texts};
use crate::world::tree::Tree;

/// Its name in the archive, where no file of the context has it.
const DOCKERFILE: &str = ".tilt-dockerfile";
const IGNORE: &str = ".dockerignore";

pub async fn run(build: &DockerBuild<'_>, plan: &Plan, tree: &Arc<Tree>) -> Result<Outcome, BuildError> {
    refuse_what_it_cannot(plan)?;
    let texts = Texts::new([
        (DOCKERFILE.to_owned(), plan.dockerfile.clone()),
        (IGNORE.to_owned(), ignore(tree)?),
    ]);
    let folders: Vec<Arc<dyn Source>> = vec![Arc::clone(tree) as Arc<dyn Source>, Arc::new(texts)];
    let (news, mut heard) = mpsc::unbounded_channel();
    let mut on_news = |item: ClassicNews| drop(news.send(item));
    let mut classic = Classic::new();
    let mut steps = Steps::new();
    let order = order(plan);
    let built = {
        let hosts: Vec<String> = plan.other_bases.iter().filter_map(|name| host(name)).collect();
        let credentials = credentials::all(&build.builder.env, &hosts)
            .await
            .map_err(BuildError::Credentials)?;
        let building = build
            .builder
            .engine
            .classic_build(&order, folders, credentials, &mut on_news);
        tokio::pin!(building);
        loop {
            tokio::select! {
                built = &mut building => break built,
                Some(item) = heard.recv() => feed(build, &mut classic, &mut steps, item),
            }
        }
    };
    while let Ok(item) = heard.try_recv() {
        feed(build, &mut classic, &mut steps, item);
    }
    let message = match &built {
        Err(DockerError::Refused { message, .. }) => Some(message.clone()),
        _ => None,
    };
    let last = classic.finish(message.as_deref(), now());
    steps.feed(&last, now()).into_iter().for_each(build.reports);
    steps.finish(now()).into_iter().for_each(build.reports);
    match (built, message) {
        (Ok(image), _) => Ok(Outcome {
            image,
            bases: Vec::new(),
        }),
        (Err(_), Some(message)) => Err(failed(build, plan, &steps, message)),
        (Err(error), None) => Err(BuildError::Docker(error)),
    }
}

/// The engine takes the Dockerfile out of what steps see only where this file says so, and the file itself likewise. A context that
/// is to have one of its own keeps it, with a line more.
fn ignore(tree: &Tree) -> Result<String, BuildError> {
    let Some(index) = tree.entries.iter().position(|entry| &*entry.path == IGNORE) else {
        return Ok(format!("{IGNORE}\n{DOCKERFILE}\n"));
    };
    let mut own = Vec::new();
    let read = tree.open(index).and_then(|mut content| content.read_to_end(&mut own));
    read.map_err(|error| BuildError::ContextFile {
        path: IGNORE.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(format!("{}\n{DOCKERFILE}\n", String::from_utf8_lossy(&own).trim_end()))
}

fn host(name: &str) -> Option<String> {
    Reference::parse(name).ok().map(|name| name.domain().to_owned())
}

fn refuse_what_it_cannot(plan: &Plan) -> Result<(), BuildError> {
    let option = match plan {
        plan if !plan.secrets.is_empty() => "secret",
        plan if !plan.ssh.is_empty() => "ssh",
        _ => return Ok(()),
    };
    Err(BuildError::NeedsBuildKit { option })
}

fn order(plan: &Plan) -> ClassicBuild {
    ClassicBuild {
        dockerfile: DOCKERFILE.to_owned(),
        args: plan.args.clone().into_iter().collect(),
        labels: HashMap::from([(LABEL.to_owned(), LABEL_VALUE.to_owned())]),
        target: plan.target.clone(),
        // Engines that never heard of platforms refuse even their own.
        platform: plan.stated_platform.clone(),
        network: plan.network.clone(),
        extra_hosts: plan
            .extra_hosts
            .iter()
            .map(|(host, address)| format!("{host}:{address}"))
            .collect(),
        cache_from: plan.cache_from.clone(),
        pull: plan.pull == Pull::Always,
        no_cache: plan.reuse == Reuse::Nothing,
    }
}

fn feed(build: &DockerBuild<'_>, classic: &mut Classic, steps: &mut Steps, item: ClassicNews) {
    let progress = match item {
        ClassicNews::Text(text) => classic.feed(&text, now()),
        ClassicNews::Pull(layer, current, total) => classic.pull(&layer, (current, total), now()),
    };
    steps.feed(&progress, now()).into_iter().for_each(build.reports);
}

fn failed(build: &DockerBuild<'_>, plan: &Plan, steps: &Steps, message: String) -> BuildError {
    let failure = SolveFailure {
        message,
        ..SolveFailure::default()
    };
    build.explained(plan, steps, &failure)
}
