//! Pure. Images in the simulated world: their sources, what is built from them, and what would be right.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::build::Order;
use crate::engine::action::{Action, Class, ImageFact, UpdateOutcome};
use crate::engine::course::{Course, Fate, Turn, bases_of, failure};
use crate::engine::effect::ImageWork;
use crate::engine::images::watch_name;
use crate::engine::sim::Event;
use crate::engine::sim::chance::Chance;
use crate::engine::sim::live::{self, Containers};
use crate::engine::sim::world::pause;
use crate::engine::state::{Name, Seq, State, identity};
use crate::model::build::{DockerRecipe, ImageTarget, Recipe};
use crate::model::built::{Built, Stage};
use crate::model::image::Selector;
use crate::model::live::LiveUpdate;
use crate::model::object::kinds::FILE_WATCH;

#[derive(Default)]
pub struct Images {
    /// What the files of each image hold.
    content: BTreeMap<String, u64>,
    runs: BTreeMap<u64, Run>,
    /// Which update builds which image now, and whether it set out to.
    building: BTreeMap<Name, (u64, Why)>,
    /// What each resource was deployed with by its latest update that went well.
    pub deployed: BTreeMap<Name, BTreeMap<Name, String>>,
}

struct Run {
    resource: Name,
    course: Course,
    doing: BTreeMap<Name, Doing>,
}

#[derive(Clone)]
enum Doing {
    Look {
        built: Built,
        order: Box<Order>,
    },
    /// Somebody else builds it at the moment.
    Wait {
        order: Box<Order>,
        why: Why,
    },
    /// The content is that of its start.
    Build {
        order: Box<Order>,
        content: u64,
        seen: BTreeMap<PathBuf, u64>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Planned,
    WasGone,
}

type News = Vec<(Duration, Event)>;

impl Images {
    pub fn start(
        &mut self,
        (update, resource): (u64, &Name),
        work: ImageWork,
        (containers, chance): (&mut Containers, &mut Chance),
    ) -> Result<News, String> {
        let run = Run {
            resource: Arc::clone(resource),
            course: Course::new(work.steps),
            doing: BTreeMap::new(),
        };
        self.runs.insert(update, run);
        let mut news = News::new();
        self.advance(update, (containers, chance), &mut news)?;
        Ok(news)
    }

    /// Begins whatever can begin, and ends the update when nothing is left.
    fn advance(
        &mut self,
        update: u64,
        (containers, chance): (&mut Containers, &mut Chance),
        news: &mut News,
    ) -> Result<(), String> {
        while let Some(run) = self.runs.get_mut(&update) {
            let Some((image, turn)) = run.course.next() else { break };
            match turn {
                Turn::Leave { fate } => {
                    leave(run, update, &image, news);
                    run.course.ended(image, fate);
                }
                Turn::Look { built, order } => {
                    run.doing.insert(Arc::clone(&image), Doing::Look { built, order });
                    news.push((pause(chance, 20), Event::Image { update, image }));
                }
                Turn::Build { order } => {
                    // A base that was gone may have come out differently.
                    let why = match run.course.is_own(&image) {
                        true => Why::Planned,
                        false => Why::WasGone,
                    };
                    self.build((update, image, why), order, (containers, chance), news)?;
                }
            }
        }
        if let Some(run) = self.runs.get(&update).filter(|run| run.course.is_over()) {
            news.push((pause(chance, 20), ended(update, run)));
        }
        Ok(())
    }

    fn build(
        &mut self,
        (update, image, why): (u64, Name, Why),
        order: Box<Order>,
        (containers, chance): (&mut Containers, &mut Chance),
        news: &mut News,
    ) -> Result<(), String> {
        let Some(run) = self.runs.get_mut(&update) else {
            return Ok(());
        };
        let doing = match self.building.get(&image) {
            Some((_, Why::Planned)) if why == Why::Planned => return Err(format!("{image} is built twice at once")),
            Some(_) => Doing::Wait { order, why },
            None => {
                self.building.insert(Arc::clone(&image), (update, why));
                let content = self.content.get(&*image).copied().unwrap_or_default();
                news.push((Duration::ZERO, fact(update, &image, ImageFact::Started)));
                let stages = vec![Stage::default()];
                news.push((
                    Duration::from_micros(1),
                    fact(update, &image, ImageFact::Stages(stages)),
                ));
                Doing::Build {
                    order,
                    content,
                    seen: containers.host(),
                }
            }
        };
        run.doing.insert(Arc::clone(&image), doing);
        news.push((pause(chance, 2000), Event::Image { update, image }));
        Ok(())
    }

