//! Housekeeping on a real engine. Everything here has a label of its own, so that nobody else's things are in danger.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use tilt::build::prune::{Cache, Housekeeping, Live, Mode, Policy, Pruned};
use tilt::build::{Level, Report};
use tilt::model::duration::Duration;
use tilt::model::settings::DockerPrune;
use tilt::world::docker::Engine;
use tilt::world::docker::prune::Cached;
use tilt::world::lock::Lock;

use super::support::{Name, docker, engine};

struct Case {
    engine: Engine,
    name: Name,
    folder: tempfile::TempDir,
}

impl Case {
    async fn new() -> Option<Case> {
        Some(Case {
            engine: engine("prune").await?,
            name: Name::new("prune"),
            folder: tempfile::tempdir().unwrap(),
        })
    }

    /// The value of this test's label.
    fn label(&self) -> String {
        format!("dev.tilt.gc={}", self.name.as_str())
    }

    /// An image without content, as old as it says.
    fn image(&self, tag: &str, created: &str) -> String {
        self.image_labelled(tag, created, self.name.as_str())
    }

    fn image_labelled(&self, tag: &str, created: &str, label: &str) -> String {
        let name = format!("{}:{tag}", self.name.as_str());
        let config = format!(
            r#"{{"created":"{created}T00:00:00Z","architecture":"amd64","os":"linux",
                "config":{{"Labels":{{"dev.tilt.gc":"{label}"}}}},"rootfs":{{"type":"layers","diff_ids":[]}}}}"#
        );
        let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{name}"],"Layers":[]}}]"#);
        std::fs::write(self.folder.path().join("config.json"), config).unwrap();
        std::fs::write(self.folder.path().join("manifest.json"), manifest).unwrap();
        shell(self.folder.path(), "tar c config.json manifest.json | docker load");
        name
    }

    fn housekeeping(&self, settings: &DockerPrune) -> Housekeeping {
        Housekeeping {
            label: self.label(),
            cache: Cache::Leave,
            ..Housekeeping::new(settings, Live::default(), self.folder.path())
        }
    }

    /// What happened, and what the log says of it.
    async fn prune(&self, housekeeping: &Housekeeping) -> (Pruned, String) {
        let said = Mutex::new(String::new());
        let reports = |report: Report| {
            if let Report::Line { level, text } = report {
                let level = if level == Level::Info { "" } else { "debug: " };
                said.lock().unwrap().push_str(&format!("{level}{text}\n"));
            }
        };
        let pruned = housekeeping.run(&self.engine, &reports).await.unwrap();
        (pruned, said.into_inner().unwrap())
    }
}

