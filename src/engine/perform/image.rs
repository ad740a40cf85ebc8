//! The images of an update: built in their order, beside one another where none is made from another, and each told at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{MutexGuard, watch};

use crate::build::{self, BuildError, Order, Report};
use crate::engine::action::{Action, Class, ImageFact, UpdateFailure, UpdateOutcome};
use crate::engine::course::{Course, Fate, Turn, bases_of, failure};
use crate::engine::effect::{Deploy, ImageWork, PruneOrder};
use crate::engine::logs::{Fields, Level, SpanWriter, Weight};
use crate::engine::perform::builder::Latest;
use crate::engine::perform::{Context, Detail, deploy, frame};
use crate::engine::state::Name;
use crate::model::built::{Built, Stage};
use crate::world::clock;
use crate::world::process::serve::Stop;

/// So many images of one update are built beside one another. More would only be in each other's way.
const MOST_AT_ONCE: usize = 4;

/// Nobody reads the steps of a build more often.
const STAGES_PAUSE: Duration = Duration::from_millis(100);

/// The last step, as it is called.
const DEPLOYING: &str = "Deploying";

/// One update that builds images.
struct Run<'a> {
    update: u64,
    context: &'a Context,
    stop: &'a Stop,
    log: SpanWriter,
    begun: AtomicUsize,
    /// How many steps there may be, with that of deploying.
    of: usize,
}

/// A step with the time that it took.
type Took = (String, Duration);

pub async fn images(update: u64, work: ImageWork, stop: &Stop, context: &Context) -> UpdateOutcome {
    let log = context.span(&work.span);
    let steps = tokio::select! {
        steps = context.surroundings.whereabouts.settle(work.steps, &log) => steps,
        () = stop.politely.cancelled() => return UpdateOutcome::Cancelled,
        () = stop.at_once.cancelled() => return UpdateOutcome::Cancelled,
    };
    let mut course = Course::new(steps);
    let run = Run {
        update,
        context,
        stop,
        log,
        begun: AtomicUsize::new(0),
        of: course.builds() + 1,
    };
    let began = clock::now();
    let mut took = tokio::select! {
        took = run.follow(&mut course) => took,
        () = stop.at_once.cancelled() => return UpdateOutcome::Cancelled,
    };
    if stop.politely.is_cancelled() {
        return UpdateOutcome::Cancelled;
    }
    let mut failures = course.failures().cloned();
    if let Some(first) = failures.next() {
        // The first one is the update's.
        failures.for_each(|other| run.log.error(&other.message));
        return UpdateOutcome::Failed(first);
    }
    run.log.info(&frame::heading((run.of, run.of), DEPLOYING));
    let deploys = clock::now();
    let outcome = match work.deploy {
        Deploy::Kubernetes(deploy) => {
            let images = course.built();
            let applied = deploy::kubernetes((update, &deploy), &images, &run.log, (stop, context));
            tokio::select! {
                outcome = applied => outcome,
                () = stop.at_once.cancelled() => UpdateOutcome::Cancelled,
            }
        }
        Deploy::Impossible(message) => UpdateOutcome::Failed(failure(message, Class::User)),
    };
    took.push((DEPLOYING.to_owned(), deploys.elapsed()));
    if outcome != UpdateOutcome::Cancelled {
        run.log.info("");
        run.log.info(&frame::footer(&took, began.elapsed()));
        run.log.info("");
    }
    outcome
}