    /// What an update does about an image has come to its end.
    pub fn turn(
        &mut self,
        (update, image): (u64, Name),
        containers: &mut Containers,
        chance: &mut Chance,
    ) -> Result<News, String> {
        let mut news = News::new();
        let Some(run) = self.runs.get_mut(&update) else {
            return Ok(news);
        };
        match run.doing.remove(&image) {
            Some(Doing::Look { order, .. }) if chance.once_in(10) => {
                self.build((update, image, Why::WasGone), order, (containers, chance), &mut news)?;
            }
            Some(Doing::Look { built, .. }) => {
                leave(run, update, &image, &mut news);
                run.course.ended(image, Fate::There(built));
            }
            Some(Doing::Wait { order, why }) => {
                self.build((update, image, why), order, (containers, chance), &mut news)?;
            }
            Some(Doing::Build { order, content, seen }) => {
                self.building.remove(&image);
                let (fate, told) = outcome(&order, content, chance);
                if let Fate::There(built) = &fate {
                    containers.built((&image, identity(built)), seen, &bases_of(&order));
                }
                news.push((Duration::ZERO, fact(update, &image, told)));
                run.course.ended(image, fate);
            }
            None => {}
        }
        self.advance(update, (containers, chance), &mut news)?;
        Ok(news)
    }

    /// It was asked to end: nothing more comes of it but its end.
    pub fn cancelled(&mut self, update: u64) {
        self.runs.remove(&update);
    }

    pub fn over(&mut self, update: u64, outcome: &UpdateOutcome) {
        self.building.retain(|_, (builder, _)| *builder != update);
        let Some(run) = self.runs.remove(&update) else { return };
        if *outcome == UpdateOutcome::Done {
            self.deployed.insert(Arc::clone(&run.resource), there(&run));
        }
    }

    /// The images that an update found or built.
    pub fn made(&self, update: u64) -> BTreeMap<Name, String> {
        self.runs.get(&update).map(there).unwrap_or_default()
    }

    /// Somebody saves a file of an image, sometimes without a difference. Who does not watch is not told.
    pub fn save(
        &mut self,
        (image, path): (&str, PathBuf),
        containers: &mut Containers,
        (chance, state): (&mut Chance, &State),
    ) -> Vec<Action> {
        if !chance.once_in(4) {
            containers.save(path.clone());
            *self.content.entry(image.to_owned()).or_default() += 1;
        }
        let watch: Name = watch_name(image).into();
        let is_there = state.table.get(&FILE_WATCH, &watch).is_some();
        let is_watched = state
            .watches
            .get(&watch)
            .is_some_and(|watch| watch.started.is_some() || watch.error.is_some());
        if !is_there || !is_watched {
            return Vec::new();
        }
        vec![Action::Files {
            changes: vec![(watch, vec![path])],
            written: None,
        }]
    }

