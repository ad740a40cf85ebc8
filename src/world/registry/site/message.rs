//! What is asked of a registry, and what it answers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderMap, HeaderName};
use hyper::{Method, StatusCode};
use oci_client::errors::OciEnvelope;
use tokio_util::io::ReaderStream;

use crate::world::files::FileError;

const PIECE: usize = 256 << 10;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What a request carries. A file is read while it is sent, again for each try.
#[derive(Clone, Debug)]
pub enum Content {
    Bytes(Bytes),
    File { path: PathBuf, size: u64 },
}

impl Content {
    pub fn none() -> Content {
        Content::Bytes(Bytes::new())
    }

    pub(super) fn size(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File { size, .. } => *size,
        }
    }

    pub(super) async fn body(&self, moved: &Arc<AtomicU64>) -> Result<Body, FileError> {
        let count = |moved: &Arc<AtomicU64>, piece: &Bytes| {
            moved.fetch_add(piece.len() as u64, Ordering::Relaxed);
        };
        match self {
            Content::Bytes(bytes) => {
                count(moved, bytes);
                let body = Full::new(bytes.clone()).map_err(|never| match never {});
                Ok(body.boxed_unsync())
            }
            Content::File { path, .. } => {
                let file = tokio::fs::File::open(path).await;
                let file = file.map_err(|error| FileError::new("read", path, error))?;
                let moved = Arc::clone(moved);
                let pieces = ReaderStream::with_capacity(file, PIECE).inspect_ok(move |piece| count(&moved, piece));
                Ok(StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync())
            }
        }
    }
}

/// A request, below the registry's address or anywhere.
pub struct Ask<'a> {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(HeaderName, &'a str)>,
    pub content: Content,
    /// Hears how much of the content has left.
    pub on_sent: &'a (dyn Fn(u64) + Send + Sync),
}

impl<'a> Ask<'a> {
    pub fn new(method: Method, url: impl Into<String>) -> Ask<'a> {
        Ask {
            method,
            url: url.into(),
            headers: Vec::new(),
            content: Content::none(),
            on_sent: &|_| {},
        }
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What the registry says about it.
    pub fn message(&self) -> String {
        let told = serde_json::from_slice::<OciEnvelope>(&self.body);
        let told = told.map(|envelope| envelope.errors).unwrap_or_default();
        let told: Vec<String> = told
            .iter()
            .map(|error| match error.message.is_empty() {
                false => error.message.clone(),
                true => format!("{:?}", error.code),
            })
            .collect();
        if !told.is_empty() {
            return told.join("; ");
        }
        let text = String::from_utf8_lossy(&self.body);
        let line = text.trim().lines().next().unwrap_or_default();
        match line.is_empty() || line.starts_with('<') {
            true => self
                .status
                .canonical_reason()
                .unwrap_or("no reason given")
                .to_lowercase(),
            false => line.chars().take(200).collect(),
        }
    }
}
