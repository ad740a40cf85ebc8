//! What can go wrong between us and an engine.

use thiserror::Error;

use crate::world::docker::endpoint::EndpointError;

#[derive(Debug, Error)]
pub enum DockerError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("cannot reach Docker at `{endpoint}`: {reason}")]
    Unreachable { endpoint: String, reason: String },
    /// The engine answered, and said no.
    #[error("{doing}: {message}")]
    Refused {
        doing: &'static str,
        status: u16,
        message: String,
    },
    /// The connection or the answer broke off.
    #[error("{doing}: {reason}")]
    Broken { doing: &'static str, reason: String },
}

impl DockerError {
    /// The engine is away or went away: trying again makes sense.
    pub fn is_connection(&self) -> bool {
        matches!(self, DockerError::Unreachable { .. } | DockerError::Broken { .. })
    }

    pub fn is_missing(&self) -> bool {
        matches!(self, DockerError::Refused { status: 404, .. })
    }

    /// What somebody could do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            DockerError::Unreachable { reason, .. } if reason.contains("permission denied") => {
                Some("may this user use Docker? Its group is `docker` on most machines")
            }
            DockerError::Unreachable { .. } => Some("is Docker running?"),
            DockerError::Refused { message, .. } if message.contains("no space left on device") => {
                Some("the engine's disk is full; `tilt docker-prune` removes images that are not used any more")
            }
            _ => None,
        }
    }

    pub(super) fn of(doing: &'static str, endpoint: &str, error: &bollard::errors::Error) -> DockerError {
        use bollard::errors::Error;
        match error {
            Error::DockerResponseServerError { status_code, message } => DockerError::Refused {
                doing,
                status: *status_code,
                message: message.trim().to_owned(),
            },
            Error::DockerStreamError { error } => DockerError::Refused {
                doing,
                status: 200,
                message: error.trim().to_owned(),
            },
            Error::RequestTimeoutError => DockerError::Broken {
                doing,
                reason: "the engine does not answer".to_owned(),
            },
            other => match is_dialing(other) {
                true => DockerError::Unreachable {
                    endpoint: endpoint.to_owned(),
                    reason: chain(connecting(other)),
                },
                false => DockerError::Broken {
                    doing,
                    reason: chain(other),
                },
            },
        }
    }
}

/// An error with its causes; libraries say the same thing on several levels, which is said once here.
pub(in crate::world) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = match error.downcast_ref::<std::io::Error>() {
            Some(io) => crate::world::files::reason(io),
            None => error.to_string(),
        };
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = error.source();
    }
    texts.join(": ")
}

/// What went wrong with the connection itself, without the words that libraries put around it.
fn connecting<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut next = Some(error);
    while let Some(inner) = next {
        if inner.is::<std::io::Error>() {
            return inner;
        }
        next = inner.source();
    }
    error
}

fn is_dialing(error: &bollard::errors::Error) -> bool {
    match error {
        bollard::errors::Error::HyperLegacyError { err } => err.is_connect(),
        _ => false,
    }
}
