//! Secrets of a build, read when a step asks for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use thiserror::Error;
use tonic::{Request, Response, Status};

use crate::world::files::{self, FileError};

/// BuildKit takes no larger ones.
const LARGEST: usize = 500 << 10;

/// Where a secret is.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    File(PathBuf),
    /// A value of our environment, as it is now.
    Value(String),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretSource::File(path) => write!(f, "File({})", path.display()),
            SecretSource::Value(_) => f.write_str("Value(…)"),
        }
    }
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    #[error("secret `{id}`: {source}")]
    File { id: String, source: FileError },
    #[error("secret `{id}` has {size} bytes; {LARGEST} is the most that a build takes")]
    TooLarge { id: String, size: usize },
}

impl SecretSource {
    pub fn read(&self, id: &str) -> Result<Vec<u8>, SecretError> {
        let content = match self {
            SecretSource::Value(value) => value.clone().into_bytes(),
            SecretSource::File(path) => files::read(path).map_err(|source| SecretError::File {
                id: id.to_owned(),
                source,
            })?,
        };
        match content.len() {
            size if size > LARGEST => Err(SecretError::TooLarge {
                id: id.to_owned(),
                size,
            }),
            _ => Ok(content),
        }
    }
}

pub struct Vault(pub BTreeMap<String, SecretSource>);

#[tonic::async_trait]
impl Secrets for Vault {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        // Optional secrets are told from required ones by this very answer.
        let source = self.0.get(&id).cloned();
        let source = source.ok_or_else(|| Status::not_found(format!("secret {id}: not found")))?;
        let read = tokio::task::spawn_blocking(move || source.read(&id)).await;
        match read {
            Ok(Ok(data)) => Ok(Response::new(GetSecretResponse { data })),
            Ok(Err(error)) => Err(Status::failed_precondition(error.to_string())),
            Err(_) => Err(Status::internal("reading the secret panicked")),
        }
    }
}