impl Run<'_> {
    /// Goes on until of every image it is known what became of it.
    async fn follow(&self, course: &mut Course) -> Vec<Took> {
        let mut running = FuturesUnordered::new();
        let mut took = Vec::new();
        loop {
            while running.len() < MOST_AT_ONCE
                && let Some((image, turn)) = course.next()
            {
                let is_own = course.is_own(&image);
                running.push(self.turn(image, turn, is_own));
            }
            let Some((image, fate, step)) = running.next().await else {
                return took;
            };
            took.extend(step);
            course.ended(image, fate);
        }
    }

    async fn turn(&self, image: Name, turn: Turn, is_own: bool) -> (Name, Fate, Option<Took>) {
        let latest = self.context.surroundings.builders.latest(&image);
        let (fate, took) = match turn {
            Turn::Leave { fate } => (fate, None),
            Turn::Look { built, order } => match self.find(&image, built, &latest).await {
                Ok(built) => (Fate::There(built), None),
                Err(Absent::Gone(mut latest)) => {
                    let (fate, took) = self.build(&image, &order, &mut latest).await;
                    return (image, fate, Some(took));
                }
                Err(Absent::Unknown(error)) => (Fate::Failed(self.failure(error).await), None),
            },
            Turn::Build { order } => {
                let (fate, took) = self.build(&image, &order, &mut *latest.lock().await).await;
                return (image, fate, Some(took));
            }
        };
        if is_own {
            self.tell(&image, ImageFact::Left);
        }
        (image, fate, took)
    }

    /// The image as it is, or as somebody else built it again who missed it too.
    async fn find<'l>(&self, image: &Name, built: Built, latest: &'l Latest) -> Result<Built, Absent<'l>> {
        if self.is_there(&built).await? {
            return Ok(built);
        }
        let latest = latest.lock().await;
        if let Some(newer) = latest.as_ref().filter(|newer| **newer != built)
            && self.is_there(newer).await?
        {
            return Ok(newer.clone());
        }
        let line = format!("Rebuilding {image} because image not found in image store");
        self.log.info(&line);
        Err(Absent::Gone(latest))
    }

    async fn is_there(&self, built: &Built) -> Result<bool, BuildError> {
        if built.id.is_none() {
            return Ok(true);
        }
        self.context.surroundings.builders.get().await?.is_there(built).await
    }

    async fn build(&self, image: &Name, order: &Order, latest: &mut Option<Built>) -> (Fate, Took) {
        let what = frame::building(&order.target);
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let heading = frame::heading((number, self.of.max(number + 1)), &what);
        self.log.line(Level::Info, &heading, Fields::default());
        self.tell(image, ImageFact::Started);
        let began = clock::now();
        let built = self.build_reporting(image, order).await;
        let fate = match built {
            Ok(built) => {
                *latest = Some(built.clone());
                let bases = bases_of(order);
                let fact = ImageFact::Built {
                    built: built.clone(),
                    bases,
                };
                self.tell(image, fact);
                Fate::There(built)
            }
            // What was cancelled has neither failed nor succeeded; its end is told by the update's.
            Err(error) if self.stop.politely.is_cancelled() => Fate::Failed(self.failure(error).await),
            Err(error) => {
                let failure = self.failure(error).await;
                let (message, class) = (failure.message.clone(), failure.class);
                self.tell(image, ImageFact::Failed { message, class });
                Fate::Failed(failure)
            }
        };
        (fate, (what, began.elapsed()))
    }

    async fn build_reporting(&self, image: &Name, order: &Order) -> Result<Built, BuildError> {
        let builder = self.context.surroundings.builders.get().await?;
        let (sender, stages) = watch::channel(Vec::new());
        let report = |report: Report| self.report(report, &sender);
        let order = &Order {
            share: self.context.surroundings.share.clone(),
            ..order.clone()
        };
        let shown = async {
            self.show(image, stages.clone()).await;
            std::future::pending().await
        };
        let built = tokio::select! {
            built = builder.build(order, &self.stop.politely, &report) => built,
            never = shown => never,
        };
        if stages.has_changed().unwrap_or_default() {
            self.tell(image, ImageFact::Stages(stages.borrow().clone()));
        }
        built
    }

    /// Tells the latest steps, not too often.
    async fn show(&self, image: &Name, mut stages: watch::Receiver<Vec<Stage>>) {
        while stages.changed().await.is_ok() {
            let latest = stages.borrow_and_update().clone();
            self.tell(image, ImageFact::Stages(latest));
            tokio::time::sleep(STAGES_PAUSE).await;
        }
    }

    fn report(&self, report: Report, stages: &watch::Sender<Vec<Stage>>) {
        match report {
            Report::Stages(latest) => drop(stages.send_replace(latest)),
            Report::Line { level, .. }
                if level == build::Level::Debug && self.context.surroundings.detail == Detail::Usual => {}
            said => say(&self.log, said),
        }
    }

    fn tell(&self, image: &Name, fact: ImageFact) {
        self.context.tell(Action::Image {
            image: image.clone(),
            update: self.update,
            fact,
        });
    }

    async fn failure(&self, error: BuildError) -> UpdateFailure {
        if let BuildError::Docker(error) = &error
            && error.is_connection()
        {
            self.context.surroundings.builders.forget().await;
        }
        failure(error.to_string(), class(&error))
    }
}

/// An image that should be there cannot be used as it is.
enum Absent<'l> {
    /// Nobody else builds it as long as this is held.
    Gone(MutexGuard<'l, Option<Built>>),
    Unknown(BuildError),
}

impl From<BuildError> for Absent<'_> {
    fn from(error: BuildError) -> Self {
        Absent::Unknown(error)
    }
}

/// What of a report belongs into the log.
fn say(log: &SpanWriter, report: Report) {
    match report {
        Report::Line { level, text } => {
            let level = match level {
                build::Level::Debug => Level::Debug,
                build::Level::Info => Level::Info,
                build::Level::Warn => Level::Warn,
            };
            log.line(level, &text, Fields::default());
        }
        Report::Progress { id, text, is_last } => {
            let weight = match is_last {
                true => Weight::MustPrint,
                false => Weight::Skippable,
            };
            log.line(Level::Info, &text, Fields::of_progress(&id, weight));
        }
        // The same is in lines and stages.
        Report::Stages(_) | Report::Steps(_) => {}
    }
}

fn class(error: &BuildError) -> Class {
    match error.class() {
        build::Class::User => Class::User,
        build::Class::Environment => Class::Environment,
        build::Class::Internal => Class::Internal,
    }
}

pub fn prune(order: PruneOrder, context: &Context) {
    let task = context.clone();
    context.tracker.spawn(async move {
        let log = task.logs.span("dockerprune", "");
        let pruned = async {
            let builder = task.surroundings.builders.get().await?;
            builder.prune(&order, &|report| say(&log, report)).await
        };
        if let Err(error) = pruned.await {
            log.warn(&format!("[Docker Prune] {error}"));
        }
    });
}

#[cfg(test)]
mod tests;
