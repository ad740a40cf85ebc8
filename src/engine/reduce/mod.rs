//! Pure. Takes one fact into the state. Total: whatever arrives, in whatever order, is either taken in or told to whoever
//! asked why not. Nothing is decided here that could as well be decided from the state alone.

mod write;

use crate::engine::action::{Action, Answer, Ask};
use crate::engine::effect::Effect;
use crate::engine::state::State;

pub fn reduce(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Asked { token, ask } => {
            let answer = asked(state, ask);
            effects.push(Effect::Answer { token, answer });
        }
        _ => {}
    }
}

fn asked(state: &mut State, ask: Ask) -> Answer {
    match ask {
        Ask::Write(write) => write::write(state, *write),
        _ => Ok(None),
    }
}
