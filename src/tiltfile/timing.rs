//! How long each call of a builtin took, when somebody asked.

use std::cell::RefCell;

use crate::model::project::BuiltinTiming;
use crate::tiltfile::call::Call;
use crate::tiltfile::print;
use crate::world::clock::{self, Instant};

/// Whether calls are timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timed {
    #[default]
    No,
    Yes,
}

pub struct Timings {
    timed: Timed,
    calls: RefCell<Vec<BuiltinTiming>>,
}

impl Timings {
    pub fn new(timed: Timed) -> Timings {
        Timings {
            timed,
            calls: RefCell::default(),
        }
    }

    pub fn start(&self) -> Option<Instant> {
        (self.timed == Timed::Yes).then(clock::now)
    }

    pub fn finish(&self, started: Option<Instant>, call: &Call) {
        let Some(started) = started else {
            return;
        };
        let first = call
            .builtin
            .params
            .first()
            .and_then(|p| call.value(p.name))
            .or(call.rest.first().copied());
        self.calls.borrow_mut().push(BuiltinTiming {
            name: call.builtin.name,
            position: call.position(),
            argument: first.map(print::display).unwrap_or_default(),
            duration: clock::now() - started,
        });
    }

    pub fn take(&self) -> Vec<BuiltinTiming> {
        self.calls.take()
    }
}
