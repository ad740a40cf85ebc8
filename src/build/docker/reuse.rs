//! Images of inputs that were built before: found in the engine, or where a team shares them, instead of being built again.

use tokio::time::timeout;

use crate::build::docker::keys::{Found, Keys};
use crate::build::docker::{DockerBuild, Outcome};
use crate::build::order::Publish;
use crate::build::{BuildError, Level};
use crate::model::built::{Built, Origin};
use crate::model::image::Reference;
use crate::world::clock::Duration;
use crate::world::known::Record;
use crate::world::registry::{Destination, Look, RegistryError};

/// Looking for a shared image is to save time.
const LOOKING: Duration = Duration::from_secs(5);

/// The image of these inputs, if there is one that can be believed.
pub async fn find(build: &DockerBuild<'_>, keys: &Keys<'_>, found: &Found) -> Result<Option<Built>, BuildError> {
    let builder = build.builder;
    let engine = builder.about().await?.id.clone();
    let name = build.order.target.selector.to_string();
    if let Some(record) = builder.known.look(&engine, &name, &found.text) {
        let there = builder.engine.image(&record.id).await.map_err(BuildError::Docker)?;
        if there.is_none() {
            let gone = builder.known.forget(&engine, &name, &found.text);
            gone.map_err(BuildError::Files)?;
        } else if keys.holds(found).await {
            let short = found.text.get(..12).unwrap_or(&found.text);
            build.say(
                Level::Info,
                format!("Nothing to build: Docker has the image of these inputs ({short})"),
            );
            return build
                .finish(&record.id, Origin::Known, Some(found.text.clone()))
                .await
                .map(Some);
        }
    }
    fetch(build, keys, found).await
}

/// Looks where the team shares images. What goes wrong there costs time only, so it is a warning and no failure.
async fn fetch(build: &DockerBuild<'_>, keys: &Keys<'_>, found: &Found) -> Result<Option<Built>, BuildError> {
    let Some(repository) = repository(build) else {
        return Ok(None);
    };
    let auth = build.builder.auth(&repository).await?;
    let looking = build.builder.registries.look(&repository, &found.text, &auth);
    let shared = match unless_stopped(build, timeout(LOOKING, looking)).await? {
        Ok(Ok(Look::Found(shared))) => shared,
        Ok(Ok(Look::Absent)) => return Ok(None),
        Ok(Ok(Look::Distrusted(reason))) => {
            build.say(Level::Warn, format!("A shared image is not used: {reason}"));
            return Ok(None);
        }
        Err(_elapsed) => {
            let (host, seconds) = (repository.domain(), LOOKING.as_secs());
            let text = format!("Shared images cannot be looked up: registry {host} needs more than {seconds} s for it");
            build.say(Level::Warn, text);
            return Ok(None);
        }
        Ok(Err(error)) => {
            build.say(Level::Warn, format!("Shared images cannot be looked up: {error}"));
            return Ok(None);
        }
    };
    if !keys.holds(found).await {
        return Ok(None);
    }
    let engine = &build.builder.engine;
    let exact = shared.reference.familiar();
    let pulling = engine.pull(&shared.reference, &build.recipe.platform, &auth);
    if let Err(error) = unless_stopped(build, pulling).await? {
        build.say(
            Level::Warn,
            format!("The shared image {exact} cannot be fetched: {error}"),
        );
        return Ok(None);
    }
    let Some(image) = engine.image(&exact).await.map_err(BuildError::Docker)? else {
        return Ok(None);
    };
    build.say(
        Level::Info,
        format!("Nothing to build: fetched the image of these inputs, {exact}"),
    );
    let outcome = Outcome {
        image: image.id.clone(),
        bases: Vec::new(),
    };
    remember(build, found, &outcome).await?;
    build
        .finish(&image.id, Origin::Fetched, Some(found.text.clone()))
        .await
        .map(Some)
}

/// What a registry takes its time for ends when nobody wants the image any more.
async fn unless_stopped<T>(build: &DockerBuild<'_>, work: impl Future<Output = T>) -> Result<T, BuildError> {
    tokio::select! {
        () = build.stop.cancelled() => Err(BuildError::Cancelled),
        done = work => Ok(done),
    }
}

/// Writes down what names of registries stood for.
pub fn note_bases(build: &DockerBuild<'_>, found: &Found) -> Result<(), BuildError> {
    let noted = found
        .assumed
        .iter()
        .map(|(needed, digest)| build.note_base(&needed.name, digest));
    noted.collect::<Result<(), _>>().map_err(BuildError::Files)
}

/// Writes down that the engine has the image of these inputs.
pub async fn remember(build: &DockerBuild<'_>, found: &Found, outcome: &Outcome) -> Result<(), BuildError> {
    let engine = build.builder.about().await?.id.clone();
    let name = build.order.target.selector.to_string();
    let record = Record {
        id: outcome.image.clone(),
        bases: found
            .assumed
            .iter()
            .map(|(needed, digest)| (needed.name.clone(), digest.clone()))
            .collect(),
        ..Record::default()
    };
    build
        .builder
        .known
        .remember(&engine, &name, &found.text, &record)
        .map_err(BuildError::Files)
}

/// Shares what was built, if that is asked for. Nobody waits for it in vain: what goes wrong is a warning.
pub async fn publish(build: &DockerBuild<'_>, built: &Built) {
    let (Some(repository), Publish::Always) = (repository(build), build.order.share.publish) else {
        return;
    };
    let (Some(key), Some(id)) = (&built.key, &built.id) else {
        return;
    };
    let published = async {
        let auth = build.builder.auth(&repository).await?;
        let at = Destination::new(&repository, &auth);
        let shared = build
            .builder
            .registries
            .publish(&build.builder.engine, id, key, &at)
            .await;
        shared.map_err(|error: RegistryError| BuildError::Registry {
            name: repository.familiar(),
            error: Box::new(error),
        })
    };
    match unless_stopped(build, published).await.flatten() {
        Ok(shared) => build.say(Level::Info, format!("Shared as {}", shared.reference.familiar())),
        Err(error) => build.say(Level::Warn, format!("The image is not shared: {error}")),
    }
}

/// Where images of this name are shared: `host/path/name`.
fn repository(build: &DockerBuild<'_>) -> Option<Reference> {
    let share = &build.order.share.repository;
    if share.is_empty() {
        return None;
    }
    let name = build
        .order
        .target
        .selector
        .reference
        .familiar_name()
        .replace(['/', ':', '@'], "_");
    match Reference::parse(&format!("{}/{name}", share.trim_end_matches('/'))) {
        Ok(repository) => Some(repository),
        Err(error) => {
            build.say(
                Level::Warn,
                format!("Images are not shared: `{share}` is no repository: {error}"),
            );
            None
        }
    }
}
