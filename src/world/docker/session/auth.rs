//! Who we are to the registries that a build pulls from.

use std::collections::BTreeMap;
use std::sync::Arc;

use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use tonic::{Request, Response, Status};

use crate::world::credentials;

/// What BuildKit calls Docker Hub.
const HUB: &str = "registry-1.docker.io";

pub struct Desk(pub Arc<BTreeMap<String, String>>);

#[tonic::async_trait]
impl Auth for Desk {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        let host = if host == HUB { "docker.io" } else { &host };
        let found = credentials::for_host(&self.0, host).await;
        let found = found.map_err(|error| Status::failed_precondition(error.to_string()))?;
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
