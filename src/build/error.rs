//! Why an image could not be built, delivered or looked up, by what somebody was doing.

use std::path::PathBuf;

use thiserror::Error;

use crate::build::docker::plan::PlanError;
use crate::build::failure::BuildFailure;
use crate::model::filter::PatternError;
use crate::model::image::ReferenceError;
use crate::model::registry::RegistryError;
use crate::world::credentials::CredentialsError;
use crate::world::docker::DockerError;
use crate::world::docker::session::{SecretError, SshError};
use crate::world::files::FileError;
use crate::world::registry::RegistryError as ImageRegistryError;
use crate::world::tree::TreeError;

#[derive(Debug, Error)]
pub enum BuildError {
    #[error("build canceled")]
    Cancelled,
    #[error("{}", with_hint(.0))]
    Docker(DockerError),
    #[error(transparent)]
    Name(RegistryError),
    #[error("no name for the image: {0}")]
    Tag(ReferenceError),
    #[error("custom build `{command}` failed: {reason}")]
    Command {
        command: String,
        reason: String,
        /// As the shell has it; -1 where a signal ended it.
        code: i32,
    },
    #[error("custom build `{command}` succeeded, but Docker has no image `{expected}`{}", advice(expected, found.as_deref()))]
    NotInEngine {
        command: String,
        expected: String,
        /// What it tagged instead, as far as we can tell.
        found: Option<String>,
    },
    #[error("custom build succeeded, but {} {fault}; with `outputs_image_ref_to` the command has to write the reference of its image there", path.display())]
    OutputFile { path: PathBuf, fault: OutputFault },
    /// The recipe says what no builder can do.
    #[error(transparent)]
    Plan(PlanError),
    #[error("ignore patterns: {source}")]
    Ignore { source: PatternError },
    #[error("build context: {0}")]
    Context(TreeError),
    #[error("build context: `{path}` {reason}")]
    ContextChanged { path: String, reason: String },
    #[error("build context: `{path}` cannot be read: {reason}")]
    ContextFile { path: String, reason: String },
    #[error(transparent)]
    Secret(SecretError),
    #[error(transparent)]
    Ssh(SshError),
    #[error("`{option}` needs BuildKit, which this engine does not have or `DOCKER_BUILDKIT=0` turns off")]
    NeedsBuildKit { option: &'static str },
    #[error("live updates cannot restart the process: this tilt has no agent for images of `{platform}`")]
    NoAgent { platform: String },
    #[error("{what} is not part of this version of tilt")]
    NotHere { what: &'static str },
    #[error(transparent)]
    Credentials(CredentialsError),
    #[error("cannot push `{name}`: {error}{}", hint(error))]
    Registry {
        name: String,
        error: Box<ImageRegistryError>,
    },
    /// What was learnt of builds cannot be kept.
    #[error(transparent)]
    Files(FileError),
    #[error("the build panicked; this is a bug in tilt")]
    Panicked,
    #[error("cannot push `{name}`: {source}{}", advised(source))]
    Push { name: String, source: DockerError },
    #[error("cannot load `{name}` into the kind cluster `{cluster}`: {reason}")]
    KindLoad {
        name: String,
        cluster: String,
        reason: String,
    },
    /// The builder ran, and said why it failed.
    #[error("{0}")]
    Failed(Box<BuildFailure>),
}

/// What is wrong with the file that names a command's image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutputFault {
    #[error("was not written")]
    Missing,
    #[error("is empty")]
    Empty,
    #[error("holds `{text}`, which names no image: {source}")]
    NotAReference { text: String, source: ReferenceError },
    #[error("holds `{0}`, which has no tag")]
    NoTag(String),
    #[error("cannot be used: {0}")]
    Unreadable(FileError),
}

fn hint(error: &ImageRegistryError) -> String {
    error.hint().map(|hint| format!("; {hint}")).unwrap_or_default()
}

fn with_hint(error: &DockerError) -> String {
    format!("{error}{}", advised(error))
}

fn advised(error: &DockerError) -> String {
    error.hint().map(|hint| format!("; {hint}")).unwrap_or_default()
}

fn advice(expected: &str, found: Option<&str>) -> String {
    let found = found
        .map(|name| format!("; it tagged `{name}` instead"))
        .unwrap_or_default();
    format!(
        "{found}; the command has to tag its image as $EXPECTED_REF, which was {expected} this time, or say tag= or \
         outputs_image_ref_to=; if it does not use this Docker, custom_build needs skips_local_docker=True"
    )
}

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Their Dockerfile, context, command or arguments.
    User,
    /// Engine, registry, disk, network: trying again makes sense.
    Environment,
    /// Ours.
    Internal,
}

impl BuildError {
    pub fn class(&self) -> Class {
        match self {
            BuildError::Cancelled
            | BuildError::Name(_)
            | BuildError::Tag(_)
            | BuildError::Plan(_)
            | BuildError::Ignore { .. }
            | BuildError::Context(_)
            | BuildError::ContextFile { .. }
            | BuildError::Secret(_)
            | BuildError::Ssh(_)
            | BuildError::NeedsBuildKit { .. }
            | BuildError::NotHere { .. }
            | BuildError::NoAgent { .. }
            | BuildError::Credentials(_)
            | BuildError::Command { .. }
            | BuildError::NotInEngine { .. }
            | BuildError::OutputFile { .. } => Class::User,
            BuildError::Docker(_)
            | BuildError::Push { .. }
            | BuildError::KindLoad { .. }
            | BuildError::Registry { .. }
            | BuildError::Files(_)
            | BuildError::ContextChanged { .. } => Class::Environment,
            BuildError::Panicked => Class::Internal,
            BuildError::Failed(failure) => failure.class,
        }
    }
}