fn shell(folder: &Path, script: &str) {
    let mut command = Command::new("sh");
    let command = command.args(["-ec", script]).current_dir(folder).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A container, removed in the end.
struct Container(String);

impl Container {
    fn of(words: &[&str]) -> Container {
        Container(docker(words))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rm", "-f", &self.0]).output();
    }
}

#[tokio::test]
async fn what_lost_its_names_stays_while_somebody_builds() {
    let Some(case) = Case::new().await else { return };
    let name = case.image("v1", "2020-01-01");
    let id = docker(&["inspect", "-f", "{{.Id}}", &name]);
    // It takes its name away.
    case.image("v1", "2020-01-02");
    let housekeeping = case.housekeeping(&DockerPrune::default());
    let building = Lock::share(&case.folder.path().join("building.lock")).unwrap();
    let (pruned, _) = case.prune(&housekeeping).await;
    assert_eq!((pruned.images.names.len(), pruned.left), (0, 1));
    assert!(
        pruned.text().contains("left 1 images alone while something is built"),
        "{}",
        pruned.text()
    );
    assert_eq!(docker(&["inspect", "-f", "{{.Id}}", &id]), id);
    drop(building);
    let (pruned, _) = case.prune(&housekeeping).await;
    assert_eq!((pruned.images.names, pruned.left), (vec![id], 0));
}

#[tokio::test]
async fn old_images_of_ours_go_and_the_newest_stay() {
    let Some(case) = Case::new().await else { return };
    let names: Vec<String> = (1..5)
        .map(|day| case.image(&format!("v{day}"), &format!("2020-01-0{day}")))
        .collect();
    case.image_labelled("stranger", "2019-01-01", "somebody-elses");
    let settings = DockerPrune::default();

    let dry = Housekeeping {
        mode: Mode::DryRun,
        ..case.housekeeping(&settings)
    };
    let (would, said) = case.prune(&dry).await;
    assert_eq!(would.images.names, [names[0].clone(), names[1].clone()]);
    assert!(
        said.starts_with("[Docker Prune] would remove 2 images, reclaiming 0B\n"),
        "{said}"
    );
    assert_eq!(case.name.tags().len(), 5, "nothing was removed");

    let (pruned, said) = case.prune(&case.housekeeping(&settings)).await;
    assert_eq!(pruned.images.names, would.images.names, "as it was told");
    assert_eq!(
        said,
        format!(
            "[Docker Prune] removed 2 images, reclaimed 0B\ndebug: \t- {}\ndebug: \t- {}\n",
            names[0], names[1]
        )
    );
    let stranger = format!("{}:stranger", case.name.as_str());
    assert_eq!(case.name.tags(), [stranger, names[2].clone(), names[3].clone()]);
    let (pruned, said) = case.prune(&case.housekeeping(&settings)).await;
    assert_eq!(said, "", "nothing is no news");
    assert_eq!(
        pruned.text(),
        "[Docker Prune] removed 0 containers, reclaimed 0B\n[Docker Prune] removed 0 images, reclaimed 0B\n\
         [Docker Prune] removed 0 caches, reclaimed 0B\n"
    );
}

#[tokio::test]
async fn what_lives_or_is_in_a_container_stays() {
    let Some(case) = Case::new().await else { return };
    let used = case.image("used", "2020-01-01");
    let live = case.image("live", "2020-01-02");
    let idle = case.image("idle", "2020-01-03");
    let container = Container::of(&["create", &used, "/nothing"]);
    let none_recent = DockerPrune {
        keep_recent: 0,
        ..DockerPrune::default()
    };
    let housekeeping = Housekeeping {
        live: Live::new([format!("docker.io/library/{live}")]),
        ..case.housekeeping(&none_recent)
    };
    let (pruned, _) = case.prune(&housekeeping).await;
    assert_eq!(pruned.images.names, [idle]);
    assert_eq!(
        pruned.containers.names,
        Vec::<String>::new(),
        "it has stopped, but not long ago"
    );
    let everything = Housekeeping {
        policy: Policy {
            max_age: Duration::from_mins(-1),
            ..housekeeping.policy.clone()
        },
        ..housekeeping
    };
    let (pruned, said) = case.prune(&everything).await;
    assert_eq!(pruned.containers.names.len(), 1);
    assert_eq!(pruned.images.names, [used], "nobody uses it any more");
    assert!(
        said.starts_with("[Docker Prune] removed 1 containers, reclaimed 0B\n"),
        "{said}"
    );
    assert_eq!(case.name.tags(), [live]);
    let ids = docker(&["ps", "-aq", "--no-trunc"]);
    assert!(!ids.contains(&container.0));
}

#[tokio::test]
async fn a_running_container_and_its_image_stay() {
    let Some(case) = Case::new().await else { return };
    let image = format!("{}:runs", case.name.as_str());
    let script = format!(
        "tar c -C / bin/busybox | docker import -c 'LABEL {}' - {image}",
        case.label()
    );
    shell(case.folder.path(), &script);
    let container = Container::of(&["run", "-d", &image, "/bin/busybox", "sleep", "1000"]);
    let everything = DockerPrune {
        max_age: Duration::from_mins(-1),
        keep_recent: 0,
        ..DockerPrune::default()
    };
    let (pruned, said) = case.prune(&case.housekeeping(&everything)).await;
    assert_eq!((pruned.images.names.len(), said.as_str()), (0, ""));
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &container.0]), "true");
    assert_eq!(case.name.tags(), [image.as_str()]);
    drop(container);
    let (pruned, _) = case.prune(&case.housekeeping(&everything)).await;
    assert_eq!(pruned.images.names, [image]);
    assert!(pruned.images.bytes > 100_000, "busybox is not nothing");
}

#[tokio::test]
async fn several_that_keep_house_at_once_leave_each_other_alone() {
    let Some(case) = Case::new().await else { return };
    for day in 10..25 {
        case.image(&format!("v{day}"), &format!("2020-01-{day}"));
    }
    let housekeeping = case.housekeeping(&DockerPrune::default());
    let all = futures_util::future::join_all((0..4).map(|_| case.prune(&housekeeping))).await;
    let removed: usize = all.iter().map(|(pruned, _)| pruned.images.names.len()).sum();
    assert_eq!(
        (removed, all.iter().map(|(pruned, _)| pruned.left).sum::<usize>()),
        (13, 0)
    );
    assert_eq!(case.name.tags().len(), 2);
}

