//! An image into a repository: its blobs side by side, those that are there already not at all, then its manifest.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use tempfile::TempDir;

use crate::model::image::Reference;
use crate::world::docker::{Engine, Image, RegistryAuth};
use crate::world::files::FileError;
use crate::world::registry::known::Descriptor;
use crate::world::registry::site::{Access, Content};
use crate::world::registry::{Registries, RegistryError, manifest, saved, tag_of};

/// Registries answer more with 429 than faster.
const AT_ONCE: usize = 4;
/// Ours, and whatever was lost on the way there the first time.
const ROUNDS: usize = 2;

/// An image, taken apart for a registry.
pub struct Packed {
    pub config: Bytes,
    pub layers: Vec<Layer>,
    /// Where the content of layers lies until it is sent.
    #[expect(dead_code, reason = "it is there to be dropped")]
    spool: Option<TempDir>,
}

impl Packed {
    pub fn new(config: Bytes, layers: Vec<Layer>) -> Packed {
        Packed {
            config,
            layers,
            spool: None,
        }
    }
}

/// A layer as registries keep it.
#[derive(Clone, Debug)]
pub struct Layer {
    pub descriptor: Descriptor,
    /// Nothing where it is in the registry already.
    pub content: Option<Content>,
}

/// Where an image goes, on whose behalf, and who wants to hear how far it is.
pub struct Destination<'a> {
    pub name: &'a Reference,
    pub auth: &'a RegistryAuth,
    pub annotations: BTreeMap<String, String>,
    /// Must not block.
    pub on_news: &'a (dyn Fn(News<'_>) + Send + Sync),
}

impl<'a> Destination<'a> {
    pub fn new(name: &'a Reference, auth: &'a RegistryAuth) -> Destination<'a> {
        Destination {
            name,
            auth,
            annotations: super::bare(),
            on_news: &|_| {},
        }
    }
}

/// How far a push is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// The image is read from the engine.
    Reading,
    /// The repository has the blob.
    Present {
        digest: &'a str,
    },
    /// The registry took it over from another of its repositories.
    Mounted {
        digest: &'a str,
        from: &'a str,
    },
    Sending {
        digest: &'a str,
        sent: u64,
        size: u64,
    },
    Sent {
        digest: &'a str,
        size: u64,
    },
}

/// What a push came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Of the manifest.
    pub digest: String,
    /// Of the image's configuration.
    pub config: String,
    /// The blobs that had to be sent.
    pub sent: Vec<Descriptor>,
}

/// What became of a blob.
enum Fate {
    There,
    Sent,
    /// It is not there, and we do not have it.
    Gone,
}

impl Registries {
    /// Pushes an image that is at hand.
    pub async fn push(&self, image: &Packed, to: &Destination<'_>) -> Result<Pushed, RegistryError> {
        for _ in 0..ROUNDS {
            if let Some(pushed) = self.try_push(image, to).await? {
                return Ok(pushed);
            }
        }
        Err(lost(to))
    }

    /// Pushes an image that an engine has, by its name or id there. The engine is only asked for it if something of it is
    /// missing in the registry.
    pub async fn push_from_engine(
        &self,
        engine: &Engine,
        image: &str,
        to: &Destination<'_>,
    ) -> Result<Pushed, RegistryError> {
        let found = engine.image(image).await?.ok_or_else(|| RegistryError::Archive {
            image: image.to_owned(),
            reason: "it is not there".to_owned(),
        })?;
        for _ in 0..ROUNDS {
            let there = self.layers_there(&found, to).await?;
            let packed = match self.unread(&found, &there) {
                Some(packed) => packed,
                None => self.read(engine, &found, there, to).await?,
            };
            if let Some(pushed) = self.try_push(&packed, to).await? {
                return Ok(pushed);
            }
        }
        Err(lost(to))
    }

    /// Nothing if the registry turns out not to have what it was believed to have.
    async fn try_push(&self, image: &Packed, to: &Destination<'_>) -> Result<Option<Pushed>, RegistryError> {
        let site = self.site(to.name.domain())?;
        let config = Layer {
            descriptor: manifest::config(&image.config),
            content: Some(Content::Bytes(image.config.clone())),
        };
        let mut once = BTreeSet::new();
        let blobs = image.layers.iter().chain([&config]);
        let blobs = blobs.filter(|blob| once.insert(blob.descriptor.digest.as_str()));
        let jobs: Vec<_> = blobs
            .map(|blob| {
                let access = self.access(&site, &blob.descriptor.digest, to);
                async move { Ok::<_, RegistryError>((self.deliver(&access, blob, to).await?, blob.descriptor.clone())) }
                    .boxed()
            })
            .collect();
        let fates: Vec<(Fate, Descriptor)> = stream::iter(jobs).buffer_unordered(AT_ONCE).try_collect().await?;
        if fates.iter().any(|(fate, _)| matches!(fate, Fate::Gone)) {
            self.forget(&site.host);
            return Ok(None);
        }
        let layers: Vec<Descriptor> = image.layers.iter().map(|layer| layer.descriptor.clone()).collect();
        let document = manifest::write(&config.descriptor, &layers, &to.annotations);
        let access = self.access(&site, &config.descriptor.digest, to);
        let Ok(digest) = access.put_manifest(tag_of(to.name), &document).await? else {
            self.forget(&site.host);
            return Ok(None);
        };
        let sent = fates.into_iter().filter(|(fate, _)| matches!(fate, Fate::Sent));
        Ok(Some(Pushed {
            digest,
            config: config.descriptor.digest,
            sent: sent.map(|(_, blob)| blob).collect(),
        }))
    }

