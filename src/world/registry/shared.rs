//! Images that a team shares: found in a repository by the hash of all that they were made from.
//!
//! The tag says which inputs an image is for, and an annotation in its manifest says it again: a tag that somebody moved by
//! hand, or a registry that mixes things up, is told apart from an image that was published for these inputs.

use std::collections::BTreeMap;

use crate::model::image::{Reference, ReferenceError};
use crate::model::time;
use crate::world::clock;
use crate::world::docker::{Engine, RegistryAuth};
use crate::world::registry::site::Access;
use crate::world::registry::{Destination, News, Registries, RegistryError};

const KEY: &str = "dev.tilt.input-key";
const MAKER: &str = "dev.tilt.built-by";
const CREATED: &str = "org.opencontainers.image.created";

/// An image that somebody shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Repository, tag and digest: exactly this one, whatever becomes of the tag.
    pub reference: Reference,
    /// Of its manifest.
    pub digest: String,
    /// Of its configuration: where engines keep no manifests, the image's id.
    pub config: String,
}

/// What there is for some inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    Found(Shared),
    Absent,
    /// There is something which is not to be used; why.
    Distrusted(String),
}

impl Registries {
    /// Looks for an image that was made from these inputs.
    pub async fn look(&self, repository: &Reference, key: &str, auth: &RegistryAuth) -> Result<Look, RegistryError> {
        let name = named(repository, key).map_err(|error| unusable(repository, key, &error))?;
        let site = self.site(name.domain())?;
        let access = Access {
            site: &site,
            repository: name.path(),
            auth,
            actions: "pull",
            sources: Vec::new(),
        };
        let Some(found) = access.image_manifest(name.tag().unwrap_or_default()).await? else {
            return Ok(Look::Absent);
        };
        let Some(manifest) = found.manifest else {
            return Ok(Look::Distrusted(format!("`{}` is not one image", name.familiar())));
        };
        let annotations = manifest.annotations.unwrap_or_default();
        let warning = match annotations.get(KEY) {
            Some(stated) if stated == key => None,
            Some(stated) => Some(format!("`{}` was made from other inputs ({stated})", name.familiar())),
            None => Some(format!("`{}` does not say what it was made from", name.familiar())),
        };
        if let Some(warning) = warning {
            return Ok(Look::Distrusted(warning));
        }
        shared(&name, found.digest, manifest.config.digest)
            .map(Look::Found)
            .map_err(|error| unusable(repository, key, &error))
    }

    /// Shares an image of an engine as what comes out of these inputs, unless somebody has done so already. `at` names the
    /// repository; its tag, if any, is of no interest.
    pub async fn publish(
        &self,
        engine: &Engine,
        image: &str,
        key: &str,
        at: &Destination<'_>,
    ) -> Result<Shared, RegistryError> {
        if let Look::Found(shared) = self.look(at.name, key, at.auth).await? {
            return Ok(shared);
        }
        let name = named(at.name, key).map_err(|error| unusable(at.name, key, &error))?;
        let on_news: &(dyn Fn(News<'_>) + Send + Sync) = at.on_news;
        let mut annotations = at.annotations.clone();
        annotations.extend(provenance(key));
        let to = Destination {
            name: &name,
            auth: at.auth,
            annotations,
            on_news,
        };
        let pushed = self.push_from_engine(engine, image, &to).await?;
        shared(&name, pushed.digest, pushed.config).map_err(|error| unusable(at.name, key, &error))
    }
}

fn provenance(key: &str) -> BTreeMap<String, String> {
    let since = clock::today().duration_since(clock::SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let now = time::of_seconds(i64::try_from(seconds).unwrap_or_default());
    let annotations = [
        (KEY, key.to_owned()),
        (MAKER, format!("tilt {}", env!("CARGO_PKG_VERSION"))),
        (CREATED, now),
    ];
    annotations.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The name that an image for these inputs has.
fn named(repository: &Reference, key: &str) -> Result<Reference, ReferenceError> {
    let key = key.strip_prefix("sha256:").unwrap_or(key);
    repository.without_tag().with_tag(&format!("in-{key}"))
}

fn shared(name: &Reference, digest: String, config: String) -> Result<Shared, ReferenceError> {
    Ok(Shared {
        reference: Reference::parse(&format!("{name}@{digest}"))?,
        digest,
        config,
    })
}

fn unusable(repository: &Reference, key: &str, error: &ReferenceError) -> RegistryError {
    RegistryError::Unexpected {
        host: repository.domain().to_owned(),
        doing: "naming a shared image",
        status: 0,
        message: format!("`{key}` for {repository}: {error}"),
    }
}
