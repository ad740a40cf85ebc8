//! The archive of an image as engines give it out, in both of their layouts: one folder a layer, or blobs named by digest.
//! It is read once from front to back, so what may be needed is laid aside in files.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt};
use oci_client::manifest::{IMAGE_LAYER_GZIP_MEDIA_TYPE, IMAGE_LAYER_MEDIA_TYPE};
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::model::digest::Hasher;
use crate::world::docker::DockerError;
use crate::world::files::FileError;
use crate::world::registry::RegistryError;
use crate::world::registry::known::Descriptor;

const BLOBS: &str = "blobs/sha256/";
const INDEX: &str = "manifest.json";
const GZIP: [u8; 4] = [0x1f, 0x8b, 0, 0];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Pieces under way between the engine and the reader.
const AHEAD: usize = 16;
const PIECE: usize = 256 << 10;

pub struct Saved {
    pub config: Bytes,
    pub layers: Vec<Layer>,
}

pub struct Layer {
    /// The digest of its plain archive.
    pub plain: String,
    /// Nothing where it is not needed.
    pub file: Option<Spooled>,
}

/// Something of the archive, laid aside.
#[derive(Clone, Debug)]
pub struct Spooled {
    path: PathBuf,
    digest: String,
    size: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error(transparent)]
    Engine(#[from] DockerError),
    #[error("{0}")]
    Archive(String),
}

impl SavedError {
    pub fn of(self, image: &str) -> RegistryError {
        match self {
            SavedError::Engine(error) => RegistryError::Engine(error),
            SavedError::Archive(reason) => RegistryError::Archive {
                image: image.to_owned(),
                reason,
            },
        }
    }
}

impl From<io::Error> for SavedError {
    fn from(error: io::Error) -> SavedError {
        SavedError::Archive(crate::world::files::reason(&error))
    }
}

impl From<serde_json::Error> for SavedError {
    fn from(error: serde_json::Error) -> SavedError {
        SavedError::Archive(error.to_string())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Config {
    rootfs: Rootfs,
}

#[derive(Deserialize)]
struct Rootfs {
    diff_ids: Vec<String>,
}

/// The layers that a configuration names, by their plain archives.
pub fn plain_layers(config: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    serde_json::from_slice::<Config>(config).map(|config| config.rootfs.diff_ids)
}

/// Reads an archive. Layers that are in `there`, by their plain digests, are left out.
pub async fn read(
    pieces: impl Stream<Item = Result<Bytes, DockerError>> + Send,
    folder: &Path,
    there: HashSet<String>,
) -> Result<Saved, SavedError> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let forward = async move {
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            // The reader has what it needs, or failed and says why.
            if sender.send(piece?).await.is_err() {
                break;
            }
        }
        Ok::<(), DockerError>(())
    };
    let folder = folder.to_owned();
    let reading = tokio::task::spawn_blocking(move || unpack(Pieces::of(receiver), &folder, &there));
    let (forwarded, unpacked) = tokio::join!(forward, reading);
    // An archive that ends too early is the consequence of a connection that does.
    forwarded?;
    unpacked.map_err(|error| SavedError::Archive(error.to_string()))?
}

fn unpack(archive: impl Read, folder: &Path, there: &HashSet<String>) -> Result<Saved, SavedError> {
    let mut archive = tar::Archive::new(archive);
    let mut files: HashMap<String, Spooled> = HashMap::new();
    let mut links: HashMap<String, String> = HashMap::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = normal("", &entry.path()?.to_string_lossy());
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
            let target = target.unwrap_or_default();
            let base = if kind.is_symlink() { parent(&name) } else { "" };
            let target = normal(base, &target);
            links.insert(name, target);
            continue;
        }
        let plain = name.strip_prefix(BLOBS).map(|hex| format!("sha256:{hex}"));
        if !kind.is_file() || plain.is_some_and(|plain| there.contains(&plain)) {
            continue;
        }
        let path = folder.join(format!("entry-{}", files.len()));
        files.insert(name, lay_aside(&mut entry, path)?);
    }
    assemble(&Found { files, links }, there)
}

struct Found {
    files: HashMap<String, Spooled>,
    links: HashMap<String, String>,
}

impl Found {
    fn file(&self, name: &str) -> Option<&Spooled> {
        let name = normal("", name);
        let target = self.links.get(&name).unwrap_or(&name);
        self.files.get(target)
    }

