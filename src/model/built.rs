//! Pure. What a build of an image came to, and the steps it went through.

use crate::model::time::Time;

/// An image that exists, under the names that it goes by from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The engine's id of it, `sha256:…`. Nothing where it was never in an engine of ours.
    pub id: Option<String>,
    /// How this machine names it: what other builds use as their base, and what is pushed.
    pub local: String,
    /// How the cluster names it: what is deployed.
    pub cluster: String,
    /// Of its manifest in the registry, where it was pushed or came from there.
    pub digest: Option<String>,
    /// What it was made from, as one hash; nothing where that cannot be told.
    pub key: Option<String>,
    pub origin: Origin,
}

/// How it came to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Built,
    /// The engine had it: these very inputs were built before.
    Known,
    /// Somebody else built these inputs and shared the image.
    Fetched,
}

/// What has to be done with an image for the cluster to reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It stays where it is: nobody deploys it, or the cluster uses this very engine.
    #[default]
    Stay,
    /// Pushed to the registry that its name says.
    Push,
    /// Copied into the nodes of a kind cluster of this name.
    KindLoad { cluster: String },
}

/// One step of a build, as the builder reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    pub name: String,
    pub cached: bool,
    pub error: String,
    pub started: Option<Time>,
    pub finished: Option<Time>,
}
