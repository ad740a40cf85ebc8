//! Pure. One turn of the loop: facts in, decisions out. The store drives it with real time, the simulator with its own.

use crate::engine::action::{Action, Stamped, StopReason};
use crate::engine::ci;
use crate::engine::desired::{Kept, Tasks};
use crate::engine::effect::Effect;
use crate::engine::objects::status::{Projected, project};
use crate::engine::prune;
use crate::engine::reduce;
use crate::engine::schedule::schedule;
use crate::engine::settle::{Settled, settle};
use crate::engine::state::{Ending, Seq, State};
use crate::model::time::Time;

pub struct Loop {
    pub state: State,
    reach: Reach,
    /// The long-lived tasks that were ordered and not released.
    kept: Kept,
    settled: Settled,
    projected: Projected,
}

/// How far a turn goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Everything,
    /// Facts are taken in, and nothing follows from them.
    Facts,
}

impl Loop {
    /// One that takes facts in and decides nothing: a table of objects that only its clients change, for tests of what serves
    /// the table.
    pub fn still(state: State) -> Loop {
        Loop {
            reach: Reach::Facts,
            ..Loop::new(state)
        }
    }

    pub fn new(state: State) -> Loop {
        Loop {
            state,
            reach: Reach::Everything,
            kept: Kept::default(),
            settled: Settled::default(),
            projected: Projected::default(),
        }
    }

    /// Gives actions their places in the order of all.
    pub fn stamp(&self, batch: Vec<Action>, at: Time) -> Vec<Stamped> {
        let first = self.state.seq.0 + 1;
        let stamp = |(seq, action)| Stamped {
            seq: Seq(seq),
            at,
            action,
        };
        (first..).zip(batch).map(stamp).collect()
    }

    /// Takes a batch of actions in and gives the effects that follow.
    pub fn step(&mut self, batch: Vec<Stamped>, now: Time, effects: &mut Vec<Effect>) {
        let state = &mut self.state;
        state.now = now;
        for stamped in batch {
            state.seq = stamped.seq;
            state.now = stamped.at;
            reduce::reduce(state, stamped.action, effects);
        }
        if self.reach == Reach::Facts {
            return;
        }
        settle(state, &mut self.settled, effects);
        schedule(state, effects);
        if judge(state) {
            // What runs is asked to end in the same turn.
            schedule(state, effects);
        }
        prune::prune(&mut self.state, effects);
        self.kept.follow(&self.state, effects);
    }

    /// Makes the objects say what the state is. It takes longer than deciding, so effects leave first.
    pub fn publish(&mut self) {
        if self.reach == Reach::Facts {
            return;
        }
        project(&mut self.state, &mut self.projected);
    }

    /// When to turn again even if nothing happens.
    pub fn wake_at(&self) -> Option<Time> {
        let state = &self.state;
        let sought = state.repos.values().chain(state.extensions.values());
        let retries = sought.filter_map(|sought| sought.retry_at);
        let resources = state.resources.values();
        let again = resources
            .filter_map(|resource| resource.retry.at)
            .filter(|at| *at > state.now);
        retries
            .chain(again)
            .chain(ci::wake_at(state))
            .chain(prune::wake_at(state))
            .min()
    }

    /// Whether everything has ended.
    pub fn is_over(&self) -> bool {
        let state = &self.state;
        let runs = state.resources.values().any(|resource| resource.running.is_some());
        let deploys = state.applies.values().any(|apply| apply.is_busy());
        state.session.ending.is_some() && !runs && !deploys && state.departing.is_empty()
    }

    pub fn kept(&self) -> &Tasks {
        self.kept.tasks()
    }
}

/// A session that is to end by itself ends here. Tells whether it does.
fn judge(state: &mut State) -> bool {
    let Some(outcome) = ci::judge(state) else { return false };
    let since = state.now;
    if ci::hears_out(state) {
        state.session_mut().clear_since.get_or_insert(since);
        return false;
    }
    let session = state.session_mut();
    session.outcome = Some(outcome);
    session.ending.get_or_insert(Ending {
        reason: StopReason::Outcome,
        since,
    });
    true
}
