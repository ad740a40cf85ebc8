//! A build that nobody wants any more, and contexts that are larger than anybody wants to wait for.

use std::sync::Arc;

use tilt::build::BuildError;
use tilt::model::build::DockerRecipe;
use tilt::world::clock::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::project::with_project;
use crate::support::engine::BASE;

/// Much less than what is waited for would take, and more than a busy machine needs.
const LATE: Duration = Duration::from_secs(60);

#[test]
fn a_build_that_is_stopped_ends_at_once_and_so_does_its_step() {
    for buildkit in ["1", "0"] {
        with_project(
            "a_build_that_is_stopped_ends_at_once_and_so_does_its_step",
            async |mut project| {
                project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
                // The step holds a connection to us for as long as it lives.
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let port = listener.local_addr().unwrap().port();
                let step = format!("FROM {BASE}\nRUN (echo started; sleep 900) | nc 127.0.0.1 {port}\n");
                let recipe = DockerRecipe {
                    network: "host".to_owned(),
                    ..project.recipe(&step)
                };
                let (builder, order, stop) = (project.builder(), project.order(recipe), CancellationToken::new());
                let ordered = stop.clone();
                let building =
                    tokio::task::JoinSet::from_iter([async move { builder.build(&order, &ordered, &|_| {}).await }]);
                let (mut step, _) = tokio::time::timeout(LATE, listener.accept()).await.unwrap().unwrap();
                let mut started = [0; 8];
                step.read_exact(&mut started).await.unwrap();
                stop.cancel();
                let ended = tokio::time::timeout(LATE, building.join_all())
                    .await
                    .expect("does not wait for its step");
                assert!(matches!(ended.as_slice(), [Err(BuildError::Cancelled)]), "{ended:?}");
                let mut rest = Vec::new();
                let gone = tokio::time::timeout(LATE, step.read_to_end(&mut rest)).await;
                // An end or a reset: it is gone either way.
                assert!(gone.is_ok(), "{buildkit}: the step goes on");
            },
        );
    }
}

#[test]
fn what_is_left_out_is_never_read_however_large() {
    with_project("what_is_left_out_is_never_read_however_large", async |mut project| {
        project.write("small", "one");
        project.write("huge/file", "");
        let huge = std::fs::File::options()
            .write(true)
            .open(project.context().join("huge/file"))
            .unwrap();
        huge.set_len(1 << 40).unwrap();
        let recipe = project.ignoring(project.recipe(&format!("FROM {BASE}\nCOPY . /srv/\n")), &["huge"]);
        let order = project.order(recipe);
        for buildkit in ["1", "0"] {
            project.env.insert("DOCKER_BUILDKIT".to_owned(), buildkit.to_owned());
            let built = tokio::time::timeout(LATE, project.build(&order))
                .await
                .expect("reads no terabyte")
                .unwrap();
            assert_eq!(project.run(&built, "ls /srv"), "small");
        }
    });
}

#[test]
fn a_file_that_is_written_all_the_time_ends_in_an_error_that_names_it() {
    with_project(
        "a_file_that_is_written_all_the_time_ends_in_an_error_that_names_it",
        async |project| {
            project.write("log", "");
            let file = project.context().join("log");
            let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
            let stopped = Arc::clone(&stop);
            let writing = std::thread::spawn(move || {
                use std::io::Write;
                while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut file = std::fs::File::create(&file).unwrap();
                    file.write_all(&[0; 4 << 20]).unwrap();
                }
            });
            let order = project.plain("FROM scratch\nCOPY log /\n");
            let built = tokio::time::timeout(LATE, project.build(&order)).await.expect("ends");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            writing.join().unwrap();
            let message = project.refusal(built);
            assert!(
                message.contains("log") && message.contains("changes while it is"),
                "{message}"
            );
            project.write("log", "quiet");
            project.build(&order).await.unwrap();
        },
    );
}
