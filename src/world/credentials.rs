//! Who we are to registries: what `docker login` has left in the Docker command line's settings, and the helper programs
//! that keep secrets elsewhere. Secrets are never logged, and no message here has one.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use thiserror::Error;

use crate::model::image::Reference;
use crate::model::tree::Tree;
use crate::model::yaml;
use crate::world::docker::RegistryAuth;
use crate::world::docker::endpoint::config_folder;
use crate::world::files::{self, FileError};
use crate::world::process::{self, Invocation, ProcessError};

#[cfg(test)]
mod tests;

/// Docker Hub goes by an address that it had long ago.
pub const HUB_SERVER: &str = "https://index.docker.io/v1/";
const HUB: &str = "docker.io";
const HUB_NAMES: [&str; 3] = ["index.docker.io", HUB, "registry-1.docker.io"];
/// In place of a user's name, a helper says so that the secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// Helpers of clouds go over the network; one that asks a human for a password must not hold up a build for ever.
const HELPER_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Error)]
pub enum CredentialsError {
    #[error("reading registry credentials: {0}")]
    File(#[from] FileError),
    #[error("reading registry credentials: {}: {reason}", path.display())]
    Broken { path: PathBuf, reason: String },
    #[error("`{}` names the credential helper `{program}`, which is not on `PATH`", config.display())]
    NoHelper { program: String, config: PathBuf },
    #[error("credential helper `{program}` for {server}: {reason}")]
    Helper {
        program: String,
        server: String,
        reason: String,
    },
}

/// Credentials for the registry of an image; empty where none are known.
pub async fn for_image(env: &BTreeMap<String, String>, image: &Reference) -> Result<RegistryAuth, CredentialsError> {
    for_host(env, image.domain()).await
}

/// Credentials for a registry by its host, perhaps with a port.
pub async fn for_host(env: &BTreeMap<String, String>, host: &str) -> Result<RegistryAuth, CredentialsError> {
    let (env, server) = (env.clone(), server_of(host));
    off_thread(move || Keys::read(env)?.of(&server)).await
}

/// All credentials that are written in the settings, by server as the engine wants it, and those of the named hosts that a
/// helper keeps. Other helpers are not asked: that takes a second each.
pub async fn all(
    env: &BTreeMap<String, String>,
    hosts: &[String],
) -> Result<HashMap<String, RegistryAuth>, CredentialsError> {
    let env = env.clone();
    let named: Vec<String> = hosts.iter().map(|host| server_of(host)).collect();
    off_thread(move || {
        let keys = Keys::read(env)?;
        let mut found: HashMap<String, RegistryAuth> = keys.written()?;
        for server in named {
            let auth = keys.of(&server)?;
            if !auth.is_empty() {
                found.insert(server, auth);
            }
        }
        Ok(found)
    })
    .await
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CredentialsError> + Send + 'static,
) -> Result<T, CredentialsError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The name under which `docker login` keeps a registry.
pub fn server_of(host: &str) -> String {
    match HUB_NAMES.contains(&host) {
        true => HUB_SERVER.to_owned(),
        false => host.to_owned(),
    }
}

/// The settings, as far as they are about registries.
struct Keys {
    env: BTreeMap<String, String>,
    file: PathBuf,
    config: Tree,
}

impl Keys {
    fn read(env: BTreeMap<String, String>) -> Result<Keys, CredentialsError> {
        let file = config_folder(&env).join("config.json");
        let config = match files::read_text(&file) {
            Ok(text) => yaml::parse_one(&text).map_err(|error| CredentialsError::Broken {
                path: file.clone(),
                reason: error.to_string(),
            })?,
            Err(error) if error.is_missing() => Tree::Null,
            Err(error) => return Err(error.into()),
        };
        Ok(Keys { env, file, config })
    }

    fn of(&self, server: &str) -> Result<RegistryAuth, CredentialsError> {
        if let Some(helper) = self.helper(server) {
            let answer = self.ask(&helper, server)?;
            if let Some(auth) = answer {
                return Ok(auth);
            }
        }
        let written = self.entries().find(|(key, _)| *key == server);
        let host = host_of(server);
        let similar = || self.entries().find(|(key, _)| host_of(key) == host);
        match written.or_else(similar) {
            Some((_, entry)) => self.entry(server, entry),
            None => Ok(RegistryAuth {
                server: server.to_owned(),
                ..RegistryAuth::default()
            }),
        }
    }

