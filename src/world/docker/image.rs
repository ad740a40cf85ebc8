//! Images in an engine: looked up, named, fetched, pushed, removed.

use std::collections::HashMap;
use std::fmt;

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, PushImageOptionsBuilder, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::model::image::Reference;
use crate::world::docker::{DockerError, Engine};

/// What an engine tells about an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub id: String,
    /// As people write them; empty for one that lost its names.
    pub tags: Vec<String>,
    /// Digests of manifests that it is known to have in registries: `name@sha256:…`.
    pub digests: Vec<String>,
    pub labels: HashMap<String, String>,
    pub size: u64,
    /// Seconds since 1970; only in lists.
    pub created: i64,
    /// When it last got a name on this engine, as that engine says it; not in lists.
    pub named: Option<String>,
    /// `linux/amd64`, `linux/arm/v7`; not in lists.
    pub platform: String,
    /// Instructions for images that are built from it; not in lists.
    pub on_build: Vec<String>,
    /// What a container of it runs, and with which arguments; not in lists.
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// The digests of its layers' plain archives, from the bottom up; not in lists.
    pub layers: Vec<String>,
}

/// Who we are to a registry. Empty: nobody in particular.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RegistryAuth {
    pub username: String,
    pub password: String,
    pub identity_token: String,
    pub server: String,
    /// The program that these came from, if one did.
    pub helper: String,
}

impl fmt::Debug for RegistryAuth {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryAuth")
            .field("username", &self.username)
            .field("server", &self.server)
            .field("helper", &self.helper)
            .finish_non_exhaustive()
    }
}

impl RegistryAuth {
    pub fn is_empty(&self) -> bool {
        self.username.is_empty() && self.password.is_empty() && self.identity_token.is_empty()
    }

    /// Who that is, for messages.
    pub fn who(&self) -> String {
        if self.is_empty() {
            return "no credentials".to_owned();
        }
        let who = match self.identity_token.is_empty() {
            true => format!("user `{}`", self.username),
            false => "an identity token".to_owned(),
        };
        match self.helper.is_empty() {
            true => who,
            false => format!("{who} of `{}`", self.helper),
        }
    }

    pub(super) fn to_header(&self) -> DockerCredentials {
        let stated = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        DockerCredentials {
            username: stated(&self.username),
            password: stated(&self.password),
            identitytoken: stated(&self.identity_token),
            serveraddress: stated(&self.server),
            ..DockerCredentials::default()
        }
    }
}

impl Engine {
    /// The image of a name or id, if the engine has one.
    pub async fn image(&self, name: &str) -> Result<Option<Image>, DockerError> {
        let found = match self.0.docker.inspect_image(name).await {
            Ok(found) => found,
            Err(error) => {
                let error = self.error("looking an image up", &error);
                return if error.is_missing() { Ok(None) } else { Err(error) };
            }
        };
        let parts = [found.os, found.architecture, found.variant];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let config = found.config.unwrap_or_default();
        Ok(Some(Image {
            id: found.id.unwrap_or_default(),
            tags: found.repo_tags.unwrap_or_default(),
            digests: found.repo_digests.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            on_build: config.on_build.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
            size: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            created: 0,
            named: found.metadata.and_then(|about| about.last_tag_time),
            platform: parts.join("/"),
            layers: found.root_fs.and_then(|files| files.layers).unwrap_or_default(),
        }))
    }

    /// Images that have a label, `name` or `name=value`.
    pub async fn images_with_label(&self, label: &str) -> Result<Vec<Image>, DockerError> {
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListImagesOptionsBuilder::new().all(false).filters(&filters).build();
        let listed = self.0.docker.list_images(Some(options)).await;
        let listed = listed.map_err(|error| self.error("listing images", &error))?;
        let named = |names: Vec<String>| names.into_iter().filter(|name| !name.contains("<none>")).collect();
        Ok(listed
            .into_iter()
            .map(|image| Image {
                id: image.id,
                tags: named(image.repo_tags),
                digests: named(image.repo_digests),
                labels: image.labels,
                size: u64::try_from(image.size).unwrap_or_default(),
                created: image.created,
                ..Image::default()
            })
            .collect())
    }

