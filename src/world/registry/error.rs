//! What can go wrong between us (or an engine of ours) and a registry: one variant a cause, because each has another cure.

use std::time::Duration;

use thiserror::Error;

use crate::model::image::Reference;
use crate::world::credentials;
use crate::world::docker::{DockerError, RegistryAuth};
use crate::world::files::FileError;

#[derive(Debug, Error)]
pub enum RegistryError {
    #[error("registry {host} denies access to `{name}` ({who}): {message}")]
    Denied {
        host: String,
        name: String,
        /// Who we said that we are.
        who: String,
        message: String,
    },
    #[error("registry {host} has no `{name}`: {message}")]
    Missing {
        host: String,
        name: String,
        message: String,
    },
    #[error("registry {host} takes no more requests for now{}: {message}", wanted(*retry_after))]
    Throttled {
        host: String,
        /// As it asks for it.
        retry_after: Option<Duration>,
        message: String,
    },
    #[error("registry {host} is not well (status {status}): {message}")]
    Unwell { host: String, status: u16, message: String },
    #[error("cannot reach registry {host}: {reason}")]
    Unreachable { host: String, reason: String },
    #[error("registry {host} speaks plain HTTP where HTTPS is expected")]
    Plain { host: String },
    #[error("registry {host} is not trusted: {reason}")]
    Untrusted { host: String, reason: String },
    #[error("registry {host}: the connection broke off: {reason}")]
    CutOff { host: String, reason: String },
    #[error("registry {host}: {digest} arrived damaged: {message}")]
    Damaged {
        host: String,
        digest: String,
        message: String,
    },
    #[error("registry {host}: {doing}: {message} (status {status})")]
    Unexpected {
        host: String,
        doing: &'static str,
        status: u16,
        message: String,
    },
    #[error("`{image}` cannot be read from the engine: {reason}")]
    Archive { image: String, reason: String },
    #[error(transparent)]
    Engine(#[from] DockerError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl RegistryError {
    /// What somebody could do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RegistryError::Denied { host, .. } => Some(match credentials::server_of(host) == credentials::HUB_SERVER {
                true => "run `docker login`".to_owned(),
                false => format!("run `docker login {host}`"),
            }),
            RegistryError::Missing { host, .. } => {
                Some(format!("create the repository at {host} first, or check its name"))
            }
            RegistryError::Plain { host } => Some(format!(
                "if that is meant to be, add `{host}` to `insecure-registries` in the settings of Docker Engine"
            )),
            RegistryError::Untrusted { host, .. } => Some(format!(
                "put the certificate of its authority into `/etc/docker/certs.d/{host}/ca.crt`"
            )),
            _ => None,
        }
    }

    /// What an engine could not push or pull, by its cause as far as that is the registry's.
    pub fn of_docker(error: DockerError, name: &Reference, auth: &RegistryAuth) -> RegistryError {
        let cause = match &error {
            DockerError::Refused { message, .. } => RegistryError::of_engine(message, name, auth),
            _ => None,
        };
        cause.unwrap_or(RegistryError::Engine(error))
    }

    /// The same cause, read from what an engine says when it cannot push or pull. Nothing where it is no registry's.
    pub fn of_engine(text: &str, name: &Reference, auth: &RegistryAuth) -> Option<RegistryError> {
        let lower = text.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        let (host, message) = (name.domain().to_owned(), text.trim().to_owned());
        let denied = [
            "denied",
            "unauthorized",
            "no basic auth",
            "forbidden",
            "authentication required",
            // Engines call an answer by its number where they cannot read it.
            "http 401 response",
            "http 403 response",
        ];
        let cut = [
            "connection reset",
            "broken pipe",
            "unexpected eof",
            "use of closed network",
        ];
        let away = [
            "connection refused",
            "no such host",
            "i/o timeout",
            "no route to host",
            "deadline exceeded",
        ];
        let unwell = [
            "500 internal",
            "502 bad",
            "503 service",
            "504 gateway",
            "internal server error",
            "http 500 response",
            "http 502 response",
            "http 503 response",
            "http 504 response",
        ];
        // The order matters: `dial tcp … connection refused` may stand in a text that also says `denied`, never the other way.
        Some(if has(&["server gave http response to https client"]) {
            RegistryError::Plain { host }
        } else if has(&[
            "toomanyrequests",
            "429 too many",
            "too many requests",
            "http 429 response",
        ]) {
            let retry_after = None;
            RegistryError::Throttled {
                host,
                retry_after,
                message,
            }
        } else if has(&away) {
            RegistryError::Unreachable { host, reason: message }
        } else if has(&["x509:", "tls: "]) {
            RegistryError::Untrusted { host, reason: message }
        } else if has(&denied) {
            let (name, who) = (name.familiar(), auth.who());
            RegistryError::Denied {
                host,
                name,
                who,
                message,
            }
        } else if has(&["name unknown", "repository does not exist", "manifest unknown"])
            || has(&["not found: manifest"])
        {
            let name = name.familiar();
            RegistryError::Missing { host, name, message }
        } else if has(&unwell) {
            RegistryError::Unwell {
                host,
                status: status_in(&lower),
                message,
            }
        } else if has(&["digest invalid", "did not match uploaded content"]) {
            let digest = name.digest().unwrap_or("what was sent").to_owned();
            RegistryError::Damaged { host, digest, message }
        } else if has(&cut) {
            RegistryError::CutOff { host, reason: message }
        } else {
            return None;
        })
    }
}

fn wanted(retry_after: Option<Duration>) -> String {
    retry_after.map_or(String::new(), |wait| format!(" (try again in {} s)", wait.as_secs()))
}

/// The first number in a text that can be the status of a server that is not well.
fn status_in(text: &str) -> u16 {
    let numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok());
    numbers
        .into_iter()
        .find(|number| (500..600).contains(number))
        .unwrap_or(500)
}
