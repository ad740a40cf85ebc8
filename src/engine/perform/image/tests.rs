//! The images of an update with a builder of our own: what is built beside what, and what is told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::{Barrier, mpsc, watch as snapshots};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::build::Reports;
use crate::build::{BuildError, Reuse, Share};
use crate::engine::effect::{Destination, ImageStep, Make, Span};
use crate::engine::handle::{Answers, Handle};
use crate::engine::logs::{Checkpoint, Config, Logs};
use crate::engine::perform::builder::{Build, Builders, Connect};
use crate::engine::perform::cluster::Whereabouts;
use crate::engine::perform::link::Link;
use crate::engine::perform::{Detail, Surroundings};
use crate::engine::sim::session;
use crate::engine::state::{Mode, State};
use crate::engine::tests::images::image;
use crate::model::local_env::{Colour, Injected};
use crate::tiltfile::testing::Tiltfile;
use crate::world::docker::DockerError;

/// Builds nothing, and remembers what it was asked for.
#[derive(Default)]
struct Fake {
    /// What was done, in order.
    did: Mutex<Vec<String>>,
    there: Mutex<BTreeSet<String>>,
    fails: BTreeSet<String>,
    /// Builds begin together, so many at a time.
    together: Option<Barrier>,
    never_ends: bool,
    away: bool,
}

type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, BuildError>> + Send + 'a>>;

fn built(image: &str, number: usize) -> Built {
    Built {
        id: Some(format!("{image}-{number}")),
        local: image.to_owned(),
        ..Built::default()
    }
}

impl Fake {
    fn did(&self, what: String) {
        self.did.lock().unwrap().push(what);
    }

    fn order(&self) -> Vec<String> {
        self.did.lock().unwrap().clone()
    }

    async fn make(&self, order: &Order, stop: &CancellationToken, reports: Reports<'_>) -> Result<Built, BuildError> {
        let name = order.target.selector.to_string();
        let bases: Vec<&str> = order
            .bases
            .values()
            .filter_map(|(_, built)| built.id.as_deref())
            .collect();
        self.did(format!("{name} from {bases:?}, {:?}", order.reuse));
        if let Some(together) = self.together.as_ref().filter(|_| bases.is_empty()) {
            together.wait().await;
        }
        if self.never_ends {
            stop.cancelled().await;
            return Err(BuildError::Cancelled);
        }
        reports(Report::Line {
            level: build::Level::Info,
            text: format!("building {name}"),
        });
        reports(Report::Stages(vec![Stage::default()]));
        if self.fails.contains(&name) {
            return Err(BuildError::Docker(DockerError::Refused {
                doing: "building",
                status: 500,
                message: format!("{name} is broken"),
            }));
        }
        let number = self.order().len();
        let built = built(&name, number);
        self.there.lock().unwrap().extend(built.id.clone());
        Ok(built)
    }
}

impl Build for Fake {
    fn build<'a>(&'a self, order: &'a Order, stop: &'a CancellationToken, reports: Reports<'a>) -> Answer<'a, Built> {
        Box::pin(self.make(order, stop, reports))
    }

    fn is_there<'a>(&'a self, built: &'a Built) -> Answer<'a, bool> {
        let id = built.id.clone().unwrap_or_default();
        Box::pin(async move { Ok(self.there.lock().unwrap().contains(&id)) })
    }

    fn prune<'a>(&'a self, order: &'a PruneOrder, _: Reports<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            self.did(format!("keeps {:?}", order.keep));
            Ok(())
        })
    }
}

struct To(Arc<Fake>);

impl Connect for To {
    fn connect(&self) -> Answer<'_, Arc<dyn Build>> {
        Box::pin(async {
            self.0.did("connects".to_owned());
            if self.0.away {
                return Err(BuildError::Docker(DockerError::Unreachable {
                    endpoint: "unix:///nowhere".to_owned(),
                    reason: "no such file".to_owned(),
                }));
            }
            Ok(Arc::clone(&self.0) as Arc<dyn Build>)
        })
    }
}

