//! What is remembered of images that were sent before, across runs: what a layer's plain archive became when it was
//! compressed, and configurations byte for byte. Both follow from content, so nothing here can become wrong, only useless.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::world::files::{self, FileError};
use crate::world::replace;

/// A blob, as manifests name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub digest: String,
    pub size: u64,
    pub media_type: String,
}

/// A folder with one small file a fact, so that several of us can use it at the same time.
#[derive(Clone, Debug)]
pub struct Known {
    folder: PathBuf,
}

impl Known {
    pub fn at(folder: &Path) -> Known {
        Known {
            folder: folder.to_owned(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the layer became whose plain archive has this digest.
    pub fn layer(&self, plain: &str) -> Option<Descriptor> {
        let text = files::read_text(&self.place("layers", plain)).ok()?;
        let mut words = text.split_whitespace();
        let (digest, size, media_type) = (words.next()?, words.next()?, words.next()?);
        Some(Descriptor {
            digest: digest.to_owned(),
            size: size.parse().ok()?,
            media_type: media_type.to_owned(),
        })
    }

    pub fn keep_layer(&self, plain: &str, became: &Descriptor) -> Result<(), FileError> {
        let Descriptor {
            digest,
            size,
            media_type,
        } = became;
        self.keep("layers", plain, format!("{digest} {size} {media_type}\n").as_bytes())
    }

    /// The configuration of an image by its id in the engine.
    pub fn config(&self, image: &str) -> Option<Bytes> {
        files::read(&self.place("configs", image)).ok().map(Bytes::from)
    }

    pub fn keep_config(&self, image: &str, config: &[u8]) -> Result<(), FileError> {
        self.keep("configs", image, config)
    }

    fn place(&self, kind: &str, digest: &str) -> PathBuf {
        self.folder.join(kind).join(digest.replace([':', '/'], "-"))
    }

    fn keep(&self, kind: &str, digest: &str, content: &[u8]) -> Result<(), FileError> {
        let folder = self.folder.join(kind);
        std::fs::create_dir_all(&folder).map_err(|error| FileError::new("create", &folder, error))?;
        replace::replace(&self.place(kind, digest), content)
    }
}
