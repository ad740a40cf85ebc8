//! Containers that set traps: links that lead out of what is synced, and processes that put them there at the worst time.

use std::process::{Command, Stdio};
use std::time::Duration;

use tilt::world::agent::{Agent, ApplyError, Cause, Change, Place};

use super::support::{docker, engine};
use crate::support::agent::{Image, ROOT, batch, file, start};
use crate::support::tree::compare::{self, Tree};

/// No answer takes as long.
const PATIENCE: Duration = Duration::from_secs(30);

struct Trap {
    container: String,
    before: Vec<Tree>,
}

/// What nobody may touch.
const OUTSIDE: &[&str] = &["/outside", "/etc"];

impl Trap {
    /// A container in which a script has been at work.
    fn set(image: &Image, script: &str) -> Trap {
        let container = docker(&["run", "-d", "--network=none", &image.0, "/bin/sleep", "1000"]);
        let canaries = "busybox mkdir -p /outside/dir /outside/empty; echo alive >/outside/file; echo alive >/outside/dir/file; \
                        echo alive >/etc/canary; busybox chmod 777 /outside /outside/dir /etc; busybox chmod 666 /outside/file";
        docker(&[
            "exec",
            &container,
            "sh",
            "-c",
            &format!("set -e; {canaries}; cd /app; {script}"),
        ]);
        let before = outside(&container);
        Trap { container, before }
    }

    #[track_caller]
    fn assert_untouched(&self, when: &str) {
        assert_eq!(outside(&self.container), self.before, "{when}");
    }

    async fn agent(&self, engine: tilt::world::docker::Engine) -> Agent {
        let place = Place::Docker {
            engine,
            container: self.container.clone(),
        };
        start(place).await.unwrap().0
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        // Whoever is gone already is gone.
        let _gone = Command::new("docker")
            .args(["rm", "-f", &self.container])
            .stdout(Stdio::null())
            .status();
    }
}

fn outside(container: &str) -> Vec<Tree> {
    let of = |folder: &&str| compare::of_container(container, folder).unwrap();
    OUTSIDE.iter().map(of).collect()
}

fn delete(path: &str) -> Change {
    Change::Delete {
        root: 0,
        path: path.into(),
    }
}

fn symlink(path: &str) -> Change {
    Change::Symlink {
        root: 0,
        path: path.into(),
        target: b"/etc/canary".to_vec(),
    }
}

fn dir(path: &str) -> Change {
    Change::Dir {
        root: 0,
        path: path.into(),
        mode: 0o777,
    }
}

