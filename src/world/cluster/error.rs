//! What can go wrong between us and a cluster.

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;
use thiserror::Error;

use crate::world::docker::chain;
use crate::world::files;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClusterError {
    #[error("kubeconfig: context `{context}`: {reason}")]
    Kubeconfig { context: String, reason: String },
    /// Whatever should log us in did not: a plugin, a token's file.
    #[error("cannot get credentials of `{user}`: {reason}")]
    Credentials { user: String, reason: String },
    #[error("cannot reach the cluster at {server}: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("the cluster at {server} does not accept `{user}`: {reason}")]
    Unauthorized {
        server: String,
        user: String,
        reason: String,
    },
    /// It answered, and said no.
    #[error("the cluster at {server} refuses: {status} {reason}")]
    Refused {
        server: String,
        status: u16,
        reason: String,
    },
    /// What answers is hardly a cluster.
    #[error("the cluster at {server} gives an answer that makes no sense: {reason}")]
    Nonsense { server: String, reason: String },
}

impl ClusterError {
    /// The cluster is away or busy: trying again makes sense.
    pub fn is_connection(&self) -> bool {
        match self {
            ClusterError::Unreachable { .. } => true,
            ClusterError::Refused { status, .. } => *status == 429 || *status >= 500,
            ClusterError::Kubeconfig { .. }
            | ClusterError::Credentials { .. }
            | ClusterError::Unauthorized { .. }
            | ClusterError::Nonsense { .. } => false,
        }
    }

    pub(super) fn late(server: &str, limit: Duration) -> ClusterError {
        ClusterError::Unreachable {
            server: server.to_owned(),
            reason: format!("no answer within {limit:?}"),
        }
    }

    /// From a request that failed.
    pub(super) fn of(server: &str, user: &str, error: &kube::Error) -> ClusterError {
        let server = server.to_owned();
        if let Some(reason) = credentials(error) {
            let user = user.to_owned();
            return ClusterError::Credentials { user, reason };
        }
        match error {
            kube::Error::Api(status) if status.code == 401 => ClusterError::Unauthorized {
                server,
                user: user.to_owned(),
                reason: status.message.clone(),
            },
            kube::Error::Api(status) => ClusterError::Refused {
                server,
                status: status.code,
                reason: status.message.trim().to_owned(),
            },
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => ClusterError::Nonsense {
                server,
                reason: chain(error.source().unwrap_or(error)),
            },
            // The library's own words around the cause say nothing more.
            other => ClusterError::Unreachable {
                server,
                reason: chain(other.source().unwrap_or(other)),
            },
        }
    }
}

/// Why nobody logged us in, if that is what failed.
pub(super) fn credentials(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(failed) = error.downcast_ref::<AuthError>() {
            return Some(failed_login(failed));
        }
        next = error.source();
    }
    None
}

fn failed_login(error: &AuthError) -> String {
    match error {
        // Its output may hold a token: only what it says of errors is shown.
        AuthError::AuthExecRun { cmd, out } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim();
            let colon = if said.is_empty() { "" } else { ": " };
            format!("`{cmd}`: {}{colon}{said}", out.status)
        }
        AuthError::AuthExecStart(error) => format!("running the credential plugin: {}", files::reason(error)),
        AuthError::ReadTokenFile(error, path) => format!("{}: {}", path.display(), files::reason(error)),
        AuthError::AuthExecParse(_) => "what the credential plugin printed is no credential".to_owned(),
        other => other.to_string(),
    }
}
