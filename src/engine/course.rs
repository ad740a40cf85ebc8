//! Pure. The course of an update's images: which of them are next, in which order, and what becomes of what is made from them.
//!
//! The performer and the simulator both follow it, so what one of them does is what the other one tries out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::build::{Order, Reuse, Share};
use crate::engine::action::{Class, UpdateFailure};
use crate::engine::effect::{ImageStep, Make};
use crate::engine::images::looked_after;
use crate::engine::state::{Name, identity};
use crate::model::built::Built;

pub struct Course {
    steps: Vec<ImageStep>,
    begun: Vec<bool>,
    /// Those that nobody else touches until it is told what became of them.
    own: BTreeSet<Name>,
    fates: BTreeMap<Name, Fate>,
}

/// What became of an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    There(Built),
    Failed(UpdateFailure),
    /// What it is made from failed.
    Skipped,
}

/// What to do next about one image.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// It should be there still: look, and build it if it is not.
    Look {
        built: Built,
        order: Box<Order>,
    },
    Build {
        order: Box<Order>,
    },
    /// It will not be built, whether it could be or not.
    Leave {
        fate: Fate,
    },
}

impl Course {
    pub fn new(steps: Vec<ImageStep>) -> Course {
        Course {
            begun: vec![false; steps.len()],
            own: looked_after(&steps),
            steps,
            fates: BTreeMap::new(),
        }
    }

    /// The next image that nothing has to be waited for.
    pub fn next(&mut self) -> Option<(Name, Turn)> {
        let is_ready = |place: &usize| {
            let step = &self.steps[*place];
            !self.begun[*place] && step.bases.iter().all(|base| self.fates.contains_key(base))
        };
        let place = (0..self.steps.len()).find(is_ready)?;
        self.begun[place] = true;
        let step = &self.steps[place];
        Some((Arc::clone(&step.image), self.turn(step)))
    }

    fn turn(&self, step: &ImageStep) -> Turn {
        if let Make::Failed { message, class } = &step.make {
            let fate = Fate::Failed(failure(message.clone(), *class));
            return Turn::Leave { fate };
        }
        let Some(bases) = self.bases(step) else {
            return Turn::Leave { fate: Fate::Skipped };
        };
        match &step.make {
            Make::Reuse { built, bases: known } if *known == identities(&bases) => Turn::Look {
                built: built.clone(),
                order: self.order(step, bases, Reuse::Inputs),
            },
            Make::Build { reuse } => Turn::Build {
                order: self.order(step, bases, *reuse),
            },
            _ => Turn::Build {
                order: self.order(step, bases, Reuse::Inputs),
            },
        }
    }

    /// The images that one is made from, if all of them are there.
    fn bases(&self, step: &ImageStep) -> Option<BTreeMap<Name, Built>> {
        let bases = step.bases.iter().map(|base| match self.fates.get(base) {
            Some(Fate::There(built)) => Some((Arc::clone(base), built.clone())),
            _ => None,
        });
        bases.collect()
    }

    fn order(&self, step: &ImageStep, bases: BTreeMap<Name, Built>, reuse: Reuse) -> Box<Order> {
        let of = |name: &Name| self.steps.iter().find(|step| step.image == *name);
        let bases = bases.into_iter().filter_map(|(name, built)| {
            let target = Arc::clone(&of(&name)?.target);
            Some((name.to_string(), (target, built)))
        });
        Box::new(Order {
            target: Arc::clone(&step.target),
            bases: bases.collect(),
            registry: step.destination.registry.clone(),
            delivery: step.destination.delivery.clone(),
            platform: step.destination.platform.clone(),
            reuse,
            share: Share::default(),
        })
    }

    pub fn ended(&mut self, image: Name, fate: Fate) {
        self.fates.insert(image, fate);
    }

    /// Whether others wait to hear of an image.
    pub fn is_own(&self, image: &str) -> bool {
        self.own.contains(image)
    }

    /// How many images may have to be built.
    pub fn builds(&self) -> usize {
        self.own.len()
    }

    /// How a cluster names the images that there are.
    pub fn built(&self) -> BTreeMap<Name, String> {
        let built = self.fates.iter().filter_map(|(image, fate)| match fate {
            Fate::There(built) => Some((Arc::clone(image), built.cluster.clone())),
            Fate::Failed(_) | Fate::Skipped => None,
        });
        built.collect()
    }

    /// All failures, in the order of the steps.
    pub fn failures(&self) -> impl Iterator<Item = &UpdateFailure> {
        self.steps.iter().filter_map(|step| match self.fates.get(&step.image) {
            Some(Fate::Failed(failure)) => Some(failure),
            _ => None,
        })
    }

    #[cfg(test)]
    pub fn is_over(&self) -> bool {
        self.fates.len() == self.steps.len()
    }

    #[cfg(test)]
    pub fn fates(&self) -> &BTreeMap<Name, Fate> {
        &self.fates
    }
}

fn identities(bases: &BTreeMap<Name, Built>) -> BTreeMap<Name, String> {
    bases
        .iter()
        .map(|(name, built)| (Arc::clone(name), identity(built)))
        .collect()
}

/// What the images that an order builds from are, as the state remembers it.
pub fn bases_of(order: &Order) -> BTreeMap<Name, String> {
    let bases = order.bases.iter();
    bases
        .map(|(name, (_, built))| (name.as_str().into(), identity(built)))
        .collect()
}

pub fn failure(message: String, class: Class) -> UpdateFailure {
    UpdateFailure {
        class,
        message,
        exit: None,
    }
}
