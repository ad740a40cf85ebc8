//! Docker Compose on this machine: which command it is, and what it makes of compose files.
//!
//! Compose is asked once per project, for its canonical form; nothing is resolved here that Compose resolves itself. It never
//! starts or stops a service.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::model::compose::{self, Printed, Project, ProjectSpec, ShapeError};
use crate::model::tree::Tree;
use crate::model::version::Version;
use crate::model::{digest, yaml};
use crate::world::files;
use crate::world::process::{Output, ProcessError};

#[cfg(test)]
mod tests;

/// Runs a command to its end in a directory.
pub type Run<'a> = dyn Fn(&[String], &Path) -> Result<Output, ProcessError> + 'a;

/// How commands are run, and the environment that they and the compose files see.
#[derive(Clone, Copy)]
pub struct Shell<'a> {
    pub run: &'a Run<'a>,
    pub env: &'a BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "Docker Compose was not found: neither `docker compose` nor `docker-compose` runs ({reason})\n\
         Install the Compose plugin of Docker (version 2), or point TILT_DOCKER_COMPOSE_CMD at the command to use"
    )]
    Missing { reason: String },
    #[error("TILT_DOCKER_COMPOSE_CMD is `{command}`, which does not run ({reason})")]
    Configured { command: String, reason: String },
    #[error("`{command} version` printed no version that we understand: {output}")]
    Version { command: String, output: String },
    #[error(
        "Docker Compose {found} is too old: {} or newer is needed, and {} or newer recommended",
        compose::OLDEST,
        compose::RECOMMENDED
    )]
    TooOld { found: Version },
    #[error("Docker Compose cannot read {files}: {message}")]
    Config { files: String, message: String },
    #[error("reading what Docker Compose made of {files}")]
    Yaml { files: String, source: yaml::Error },
    #[error("reading what Docker Compose made of {files}")]
    Shape { files: String, source: ShapeError },
}

/// The command that stands for Docker Compose on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compose {
    pub command: Vec<String>,
    pub version: Version,
}

/// A project and what Compose had to say about its files.
#[derive(Debug)]
pub struct Loaded {
    pub project: Project,
    pub warnings: Vec<String>,
}

impl Compose {
    /// `TILT_DOCKER_COMPOSE_CMD` if set, else the plugin, else the command of old.
    pub fn find(shell: Shell) -> Result<Compose, Error> {
        let configured = shell.env.get("TILT_DOCKER_COMPOSE_CMD");
        if let Some(command) = configured.filter(|command| !command.is_empty()) {
            return match version_output(&[command], shell) {
                Ok(output) => Compose::of(&[command], &output),
                Err(reason) => Err(Error::Configured {
                    command: command.clone(),
                    reason,
                }),
            };
        }
        let plugin = ["docker", "compose"];
        let reason = match version_output(&plugin, shell) {
            Ok(output) => return Compose::of(&plugin, &output),
            Err(reason) => reason,
        };
        let standalone = ["docker-compose"];
        match version_output(&standalone, shell) {
            Ok(output) => Compose::of(&standalone, &output),
            Err(_) => Err(Error::Missing { reason }),
        }
    }

    fn of(command: &[&str], output: &str) -> Result<Compose, Error> {
        let version = compose::version_in(output).ok_or_else(|| Error::Version {
            command: command.join(" "),
            output: output.trim().to_owned(),
        })?;
        if version < compose::OLDEST {
            return Err(Error::TooOld { found: version });
        }
        Ok(Compose {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            version,
        })
    }

    /// Said once per evaluation about a Compose that works, but not as well as it could.
    pub fn warning(&self) -> Option<String> {
        (self.version < compose::RECOMMENDED).then(|| {
            format!(
                "Docker Compose {} is old: please upgrade to {} or newer",
                self.version,
                compose::RECOMMENDED
            )
        })
    }

    /// Asks Compose what the files of a project declare.
    pub fn load(&self, spec: &ProjectSpec, shell: Shell) -> Result<Loaded, Error> {
        let output = self.config(spec, shell)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let document = yaml::parse_one(&text).map_err(|source| Error::Yaml {
            files: files_of(spec),
            source,
        })?;
        let printed = Printed {
            text: &text,
            document: &document,
        };
        let variable = |name: &str| shell.env.get(name).cloned();
        let project = Project::new(spec, printed, &sources(spec), &variable);
        Ok(Loaded {
            project: project.map_err(|source| Error::Shape {
                files: files_of(spec),
                source,
            })?,
            warnings: warnings(&output.stderr),
        })
    }

    /// YAML rather than JSON: every Compose since 1 prints it, and it leaves out what was not said.
    fn config(&self, spec: &ProjectSpec, shell: Shell) -> Result<Output, Error> {
        let mut argv = self.command.clone();
        argv.extend(spec.arguments());
        argv.push("config".to_owned());
        (shell.run)(&argv, &spec.path).map_err(|error| Error::Config {
            files: files_of(spec),
            message: complaint(&error),
        })
    }
}

fn version_output(command: &[&str], shell: Shell) -> Result<String, String> {
    let argv: Vec<String> = command
        .iter()
        .chain(&["version"])
        .map(|word| (*word).to_owned())
        .collect();
    // Any folder does: the answer is the same everywhere.
    match (shell.run)(&argv, Path::new("/")) {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => Err(complaint(&error)),
    }
}

/// The files as written. One that cannot be read here is Compose's to complain about.
fn sources(spec: &ProjectSpec) -> Vec<Tree> {
    let read = |path: &PathBuf| yaml::parse_one(&files::read_text(path).ok()?).ok();
    spec.config_paths.iter().filter_map(read).collect()
}

fn files_of(spec: &ProjectSpec) -> String {
    let quoted: Vec<String> = spec
        .config_paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    quoted.join(", ")
}

/// What a failed command said, without warnings that came before; its end where it said nothing.
fn complaint(error: &ProcessError) -> String {
    let said = error
        .output()
        .map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let said = said.unwrap_or_default();
    let lines: Vec<&str> = said.lines().filter(|line| log_message(line).is_none()).collect();
    match lines.join("\n").trim() {
        "" => error.to_string(),
        lines => lines.to_owned(),
    }
}

/// Compose logs as `time="…" level=warning msg="…"`.
fn warnings(stderr: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(stderr)
        .lines()
        .filter_map(log_message)
        .collect()
}

fn log_message(line: &str) -> Option<String> {
    let (_, rest) = line.strip_prefix("time=\"")?.split_once("level=warning msg=")?;
    let quoted = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(quoted.map_or_else(|| rest.to_owned(), |text| text.replace("\\\"", "\"")))
}

/// Files that the environments of all services come from, whether or not Compose can make sense of the project.
pub fn env_files(spec: &ProjectSpec, shell: Shell) -> Vec<PathBuf> {
    let variable = |name: &str| shell.env.get(name).cloned();
    compose::env_files_of_all(&sources(spec), &spec.path, &variable)
}

/// Stores compose YAML that a Tiltfile made, as a file named by its content, so that an equal blob is an equal path. Only its
/// owner can read it: a compose file may hold secrets.
pub fn store_blob(directory: &Path, yaml: &str) -> io::Result<PathBuf> {
    let path = directory.join(format!("{}.yml", digest::sha256_hex(yaml.as_bytes())));
    // Another instance may be about to read the same text.
    if fs::read(&path).is_ok_and(|stored| stored == yaml.as_bytes()) {
        return Ok(path);
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    fs::write(&path, yaml)?;
    Ok(path)
}