struct Bench {
    context: Context,
    actions: mpsc::UnboundedReceiver<Action>,
    fake: Arc<Fake>,
    stop: Stop,
    _folder: tempfile::TempDir,
}

fn bench(fake: Fake) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let (sender, actions) = mpsc::unbounded_channel();
    let state = Arc::new(State::new(session(Mode::Up), "test"));
    let handle = Handle::new(sender, snapshots::channel(state).1, Arc::new(Answers::default()));
    let fake = Arc::new(fake);
    let injected = Injected {
        host: String::new(),
        port: 0,
        kubeconfig: None,
        colour: Colour::Off,
    };
    let link = Arc::new(Link::none(Arc::default()));
    let surroundings = Surroundings {
        request: Tiltfile::new("").request().clone(),
        environment: BTreeMap::new(),
        injected,
        guard: None,
        builders: Builders::new(To(Arc::clone(&fake))),
        whereabouts: Arc::new(Whereabouts::new(Arc::clone(&link), Arc::default())),
        link,
        share: Share::default(),
        detail: Detail::All,
        agents: Arc::default(),
    };
    let context = Context {
        handle,
        logs: Logs::open(Config::below(folder.path())).unwrap(),
        tracker: TaskTracker::new(),
        surroundings: Arc::new(surroundings),
    };
    Bench {
        context,
        actions,
        fake,
        stop: Stop::default(),
        _folder: folder,
    }
}

impl Bench {
    async fn run(&self, update: u64, steps: Vec<ImageStep>) -> String {
        let work = ImageWork {
            span: Span {
                id: format!("build:{update}").into(),
                resource: "web".into(),
            },
            steps,
            deploy: Deploy::Impossible("nothing is deployed".to_owned()),
        };
        match images(update, work, &self.stop, &self.context).await {
            UpdateOutcome::Failed(failure) => format!("{:?}: {}", failure.class, failure.message),
            other => format!("{other:?}"),
        }
    }

    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(action) = self.actions.try_recv() {
            let Action::Image { image, fact, .. } = action else {
                panic!("{action:?}")
            };
            let fact = match fact {
                ImageFact::Started => "started".to_owned(),
                // How many of them depends on the clock.
                ImageFact::Stages(_) => continue,
                ImageFact::Built { bases, .. } => format!("built from {:?}", bases.values().collect::<Vec<_>>()),
                ImageFact::Failed { class, .. } => format!("failed, {class:?}"),
                ImageFact::Left => "left".to_owned(),
            };
            told.push(format!("{image} {fact}"));
        }
        told
    }

    async fn log(&self) -> String {
        self.context.logs.flush().await;
        let page = self.context.logs.read(Checkpoint::default(), 1000).unwrap();
        page.segments.iter().map(|segment| &*segment.text).collect()
    }
}

fn step(name: &str, bases: &[&str], make: Make) -> ImageStep {
    ImageStep {
        image: name.into(),
        target: Arc::new(image(name, bases)),
        bases: bases.iter().map(|base| (*base).into()).collect(),
        destination: Destination::default(),
        make,
    }
}

fn build() -> Make {
    let reuse = Reuse::Inputs;
    Make::Build { reuse }
}

fn reuse(name: &str) -> Make {
    Make::Reuse {
        built: built(name, 0),
        bases: BTreeMap::new(),
    }
}

#[tokio::test]
async fn independent_images_are_built_together_and_others_after_what_they_are_made_from() {
    let mut bench = bench(Fake {
        together: Some(Barrier::new(2)),
        ..Fake::default()
    });
    let steps = vec![
        step("a", &[], build()),
        step("b", &[], build()),
        step("top", &["a", "b"], build()),
    ];
    assert_eq!(bench.run(1, steps).await, "User: nothing is deployed");
    let order = bench.fake.order();
    assert_eq!(order[0], "connects", "once: {order:?}");
    assert!(order[3].starts_with("top from [\"a-"), "{order:?}");
    let told = bench.told();
    assert_eq!(told[4], "top started", "{told:?}");
    assert!(told[5].starts_with("top built from [\"a-"), "{told:?}");
    let log = bench.log().await;
    for line in [
        "STEP 3/4 — Building Dockerfile: [top]",
        "building top",
        "STEP 4/4 — Deploying",
        "DONE IN: ",
    ] {
        assert!(log.contains(line), "{log}");
    }
}