    fn written(&self) -> Result<HashMap<String, RegistryAuth>, CredentialsError> {
        let mut found = HashMap::new();
        for (key, entry) in self.entries() {
            let auth = self.entry(key, entry)?;
            if !auth.is_empty() {
                found.insert(key.to_owned(), auth);
            }
        }
        Ok(found)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Tree)> {
        let auths = self.config.get("auths").and_then(Tree::as_map);
        auths.into_iter().flat_map(|auths| auths.iter())
    }

    fn helper(&self, server: &str) -> Option<String> {
        let own = self.config.get("credHelpers").and_then(Tree::as_map);
        let of_key = |wanted: &dyn Fn(&str) -> bool| {
            let found = own?.iter().find(|(key, _)| wanted(key))?;
            found.1.as_text()
        };
        let host = host_of(server);
        of_key(&|key| key == server)
            .or_else(|| of_key(&|key| host_of(key) == host))
            .or_else(|| self.config.get("credsStore").and_then(Tree::as_text))
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
    }

    /// What `docker login` wrote down: user and password as one text in base64, or a token.
    fn entry(&self, server: &str, entry: &Tree) -> Result<RegistryAuth, CredentialsError> {
        let text = |key: &str| entry.get(key).and_then(Tree::as_text).unwrap_or_default().to_owned();
        let mut auth = RegistryAuth {
            username: text("username"),
            password: text("password"),
            identity_token: text("identitytoken"),
            server: server.to_owned(),
            helper: String::new(),
        };
        let packed = text("auth");
        if !packed.is_empty() {
            let (user, password) = unpack(&packed).ok_or_else(|| CredentialsError::Broken {
                path: self.file.clone(),
                reason: format!("`auth` of `{server}` is not `user:password` in base64"),
            })?;
            (auth.username, auth.password) = (user, password);
        }
        Ok(auth)
    }

    /// Asks a helper. Nothing where it says that it has nothing.
    fn ask(&self, helper: &str, server: &str) -> Result<Option<RegistryAuth>, CredentialsError> {
        let program = format!("docker-credential-{helper}");
        let failed = |reason: String| CredentialsError::Helper {
            program: program.clone(),
            server: server.to_owned(),
            reason,
        };
        let asked = process::capture(&Invocation {
            argv: vec![program.clone(), "get".to_owned()],
            dir: PathBuf::from("/"),
            env: self.env.clone(),
            stdin: server.as_bytes().to_vec(),
            limit: Some(HELPER_LIMIT),
            ..Invocation::default()
        });
        let output = match asked {
            Ok(output) => output,
            Err(ProcessError::NotFound { .. }) => {
                let config = self.file.clone();
                return Err(CredentialsError::NoHelper { program, config });
            }
            Err(error) => {
                let said = said(&error);
                return match is_not_found(&said) {
                    true => Ok(None),
                    // A helper that fails says why, on either stream; what it prints when it works is a secret.
                    false if said.is_empty() => Err(failed(error.to_string())),
                    false => Err(failed(said)),
                };
            }
        };
        let answer = String::from_utf8_lossy(&output.stdout);
        // The parser's message could quote the secret.
        let answer = yaml::parse_one(&answer).map_err(|_| failed("its answer is no JSON".to_owned()))?;
        let text = |key: &str| answer.get(key).and_then(Tree::as_text).unwrap_or_default().to_owned();
        let (user, secret) = (text("Username"), text("Secret"));
        if user.is_empty() && secret.is_empty() {
            return Ok(None);
        }
        let mut auth = RegistryAuth {
            server: server.to_owned(),
            helper: program,
            ..RegistryAuth::default()
        };
        match user == TOKEN_USER {
            true => auth.identity_token = secret,
            false => (auth.username, auth.password) = (user, secret),
        }
        Ok(Some(auth))
    }
}

fn said(error: &ProcessError) -> String {
    let Some(output) = error.output() else {
        return String::new();
    };
    let streams = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    let [stdout, stderr] = streams;
    if stdout.is_empty() { stderr } else { stdout }
}

/// In the words that all helpers share.
fn is_not_found(said: &str) -> bool {
    let said = said.to_lowercase();
    said.contains("credentials not found") || said.contains("no credentials")
}

/// Some tools leave the padding out.
fn unpack(packed: &str) -> Option<(String, String)> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(packed.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// Keys may be whole URLs: what counts is host and port.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    if HUB_NAMES.contains(&host) { HUB } else { host }
}
