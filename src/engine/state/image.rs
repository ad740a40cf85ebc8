//! Pure. One image that we build: what it is made from, what changed since, what came of it. All resources that use it share it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::action::Class;
use crate::engine::effect::Destination;
use crate::engine::state::{Name, Seq};
use crate::model::build::{AgentLayer, ImageTarget, Recipe};
use crate::model::built::{Built, Delivery, Stage};
use crate::model::time::Time;

#[derive(Clone, Debug)]
pub struct ImageState {
    pub target: Arc<ImageTarget>,
    /// Files that changed since the build that its result comes from began.
    pub pending: BTreeMap<PathBuf, Seq>,
    pub made: Option<Made>,
    pub making: Option<Making>,
    /// How its last build failed, if it did.
    pub failure: Option<ImageFailure>,
    /// Of the build that runs, else of the last one.
    pub stages: Vec<Stage>,
}

/// An image that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub built: Built,
    /// What the images that it is made from were, by the name of their image map.
    pub bases: BTreeMap<Name, String>,
    /// Where it was taken to.
    pub destination: Destination,
    pub inputs_as_of: Seq,
    pub started: Time,
    pub finished: Time,
}

/// An update looks after it: it builds it, or is about to, or sees whether it has to.
#[derive(Clone, Debug, PartialEq)]
pub struct Making {
    pub update: u64,
    pub resource: Name,
    /// Changes up to here are part of what it sees.
    pub inputs_as_of: Seq,
    /// When its build began, once it has.
    pub started: Option<Time>,
    pub destination: Destination,
    /// The definition changed meanwhile: whatever comes of it does not count.
    pub is_outdated: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ImageFailure {
    pub message: String,
    pub class: Class,
    pub inputs_as_of: Seq,
    /// Whose update built it.
    pub resource: Name,
    pub started: Time,
    pub finished: Time,
}

impl Made {
    /// Whether it is where somebody needs it. What is elsewhere, too, has not left here.
    pub fn is_at(&self, wanted: &Destination) -> bool {
        let is_named_so = self.destination.registry == wanted.registry
            && self.destination.platform == wanted.platform
            && self.destination.side == wanted.side;
        is_named_so && (wanted.delivery == Delivery::Stay || wanted.delivery == self.destination.delivery)
    }
}

impl ImageState {
    pub fn new(target: Arc<ImageTarget>) -> ImageState {
        ImageState {
            target,
            pending: BTreeMap::new(),
            made: None,
            making: None,
            failure: None,
            stages: Vec::new(),
        }
    }

    /// What it is now, as one text: what is made from it is out of date when this changes.
    pub fn identity(&self) -> Option<String> {
        self.made.as_ref().map(|made| identity(&made.built))
    }

    /// Forgets everything that came of builds so far.
    pub fn reset(&mut self) {
        self.pending = BTreeMap::new();
        self.made = None;
        self.failure = None;
        self.stages = Vec::new();
        if let Some(making) = &mut self.making {
            making.is_outdated = true;
        }
    }
}

/// Two images of the same identity are the same image, whatever they are called.
pub fn identity(built: &Built) -> String {
    let known = built.id.as_ref().or(built.digest.as_ref());
    known.unwrap_or(&built.cluster).clone()
}

/// Whether it is built by us at all: not what only names the target of live updates, nor what Docker Compose builds itself.
pub fn is_ours(target: &ImageTarget) -> bool {
    !target.is_live_update_only() && !matches!(target.recipe, Recipe::Compose(_))
}

/// Whether two definitions build the same image. How it is deployed and updated in place is another matter.
pub fn builds_the_same(known: &ImageTarget, new: &ImageTarget) -> bool {
    // Only what was built with a supervisor can be restarted in place.
    let is_supervised = |image: &ImageTarget| image.agent_layer() == AgentLayer::Supervisor;
    known.selector == new.selector
        && known.recipe == new.recipe
        && known.image_deps == new.image_deps
        && is_supervised(known) == is_supervised(new)
}