    /// Leave to push, and to read where the blob may be taken from.
    fn access<'a>(&self, site: &'a super::Site, digest: &str, to: &Destination<'a>) -> Access<'a> {
        let owners = self.owners(&site.host, digest);
        let is_here = owners.contains(to.name.path());
        Access {
            site,
            repository: to.name.path(),
            auth: to.auth,
            actions: "pull,push",
            sources: owners.into_iter().take(1).filter(|_| !is_here).collect(),
        }
    }

    async fn deliver(&self, access: &Access<'_>, blob: &Layer, to: &Destination<'_>) -> Result<Fate, RegistryError> {
        let digest = blob.descriptor.digest.as_str();
        if self.is_there(access, digest, to).await? {
            return Ok(Fate::There);
        }
        let Some(content) = &blob.content else {
            return Ok(Fate::Gone);
        };
        let size = blob.descriptor.size;
        let on_sent = |sent| (to.on_news)(News::Sending { digest, sent, size });
        access.upload(&blob.descriptor, content, &on_sent).await?;
        self.saw(access, digest);
        (to.on_news)(News::Sent { digest, size });
        Ok(Fate::Sent)
    }

    /// Whether a blob need not be sent.
    async fn is_there(&self, access: &Access<'_>, digest: &str, to: &Destination<'_>) -> Result<bool, RegistryError> {
        let known = self.owners(&access.site.host, digest).contains(access.repository);
        if known || access.has(digest).await? {
            (to.on_news)(News::Present { digest });
            self.saw(access, digest);
            return Ok(true);
        }
        for from in &access.sources {
            if access.mount(digest, from).await? {
                (to.on_news)(News::Mounted { digest, from });
                self.saw(access, digest);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those layers of an image, by the digest of their plain archives, that the registry has.
    async fn layers_there(&self, image: &Image, to: &Destination<'_>) -> Result<HashSet<String>, RegistryError> {
        let site = self.site(to.name.domain())?;
        let plain: BTreeSet<&String> = image.layers.iter().collect();
        let known = plain
            .into_iter()
            .filter_map(|plain| Some((plain, self.0.known.layer(plain)?)));
        let jobs: Vec<_> = known
            .map(|(plain, became)| {
                let access = self.access(&site, &became.digest, to);
                async move {
                    let there = self.is_there(&access, &became.digest, to).await?;
                    Ok::<_, RegistryError>(there.then(|| plain.clone()))
                }
                .boxed()
            })
            .collect();
        let found: Vec<Option<String>> = stream::iter(jobs).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The image without asking the engine for it: its layers are there, and its configuration is remembered.
    fn unread(&self, image: &Image, there: &HashSet<String>) -> Option<Packed> {
        let config = self.0.known.config(&image.id)?;
        if saved::plain_layers(&config).ok()? != image.layers {
            return None;
        }
        let layers = image.layers.iter().filter(|plain| there.contains(*plain));
        let layers: Vec<Layer> = layers.filter_map(|plain| self.absent(plain)).collect();
        (layers.len() == image.layers.len()).then(|| Packed::new(config, layers))
    }

    fn absent(&self, plain: &str) -> Option<Layer> {
        let descriptor = self.0.known.layer(plain)?;
        Some(Layer {
            descriptor,
            content: None,
        })
    }

    async fn read(
        &self,
        engine: &Engine,
        image: &Image,
        there: HashSet<String>,
        to: &Destination<'_>,
    ) -> Result<Packed, RegistryError> {
        (to.on_news)(News::Reading);
        let spool = spool(self.0.known.folder())?;
        let folder = spool.path().to_owned();
        let saved = saved::read(engine.save(&image.id), &folder, there).await;
        let saved = saved.map_err(|error| error.of(&image.id))?;
        let jobs: Vec<_> = saved
            .layers
            .into_iter()
            .map(|layer| self.pack(layer, &folder).boxed())
            .collect();
        let layers: Vec<Layer> = stream::iter(jobs).buffered(AT_ONCE).try_collect().await?;
        self.0.known.keep_config(&image.id, &saved.config)?;
        Ok(Packed {
            config: saved.config,
            layers,
            spool: Some(spool),
        })
    }

    async fn pack(&self, layer: saved::Layer, folder: &Path) -> Result<Layer, RegistryError> {
        let Some(file) = layer.file else {
            // It was left out because it is known to be there; so it is known.
            return self.absent(&layer.plain).ok_or_else(|| RegistryError::Archive {
                image: layer.plain,
                reason: "what is known about it has just gone".to_owned(),
            });
        };
        let (descriptor, path) = saved::compress(file, folder).await?;
        self.0.known.keep_layer(&layer.plain, &descriptor)?;
        let size = descriptor.size;
        Ok(Layer {
            descriptor,
            content: Some(Content::File { path, size }),
        })
    }
}

fn spool(folder: &Path) -> Result<TempDir, FileError> {
    std::fs::create_dir_all(folder).map_err(|error| FileError::new("create", folder, error))?;
    let made = tempfile::Builder::new().prefix("sending-").tempdir_in(folder);
    made.map_err(|error| FileError::new("create a folder in", folder, error))
}

fn lost(to: &Destination<'_>) -> RegistryError {
    RegistryError::Unexpected {
        host: to.name.domain().to_owned(),
        doing: "sending a manifest",
        status: 404,
        message: "it keeps losing blobs that it said it has".to_owned(),
    }
}
