//! Images whose process our supervisor runs: as the first process of real containers, and put there by builds.

use std::sync::Arc;

use tilt::build::Order;
use tilt::model::build::{CustomRecipe, ImageTarget, Recipe};
use tilt::model::built::{Built, Origin};
use tilt::model::command::Command;
use tilt::model::live::{LiveUpdate, Restart, Sync};

use crate::engine::docker_build::project::{Project, with_project};
use crate::support::engine::docker_ok;

/// A program and nothing else: no shell, no `tar`, no folder that could be written to.
const BARE: &str =
    "FROM scratch\nCOPY busybox-static /busybox-static\nENTRYPOINT [\"/busybox-static\"]\nCMD [\"sleep\", \"1000\"]\n";

fn bare(project: &Project) -> Order {
    std::fs::create_dir_all(project.context()).unwrap();
    std::fs::copy("/bin/busybox", project.context().join("busybox-static")).unwrap();
    // Of its own: whoever removes an image removes it for everybody who has the same.
    project.plain(&format!("{BARE}LABEL of={}\n", project.context().display()))
}

fn live(order: Order, restart: Restart) -> Order {
    let live_update = LiveUpdate {
        syncs: vec![Sync {
            local: "src".to_owned(),
            container: "/src".to_owned(),
            ..Sync::default()
        }],
        restart,
        ..LiveUpdate::default()
    };
    with_target(order, |target| target.live_update = live_update)
}

fn with_target(order: Order, change: impl FnOnce(&mut ImageTarget)) -> Order {
    let mut target = ImageTarget::clone(&order.target);
    change(&mut target);
    Order {
        target: Arc::new(target),
        ..order
    }
}

fn config(built: &Built, field: &str) -> String {
    docker_ok(&[
        "inspect",
        "--format",
        &format!("{{{{json .Config.{field}}}}}"),
        &built.local,
    ])
}

fn layers(built: &Built) -> String {
    docker_ok(&["inspect", "--format", "{{len .RootFS.Layers}}", &built.local])
}

const SUPERVISED: &str = r#"["/.tilt/agent","supervise","--","/busybox-static"]"#;

/// A container that is gone in the end.
struct Container(String);

impl Container {
    fn start(built: &Built, options: &[&str]) -> Container {
        let mut words = vec!["run", "-d"];
        words.extend(options);
        words.push(&built.local);
        Container(docker_ok(&words))
    }

    fn exec(&self, words: &[&str]) -> String {
        docker_ok(&[&["exec", self.0.as_str()], words].concat())
    }

    /// The states and commands of all processes but those that look.
    fn processes(&self) -> Vec<String> {
        let listed = self.exec(&["/busybox-static", "ps", "-o", "stat,args"]);
        let all = listed.lines().skip(1).filter(|line| !line.contains(" ps "));
        all.map(str::to_owned).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker")
            .args(["rm", "-f", &self.0])
            .output();
    }
}

