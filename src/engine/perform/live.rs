//! Live updates: what is in the state as an order goes into containers, and what became of each is told.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::engine::action::{Action, LiveFact, UpdateFailure, UpdateOutcome};
use crate::engine::effect::{LiveOrder, LiveTo, LiveWork, Scope};
use crate::engine::logs::{Level, SpanWriter};
use crate::engine::perform::Context;
use crate::liveupdate::apply::{Fate, Target, Tell, Wanted, apply};
use crate::model::live::Restart;
use crate::world::agent::Stream;
use crate::world::process::serve::Stop;

/// Until what was lost is known to be lost.
const PAUSE: Duration = Duration::from_millis(50);

pub async fn live(update: u64, work: LiveWork, stop: &Stop, context: &Context) -> UpdateOutcome {
    let outcome = attempt(update, work, stop, context).await;
    if outcome == UpdateOutcome::Again {
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stop.politely.cancelled() => {}
            () = stop.at_once.cancelled() => {}
        }
    }
    outcome
}

async fn attempt(update: u64, mut work: LiveWork, stop: &Stop, context: &Context) -> UpdateOutcome {
    let log = context.span(&work.span);
    as_it_came(&mut work, &log, context).await;
    let Some(targets) = targets(&work, context) else {
        // The way there was lost since it was decided.
        return UpdateOutcome::Again;
    };
    let (sender, pieces) = mpsc::unbounded_channel();
    let pump = context.tracker.spawn(write_all(pieces, log.sibling()));
    let teller = Teller {
        pieces: sender,
        is_one: targets.len() == 1,
    };
    let fates = tokio::select! {
        fates = apply(&targets, &teller, &stop.politely) => Some(fates),
        () = stop.at_once.cancelled() => None,
    };
    drop(teller);
    // All that was printed is in the log before its end is told.
    if pump.await.is_err() {
        log.error("the output of the commands could not be logged");
    }
    match fates {
        Some(_) if stop.politely.is_cancelled() => UpdateOutcome::Cancelled,
        Some(fates) => told(update, &work, fates, context),
        None => UpdateOutcome::Cancelled,
    }
}

/// What came from a container goes to the others. It stays as it is where it came from, which may write on; and nothing runs for it:
/// else whatever makes it would be made to make it for ever.
async fn as_it_came(work: &mut LiveWork, log: &SpanWriter, context: &Context) {
    let mut has_said = false;
    for to in work.orders.iter_mut().flat_map(|order| &mut order.containers) {
        let Scope::Files(plan) = &mut to.scope else {
            context.surroundings.agents.arrivals.forget_from(&to.container);
            continue;
        };
        let origins = context.surroundings.agents.arrivals.origins(&plan.copies).await;
        let has_commands = !plan.runs.is_empty() || plan.restart != Restart::Never;
        if has_commands && !origins.is_empty() && origins.iter().all(Option::is_some) {
            (plan.runs, plan.restart) = (Vec::new(), Restart::Never);
            if !std::mem::replace(&mut has_said, true) {
                log.info("No commands run for what was pulled from a container");
            }
        }
        let mut origins = origins.into_iter();
        plan.copies
            .retain(|_| origins.next().flatten().as_deref() != Some(&*to.container));
    }
}

fn each(work: &LiveWork) -> impl Iterator<Item = (&LiveOrder, &LiveTo)> {
    work.orders
        .iter()
        .flat_map(|order| order.containers.iter().map(move |to| (order, to)))
}

fn targets(work: &LiveWork, context: &Context) -> Option<Vec<Target>> {
    let agents = &context.surroundings.agents;
    let target = |(order, to): (&LiveOrder, &LiveTo)| {
        let there = agents.get(&to.container)?;
        Some(Target {
            agent: there.agent,
            ledgers: there.ledgers,
            name: format!("{}/{}", to.pod, to.name),
            wanted: match &to.scope {
                Scope::Files(plan) => Wanted::These(plan.clone()),
                Scope::Everything { ignores } => Wanted::Everything {
                    rules: Arc::clone(&order.rules),
                    ignores: ignores.clone(),
                },
            },
        })
    };
    each(work).map(target).collect()
}

