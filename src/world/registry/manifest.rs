//! Manifests: asked for, read, and put in their place.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{Method, StatusCode};
use oci_client::manifest::{
    IMAGE_CONFIG_MEDIA_TYPE, IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest,
};

use crate::model::digest;
use crate::world::registry::RegistryError;
use crate::world::registry::blob::is_about;
use crate::world::registry::known::Descriptor;
use crate::world::registry::site::{Access, Answer, Ask, Content};

const DIGEST: &str = "docker-content-digest";

/// A manifest as it stands in a registry.
pub struct Found {
    pub digest: String,
    /// Nothing where it is no single image's.
    pub manifest: Option<OciImageManifest>,
}

/// A manifest that refers to blobs which the registry does not have.
pub struct BlobUnknown;

impl Access<'_> {
    /// The digest that a tag stands for now.
    pub(super) async fn digest_of(&self, tag: &str) -> Result<Option<String>, RegistryError> {
        let Some(answer) = self.manifest(Method::HEAD, tag).await? else {
            return Ok(None);
        };
        match answer.header(DIGEST) {
            Some(digest) => Ok(Some(digest.to_owned())),
            // Some leave it out of the answer to HEAD.
            None => {
                let answer = self.manifest(Method::GET, tag).await?;
                Ok(answer.map(|answer| digest_of(&answer.body)))
            }
        }
    }

    /// The manifest of a tag or digest.
    pub(super) async fn image_manifest(&self, tag: &str) -> Result<Option<Found>, RegistryError> {
        let Some(answer) = self.manifest(Method::GET, tag).await? else {
            return Ok(None);
        };
        let digest = digest_of(&answer.body);
        if answer.header(DIGEST).is_some_and(|stated| stated != digest) {
            return Err(RegistryError::Damaged {
                host: self.site.host.clone(),
                digest,
                message: "the manifest is not what its digest says".to_owned(),
            });
        }
        let manifest = serde_json::from_slice(&answer.body).ok();
        Ok(Some(Found { digest, manifest }))
    }

    async fn manifest(&self, method: Method, tag: &str) -> Result<Option<Answer>, RegistryError> {
        let mut ask = Ask::new(method, format!("/v2/{}/manifests/{tag}", self.repository));
        ask.headers.extend(
            [
                OCI_IMAGE_MEDIA_TYPE,
                OCI_IMAGE_INDEX_MEDIA_TYPE,
                IMAGE_MANIFEST_MEDIA_TYPE,
                IMAGE_MANIFEST_LIST_MEDIA_TYPE,
            ]
            .map(|kind| (ACCEPT, kind)),
        );
        let answer = self.send(&ask).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.unexpected("asking for a manifest", &answer)),
        }
    }

    /// Gives an image its tag.
    pub(super) async fn put_manifest(
        &self,
        tag: &str,
        manifest: &Bytes,
    ) -> Result<Result<String, BlobUnknown>, RegistryError> {
        let mut ask = Ask::new(Method::PUT, format!("/v2/{}/manifests/{tag}", self.repository));
        ask.headers.push((CONTENT_TYPE, OCI_IMAGE_MEDIA_TYPE));
        ask.content = Content::Bytes(manifest.clone());
        let answer = self.send(&ask).await?;
        if answer.status != StatusCode::CREATED {
            return match is_about(&answer.body, "BLOB_UNKNOWN") {
                true => Ok(Err(BlobUnknown)),
                false => Err(self.unexpected("sending a manifest", &answer)),
            };
        }
        let digest = digest_of(manifest);
        match answer.header(DIGEST).filter(|stated| *stated != digest) {
            None => Ok(Ok(digest)),
            Some(stated) => Err(RegistryError::Damaged {
                host: self.site.host.clone(),
                message: format!("the registry calls it {stated}"),
                digest,
            }),
        }
    }
}

/// The manifest of an image. The same image gives the same bytes.
pub fn write(config: &Descriptor, layers: &[Descriptor], annotations: &BTreeMap<String, String>) -> Bytes {
    let manifest = OciImageManifest {
        media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
        config: descriptor(config),
        layers: layers.iter().map(descriptor).collect(),
        annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        ..OciImageManifest::default()
    };
    let text = serde_json::to_vec(&manifest).expect("its keys are texts and its numbers finite");
    text.into()
}

/// How a manifest names a configuration.
pub fn config(bytes: &Bytes) -> Descriptor {
    Descriptor {
        digest: digest_of(bytes),
        size: bytes.len() as u64,
        media_type: IMAGE_CONFIG_MEDIA_TYPE.to_owned(),
    }
}

fn descriptor(of: &Descriptor) -> OciDescriptor {
    OciDescriptor {
        media_type: of.media_type.clone(),
        digest: of.digest.clone(),
        size: i64::try_from(of.size).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", digest::sha256_hex(bytes))
}
