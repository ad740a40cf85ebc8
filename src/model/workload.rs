//! Pure. What is deployed to Kubernetes as one resource.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::command::Command;
use crate::model::deployed::ObjectRef;
use crate::model::filter::Ignore;
use crate::model::link::Link;
use crate::model::port::PortForward;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct KubernetesTarget {
    pub source: Source,
    /// What the YAML names, without uids, and without namespaces where it names none. Of a custom deploy nothing is known.
    pub objects: Vec<ObjectRef>,
    /// Image maps injected into the objects, in order of definition.
    pub image_maps: Vec<String>,
    pub image_locators: Vec<Locator>,
    pub timeout: Duration,
    pub port_forwards: Vec<PortForward>,
    pub extra_selectors: Vec<Vec<(String, String)>>,
    pub discovery: DiscoveryStrategy,
    pub readiness: PodReadiness,
    pub links: Vec<Link>,
    pub watch_ignores: Vec<Ignore>,
}

/// Where the deployed objects come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Yaml(String),
    Custom {
        apply: Command,
        delete: Command,
        /// Paths whose change deploys again.
        deps: Vec<PathBuf>,
    },
}

impl Default for Source {
    fn default() -> Source {
        Source::Yaml(String::new())
    }
}

/// A place in objects of some kind that holds an image reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locator {
    pub selector: ObjectSelector,
    pub path: String,
    /// Repository and tag field, where the place holds an object rather than one string.
    pub object: Option<(String, String)>,
}

/// Regular expressions over an object's coordinates; an empty one matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectSelector {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

/// How pods of a resource are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiscoveryStrategy {
    /// Nothing said: by owner.
    #[default]
    Unset,
    Default,
    SelectorsOnly,
}

/// What has to be true of pods for a resource to be ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodReadiness {
    #[default]
    Wait,
    Ignore,
    Succeeded,
}
