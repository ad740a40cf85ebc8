//! The task that owns the state: takes actions in, lets the pure parts decide, hands effects out, publishes snapshots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::engine::action::Action;
use crate::engine::effect::Effect;
use crate::engine::handle::{Answers, Handle, Snapshot};
use crate::engine::state::State;
use crate::engine::step::Loop;
use crate::model::time::Time;
use crate::world::clock;

/// Carries effects out. It must not block: what takes time goes on elsewhere and comes back as an action.
pub trait Perform {
    fn perform(&mut self, effect: Effect);
}

pub struct Store {
    engine: Loop,
    actions: mpsc::UnboundedReceiver<Action>,
    snapshots: watch::Sender<Snapshot>,
    answers: Arc<Answers>,
    handle: Handle,
}

impl Store {
    pub fn new(state: State) -> Store {
        Store::of(Loop::new(state))
    }

    pub fn of(engine: Loop) -> Store {
        let (sender, actions) = mpsc::unbounded_channel();
        let (snapshots, receiver) = watch::channel(Arc::new(engine.state.clone()));
        let answers = Arc::new(Answers::default());
        Store {
            handle: Handle::new(sender, receiver, Arc::clone(&answers)),
            engine,
            actions,
            snapshots,
            answers,
        }
    }

    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub fn answers(&self) -> Arc<Answers> {
        Arc::clone(&self.answers)
    }

    /// Runs until everything has ended: the last snapshot says how.
    pub async fn run(mut self, performer: &mut impl Perform) {
        self.step(Vec::new(), performer);
        while !self.engine.is_over() {
            let first = self.next().await;
            let mut batch = vec![first];
            while let Ok(more) = self.actions.try_recv() {
                batch.push(more);
            }
            self.step(batch, performer);
        }
        self.actions.close();
        self.answers.close();
    }

    /// The next fact, or the moment that the state waits for.
    async fn next(&mut self) -> Action {
        let wait = self.engine.wake_at().map(|at| at.since(now()));
        tokio::select! {
            biased;
            Some(action) = self.actions.recv() => action,
            () = until(wait) => Action::Woke,
        }
    }

    fn step(&mut self, batch: Vec<Action>, performer: &mut impl Perform) {
        let at = now();
        let stamped = self.engine.stamp(batch, at);
        let mut effects = Vec::new();
        self.engine.step(stamped, at, &mut effects);
        // Whoever is answered may look at once, and has to find what he was told.
        let is_order = |effect: &Effect| !matches!(effect, Effect::Answer { .. });
        let (orders, answers): (Vec<Effect>, Vec<Effect>) = effects.into_iter().partition(is_order);
        orders.into_iter().for_each(|order| performer.perform(order));
        self.engine.publish();
        self.snapshots.send_replace(Arc::new(self.engine.state.clone()));
        answers.into_iter().for_each(|answer| performer.perform(answer));
    }
}

async fn until(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// The date and time of day, as the engine counts it.
pub fn now() -> Time {
    let since = clock::today()
        .duration_since(clock::SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
