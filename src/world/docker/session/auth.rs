//! Who we are to the registries that a build pulls from.

use std::sync::Arc;

use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use tonic::{Request, Response, Status};

use crate::world::docker::RegistryAuth;

/// Credentials by the host of a registry. May run a program that keeps them, so it may take a while.
pub type Credentials = Arc<dyn Fn(&str) -> Result<RegistryAuth, String> + Send + Sync>;

/// What BuildKit calls Docker Hub, and what configurations call it.
const HUB: &str = "registry-1.docker.io";
const HUB_KEY: &str = "https://index.docker.io/v1/";

pub struct Desk(pub Credentials);

#[tonic::async_trait]
impl Auth for Desk {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        let credentials = Arc::clone(&self.0);
        let key = if host == HUB { HUB_KEY.to_owned() } else { host };
        let found = tokio::task::spawn_blocking(move || credentials(&key)).await;
        let found = found.map_err(|_| Status::internal("looking for credentials panicked"))?;
        let found = found.map_err(Status::failed_precondition)?;
        let answer = match found.identity_token.is_empty() {
            true => CredentialsResponse {
                username: found.username,
                secret: found.password,
            },
            false => CredentialsResponse {
                username: String::new(),
                secret: found.identity_token,
            },
        };
        Ok(Response::new(answer))
    }

    // Without these BuildKit fetches its tokens itself, with the credentials from above.
    async fn fetch_token(&self, _request: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("fetched by the builder"))
    }

    async fn get_token_authority(
        &self,
        _request: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("fetched by the builder"))
    }

    async fn verify_token_authority(
        &self,
        _request: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("fetched by the builder"))
    }
}
