//! Several images at once: a plan, run to its end with one builder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::build::graph::{Plan, Role};
use crate::build::{BuildError, Builder, Order, Report, Reuse, Share};
use crate::model::built::{Built, Delivery};
use crate::model::registry::Registry;
use crate::world::clock;

/// What holds for all images of a run.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    pub registry: Registry,
    /// What becomes of images that were asked for; those that they are made from stay where they are.
    pub delivery: Delivery,
    pub platform: String,
    pub reuse: Reuse,
    pub share: Share,
    /// How many are built at once; one at least.
    pub jobs: usize,
}

/// What happens to one image.
#[derive(Debug)]
pub enum News {
    Began,
    Report(Report),
    Ended(Arc<Ended>),
    /// A failed image stands between it and a build.
    LeftOut {
        /// The place of that one.
        because: usize,
    },
}

/// How the build of an image ended.
#[derive(Debug)]
pub struct Ended {
    pub outcome: Result<Built, BuildError>,
    pub took: Duration,
}

/// Told of each image by its place in the plan; must not block.
pub type Watcher = Arc<dyn Fn(usize, News) + Send + Sync>;

/// How the images of a plan came out, by their places. Those that were never begun have none.
pub type Results = BTreeMap<usize, Arc<Ended>>;

/// Builds a plan to its end, or until nobody wants it any more: then what runs is stopped and nothing else begins.
pub async fn build(
    builder: &Builder,
    plan: Plan,
    terms: &Terms,
    stop: &CancellationToken,
    watcher: &Watcher,
) -> Results {
    let mut run = Run {
        builder,
        plan,
        terms,
        stop,
        watcher,
        running: JoinSet::new(),
        places: BTreeMap::new(),
        results: Results::new(),
    };
    run.begin();
    while let Some(joined) = run.running.join_next_with_id().await {
        run.take(joined);
        run.begin();
    }
    run.results
}

struct Run<'a> {
    builder: &'a Builder,
    plan: Plan,
    terms: &'a Terms,
    stop: &'a CancellationToken,
    watcher: &'a Watcher,
    running: JoinSet<Ended>,
    places: BTreeMap<Id, usize>,
    results: Results,
}

impl Run<'_> {
    fn begin(&mut self) {
        if self.stop.is_cancelled() {
            return;
        }
        let room = self.terms.jobs.max(1).saturating_sub(self.running.len());
        for image in self.plan.ready().into_iter().take(room) {
            self.plan.start(image);
            (self.watcher)(image, News::Began);
            let work = one(self.builder.clone(), self.order(image), self.stop.clone(), {
                let watcher = Arc::clone(self.watcher);
                move |report| watcher(image, News::Report(report))
            });
            let task = self.running.spawn(work);
            self.places.insert(task.id(), image);
        }
    }

    fn order(&self, image: usize) -> Order {
        let planned = &self.plan.images()[image];
        let base = |place: &usize| {
            let target = Arc::clone(&self.plan.images()[*place].target);
            let built = self.results.get(place)?.outcome.as_ref().ok()?.clone();
            Some((target.image_map(), (target, built)))
        };
        Order {
            target: Arc::clone(&planned.target),
            bases: self.plan.bases(image).iter().filter_map(base).collect(),
            registry: self.terms.registry.clone(),
            delivery: match planned.role {
                Role::Wanted => self.terms.delivery.clone(),
                Role::Base => Delivery::Stay,
            },
            platform: self.terms.platform.clone(),
            reuse: self.terms.reuse,
            share: self.terms.share.clone(),
        }
    }

    fn take(&mut self, joined: Result<(Id, Ended), JoinError>) {
        let (id, ended) = joined.unwrap_or_else(|error| {
            let ended = Ended {
                outcome: Err(BuildError::Panicked),
                took: Duration::ZERO,
            };
            (error.id(), ended)
        });
        let Some(image) = self.places.remove(&id) else { return };
        let ended = Arc::new(ended);
        self.results.insert(image, Arc::clone(&ended));
        let left_out = match ended.outcome {
            Ok(_) => {
                self.plan.succeed(image);
                Vec::new()
            }
            Err(_) => self.plan.fail(image),
        };
        (self.watcher)(image, News::Ended(ended));
        // Whoever stopped everything needs no reasons.
        for left_out in left_out.into_iter().filter(|_| !self.stop.is_cancelled()) {
            let because = left_out.because;
            (self.watcher)(left_out.image, News::LeftOut { because });
        }
    }
}

async fn one(
    builder: Builder,
    order: Order,
    stop: CancellationToken,
    reports: impl Fn(Report) + Send + Sync + 'static,
) -> Ended {
    let began = clock::now();
    let outcome = builder.build(&order, &stop, &reports).await;
    Ended {
        outcome,
        took: clock::now() - began,
    }
}