#[tokio::test]
async fn a_failed_image_stops_only_what_is_made_from_it() {
    let mut bench = bench(Fake {
        fails: ["bad".to_owned()].into(),
        ..Fake::default()
    });
    let steps = vec![
        step("bad", &[], build()),
        step("top", &["bad"], build()),
        step("good", &[], build()),
    ];
    assert_eq!(bench.run(1, steps).await, "Environment: building: bad is broken");
    let expected = [
        "bad started",
        "good started",
        "bad failed, Environment",
        "good built from []",
        "top left",
    ];
    let mut told = bench.told();
    told.sort();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(told, sorted);
}

#[tokio::test]
async fn an_image_that_is_gone_is_built_again_once_by_whoever_misses_it_first() {
    let mut bench = bench(Fake::default());
    let steps = || vec![step("app", &[], reuse("app"))];
    let (one, other) = tokio::join!(bench.run(1, steps()), bench.run(2, steps()));
    assert_eq!(
        (one.as_str(), other.as_str()),
        ("User: nothing is deployed", "User: nothing is deployed")
    );
    assert_eq!(bench.fake.order(), ["connects", "app from [], Inputs"]);
    assert_eq!(bench.told(), ["app started", "app built from []"]);
    let line = "Rebuilding app because image not found in image store";
    assert!(bench.log().await.contains(line));
}

#[tokio::test]
async fn what_is_there_is_not_built_unless_what_it_is_made_from_came_out_differently() {
    let mut bench = bench(Fake::default());
    let there = ["same-0".to_owned(), "other-0".to_owned()];
    bench.fake.there.lock().unwrap().extend(there);
    let made_from = |name: &str, base: &str| Make::Reuse {
        built: built(name, 0),
        bases: [("base".into(), base.to_owned())].into(),
    };
    let steps = vec![
        step("base", &[], build()),
        step("same", &["base"], made_from("same", "base-2")),
        step("other", &["base"], made_from("other", "base-old")),
    ];
    bench.run(1, steps).await;
    let order = bench.fake.order();
    assert_eq!(order[1..], ["base from [], Inputs", "other from [\"base-2\"], Inputs"]);
    let told = bench.told();
    assert!(told.contains(&"same left".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_build_that_is_asked_to_stop_is_no_failure() {
    let mut bench = bench(Fake {
        never_ends: true,
        ..Fake::default()
    });
    let stop = bench.stop.clone();
    let steps = vec![step("app", &[], build()), step("top", &["app"], build())];
    let ask = async {
        while bench.fake.order().len() < 2 {
            tokio::task::yield_now().await;
        }
        stop.politely.cancel();
    };
    let (outcome, ()) = tokio::join!(bench.run(1, steps), ask);
    assert_eq!(outcome, "Cancelled");
    let told = bench.told();
    assert_eq!(told[0], "app started");
    assert!(!told.iter().any(|fact| fact.contains("failed")), "{told:?}");
}

#[tokio::test]
async fn an_engine_that_is_away_is_a_failure_of_this_update_and_is_asked_for_again_by_the_next() {
    let mut bench = bench(Fake {
        away: true,
        ..Fake::default()
    });
    for _ in 0..2 {
        let outcome = bench.run(1, vec![step("app", &[], build())]).await;
        assert_eq!(
            outcome,
            "Environment: cannot reach Docker at `unix:///nowhere`: no such file; is Docker running?"
        );
        assert_eq!(bench.told(), ["app started", "app failed, Environment"]);
    }
    assert_eq!(bench.fake.order(), ["connects", "connects"]);
}