fn hard_link(path: &str, to: &str) -> Change {
    Change::HardLink {
        root: 0,
        path: path.into(),
        to_root: 0,
        to: to.into(),
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_in_a_container_lead_nothing_out_of_what_is_synced() {
    let Some(engine) = engine("links_in_a_container_lead_nothing_out_of_what_is_synced").await else {
        return;
    };
    let image = Image::with_shell("traps");
    // Each of them leads out: by itself, by another one, through the system's own links.
    let ways = [
        "absolute",
        "relative",
        "all",
        "chain",
        "in/../out",
        "deep/up",
        "proc",
        "dev",
    ];
    let trap = Trap::set(
        &image,
        "l='busybox ln -s'; $l /outside absolute; $l ../outside relative; $l / all; $l relative/dir chain; $l ../outside out; \
         busybox mkdir -p in deep real; $l ../../outside deep/up; $l /proc/self/root proc; $l /dev/fd dev; \
         $l loop loop; $l /etc/nothing-yet dangling; $l /outside/file final; $l real inside; $l /app/real inside-in-full",
    );
    let agent = trap.agent(engine).await;
    for way in ways.iter().filter(|way| !way.contains("..")) {
        let (at, below) = (format!("{way}/file"), format!("{way}/dir/file"));
        for change in [
            file(&at, "dead"),
            file(&below, "dead"),
            file(&format!("{way}/new/file"), "dead"),
            delete(&at),
            delete(&format!("{way}/dir")),
            delete(&format!("{way}/empty")),
            symlink(&format!("{way}/trap")),
            dir(&format!("{way}/dir")),
            dir(&format!("{way}/made")),
            hard_link("mine", &at),
            hard_link(&format!("{way}/yours"), "real/own"),
        ] {
            let shown = format!("{change:?}");
            let harmless = file("real/own", "own");
            match in_time(agent.apply(&batch([harmless, change]))).await {
                Err(ApplyError::Refused { problems }) => {
                    let is_meant = |cause| matches!(cause, Cause::Outside | Cause::Other);
                    assert!(problems.iter().all(|problem| is_meant(problem.cause)), "{problems:?}");
                }
                Err(ApplyError::Changed { .. }) => {}
                other => panic!("{shown}: {other:?}"),
            }
        }
        for path in [&at, &below] {
            let mut said = Vec::new();
            let mut hear = |bytes: &[u8]| {
                said.extend_from_slice(bytes);
                Ok(())
            };
            let read = in_time(agent.read(ROOT, path.as_bytes(), 1000, &mut hear)).await;
            assert!(read.is_err() && said.is_empty(), "{path}: {read:?} {said:?}");
        }
    }
    trap.assert_untouched("through links");
    let listed = in_time(agent.list(ROOT, &["**".to_owned()])).await.unwrap();
    let leads_out = |path: &[u8]| ways.iter().any(|way| path.starts_with(format!("{way}/").as_bytes()));
    assert!(!listed.iter().any(|entry| leads_out(&entry.path)), "{listed:?}");
    assert!(
        in_time(agent.read(ROOT, b"final", 1000, &mut |_| Ok(())))
            .await
            .is_err()
    );
    // What is itself a link is replaced and not followed.
    let replaced = [
        file("final", "own"),
        file("dangling", "own"),
        delete("absolute"),
        file("all", "own"),
        dir("relative"),
        file("relative/file", "own"),
        file("loop", "own"),
    ];
    in_time(agent.apply(&batch(replaced))).await.unwrap();
    trap.assert_untouched("in the place of links");
    in_time(agent.apply(&batch([file("inside/a", "in"), file("inside-in-full/b", "in")])))
        .await
        .unwrap();
    assert_eq!(
        docker(&["exec", &trap.container, "cat", "/app/real/a", "/app/real/b"]),
        "inin"
    );
    // A whole root may be one.
    docker(&[
        "exec",
        &trap.container,
        "sh",
        "-c",
        "cd /app && rm -rf inside && busybox ln -s /outside inside",
    ]);
    let gone = in_time(agent.apply(&batch([delete("inside/dir"), delete("inside")]))).await;
    println!("{gone:?}");
    trap.assert_untouched("at the end");
    in_time(agent.ping()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_comes_and_goes_while_files_are_written_lets_nothing_out() {
    let Some(engine) = engine("a_link_that_comes_and_goes_while_files_are_written_lets_nothing_out").await else {
        return;
    };
    let image = Image::with_shell("race");
    let trap = Trap::set(&image, "busybox mkdir -p race/dir; echo own >race/dir/file");
    let agent = trap.agent(engine).await;
    let swap = "cd /app; while :; do busybox mv race away; busybox ln -s /outside race; \
                busybox rm race; busybox mv away race; busybox mv race/dir race/d; busybox ln -s /outside/dir race/dir; \
                busybox rm race/dir; busybox mv race/d race/dir; done 2>/dev/null";
    docker(&["exec", "-d", &trap.container, "sh", "-c", swap]);
    let (mut applied, mut refused, mut read) = (0, 0, 0);
    for nth in 0..400 {
        let changes = match nth % 4 {
            0 => vec![file("race/dir/file", "dead")],
            1 => vec![file("race/file", "dead"), delete("race/dir/file")],
            2 => vec![dir("race/dir/new"), file("race/dir/new/file", "dead")],
            _ => vec![
                delete("race/dir/new"),
                symlink("race/trap"),
                hard_link("race/other", "race/file"),
            ],
        };
        match in_time(agent.apply(&batch(changes))).await {
            Ok(()) => applied += 1,
            Err(error) if error.is_over() => panic!("{error}"),
            Err(_) => refused += 1,
        }
        let mut said = Vec::new();
        let mut hear = |bytes: &[u8]| {
            said.extend_from_slice(bytes);
            Ok(())
        };
        let known = in_time(agent.read(ROOT, b"race/dir/file", 1000, &mut hear)).await;
        read += usize::from(known.is_ok());
        assert!(!said.starts_with(b"alive"), "it was read from outside");
        in_time(agent.list(ROOT, &["race/**".to_owned()])).await.ok();
    }
    println!("{applied} applied, {refused} refused, {read} read");
    trap.assert_untouched("after the race");
    in_time(agent.ping()).await.unwrap();
}
