//! Pure. Which images are built, and when: bases before what is made from them, each once, independent ones at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::model::build::ImageTarget;
use crate::model::image::Reference;
use crate::model::suggest;

#[cfg(test)]
mod tests;

/// The images of one run, and how far each has come. Their places in it name them.
#[derive(Clone, Debug)]
pub struct Plan {
    images: Vec<Planned>,
}

/// One image of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    pub target: Arc<ImageTarget>,
    /// How people name it.
    pub name: String,
    pub role: Role,
    /// Places of the images that it is made from.
    bases: Vec<usize>,
    state: State,
}

/// Why an image is part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Somebody asked for it.
    Wanted,
    /// Others are made from it.
    Base,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done,
    Failed,
    LeftOut,
}

/// An image that is not built, and the failed one that it would be made from, near or far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub image: usize,
    pub because: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GraphError {
    #[error("no image `{name}`{hint}")]
    Unknown { name: String, hint: String },
    #[error("image `{0}` is never built: its custom_build only says what live updates reach")]
    NeverBuilt(String),
    #[error("image `{image}` is made from `{base}`, which nothing builds")]
    NoBase { image: String, base: String },
    #[error("images are made from one another: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
}

impl Plan {
    /// A plan for those of `images` that are `wanted`, and what they are made from; for all, if none is named.
    pub fn new(images: Vec<ImageTarget>, wanted: &[String]) -> Result<Plan, GraphError> {
        let all = linked(images)?;
        let wanted = chosen(&all, wanted)?;
        let plan = Plan {
            images: reached(all, &wanted),
        };
        match plan.cycle() {
            Some(names) => Err(GraphError::Cycle(names)),
            None => Ok(plan),
        }
    }

    /// In the order in which they were defined.
    pub fn images(&self) -> &[Planned] {
        &self.images
    }

    /// What an image is made from directly.
    pub fn bases(&self, image: usize) -> &[usize] {
        self.images.get(image).map(|it| it.bases.as_slice()).unwrap_or_default()
    }

    /// Images that wait for nothing more, in order.
    pub fn ready(&self) -> Vec<usize> {
        let is_done = |base: &usize| self.images[*base].state == State::Done;
        let is_ready = |it: &Planned| it.state == State::Waiting && it.bases.iter().all(is_done);
        self.places(is_ready).collect()
    }

    pub fn start(&mut self, image: usize) {
        self.move_on(image, State::Waiting, State::Running);
    }

    /// The image is there; what is made from it may be ready now.
    pub fn succeed(&mut self, image: usize) {
        self.move_on(image, State::Running, State::Done);
    }

    /// Gives what cannot be built any more. The rest of the plan goes on.
    pub fn fail(&mut self, image: usize) -> Vec<LeftOut> {
        self.move_on(image, State::Running, State::Failed);
        let mut left_out = Vec::new();
        let mut lost = vec![image];
        while let Some(base) = lost.pop() {
            let needs = |it: &Planned| it.state == State::Waiting && it.bases.contains(&base);
            let dependents: Vec<usize> = self.places(needs).collect();
            for dependent in dependents {
                self.images[dependent].state = State::LeftOut;
                lost.push(dependent);
                left_out.push(LeftOut {
                    image: dependent,
                    because: image,
                });
            }
        }
        left_out.sort_by_key(|it| it.image);
        left_out
    }

    /// Whether nothing runs and nothing can be begun.
    pub fn is_over(&self) -> bool {
        let is_open = |it: &Planned| matches!(it.state, State::Waiting | State::Running);
        self.places(is_open).next().is_none()
    }

    fn places(&self, is_meant: impl Fn(&Planned) -> bool) -> impl Iterator<Item = usize> {
        let places = self.images.iter().enumerate();
        places.filter(move |(_, it)| is_meant(it)).map(|(place, _)| place)
    }

    /// News that come twice, or too late, change nothing.
    fn move_on(&mut self, image: usize, from: State, to: State) {
        if let Some(planned) = self.images.get_mut(image).filter(|it| it.state == from) {
            planned.state = to;
        }
    }

