//! Pure. What is to be built, from what, and where it is to go.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::build::ImageTarget;
use crate::model::built::{Built, Delivery};
use crate::model::registry::Registry;

/// One image to build.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub target: Arc<ImageTarget>,
    /// The images of the project that it is made from, by the name of their image map, with their definitions.
    pub bases: BTreeMap<String, (Arc<ImageTarget>, Built)>,
    /// Where images get their names from.
    pub registry: Registry,
    pub delivery: Delivery,
    /// The platform of the cluster, `linux/amd64`; empty where nothing says. A platform that the recipe names wins.
    pub platform: String,
    pub reuse: Reuse,
    pub share: Share,
}

/// What earlier builds may be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// The image of the same inputs is taken as it is, without asking the builder.
    #[default]
    Inputs,
    /// The builder is asked, and may use its own cache: somebody triggered this build.
    Steps,
    /// Nothing: every step runs.
    Nothing,
}

/// Images shared by a team through a registry, found by their input keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// `host/path` below which they lie; empty where none are shared.
    pub repository: String,
    /// Whether what is built here is put there.
    pub publish: Publish,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Publish {
    #[default]
    Never,
    Always,
}