#[test]
fn a_process_in_an_image_without_anything_restarts_and_leaves_no_zombies() {
    with_project("supervised scratch", async |project| {
        let order = live(bare(&project), Restart::Always);
        let built = project.build(&order).await.unwrap();
        assert_eq!(config(&built, "Entrypoint"), SUPERVISED);
        assert_eq!(config(&built, "Cmd"), r#"["sleep","1000"]"#);
        let container = Container::start(&built, &["--read-only", "--user", "1234", "--network", "none"]);
        for _ in 0..20 {
            let said = container.exec(&["/.tilt/agent", "restart"]);
            assert!(said.starts_with("restarted as process "), "{said}");
        }
        let processes = container.processes();
        assert_eq!(processes.len(), 2, "{processes:?}");
        assert!(processes[1].contains("/busybox-static sleep 1000"), "{processes:?}");
        docker_ok(&["stop", "-t", "20", &container.0]);
        let code = docker_ok(&["inspect", "--format", "{{.State.ExitCode}}", &container.0]);
        assert_eq!(code, "143", "it passes the signal on, and ends as its process does");
    });
}

#[test]
fn a_container_ends_as_its_process_does() {
    with_project("supervised exit", async |project| {
        let order = live(bare(&project), Restart::Always);
        let built = project.build(&order).await.unwrap();
        let run = |command: &[&str]| {
            let words = [&["run", "--rm", built.local.as_str()], command].concat();
            let output = std::process::Command::new("docker").args(words).output().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        };
        assert_eq!(run(&["echo", "hello"]), (Some(0), "hello\n".to_owned()));
        assert_eq!(run(&["sh", "-c", "exit 7"]).0, Some(7));
        assert_eq!(run(&["sh", "-c", "kill -SEGV $$"]).0, Some(139));
    });
}

#[test]
fn the_agent_is_put_into_an_image_once() {
    with_project("supervised reuse", async |project| {
        let order = live(bare(&project), Restart::Always);
        let first = project.build(&order).await.unwrap();
        let again = project.build(&order).await.unwrap();
        assert_eq!((again.origin, &again.local), (Origin::Known, &first.local));
        assert_eq!(layers(&again), "2");
        let plain = project.build(&bare(&project)).await.unwrap();
        assert_ne!(plain.local, first.local);
        assert_eq!(layers(&plain), "1", "without a live update it is as it was");
        // What is built from it has what it has.
        let mut child = live(project.plain("FROM base\nLABEL a=b\n"), Restart::Always);
        let base = with_target(order.clone(), |target| {
            target.selector = tilt::model::image::Selector::parse("base").unwrap();
        });
        child.bases.insert("base".to_owned(), (base.target, first));
        let child = project.build(&child).await.unwrap();
        assert_eq!(
            (config(&child, "Entrypoint").as_str(), layers(&child).as_str()),
            (SUPERVISED, "2")
        );
    });
}

#[test]
fn an_image_that_does_not_restart_gets_the_agent_only_if_it_is_bare() {
    with_project("bare images", async |project| {
        let built = project.build(&live(bare(&project), Restart::Never)).await.unwrap();
        assert_eq!(
            (config(&built, "Entrypoint").as_str(), layers(&built).as_str()),
            (r#"["/busybox-static"]"#, "2")
        );
        let container = Container::start(&built, &[]);
        assert!(container.exec(&["/.tilt/agent", "version"]).starts_with("tilt-agent "));
        let tools = "FROM scratch\nCOPY busybox-static /bin/sh\n";
        let built = project
            .build(&live(project.plain(tools), Restart::Never))
            .await
            .unwrap();
        assert_eq!(layers(&built), "1");
    });
}

#[test]
fn images_of_commands_are_supervised_too() {
    with_project("supervised custom", async |project| {
        let _ = bare(&project);
        project.write("Dockerfile", BARE);
        let order = live(project.plain(""), Restart::Always);
        let order = with_target(order, |target| {
            target.recipe = Recipe::Custom(CustomRecipe {
                command: Command {
                    argv: Command::shell("docker build -q -t $EXPECTED_REF ."),
                    dir: project.context(),
                    ..Command::default()
                },
                ..CustomRecipe::default()
            });
        });
        let first = project.build(&order).await.unwrap();
        assert_eq!(
            (config(&first, "Entrypoint").as_str(), layers(&first).as_str()),
            (SUPERVISED, "2")
        );
        let again = project.build(&order).await.unwrap();
        assert_eq!(
            (config(&again, "Entrypoint").as_str(), layers(&again).as_str()),
            (SUPERVISED, "2")
        );
        let tags: Vec<String> = project.name.tags();
        let passing = tags
            .iter()
            .filter(|tag| tag.contains(":tilt-build-") || tag.contains("agent-tilt-"));
        assert_eq!(passing.count(), 0, "{tags:?}");
    });
}

#[test]
fn the_builder_picks_the_agent_of_the_images_architecture() {
    // As the extension `restart_process` writes it.
    with_project("supervised by the extension", async |project| {
        let program = tilt::world::agent::program("amd64").unwrap();
        let folder = project.context().join("agent/amd64");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("tilt-agent"), program).unwrap();
        let text = "FROM scratch\nARG TARGETARCH\nCOPY agent/${TARGETARCH:-none}/tilt-agent /.tilt/agent\n";
        let order = live(project.plain(text), Restart::Always);
        let order = with_target(order, |target| {
            target.entrypoint = Some(["/.tilt/agent", "supervise", "--", "/x"].map(str::to_owned).to_vec());
        });
        let built = project.build(&order).await.unwrap();
        assert_eq!(layers(&built), "1", "it has the agent already");
        assert_eq!(project.build(&order).await.unwrap().origin, Origin::Known);
    });
}
