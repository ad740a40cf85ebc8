//! The statuses of a set of forwards, told whenever one changes.

use std::sync::{Mutex, PoisonError};

use super::{ForwardStatus, Told};
use crate::model::port::PortForward;

pub struct Board {
    /// Changed by every forward of the set; held while somebody is told, so that nothing old is told after something new.
    statuses: Mutex<Vec<ForwardStatus>>,
    tell: Box<dyn Fn(Told) + Send + Sync>,
}

impl Board {
    pub fn new(forwards: &[PortForward], tell: Box<dyn Fn(Told) + Send + Sync>) -> Board {
        let statuses = forwards.iter().map(|forward| ForwardStatus {
            local_port: forward.local,
            container_port: forward.container,
            ..ForwardStatus::default()
        });
        Board {
            statuses: Mutex::new(statuses.collect()),
            tell,
        }
    }

    pub fn change(&self, index: usize, change: impl FnOnce(&mut ForwardStatus)) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(status) = statuses.get_mut(index) else {
            return;
        };
        let before = status.clone();
        change(status);
        if *status != before {
            (self.tell)(Told::Statuses(statuses.clone()));
        }
    }

    pub fn line(&self, line: String) {
        (self.tell)(Told::Line(line));
    }

    /// Says what is wrong, once for as long as it stays the same.
    pub fn fail(&self, index: usize, error: &str, line: impl FnOnce() -> String) {
        let mut is_news = false;
        self.change(index, |status| {
            is_news = status.error != error;
            error.clone_into(&mut status.error);
        });
        if is_news {
            self.line(line());
        }
    }

    pub fn local_port(&self, index: usize) -> u16 {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.get(index).map_or(0, |status| status.local_port)
    }
}