    fn content(&self, name: &str) -> Result<Bytes, SavedError> {
        let file = self.file(name).ok_or_else(|| lacks(name))?;
        Ok(std::fs::read(&file.path)?.into())
    }
}

fn assemble(found: &Found, there: &HashSet<String>) -> Result<Saved, SavedError> {
    let index: Vec<Entry> = serde_json::from_slice(&found.content(INDEX)?)?;
    let entry = index.into_iter().next().ok_or_else(|| lacks("an image"))?;
    let config = found.content(&entry.config)?;
    let plain = plain_layers(&config)?;
    if plain.len() != entry.layers.len() {
        let reason = "it has another number of layers than its configuration names";
        return Err(SavedError::Archive(reason.to_owned()));
    }
    let layers = plain.into_iter().zip(entry.layers).map(|(plain, name)| {
        let file = match there.contains(&plain) {
            true => None,
            false => Some(found.file(&name).cloned().ok_or_else(|| lacks(&name))?),
        };
        Ok(Layer { plain, file })
    });
    let layers = layers.collect::<Result<_, SavedError>>()?;
    Ok(Saved { config, layers })
}

fn lacks(name: &str) -> SavedError {
    SavedError::Archive(format!("its archive lacks `{name}`"))
}

fn parent(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A name without `.` and `..`.
fn normal(base: &str, name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn lay_aside(content: &mut impl Read, path: PathBuf) -> io::Result<Spooled> {
    let mut sum = Sum::new(File::create(&path)?);
    let mut buffer = vec![0; PIECE];
    loop {
        match content.read(&mut buffer)? {
            0 => break,
            read => sum.write_all(&buffer[..read])?,
        }
    }
    let (digest, size) = sum.finish();
    Ok(Spooled { path, digest, size })
}

/// A layer as it is sent: compressed, if it is not yet.
pub async fn compress(layer: Spooled, folder: &Path) -> Result<(Descriptor, PathBuf), RegistryError> {
    let target = folder.join(format!("{}.gz", layer.digest.replace(':', "-")));
    let path = layer.path.clone();
    let done = tokio::task::spawn_blocking(move || compress_file(layer, target)).await;
    let failed = |error| RegistryError::File(FileError::new("compress", &path, error));
    match done {
        Ok(outcome) => outcome.map_err(failed),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn compress_file(layer: Spooled, target: PathBuf) -> io::Result<(Descriptor, PathBuf)> {
    let mut file = File::open(&layer.path)?;
    let as_it_is = |media_type: &str| Descriptor {
        digest: layer.digest.clone(),
        size: layer.size,
        media_type: media_type.to_owned(),
    };
    let mut head = [0; 4];
    let mut packed = None;
    if layer.size >= 4 {
        file.read_exact(&mut head)?;
        file = File::open(&layer.path)?;
        if head[..2] == GZIP[..2] {
            packed = Some(as_it_is(IMAGE_LAYER_GZIP_MEDIA_TYPE));
        } else if head == ZSTD {
            packed = Some(as_it_is(&format!("{IMAGE_LAYER_MEDIA_TYPE}+zstd")));
        }
    }
    if let Some(packed) = packed {
        return Ok((packed, layer.path));
    }
    let mut encoder = GzEncoder::new(Sum::new(File::create(&target)?), Compression::fast());
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => encoder.write_all(&buffer[..read])?,
        }
    }
    let (digest, size) = encoder.finish()?.finish();
    let descriptor = Descriptor {
        digest,
        size,
        media_type: IMAGE_LAYER_GZIP_MEDIA_TYPE.to_owned(),
    };
    std::fs::remove_file(&layer.path)?;
    Ok((descriptor, target))
}

/// Writes on, and knows the digest and length of what went through.
struct Sum {
    file: File,
    hasher: Hasher,
    size: u64,
}

impl Sum {
    fn new(file: File) -> Sum {
        Sum {
            file,
            hasher: Hasher::new(),
            size: 0,
        }
    }

    fn finish(self) -> (String, u64) {
        (format!("sha256:{}", self.hasher.finish()), self.size)
    }
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Pieces from a task as something to read from in a thread.
struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Pieces {
    fn of(receiver: mpsc::Receiver<Bytes>) -> Pieces {
        Pieces {
            receiver,
            piece: Bytes::new(),
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}
