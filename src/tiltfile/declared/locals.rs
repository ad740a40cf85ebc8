//! Resources that run on this machine.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use crate::model::command::Command;
use crate::model::link::Link;
use crate::model::local::Probe;
use crate::model::project::{Init, Trigger};

#[derive(Default)]
pub struct Locals {
    resources: Vec<LocalResource>,
    names: HashSet<String>,
}

/// One `local_resource()`, as it was written.
pub struct LocalResource {
    pub name: String,
    pub update: Command,
    pub serve: Command,
    pub deps: Vec<PathBuf>,
    pub ignore: Vec<String>,
    /// What `ignore` is relative to.
    pub directory: PathBuf,
    pub links: Vec<Link>,
    pub labels: BTreeSet<String>,
    pub resource_deps: Vec<String>,
    pub trigger: Option<Trigger>,
    pub init: Init,
    pub allow_parallel: bool,
    pub readiness_probe: Option<Probe>,
}

impl Locals {
    pub fn add(&mut self, resource: LocalResource) {
        self.names.insert(resource.name.clone());
        self.resources.push(resource);
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// In the order of definition.
    pub fn iter(&self) -> impl Iterator<Item = &LocalResource> {
        self.resources.iter()
    }
}
