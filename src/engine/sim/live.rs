//! Pure. What containers hold in the simulated world: files of their image, and what live updates bring in after that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::action::{Action, AgentFact, Class, LiveFact, UpdateFailure, UpdateOutcome};
use crate::engine::effect::LiveWork;
use crate::engine::live;
use crate::engine::sim::Event;
use crate::engine::sim::chance::Chance;
use crate::engine::sim::world::pause;
use crate::engine::state::{AgentPhase, Hold, Name, ResourceState, State};
use crate::model::live::{LiveUpdate, Sync};

/// The versions of files, by path. Those that are missing were never changed.
type Files = BTreeMap<PathBuf, u64>;
type News = Vec<(Duration, Event)>;

#[derive(Default)]
pub struct Containers {
    host: Files,
    /// What is in each image, by its identity.
    images: BTreeMap<String, Files>,
    /// By their ids.
    there: BTreeMap<Box<str>, Files>,
    runs: BTreeMap<u64, LiveWork>,
}

/// Two of an image's three files are synced.
pub fn rules(image: u64) -> LiveUpdate {
    let sync = |file: &str| Sync {
        local: file.to_owned(),
        container: format!("/app/{file}"),
        ..Sync::default()
    };
    LiveUpdate {
        base: format!("/p/i{image}").into(),
        syncs: vec![sync("0"), sync("1")],
        ..LiveUpdate::default()
    }
}

impl Containers {
    pub fn save(&mut self, path: PathBuf) {
        *self.host.entry(path).or_default() += 1;
    }

    /// What a build sees that begins now.
    pub fn host(&self) -> Files {
        self.host.clone()
    }

    /// An image was built from what was there then; equal images hold equal files.
    pub fn built(&mut self, (image, identity): (&str, String), seen: Files, bases: &BTreeMap<Name, String>) {
        let own = PathBuf::from(format!("/p/{image}"));
        let mut files: Files = seen.into_iter().filter(|(path, _)| path.starts_with(&own)).collect();
        for base in bases.values() {
            files.extend(self.images.get(base).cloned().unwrap_or_default());
        }
        self.images.insert(identity, files);
    }

    /// A container starts from its image.
    pub fn starts(&mut self, id: Box<str>, image: &str) {
        let files = self.images.get(image).cloned().unwrap_or_default();
        self.there.insert(id, files);
    }

    /// Only these are left.
    pub fn retain(&mut self, ids: &BTreeSet<&str>) {
        self.there.retain(|id, _| ids.contains(&**id));
    }

    /// Something of ours is brought into a container.
    pub fn reach(container: &Name, chance: &mut Chance) -> News {
        let fact = match chance.once_in(12) {
            true => AgentFact::Failed {
                error: "no way in".to_owned(),
            },
            false => AgentFact::Ready { fallback: None },
        };
        let container = Arc::clone(container);
        vec![(pause(chance, 400), Event::Fact(Action::Agent { container, fact }))]
    }

    pub fn begin(&mut self, update: u64, work: LiveWork, chance: &mut Chance) -> News {
        self.runs.insert(update, work);
        vec![(pause(chance, 600), Event::Live { update })]
    }

    pub fn over(&mut self, update: u64) {
        self.runs.remove(&update);
    }

    /// All containers get what is meant for them, as it is now, or none does.
    pub fn turn(&mut self, update: u64, chance: &mut Chance) -> News {
        let Some(work) = self.runs.remove(&update) else {
            return News::new();
        };
        let each: Vec<_> = work
            .orders
            .iter()
            .flat_map(|order| order.containers.iter().map(move |to| (&order.live, to)))
            .collect();
        if each.iter().any(|(_, to)| !self.there.contains_key(&to.container)) {
            return vec![ended(update, UpdateOutcome::Again)];
        }
        let fails = chance.once_in(8);
        if !fails {
            for (_, to) in &each {
                let files = self.there.entry(to.container.clone()).or_default();
                for path in to.sent.keys() {
                    files.insert(path.clone(), self.host.get(path).copied().unwrap_or_default());
                }
            }
        }
        let command_fails = !fails && chance.once_in(8);
        let fact = || match (fails, command_fails) {
            (true, _) => LiveFact::Failed {
                reason: "UpdateFailed",
                message: "it is full".to_owned(),
            },
            (false, true) => LiveFact::ExecFailed {
                error: "exit code 1".to_owned(),
            },
            (false, false) => LiveFact::Synced,
        };
        let told = each.iter().map(|(live, to)| {
            let fact = Action::Live {
                live: Arc::clone(live),
                update,
                container: to.container.clone(),
                fact: fact(),
            };
            (Duration::ZERO, Event::Fact(fact))
        });
        let mut news: News = told.collect();
        let failure = UpdateFailure {
            class: Class::User,
            message: "exit code 1".to_owned(),
            exit: None,
        };
        let outcome = match (fails, command_fails) {
            _ if each.is_empty() => UpdateOutcome::Done,
            (true, _) => UpdateOutcome::FellBack,
            (false, true) => UpdateOutcome::Failed(failure),
            (false, false) => UpdateOutcome::Done,
        };
        news.push(ended(update, outcome));
        news
    }
}

fn ended(update: u64, outcome: UpdateOutcome) -> (Duration, Event) {
    (Duration::ZERO, Event::Fact(Action::Updated { update, outcome }))
}

/// Whether a resource may wait at rest: no container of it will ever come.
pub fn waits_for_ever(resource: &ResourceState) -> bool {
    matches!(resource.hold, Some(Hold::WaitingForContainer { container: None })) && resource.workload.pods.is_empty()
}

/// What runs is what was saved, wherever nothing is pending or failed.
pub fn check(world: &Containers, state: &State) -> Result<(), String> {
    for (name, resource) in &state.resources {
        let is_settled = resource.enabled && !resource.is_changed() && !resource.is_due() && !resource.is_behind;
        let went_well = resource.last().is_some_and(|last| last.error.is_none());
        if !is_settled || !went_well {
            continue;
        }
        for live in live::lives(state, resource) {
            for reached in live.reached(state, resource) {
                let id = &reached.container.id;
                let is_reached = state
                    .agents
                    .get(&**id)
                    .is_some_and(|agent| matches!(agent.phase, AgentPhase::Ready { .. }));
                if !is_reached {
                    continue;
                }
                let Some(files) = world.there.get(id) else {
                    return Err(format!("{name} has a container {id} that is nowhere"));
                };
                for source in &live.sources {
                    same(world, files, source).map_err(|fault| format!("{id} of {name}: {fault}"))?;
                }
            }
        }
    }
    Ok(())
}

fn same(world: &Containers, files: &Files, image: &str) -> Result<(), String> {
    for file in 0..3 {
        let path = PathBuf::from(format!("/p/{image}/{file}"));
        let (there, here) = (files.get(&path), world.host.get(&path));
        if there.copied().unwrap_or_default() != here.copied().unwrap_or_default() {
            return Err(format!("{} is {there:?} there and {here:?} here", path.display()));
        }
    }
    Ok(())
}
