//! What becomes of builds when the engine, its disk or a registry fails: a clear message, the right class, and the next build works.

mod registry;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tilt::build::{BuildError, Builder, Class, Order, Report};
use tilt::model::build::DockerRecipe;
use tilt::model::built::{Built, Origin};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::docker_build::project::Project;
use crate::support::own_engine::{Disk, OwnEngine};

/// An engine that does not come back is not waited for so long in tests.
const SOON: Duration = Duration::from_secs(3);
/// One that is started again is back by then, however busy the machine is.
const BACK: Duration = Duration::from_secs(60);

/// A build whose last step takes as many seconds as a file of its context says.
fn sleeping(project: &Project, seconds: &str) -> Order {
    std::fs::create_dir_all(project.context()).unwrap();
    std::fs::copy("/bin/busybox", project.context().join("busybox")).unwrap();
    project.write("seconds", seconds);
    let dockerfile = "FROM scratch\nCOPY . /bin/\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \
                      \"echo it begins; /bin/busybox sleep $(/bin/busybox cat /bin/seconds)\"]\n";
    project.order(DockerRecipe {
        network: "none".to_owned(),
        ..project.recipe(dockerfile)
    })
}

/// A build that somebody can wait for the middle of.
struct Running {
    building: tokio::task::JoinHandle<Result<Built, BuildError>>,
    begun: Arc<Notify>,
    lines: Arc<std::sync::Mutex<String>>,
}

impl Running {
    #[expect(clippy::disallowed_methods, reason = "a test joins it")]
    fn start(builder: &Builder, order: &Order) -> Running {
        let (begun, lines) = (Arc::new(Notify::new()), Arc::new(std::sync::Mutex::new(String::new())));
        let (builder, order, notify, said) = (builder.clone(), order.clone(), Arc::clone(&begun), Arc::clone(&lines));
        let building = tokio::spawn(async move {
            let reports = move |report: Report| {
                if let Report::Line { text, .. } = report {
                    if text.contains("it begins") && !text.contains("RUN") {
                        notify.notify_one();
                    }
                    said.lock().unwrap().push_str(&format!("{text}\n"));
                }
            };
            builder.build(&order, &CancellationToken::new(), &reports).await
        });
        Running { building, begun, lines }
    }

    async fn middle(&self) {
        let waited = tokio::time::timeout(Duration::from_secs(60), self.begun.notified()).await;
        assert!(waited.is_ok(), "its last step does not begin:\n{}", self.said());
    }

    async fn end(&mut self) -> Result<Built, BuildError> {
        let waited = tokio::time::timeout(BACK * 3, &mut self.building).await;
        waited.expect("it ends").unwrap()
    }

    fn said(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_survives_an_engine_that_is_killed_and_started_again() {
    let test = "a_build_survives_an_engine_that_is_killed_and_started_again";
    let Some(mut own) = OwnEngine::start(Disk::Ordinary, test) else {
        return;
    };
    let project = Project::on(&own).await;
    let order = sleeping(&project, "1000");
    let mut running = Running::start(&project.builder().with_patience(BACK), &order);
    running.middle().await;
    project.write("seconds", "0");
    own.kill();
    own.start_again();
    let built = running.end().await.unwrap();
    assert_eq!(built.origin, Origin::Built);
    let said = running.said();
    assert_eq!(
        said.matches("Docker went away; trying again when it answers").count(),
        1,
        "{said}"
    );
    assert_eq!(
        project.build(&order).await.unwrap().origin,
        Origin::Known,
        "it is remembered"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_survives_an_engine_that_is_stopped_and_started_again() {
    let test = "a_build_survives_an_engine_that_is_stopped_and_started_again";
    let Some(mut own) = OwnEngine::start(Disk::Ordinary, test) else {
        return;
    };
    let project = Project::on(&own).await;
    let order = sleeping(&project, "1000");
    let mut running = Running::start(&project.builder().with_patience(BACK), &order);
    running.middle().await;
    project.write("seconds", "0");
    own.stop();
    own.start_again();
    let built = running
        .end()
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", running.said()));
    assert_eq!(built.origin, Origin::Built);
    let said = running.said();
    assert!(
        said.contains("Docker went away; trying again when it answers"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_stays_away_is_named_and_the_same_builder_works_once_it_is_back() {
    let test = "an_engine_that_stays_away_is_named_and_the_same_builder_works_once_it_is_back";
    let Some(mut own) = OwnEngine::start(Disk::Ordinary, test) else {
        return;
    };
    let project = Project::on(&own).await;
    let order = sleeping(&project, "1000");
    let builder = project.builder().with_patience(SOON);
    let mut running = Running::start(&builder, &order);
    running.middle().await;
    own.kill();
    let error = running.end().await.unwrap_err();
    let away = format!(
        "cannot reach Docker at `{}`: connection refused; is Docker running?",
        own.endpoint()
    );
    assert_eq!((error.class(), error.to_string()), (Class::Environment, away.clone()));

    // Nothing was begun that could have broken off: it is said at once, however much patience there is.
    let asked = Instant::now();
    let patient = builder.clone().with_patience(BACK);
    let error = project.build_with(&patient, &order).await.unwrap_err();
    assert_eq!((error.class(), error.to_string()), (Class::Environment, away));
    assert!(asked.elapsed() < BACK, "it took {:?}", asked.elapsed());

    own.start_again();
    project.write("seconds", "0");
    let built = project.build_with(&builder, &order).await.unwrap();
    assert_eq!(built.origin, Origin::Built);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_called_one_and_builds_work_when_there_is_room_again() {
    let test = "a_full_disk_is_called_one_and_builds_work_when_there_is_room_again";
    let Some(own) = OwnEngine::start(Disk::Small(60), test) else {
        return;
    };
    let project = Project::on(&own).await;
    let order = project.order(project.recipe("FROM scratch\nCOPY . /\n"));
    let megabytes = |count: usize| vec![7u8; count << 20];
    std::fs::write(project.context().join("big"), megabytes(100)).unwrap();
    let error = project.build(&order).await.unwrap_err();
    let expected = "the engine's disk is full: no space left on device\n\
                    hint: `tilt docker-prune` removes images that are not used any more";
    assert_eq!(
        (error.class(), error.to_string()),
        (Class::Environment, expected.to_owned())
    );

    std::fs::write(project.context().join("big"), megabytes(1)).unwrap();
    // The builder lets go of what was sent in vain a moment after it said so.
    let mut tries = 0;
    let built = loop {
        let pruned = own.docker(&["builder", "prune", "--all", "--force"]);
        assert!(pruned.status.success(), "{}", String::from_utf8_lossy(&pruned.stderr));
        match project.build(&order).await {
            Ok(built) => break built,
            Err(error) if tries < 20 => assert_eq!(error.class(), Class::Environment, "{error}"),
            Err(error) => panic!("{error}"),
        }
        tries += 1;
    };
    assert_eq!(built.origin, Origin::Built);
}