fn told(update: u64, work: &LiveWork, fates: Vec<Fate>, context: &Context) -> UpdateOutcome {
    let mut outcome = UpdateOutcome::Done;
    for ((order, to), fate) in each(work).zip(fates) {
        let (fact, next) = match fate {
            Fate::Synced => (Some(LiveFact::Synced), UpdateOutcome::Done),
            Fate::Gone => (None, UpdateOutcome::Again),
            Fate::ExecFailed { error } => {
                let failure = UpdateFailure {
                    class: crate::engine::action::Class::User,
                    message: format!("{}/{}: {error}", to.pod, to.name),
                    exit: None,
                };
                (Some(LiveFact::ExecFailed { error }), UpdateOutcome::Failed(failure))
            }
            Fate::Failed { reason, message } => (Some(LiveFact::Failed { reason, message }), UpdateOutcome::FellBack),
        };
        if let Some(fact) = fact {
            context.tell(Action::Live {
                live: Arc::clone(&order.live),
                update,
                container: to.container.clone(),
                fact,
            });
        }
        if weight(&next) > weight(&outcome) {
            outcome = next;
        }
    }
    outcome
}

/// What counts, where containers fare differently.
fn weight(outcome: &UpdateOutcome) -> u8 {
    match outcome {
        UpdateOutcome::Done => 0,
        UpdateOutcome::Failed(_) => 1,
        UpdateOutcome::Again => 2,
        UpdateOutcome::FellBack => 3,
        UpdateOutcome::Cancelled => 4,
    }
}

/// What is to be in the log, in the order in which it happened.
enum Piece {
    Said(Level, String),
    /// What a command printed in a container.
    Printed((String, Stream), Vec<u8>),
}

struct Teller {
    pieces: mpsc::UnboundedSender<Piece>,
    is_one: bool,
}

impl Teller {
    fn tell(&self, piece: Piece) {
        // Whoever writes it ends after us.
        let _gone = self.pieces.send(piece).is_err();
    }
}

impl Tell for Teller {
    fn info(&self, text: &str) {
        self.tell(Piece::Said(Level::Info, text.to_owned()));
    }

    fn warn(&self, text: &str) {
        self.tell(Piece::Said(Level::Warn, text.to_owned()));
    }

    fn error(&self, text: &str) {
        self.tell(Piece::Said(Level::Error, text.to_owned()));
    }

    fn output(&self, container: &str, stream: Stream, bytes: &[u8]) {
        let container = match self.is_one {
            true => String::new(),
            false => container.to_owned(),
        };
        self.tell(Piece::Printed((container, stream), bytes.to_vec()));
    }
}

/// What several containers print at once is kept apart, and says which it is from.
async fn write_all(mut pieces: mpsc::UnboundedReceiver<Piece>, log: SpanWriter) {
    let mut writers: Vec<((String, Stream), SpanWriter)> = Vec::new();
    while let Some(piece) = pieces.recv().await {
        let (key, bytes) = match piece {
            Piece::Printed(key, bytes) => (key, bytes),
            Piece::Said(level, text) => {
                // What one container's command printed last comes before what is said after it, also without an end of line.
                if writers.iter().all(|((container, _), _)| container.is_empty()) {
                    writers.clear();
                }
                say(&log, level, &text);
                continue;
            }
        };
        let known = writers.iter().position(|(known, _)| *known == key);
        let place = known.unwrap_or_else(|| {
            if !key.0.is_empty() {
                log.info(&format!("Output of {}:", key.0));
            }
            writers.push((key, log.sibling()));
            writers.len() - 1
        });
        // The log is closed only once we are on our way out.
        if writers[place].1.write(Level::Info, &bytes).await.is_err() {
            return;
        }
    }
}

fn say(log: &SpanWriter, level: Level, text: &str) {
    match level {
        Level::Error => log.error(text),
        Level::Warn => log.warn(text),
        _ => log.info(text),
    }
}