    /// The names along a circle of bases, the first one again at its end.
    fn cycle(&self) -> Option<Vec<String>> {
        let mut left: BTreeSet<usize> = (0..self.images.len()).collect();
        loop {
            let is_free = |place: &usize| !self.images[*place].bases.iter().any(|base| left.contains(base));
            let free: Vec<usize> = left.iter().copied().filter(is_free).collect();
            if free.is_empty() {
                break;
            }
            left.retain(|place| !free.contains(place));
        }
        // Each of these stands on another one of them, so a walk down must come to where it was before.
        let mut path = vec![*left.first()?];
        loop {
            let last = *path.last()?;
            let next = *self.images[last].bases.iter().find(|base| left.contains(base))?;
            if let Some(begin) = path.iter().position(|visited| *visited == next) {
                let circle = path[begin..].iter().chain([&next]);
                return Some(circle.map(|place| self.images[*place].name.clone()).collect());
            }
            path.push(next);
        }
    }
}

/// All images with the places of their bases.
fn linked(images: Vec<ImageTarget>) -> Result<Vec<Planned>, GraphError> {
    let maps = images
        .iter()
        .enumerate()
        .map(|(place, image)| (image.image_map(), place));
    let maps: BTreeMap<String, usize> = maps.collect();
    let link = |target: ImageTarget| {
        let name = target.selector.to_string();
        let place = |base: &String| {
            maps.get(base).copied().ok_or_else(|| GraphError::NoBase {
                image: name.clone(),
                base: base.clone(),
            })
        };
        let bases: Result<BTreeSet<usize>, GraphError> = target.image_deps.iter().map(place).collect();
        Ok(Planned {
            bases: bases?.into_iter().collect(),
            target: Arc::new(target),
            name,
            role: Role::Base,
            state: State::Waiting,
        })
    };
    images.into_iter().map(link).collect()
}

/// The places of what is asked for.
fn chosen(all: &[Planned], names: &[String]) -> Result<BTreeSet<usize>, GraphError> {
    if names.is_empty() {
        let is_built = |(_, it): &(usize, &Planned)| !it.target.is_live_update_only();
        return Ok(all
            .iter()
            .enumerate()
            .filter(is_built)
            .map(|(place, _)| place)
            .collect());
    }
    names.iter().map(|name| found(all, name)).collect()
}

fn found(all: &[Planned], name: &str) -> Result<usize, GraphError> {
    let written = all.iter().position(|it| it.name == name);
    let meant = || {
        let reference = Reference::parse(name).ok()?;
        all.iter().position(|it| it.target.selector.matches(&reference))
    };
    let Some(place) = written.or_else(meant) else {
        return Err(unknown(all, name));
    };
    match all[place].target.is_live_update_only() {
        true => Err(GraphError::NeverBuilt(all[place].name.clone())),
        false => Ok(place),
    }
}

fn unknown(all: &[Planned], name: &str) -> GraphError {
    let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
    let namesake = names.iter().copied().find(|full| last_part(full) == last_part(name));
    let nearest = namesake.or_else(|| suggest::nearest(name, names.iter().copied()));
    let hint = match (nearest, names.len()) {
        (Some(nearest), _) => format!(" (did you mean {nearest}?)"),
        (None, 0) => "; the Tiltfile builds none".to_owned(),
        (None, 1..=MOST_OFFERED) => format!("; the Tiltfile builds {}", suggest::list_of(&names)),
        (None, _) => String::new(),
    };
    GraphError::Unknown {
        name: name.to_owned(),
        hint,
    }
}

/// What people call an image, without its registry and its tag.
fn last_part(name: &str) -> &str {
    let end = name.rsplit('/').next().unwrap_or(name);
    end.split(':').next().unwrap_or(end)
}

/// More names than this help nobody.
const MOST_OFFERED: usize = 10;

/// What is wanted with all that it is made from, the others gone.
fn reached(all: Vec<Planned>, wanted: &BTreeSet<usize>) -> Vec<Planned> {
    let mut needed = wanted.clone();
    let mut open: Vec<usize> = wanted.iter().copied().collect();
    while let Some(place) = open.pop() {
        let new = all[place].bases.iter().filter(|base| needed.insert(**base));
        open.extend(new);
    }
    let new_places: BTreeMap<usize, usize> = needed.iter().enumerate().map(|(new, old)| (*old, new)).collect();
    let kept = all.into_iter().enumerate().filter(|(old, _)| needed.contains(old));
    kept.map(|(old, image)| Planned {
        bases: image
            .bases
            .iter()
            .filter_map(|base| new_places.get(base).copied())
            .collect(),
        role: if wanted.contains(&old) {
            Role::Wanted
        } else {
            Role::Base
        },
        ..image
    })
    .collect()
}
