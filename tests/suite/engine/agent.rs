//! The agent in containers of a real engine, of every kind that people run.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tilt::world::agent::{Exit, Place, StartError, Stream, Way};
use tilt::world::docker::Engine;
use tokio_util::sync::CancellationToken;

use super::support::{docker, engine};
use crate::support::agent::{Image, batch, file, measure, measure_bulk, start, works};

/// A container, removed when dropped.
struct Container(String);

impl Container {
    fn run(image: &Image, options: &[&str], command: &[&str]) -> Container {
        let words = [&["run", "-d", "--network=none"], options, &[&image.0], command].concat();
        Container(docker(&words))
    }

    fn sleeping(image: &Image, options: &[&str]) -> Container {
        Container::run(image, options, &["/bin/sleep", "1000"])
    }

    fn place(&self, engine: &Engine) -> Place {
        Place::Docker {
            engine: engine.clone(),
            container: self.0.clone(),
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let removed = Command::new("docker")
            .args(["rm", "-f", &self.0])
            .stdout(Stdio::null())
            .status();
        drop(removed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_works_in_containers_of_every_kind() {
    let Some(engine) = engine("an_agent_works_in_containers_of_every_kind").await else {
        return;
    };
    let shell = Image::with_shell("kinds");
    let bare = Image::with("bare", "sleep");
    let tar = Image::with("tar", "sleep tar");
    let read_only = "--read-only";
    let writable = "--tmpfs=/app:rw,exec,mode=1777";
    let table: [(&str, &Image, &[&str], Way); 6] = [
        ("a shell", &shell, &[], Way::Archive),
        ("nothing but the program", &bare, &[], Way::Archive),
        ("another user", &bare, &["--user=1234:99"], Way::Archive),
        ("read-only, a shell", &shell, &[read_only, writable], Way::Shell),
        (
            "read-only, a shell, another user",
            &shell,
            &[read_only, writable, "--user=1234"],
            Way::Shell,
        ),
        ("read-only, `tar` alone", &tar, &[read_only, writable], Way::Tar),
    ];
    for (kind, image, options, way) in table {
        let container = Container::sleeping(image, options);
        for time in ["first", "second"] {
            let began = Instant::now();
            let (agent, _news) = start(container.place(&engine))
                .await
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            println!("{kind}: {time} start {:?}, {:?}", began.elapsed(), agent.about());
            assert_eq!(agent.about().way, way, "{kind}");
            let is_root = !options.iter().any(|option| option.starts_with("--user"));
            assert_eq!(agent.about().uid, if is_root { 0 } else { 1234 }, "{kind}");
            works(&agent).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_may_be_executed_tar_does_or_nothing_and_that_is_said() {
    let Some(engine) = engine("where_nothing_may_be_executed_tar_does_or_nothing_and_that_is_said").await else {
        return;
    };
    let shell = Image::with_shell("noexec");
    let bare = Image::with("noway", "sleep");
    // Such a mount takes no program.
    let options = [
        "--read-only",
        "--tmpfs=/app:rw,noexec,mode=1777",
        "--tmpfs=/tmp:rw,noexec",
    ];
    let container = Container::sleeping(&shell, &options);
    let (agent, _news) = start(container.place(&engine)).await.unwrap();
    let Way::Fallback { why } = &agent.about().way else {
        panic!("{:?}", agent.about());
    };
    println!("{why}");
    assert!(why.contains("/app: nothing can be executed there"), "{why}");
    agent.apply(&batch([file("dir/a", "text")])).await.unwrap();
    assert_eq!(docker(&["exec", &container.0, "cat", "/app/dir/a"]), "text");
    let mut said = String::new();
    let mut hear = |_: Stream, bytes: &[u8]| said.push_str(&String::from_utf8_lossy(bytes));
    let command = ["sh", "-c", "echo out; exit 9"].map(str::to_owned);
    let exit = agent.run(&command, &mut hear, &CancellationToken::new()).await.unwrap();
    assert_eq!((exit, said.as_str()), (Exit::Code(9), "out\n"));
    let container = Container::sleeping(&bare, &options);
    let error = start(container.place(&engine)).await.err().expect("no way in");
    println!("{error}");
    assert!(
        matches!(&error, StartError::NoWay { tried } if tried.len() >= 3),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_that_ends_takes_its_agent_along() {
    let Some(engine) = engine("a_container_that_ends_takes_its_agent_along").await else {
        return;
    };
    let image = Image::with_shell("ends");
    let container = Container::sleeping(&image, &[]);
    let (agent, mut news) = start(container.place(&engine)).await.unwrap();
    docker(&["kill", &container.0]);
    println!("{:?}", news.recv().await);
    assert!(agent.ping().await.unwrap_err().is_over());
    let again = start(container.place(&engine)).await.err().expect("it does not run");
    assert!(matches!(again, StartError::NotRunning), "{again}");
    docker(&["start", &container.0]);
    let (agent, _news) = start(container.place(&engine)).await.unwrap();
    works(&agent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_nobody_wants_any_more_ends() {
    let Some(engine) = engine("an_agent_that_nobody_wants_any_more_ends").await else {
        return;
    };
    let image = Image::with_shell("unwanted");
    let container = Container::sleeping(&image, &[]);
    let running = || {
        docker(&["top", &container.0])
            .lines()
            .filter(|line| line.contains("serve"))
            .count()
    };
    let (agent, _news) = start(container.place(&engine)).await.unwrap();
    assert_eq!(running(), 1);
    drop(agent);
    let began = Instant::now();
    while running() > 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "it still runs");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_and_its_input_are_carried_whole() {
    let Some(engine) = engine("a_command_and_its_input_are_carried_whole").await else {
        return;
    };
    let image = Image::with_shell("exec");
    let container = Container::sleeping(&image, &[]);
    let name = container.0.as_str();
    let input = Bytes::from((0..3u32 << 20).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    let ended = engine.exec_output(name, &["cat"], input.clone()).await.unwrap();
    assert!(ended == (0, input.to_vec(), Vec::new()));
    let argv = ["sh", "-c", "echo oh >&2; exit 42"];
    let ended = engine.exec_output(name, &argv, Bytes::new()).await.unwrap();
    assert_eq!(ended, (42, Vec::new(), b"oh\n".to_vec()));
    let about = engine.container(name).await.unwrap().unwrap();
    assert!(
        about.is_running && !about.is_read_only && !about.arch.is_empty(),
        "{about:?}"
    );
    assert!(engine.container("no-such-container").await.unwrap().is_none());
    assert!(engine.stat_path(name, "/bin/sh").await.unwrap().is_some());
    assert!(engine.stat_path(name, "/bin/no").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_stream_carries_much_and_little() {
    let Some(engine) = engine("a_held_stream_carries_much_and_little").await else {
        return;
    };
    let image = Image::with_shell("speed");
    let container = Container::sleeping(&image, &[]);
    let (agent, _news) = start(container.place(&engine)).await.unwrap();
    measure("engine", &agent).await;
    measure_bulk("engine", &agent).await;
}