    /// What an image is if it is built from what is there now.
    pub fn truth(&self, image: &str, state: &State) -> String {
        let Some(known) = state.images.get(image) else {
            return String::new();
        };
        let bases = known.target.image_deps.iter();
        let bases = bases.map(|base| (base.as_str().into(), self.truth(base, state)));
        let content = self.content.get(image).copied().unwrap_or_default();
        id(&known.target, content, &bases.collect())
    }
}

fn there(run: &Run) -> BTreeMap<Name, String> {
    let there = run.course.fates().iter().filter_map(|(image, fate)| match fate {
        Fate::There(built) => Some((Arc::clone(image), identity(built))),
        Fate::Failed(_) | Fate::Skipped => None,
    });
    there.collect()
}

fn leave(run: &Run, update: u64, image: &Name, news: &mut News) {
    if run.course.is_own(image) {
        news.push((Duration::ZERO, fact(update, image, ImageFact::Left)));
    }
}

fn fact(update: u64, image: &Name, fact: ImageFact) -> Event {
    Event::Fact(Action::Image {
        image: Arc::clone(image),
        update,
        fact,
    })
}

fn outcome(order: &Order, content: u64, chance: &mut Chance) -> (Fate, ImageFact) {
    if chance.once_in(6) {
        let class = if chance.once_in(3) {
            Class::Environment
        } else {
            Class::User
        };
        let message = "it failed".to_owned();
        let told = ImageFact::Failed {
            message: message.clone(),
            class,
        };
        return (Fate::Failed(failure(message, class)), told);
    }
    let bases = bases_of(order);
    let built = Built {
        id: Some(id(&order.target, content, &bases)),
        cluster: id(&order.target, content, &bases),
        ..Built::default()
    };
    (Fate::There(built.clone()), ImageFact::Built { built, bases })
}

/// The same inputs give the same image.
fn id(target: &ImageTarget, content: u64, bases: &BTreeMap<Name, String>) -> String {
    let variant = match &target.recipe {
        Recipe::Docker(recipe) => recipe.dockerfile.as_str(),
        _ => "",
    };
    let bases: Vec<&str> = bases.values().map(String::as_str).collect();
    format!("{}/{variant}/{content}({})", target.selector, bases.join(","))
}

fn ended(update: u64, run: &Run) -> Event {
    match run.course.failures().next().cloned() {
        Some(failure) => {
            let outcome = UpdateOutcome::Failed(failure);
            Event::Fact(Action::Updated { update, outcome })
        }
        None => Event::Deploy { update },
    }
}

/// What an enabled resource that is at rest runs is what its sources say.
pub fn check(world: &Images, state: &State) -> Result<(), String> {
    if let Some((image, _)) = state.images.iter().find(|(_, image)| image.making.is_some()) {
        return Err(format!("{image} is built for ever"));
    }
    for (name, resource) in &state.resources {
        let went_well = resource.last().is_some_and(|last| last.error.is_none());
        let is_settled = resource.enabled && went_well && !resource.is_changed() && !resource.is_due();
        // What is changed in place is not what its image is.
        let is_settled = is_settled && !crate::engine::live::can_be(resource);
        let Some(deployed) = world.deployed.get(name).filter(|_| is_settled) else {
            continue;
        };
        for image in resource.images.iter() {
            let truth = world.truth(image, state);
            if deployed.get(image) != Some(&truth) {
                return Err(format!(
                    "{name} runs {:?} of {image}, its sources say {truth}",
                    deployed.get(image)
                ));
            }
        }
    }
    Ok(())
}

/// Only updates that run look after images.
pub fn claims(state: &State) -> Result<(), String> {
    for (name, image) in &state.images {
        let Some(making) = &image.making else { continue };
        let own = state.resources.values().filter_map(|one| one.running.as_ref());
        let mut running = own.chain(state.departing.values().map(|(_, update)| update));
        if !running.any(|update| update.id == making.update) {
            return Err(format!("{name} is built by an update that has ended"));
        }
    }
    Ok(())
}

/// A few images; each may be made from those before it.
pub fn pool(chance: &mut Chance) -> Vec<ImageTarget> {
    let count = 1 + chance.below(4);
    let image = |number: u64, chance: &mut Chance| {
        let deps: Vec<u64> = (0..number).filter(|_| chance.once_in(2)).collect();
        ImageTarget {
            selector: Selector::parse(&format!("i{number}")).expect("a name"),
            match_in_env_vars: false,
            entrypoint: chance.once_in(3).then(|| vec!["run".to_owned()]),
            container_args: None,
            live_update: match chance.once_in(2) {
                true => live::rules(number),
                false => LiveUpdate::default(),
            },
            image_deps: deps.iter().map(|dep| format!("i{dep}")).collect(),
            recipe: Recipe::Docker(Box::new(DockerRecipe {
                dockerfile: format!("v{}", chance.below(2)),
                context: format!("/p/i{number}").into(),
                ..DockerRecipe::default()
            })),
            watch_ignores: Vec::new(),
        }
    };
    (0..count).map(|number| image(number, chance)).collect()
}

/// Some of them with all that they are made from, bases first.
pub fn some(pool: &[ImageTarget], chance: &mut Chance) -> Vec<ImageTarget> {
    let mut wanted: Vec<usize> = vec![chance.below(pool.len() as u64) as usize];
    wanted.extend((0..pool.len()).filter(|_| chance.once_in(4)));
    let mut next = 0;
    while next < wanted.len() {
        let deps = pool[wanted[next]].image_deps.iter();
        let places = deps.filter_map(|dep| pool.iter().position(|image| image.image_map() == *dep));
        let more: Vec<usize> = places.filter(|place| !wanted.contains(place)).collect();
        wanted.extend(more);
        next += 1;
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted.into_iter().map(|place| pool[place].clone()).collect()
}

/// When the latest change of an image was reported, for whoever uses it.
pub fn note(saved: &mut BTreeMap<String, Seq>, image: &str, state: &State) {
    for (name, resource) in &state.resources {
        if resource.enabled && resource.uses(image) {
            saved.insert(name.to_string(), Seq(state.seq.0 + 1));
        }
    }
}
