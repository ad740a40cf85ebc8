//! Secrets and keys: there during the step that asks for them, and nowhere else.

use std::process::{Child, Command};

use tilt::build::{Order, Reuse};
use tilt::model::build::DockerRecipe;

use super::project::with_project;
use crate::support::engine::{BASE, docker_ok};
use crate::support::is_skipped_without;

#[test]
fn secrets_come_from_files_and_from_variables() {
    with_project("secrets_come_from_files_and_from_variables", async |mut project| {
        project.env.insert("TOKEN".to_owned(), "from a variable".to_owned());
        let file = project.folder.path().join("secret file");
        std::fs::write(&file, b"from a\nfile").unwrap();
        let dockerfile = format!(
            "FROM {BASE}\nRUN --mount=type=secret,id=one --mount=type=secret,id=two --mount=type=secret,id=TOKEN \
             cat /run/secrets/one >/one; cat /run/secrets/two >/two; cat /run/secrets/TOKEN >/three\nRUN ls /run/secrets >/left || true\n"
        );
        let recipe = DockerRecipe {
            secrets: vec![
                format!("id=one,src={}", file.display()),
                "id=two,env=TOKEN".to_owned(),
                "id=TOKEN".to_owned(),
            ],
            ..project.recipe(&dockerfile)
        };
        let order = Order {
            reuse: Reuse::Nothing,
            ..project.order(recipe)
        };
        let built = project.build(&order).await.unwrap();
        assert_eq!(project.run(&built, "cat /one"), "from a\nfile");
        assert_eq!(project.run(&built, "cat /two /three"), "from a variablefrom a variable");
        assert_eq!(
            project.run(&built, "cat /left; ls /run/secrets 2>/dev/null || true"),
            ""
        );
        let history = docker_ok(&["history", "--no-trunc", &built.local]);
        assert!(!history.contains("from a variable"), "{history}");
        assert!(!project.said().contains("from a variable"), "{}", project.said());
    });
}

#[test]
fn a_secret_that_is_not_there_is_named_before_anything_is_built() {
    with_project(
        "a_secret_that_is_not_there_is_named_before_anything_is_built",
        async |project| {
            for (secret, parts) in [
                ("id=key,src=/nowhere/at/all", &["`key`", "/nowhere/at/all"][..]),
                ("src=/nowhere/at/all", &["`src=/nowhere/at/all`", "`id`"]),
                ("id=a,kind=b", &["`id=a,kind=b`", "`src`", "`env`"]),
            ] {
                let recipe = DockerRecipe {
                    secrets: vec![secret.to_owned()],
                    ..project.recipe(&format!("FROM {BASE}\nRUN --mount=type=secret,id=key true\n"))
                };
                let message = project.refusal(project.build(&project.order(recipe)).await);
                for part in parts {
                    assert!(message.contains(part), "{secret}: {message}");
                }
                assert_eq!(project.said(), "", "{secret}");
            }
        },
    );
}

/// An agent with one key, gone when dropped.
struct Agent {
    child: Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn start(folder: &std::path::Path, comment: &str) -> Agent {
        let key = folder.join("key");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"])
            .arg(&key)
            .status();
        assert!(made.unwrap().success());
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(std::process::Stdio::null())
            .spawn();
        let agent = Agent {
            child: child.unwrap(),
            socket,
        };
        // It is there some moments after it was started.
        let added = (0..3_000_000).find_map(|_| {
            std::thread::yield_now();
            std::os::unix::net::UnixStream::connect(&agent.socket).ok()?;
            let added = Command::new("ssh-add")
                .arg("-q")
                .arg(&key)
                .env("SSH_AUTH_SOCK", &agent.socket)
                .output();
            added.ok().filter(|added| added.status.success())
        });
        assert!(added.is_some(), "the agent takes the key");
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `ssh-add` with the libraries that it needs, as files of a context.
fn copy_ssh_add(root: &std::path::Path) {
    let script = "set -e; p=$(command -v ssh-add); for f in $p $(ldd $p | grep -o '/[^ ]*'); do \
                  mkdir -p $1$(dirname $f); cp -L $f $1$f; done";
    let copied = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(root)
        .output()
        .unwrap();
    assert!(copied.status.success(), "{copied:?}");
}

#[test]
fn steps_reach_the_keys_of_an_agent() {
    let test = "steps_reach_the_keys_of_an_agent";
    if is_skipped_without("ssh-agent", test) {
        return;
    }
    with_project(test, async |mut project| {
        let comment = project.name.as_str().to_owned();
        let agent = Agent::start(project.folder.path(), &comment);
        project
            .env
            .insert("SSH_AUTH_SOCK".to_owned(), agent.socket.display().to_string());
        copy_ssh_add(&project.context());
        for (ssh, mount) in [
            ("default".to_owned(), "type=ssh"),
            (format!("mine={}", agent.socket.display()), "type=ssh,id=mine"),
            (
                format!("file={}", project.folder.path().join("key").display()),
                "type=ssh,id=file",
            ),
        ] {
            let dockerfile = format!("FROM {BASE}\nCOPY . /\nRUN --mount={mount},required=true ssh-add -l >/keys\n");
            let recipe = DockerRecipe {
                ssh: vec![ssh.clone()],
                ..project.recipe(&dockerfile)
            };
            let order = Order {
                reuse: Reuse::Nothing,
                ..project.order(recipe)
            };
            let built = project
                .build(&order)
                .await
                .unwrap_or_else(|error| panic!("{ssh}: {error}"));
            let keys = project.run(&built, "cat /keys");
            assert!(keys.contains("ED25519"), "{ssh}: {keys}");
            assert!(ssh.starts_with("file") || keys.contains(&comment), "{ssh}: {keys}");
        }
        project.env.remove("SSH_AUTH_SOCK");
        let recipe = DockerRecipe {
            ssh: vec!["default".to_owned()],
            ..project.recipe(&format!("FROM {BASE}\nRUN --mount=type=ssh true\n"))
        };
        let message = project.refusal(project.build(&project.order(recipe)).await);
        assert!(message.contains("SSH_AUTH_SOCK"), "{message}");
    });
}
