//! Builds as they run: a live block on a terminal, lines anywhere else.

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use crate::build::graph::Plan;
use crate::build::many::{Ended, News};
use crate::cli::tiltfile_args;
use crate::engine::store;
use crate::model::built::Origin;
use crate::ui::build::{Display, Outcome};
use crate::ui::hud::{Display as Wanted, size_of_stdout};

/// Between two looks at the time.
const TICK: Duration = Duration::from_millis(100);

/// Where progress goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Stdout,
    /// Standard output belongs to a result.
    Stderr,
}

pub struct Show {
    names: Vec<String>,
    display: Display,
}

impl Show {
    pub fn new(plan: &Plan, place: Place) -> Show {
        let names: Vec<String> = plan.images().iter().map(|image| image.name.clone()).collect();
        let is_live = place == Place::Stdout && io::stdout().is_terminal() && tiltfile_args::shows_cursor();
        let wanted = if is_live { Wanted::Live } else { Wanted::Stream };
        let (style, out): (_, Box<dyn io::Write + Send>) = match place {
            Place::Stdout => (tiltfile_args::stdout_style(), Box::new(io::stdout())),
            Place::Stderr => (tiltfile_args::style(), Box::new(io::stderr())),
        };
        Show {
            display: Display::new(&names, wanted, style, out),
            names,
        }
    }

    /// Shows what it is told until there is nobody left to tell. A build goes on if nobody can see it.
    pub async fn follow(mut self, mut told: UnboundedReceiver<(usize, News)>) -> io::Result<()> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut outcome = Ok(());
        loop {
            let shown = tokio::select! {
                news = told.recv() => match news {
                    Some((image, news)) => self.take(image, news),
                    None => break,
                },
                _ = ticks.tick() => self.display.tick(store::now(), size_of_stdout()),
            };
            outcome = outcome.and(shown);
        }
        outcome.and(self.display.end(store::now(), size_of_stdout()))
    }

    fn take(&mut self, image: usize, news: News) -> io::Result<()> {
        let (now, size) = (store::now(), size_of_stdout());
        let Some(name) = self.names.get(image) else {
            return Ok(());
        };
        match news {
            News::Began => self.display.start(name, now, size),
            News::Report(report) => self.display.report(name, &report, now, size),
            News::Ended(ended) => {
                if let Err(error) = &ended.outcome {
                    self.display.say(name, &error.to_string(), now, size)?;
                }
                self.display.finish(name, outcome(&ended), now, size)
            }
            News::LeftOut { because } => {
                let because = self.names.get(because).map(|name| format!("{name} failed"));
                let because = because.unwrap_or_default();
                self.display.finish(name, Outcome::LeftOut { because }, now, size)
            }
        }
    }
}

fn outcome(ended: &Ended) -> Outcome {
    match &ended.outcome {
        Ok(built) => match built.origin {
            Origin::Built => Outcome::Built,
            Origin::Known => Outcome::Known,
            Origin::Fetched => Outcome::Fetched,
        },
        Err(_) => Outcome::Failed,
    }
}