#[tokio::test]
async fn generations_that_lost_their_names_go() {
    let Some(case) = Case::new().await else { return };
    case.image("one", "2020-01-01");
    // The same name for another image leaves the first without one.
    let name = case.image("one", "2020-01-02");
    let dangling = |case: &Case| {
        let label = format!("label={}", case.label());
        docker(&["images", "-q", "--filter", "dangling=true", "--filter", &label])
    };
    assert_ne!(dangling(&case), "");
    let (pruned, _) = case.prune(&case.housekeeping(&DockerPrune::default())).await;
    assert_eq!(pruned.images.names.len(), 1);
    assert_eq!(dangling(&case), "");
    assert_eq!(case.name.tags(), [name]);
}

#[tokio::test]
async fn old_pieces_of_the_cache_go() {
    let Some(case) = Case::new().await else { return };
    let image = format!("{}:cache", case.name.as_str());
    let base = format!("{}:base", case.name.as_str());
    let script = format!(
        "tar c -C / bin/busybox | docker import - {base}
         printf 'FROM {base}\\nRUN [\"/bin/busybox\", \"touch\", \"/{}\"]\\n' | DOCKER_BUILDKIT=1 docker build -q -t {image} -
         docker rmi {image}",
        case.name.as_str()
    );
    shell(case.folder.path(), &script);
    let pieces = case.engine.build_cache().await.unwrap();
    let ours = |piece: &&Cached| piece.description.contains(case.name.as_str());
    let id = pieces.iter().find(ours).expect("its step is listed").id.clone();
    let young = Housekeeping {
        cache: Cache::Only(vec![("id".to_owned(), id)]),
        ..case.housekeeping(&DockerPrune::default())
    };
    let (pruned, _) = case.prune(&young).await;
    assert_eq!(pruned.caches.names.len(), 0, "it was used a moment ago");
    let everything = Housekeeping {
        policy: Policy {
            max_age: Duration::from_mins(-1),
            ..young.policy.clone()
        },
        ..young
    };
    let (pruned, said) = case.prune(&everything).await;
    assert_eq!(pruned.caches.names.len(), 1, "{said}");
    assert!(said.contains("[Docker Prune] removed 1 caches, reclaimed "), "{said}");
    let again = case.prune(&everything).await.0;
    assert_eq!(again.caches.names.len(), 0);
}

#[tokio::test]
async fn the_cache_is_listed_before_it_goes() {
    let Some(case) = Case::new().await else { return };
    let dry = Housekeeping {
        policy: Policy {
            max_age: Duration::from_mins(-1),
            keep_recent: 0,
            keep_at_most: 0,
        },
        cache: Cache::All,
        mode: Mode::DryRun,
        ..case.housekeeping(&DockerPrune::default())
    };
    let before = case.engine.build_cache().await.unwrap();
    let (would, said) = case.prune(&dry).await;
    // Others build meanwhile, so only what the listing is like can be told.
    if !before.is_empty() {
        assert!(!would.caches.names.is_empty(), "{said}");
        assert!(said.contains("[Docker Prune] would remove "), "{said}");
    }
    assert!(before.iter().all(|piece| !piece.id.is_empty() && piece.used > 0));
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    // Any other request than that for its version would wait for ever.
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        assert!(request[..length].starts_with(b"GET /v"), "its version is asked for");
        let body = r#"{"ApiVersion":"1.24","MinAPIVersion":"1.12"}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    });
    let env = BTreeMap::from([("DOCKER_HOST".to_owned(), format!("unix://{}", socket.display()))]);
    let engine = Engine::connect(&env).await.unwrap();
    answering.join().unwrap();
    let housekeeping = Housekeeping::new(&DockerPrune::default(), Live::default(), folder.path());
    let pruned = housekeeping.run(&engine, &|_| {}).await.unwrap();
    assert_eq!(
        pruned.text(),
        "[Docker Prune] skipping Docker prune, Docker API version too low: \"image | container prune with filter: label\" \
         requires API version 1.30, but the Docker daemon API version is 1.24\n"
    );
}
