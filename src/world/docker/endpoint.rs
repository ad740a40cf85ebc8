//! Which engine is meant: by `DOCKER_HOST`, by a context of the Docker command line, else the one of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::digest;
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::files::{self, FileError};

#[cfg(test)]
mod tests;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_CONTEXT: &str = "default";

/// What decides which engine the programs of Docker talk to.
const VARIABLES: [&str; 5] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_API_VERSION",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub host: Host,
    /// As it was written: for messages, and for commands that are to reach the same engine.
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Unix(PathBuf),
    Tcp {
        name: String,
        port: u16,
        tls: Option<Tls>,
    },
    /// Through the `ssh` command and the Docker command line on the other side.
    Ssh {
        destination: String,
        port: Option<u16>,
    },
}

/// Files in PEM. Without an authority, those of the system are not asked: an engine has one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    pub authority: Option<PathBuf>,
    pub identity: Option<(PathBuf, PathBuf)>,
    pub skip_verify: bool,
}

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    #[error("unable to resolve docker endpoint: {0}")]
    File(FileError),
    #[error("unable to resolve docker endpoint: context `{name}` is not known; see `docker context ls`")]
    UnknownContext { name: String },
    #[error("unable to resolve docker endpoint: {}: {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("unable to parse docker host `{url}`: {reason}")]
    Url { url: String, reason: &'static str },
}

/// The folder in which the Docker command line keeps its settings.
pub fn config_folder(env: &BTreeMap<String, String>) -> PathBuf {
    match set(env, "DOCKER_CONFIG") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(set(env, "HOME").unwrap_or("/")).join(".docker"),
    }
}

impl Endpoint {
    /// How a program of Docker comes here in this environment: what is set there, and an engine of a context by its
    /// address, because not every program knows contexts.
    pub fn variables(&self, env: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), set(env, name)?.to_owned())))
            .collect();
        let is_named = found.iter().any(|(name, _)| name == VARIABLES[0]);
        let is_default = self.host == Host::Unix(PathBuf::from(DEFAULT_SOCKET));
        // Certificates of a context cannot be told in variables.
        let has_certificates = matches!(&self.host, Host::Tcp { tls: Some(_), .. });
        if !is_named && !is_default && !has_certificates {
            found.insert(0, (VARIABLES[0].to_owned(), self.url.clone()));
        }
        found
    }

    pub fn from_environment(env: &BTreeMap<String, String>) -> Result<Endpoint, EndpointError> {
        let folder = config_folder(env);
        if let Some(url) = set(env, "DOCKER_HOST") {
            return Endpoint::parse(url, environment_tls(env, &folder)?);
        }
        let name = match set(env, "DOCKER_CONTEXT") {
            Some(name) => name.to_owned(),
            None => current_context(&folder)?,
        };
        if name == DEFAULT_CONTEXT {
            let url = format!("unix://{DEFAULT_SOCKET}");
            return Endpoint::parse(&url, None);
        }
        of_context(&folder, &name)
    }

    /// An engine by its URL.
    pub fn parse(url: &str, tls: Option<Tls>) -> Result<Endpoint, EndpointError> {
        let wrong = |reason| EndpointError::Url {
            url: url.to_owned(),
            reason,
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no `scheme://`"))?;
        let host = match scheme {
            "unix" => Host::Unix(PathBuf::from(rest)),
            "tcp" | "http" | "https" => {
                let authority = rest.split('/').next().unwrap_or_default();
                let tls = tls.or_else(|| (scheme == "https").then(Tls::default));
                let default = if tls.is_some() { 2376 } else { 2375 };
                let (name, port) = host_and_port(authority, default).ok_or_else(|| wrong("its port is no number"))?;
                Host::Tcp { name, port, tls }
            }
            "ssh" => {
                let authority = rest.split('/').next().unwrap_or_default();
                let (user, host) = match authority.rsplit_once('@') {
                    Some((user, host)) => (Some(user), host),
                    None => (None, authority),
                };
                let (name, port) = host_and_port(host, 0).ok_or_else(|| wrong("its port is no number"))?;
                // What looks like an option would be one for `ssh`.
                if name.is_empty() || authority.starts_with('-') {
                    return Err(wrong("it names no host"));
                }
                Host::Ssh {
                    destination: user.map_or(name.clone(), |user| format!("{user}@{name}")),
                    port: (port != 0).then_some(port),
                }
            }
            _ => return Err(wrong("only unix, tcp, http, https and ssh are known")),
        };
        Ok(Endpoint {
            host,
            url: url.to_owned(),
        })
    }
}

/// A variable that is set to something.
fn set<'a>(env: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

fn host_and_port(authority: &str, default: u16) -> Option<(String, u16)> {
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (authority, None),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let port = match port {
        Some(port) => port.parse().ok()?,
        None => default,
    };
    Some((name.to_owned(), port))
}

fn environment_tls(env: &BTreeMap<String, String>, folder: &Path) -> Result<Option<Tls>, EndpointError> {
    let verify = set(env, "DOCKER_TLS_VERIFY").is_some();
    let certificates = set(env, "DOCKER_CERT_PATH");
    if !verify && certificates.is_none() {
        return Ok(None);
    }
    let folder = certificates.map_or(folder.to_owned(), PathBuf::from);
    let tls = Tls {
        authority: Some(folder.join("ca.pem")),
        identity: Some((folder.join("cert.pem"), folder.join("key.pem"))),
        skip_verify: !verify,
    };
    for file in [
        tls.authority.as_ref(),
        tls.identity.as_ref().map(|(certificate, _)| certificate),
    ] {
        files::read(file.expect("both are set above")).map_err(EndpointError::File)?;
    }
    Ok(Some(tls))
}

fn current_context(folder: &Path) -> Result<String, EndpointError> {
    let file = folder.join("config.json");
    let config = match read(&file) {
        Err(EndpointError::File(error)) if error.is_missing() => return Ok(DEFAULT_CONTEXT.to_owned()),
        other => other?,
    };
    let named = config.get("currentContext").and_then(Tree::as_text);
    Ok(named
        .filter(|name| !name.is_empty())
        .unwrap_or(DEFAULT_CONTEXT)
        .to_owned())
}

fn of_context(folder: &Path, name: &str) -> Result<Endpoint, EndpointError> {
    let id = digest::sha256_hex(name.as_bytes());
    let file = folder.join("contexts/meta").join(&id).join("meta.json");
    let meta = match read(&file) {
        Err(EndpointError::File(error)) if error.is_missing() => {
            let name = name.to_owned();
            return Err(EndpointError::UnknownContext { name });
        }
        other => other?,
    };
    let url = meta.at(&["Endpoints", "docker", "Host"]).and_then(Tree::as_text);
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Endpoint::parse(&format!("unix://{DEFAULT_SOCKET}"), None);
    };
    let skip = meta.at(&["Endpoints", "docker", "SkipTLSVerify"]) == Some(&Tree::Bool(true));
    let certificates = folder.join("contexts/tls").join(&id).join("docker");
    let there = |name: &str| Some(certificates.join(name)).filter(|file| file.exists());
    let tls = Tls {
        authority: there("ca.pem"),
        identity: there("cert.pem").zip(there("key.pem")),
        skip_verify: skip,
    };
    let stated = tls.authority.is_some() || tls.identity.is_some() || skip;
    Endpoint::parse(url, stated.then_some(tls))
}

fn read(file: &Path) -> Result<Tree, EndpointError> {
    let text = files::read_text(file).map_err(EndpointError::File)?;
    yaml::parse_one(&text).map_err(|error| EndpointError::Broken {
        path: file.to_owned(),
        reason: error.to_string(),
    })
}
