//! Pure. What one evaluation of a Tiltfile declares: resources, images, objects and settings.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::model::build::ImageTarget;
use crate::model::compose::ComposeTarget;
use crate::model::filter::Ignore;
use crate::model::local::LocalTarget;
use crate::model::object::ObjectSet;
use crate::model::secret::Secret;
use crate::model::settings::Settings;
use crate::model::workload::KubernetesTarget;

/// Everything that a Tiltfile asked for, as plain values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// In order of definition.
    pub resources: Vec<Resource>,
    /// All images in order of definition, also those that no resource uses; empty unless the evaluation was asked for them.
    pub images: Vec<ImageTarget>,
    /// Names of resources that start; the rest stay disabled until asked for.
    pub enabled: Vec<String>,
    pub objects: ObjectSet,
    pub settings: Settings,
    pub secrets: Vec<Secret>,
    pub tiltignore: IgnoreFile,
}

/// A set of ignore patterns with the place they were read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreFile {
    pub ignore: Ignore,
    pub source: String,
}

/// What the user names: it is built, deployed and watched as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub name: String,
    /// In the order in which they are built: bases before what is built from them.
    pub images: Vec<ImageTarget>,
    pub target: Target,
    pub trigger: TriggerMode,
    pub deps: Vec<String>,
    pub labels: BTreeSet<String>,
    /// Name of the Tiltfile object that declared it; empty for the main one.
    pub source: String,
}

/// How a resource comes to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Kubernetes(Box<KubernetesTarget>),
    Compose(Box<ComposeTarget>),
    Local(Box<LocalTarget>),
}

/// Whether changes and the first start wait to be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TriggerMode {
    #[default]
    Auto,
    /// Manual, after a start of its own accord.
    ManualWithAutoInit,
    Manual,
    /// Automatic, once started by hand.
    AutoWithManualInit,
}

impl TriggerMode {
    pub fn new(changes: Trigger, init: Init) -> TriggerMode {
        match (changes, init) {
            (Trigger::Auto, Init::Auto) => TriggerMode::Auto,
            (Trigger::Auto, Init::Manual) => TriggerMode::AutoWithManualInit,
            (Trigger::Manual, Init::Auto) => TriggerMode::ManualWithAutoInit,
            (Trigger::Manual, Init::Manual) => TriggerMode::Manual,
        }
    }
}

/// What `trigger_mode=` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    #[default]
    Auto,
    Manual,
}

/// What `auto_init=` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    #[default]
    Auto,
    Manual,
}

/// How an evaluation ended, and what it read on the way: the latter holds for failed ones too.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub project: Result<Project, crate::model::report::Failure>,
    /// Files whose change evaluates again, sorted.
    pub config_files: Vec<PathBuf>,
    pub hashes: Hashes,
    pub warnings: usize,
    pub timings: Vec<BuiltinTiming>,
}

/// Digests of what was read, hexadecimal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hashes {
    pub tiltfile: String,
    pub all_files: String,
}

/// One call of a builtin: what took how long, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltinTiming {
    pub name: &'static str,
    pub position: String,
    pub argument: String,
    pub duration: std::time::Duration,
}
