//! Pure. One turn of the loop: facts in, decisions out. The store drives it with real time, the simulator with its own.

use std::collections::BTreeMap;

use crate::engine::action::Stamped;
use crate::engine::effect::{Effect, Key, Task};
use crate::engine::reduce;
use crate::engine::state::State;
use crate::model::time::Time;

pub struct Loop {
    pub state: State,
    /// The long-lived tasks that were ordered and not released.
    kept: BTreeMap<Key, Task>,
}

impl Loop {
    pub fn new(state: State) -> Loop {
        Loop {
            state,
            kept: BTreeMap::new(),
        }
    }

    /// Takes a batch of actions in and gives the effects that follow.
    pub fn step(&mut self, batch: Vec<Stamped>, now: Time, effects: &mut Vec<Effect>) {
        self.state.now = now;
        for stamped in batch {
            self.state.seq = stamped.seq;
            self.state.now = stamped.at;
            reduce::reduce(&mut self.state, stamped.action, effects);
        }
    }

    /// When to turn again even if nothing happens.
    pub fn wake_at(&self) -> Option<Time> {
        None
    }

    /// Whether everything has ended.
    pub fn is_over(&self) -> bool {
        false
    }

    pub fn kept(&self) -> &BTreeMap<Key, Task> {
        &self.kept
    }
}