    /// Gives an image one more name.
    pub async fn tag(&self, image: &str, name: &Reference) -> Result<(), DockerError> {
        let (repository, tag) = halves(name);
        let options = TagImageOptionsBuilder::new().repo(&repository).tag(&tag).build();
        let asked = self.0.docker.tag_image(image, Some(options)).await;
        asked.map_err(|error| self.error("naming an image", &error))
    }

    /// Takes a name away, or the whole image. What other images stand on stays; so does what a container uses.
    pub async fn remove_image(&self, name: &str) -> Result<(), DockerError> {
        let options = RemoveImageOptionsBuilder::new().build();
        let asked = self.0.docker.remove_image(name, Some(options), None).await;
        asked.map(drop).map_err(|error| self.error("removing an image", &error))
    }

    /// Pushes one name. `on_line` gets what the engine says, layer by layer. Gives the digest of the manifest.
    pub async fn push(
        &self,
        name: &Reference,
        auth: &RegistryAuth,
        on_line: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Option<String>, DockerError> {
        let (repository, tag) = halves(name);
        let options = PushImageOptionsBuilder::new().tag(&tag).build();
        let mut news = self
            .0
            .docker
            .push_image(&repository, Some(options), Some(auth.to_header()));
        let mut digest = None;
        while let Some(item) = news.next().await {
            let item = item.map_err(|error| self.error("pushing an image", &error))?;
            if let Some(detail) = item.error_detail.and_then(|detail| detail.message) {
                return Err(DockerError::Refused {
                    doing: "pushing an image",
                    status: 200,
                    message: detail,
                });
            }
            let status = item.status.unwrap_or_default();
            if let Some((_, rest)) = status.split_once("digest: ") {
                digest = rest.split_whitespace().next().map(str::to_owned);
            }
            on_line(&status);
        }
        Ok(digest)
    }

    /// The whole image as an archive, piece by piece.
    pub fn save(&self, name: &str) -> impl Stream<Item = Result<Bytes, DockerError>> + Send + use<> {
        let (engine, name) = (self.clone(), name.to_owned());
        let pieces = self.0.docker.export_image(&name);
        pieces.map(move |piece| piece.map_err(|error| engine.error("reading an image", &error)))
    }

    /// Fetches an image from its registry. By its digest, if the name has one: it has no tag then when it is here.
    pub async fn pull(&self, name: &Reference, platform: &str, auth: &RegistryAuth) -> Result<(), DockerError> {
        let (repository, tag) = halves(name);
        let tag = name.digest().map_or(tag, str::to_owned);
        let options = CreateImageOptionsBuilder::new()
            .from_image(&repository)
            .tag(&tag)
            .platform(platform)
            .build();
        let mut news = self.0.docker.create_image(Some(options), None, Some(auth.to_header()));
        while let Some(item) = news.next().await {
            let item = item.map_err(|error| self.error("pulling an image", &error))?;
            if let Some(message) = item.error_detail.and_then(|detail| detail.message) {
                return Err(DockerError::Refused {
                    doing: "pulling an image",
                    status: 200,
                    message,
                });
            }
        }
        Ok(())
    }

    /// The digest that a name has in its registry now, asked by the engine with its own mirrors and trust.
    pub async fn digest_in_registry(&self, name: &Reference, auth: &RegistryAuth) -> Result<String, DockerError> {
        let asked = self
            .0
            .docker
            .inspect_registry_image(&name.familiar(), Some(auth.to_header()))
            .await;
        let found = asked.map_err(|error| self.error("asking the registry", &error))?;
        found.descriptor.digest.ok_or_else(|| DockerError::Broken {
            doing: "asking the registry",
            reason: "the answer names no digest".to_owned(),
        })
    }
}

/// Name and tag, as the engine wants them.
fn halves(name: &Reference) -> (String, String) {
    let tag = name.tag().or(name.digest()).unwrap_or("latest");
    (name.familiar_name(), tag.to_owned())
}
