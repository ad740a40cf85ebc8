//! Pure. Bugs that are planted between the engine and its world, to show that the checks would find them.

use std::sync::Arc;

use crate::engine::action::Action;
use crate::engine::effect::{Deploy, Effect, Key, Task, Work};
use crate::engine::state::State;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Changes of files are dropped.
    LosesFiles,
    /// An order to start leaves twice.
    StartsTwice,
    /// The end of an update is not reported.
    ForgetsTheEnd,
    /// The end of an update counts all changes as seen.
    ConsumesEverything,
    /// More updates run than may.
    IgnoresSlots,
    /// Somebody is not answered.
    LosesAnswers,
    AnswersTwice,
    /// Nobody says why something waits.
    LosesHolds,
    /// What is not wanted any more goes on.
    ForgetsReleases,
    /// What is wanted is not ordered.
    ForgetsKeeps,
    /// A Tiltfile that is due is never evaluated.
    ForgetsEvaluations,
    /// The status of a resource is not brought up to date.
    StaleStatus,
    /// It is forgotten who builds an image.
    ForgetsBuilders,
    /// Changed files of images count for nothing.
    KeepsOldImages,
    /// It is forgotten what is in the cluster.
    ForgetsWhatIsLeft,
    /// What others deploy counts for nothing when something is deleted.
    DeletesOthers,
    /// Nobody hears of pods.
    LosesPods,
    /// What changed is left out of what goes into containers.
    BringsNothing,
    /// New containers are taken for such as have everything.
    ForgetsWhatWasSent,
}

impl Bug {
    pub const ALL: [Bug; 19] = [
        Bug::LosesFiles,
        Bug::StartsTwice,
        Bug::ForgetsTheEnd,
        Bug::ConsumesEverything,
        Bug::IgnoresSlots,
        Bug::LosesAnswers,
        Bug::AnswersTwice,
        Bug::LosesHolds,
        Bug::ForgetsReleases,
        Bug::ForgetsKeeps,
        Bug::ForgetsEvaluations,
        Bug::StaleStatus,
        Bug::ForgetsBuilders,
        Bug::KeepsOldImages,
        Bug::ForgetsWhatIsLeft,
        Bug::DeletesOthers,
        Bug::LosesPods,
        Bug::BringsNothing,
        Bug::ForgetsWhatWasSent,
    ];

    pub fn action(bug: Option<Bug>, action: Action) -> Option<Action> {
        match (bug, &action) {
            (Some(Bug::LosesFiles), Action::Files { .. }) => None,
            (Some(Bug::ForgetsTheEnd), Action::Updated { .. }) => None,
            (Some(Bug::LosesPods), Action::Discovered { .. }) => None,
            _ => Some(action),
        }
    }

    pub fn effect(bug: Option<Bug>, mut effect: Effect) -> Vec<Effect> {
        if let (Some(Bug::DeletesOthers), Effect::StartUpdate(order)) = (bug, &mut effect) {
            match &mut order.work {
                Work::Remove(work) => work.elsewhere = Arc::from([]),
                Work::Images(work) => {
                    if let Deploy::Kubernetes(deploy) = &mut work.deploy {
                        deploy.elsewhere = Arc::from([]);
                    }
                }
                Work::Live(_) | Work::Command { .. } | Work::Nothing | Work::Impossible(_) => {}
            }
        }
        if let (Some(Bug::BringsNothing), Effect::StartUpdate(order)) = (bug, &mut effect)
            && let Work::Live(work) = &mut order.work
        {
            let orders = work.orders.iter_mut();
            orders
                .flat_map(|order| &mut order.containers)
                .for_each(|to| to.sent.clear());
        }
        match (bug, &effect) {
            (Some(Bug::StartsTwice), Effect::StartUpdate(_)) | (Some(Bug::AnswersTwice), Effect::Answer { .. }) => {
                vec![effect.clone(), effect]
            }
            (Some(Bug::LosesAnswers), Effect::Answer { .. })
            | (Some(Bug::ForgetsEvaluations), Effect::Evaluate(_))
            | (Some(Bug::ForgetsReleases), Effect::Release { .. })
            | (
                Some(Bug::ForgetsKeeps),
                Effect::Keep {
                    key: Key::Process(_),
                    task: Task::Process(_),
                },
            ) => Vec::new(),
            _ => vec![effect],
        }
    }

    pub fn state(bug: Option<Bug>, state: &mut State) {
        match bug {
            Some(Bug::LosesHolds) => each(state, |resource| resource.hold = None),
            Some(Bug::ConsumesEverything) => each(state, |resource| {
                if resource.running.is_some() {
                    resource.pending = Default::default();
                }
            }),
            Some(Bug::ForgetsBuilders) => images(state, |image| image.making = None),
            Some(Bug::KeepsOldImages) => images(state, |image| image.pending.clear()),
            Some(Bug::ForgetsWhatIsLeft) => state
                .applies
                .values_mut()
                .for_each(|apply| Arc::make_mut(apply).left = Arc::from([])),
            Some(Bug::ForgetsWhatWasSent) => state
                .lives
                .values_mut()
                .for_each(|live| Arc::make_mut(live).sent.clear()),
            Some(Bug::IgnoresSlots) => Arc::make_mut(&mut state.settings).update.max_parallel_updates = 9,
            Some(Bug::StaleStatus) => {
                let names: Vec<_> = state.resources.keys().cloned().collect();
                for name in names {
                    let kind = &crate::model::object::kinds::UI_RESOURCE;
                    if let Some(known) = state.table.get(kind, &name) {
                        let mut stale = known.as_ref().clone();
                        stale.status = Default::default();
                        state.table.put(stale, state.now);
                    }
                }
            }
            _ => {}
        }
    }
}

fn each(state: &mut State, change: impl Fn(&mut crate::engine::state::ResourceState)) {
    state
        .resources
        .values_mut()
        .for_each(|resource| change(Arc::make_mut(resource)));
}

fn images(state: &mut State, change: impl Fn(&mut crate::engine::state::ImageState)) {
    state.images.values_mut().for_each(|image| change(Arc::make_mut(image)));
}
