//! Commands about the engine: `docker`, `docker-prune`, `doctor`.

use super::support::{docker, engine};
use crate::support::session::Home;
use crate::support::{stderr, stdout};

#[tokio::test]
async fn docker_runs_where_tilt_builds() {
    let Some(engine) = engine("docker").await else { return };
    let home = Home::with("");
    let output = home.run(&["docker", "--", "version", "--format", "{{.Server.Version}}"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(stdout(&output).trim(), engine.about().await.unwrap().version);
    let said = stderr(&output);
    assert!(
        said.starts_with("Running Docker command as:\nDOCKER_BUILDKIT=1 "),
        "{said}"
    );
    assert!(
        said.ends_with("docker version --format {{.Server.Version}}\n---\n"),
        "{said}"
    );
    let same = home.run(&["docker", "version", "--format", "{{.Server.Version}}"]);
    assert_eq!(stdout(&same), stdout(&output));
}

#[tokio::test]
async fn the_environment_and_the_exit_code_of_docker_are_passed_on() {
    if engine("docker").await.is_none() {
        return;
    }
    let home = Home::with("");
    let programs = home.path("bin");
    std::fs::create_dir(&programs).unwrap();
    let program = programs.join("docker");
    std::fs::write(
        &program,
        "#!/bin/sh\necho $DOCKER_BUILDKIT $DOCKER_HOST \"$@\"\nexit 7\n",
    )
    .unwrap();
    super::support::make_executable(&program);
    let output = home
        .tilt(&["docker", "--", "ps", "a b"])
        .env("PATH", format!("{}:/bin:/usr/bin", programs.display()))
        .env("DOCKER_HOST", "unix:///var/run/../run/docker.sock")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(stdout(&output), "1 unix:///var/run/../run/docker.sock ps a b\n");
    assert!(
        stderr(&output).contains("\nDOCKER_BUILDKIT=1 DOCKER_HOST=unix:///var/run/../run/docker.sock docker ps a b\n"),
        "{output:?}"
    );
}

#[test]
fn without_an_engine_there_is_nothing_to_run() {
    let home = Home::with("");
    for words in [&["docker", "--", "ps"][..], &["docker-prune"]] {
        let mut command = home.tilt(words);
        let output = command
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = stderr(&output);
        assert!(
            said.ends_with("Error: cannot reach Docker at `unix:///nowhere/docker.sock`: no such file or directory\n"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn pruning_is_told_before_it_is_done() {
    if engine("docker-prune").await.is_none() {
        return;
    }
    // Never without --dry-run: others use this engine, too.
    let home = Home::with(
        "if config.tilt_subcommand == 'docker-prune': print('as', config.tilt_subcommand)\n\
         docker_prune_settings(max_age_mins=-1, keep_recent=0)\n",
    );
    let output = home.run(&["docker-prune", "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    assert!(text.contains("as docker-prune\n"), "{text}");
    for what in ["containers", "images", "caches"] {
        let line = text
            .lines()
            .find(|line| line.starts_with("[Docker Prune] would remove ") && line.contains(what));
        assert!(
            line.is_some_and(|line| line.contains(", reclaiming ")),
            "{what}: {text}"
        );
    }
}

#[test]
fn a_broken_tiltfile_prunes_nothing() {
    let home = Home::with("docker_prune_settings(");
    let output = home.run(&["docker-prune"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!stdout(&output).contains("[Docker Prune]"), "{output:?}");
    let other = Home::with("");
    std::fs::write(other.path("Other"), "fail('this one')").unwrap();
    let output = other.run(&["docker-prune", "-f", "Other"]);
    assert!(stderr(&output).contains("this one"), "{output:?}");
}

#[tokio::test]
async fn the_doctor_asks_the_engine_itself() {
    let Some(engine) = engine("doctor").await else { return };
    let home = Home::with("");
    let text = stdout(&home.run(&["doctor"]));
    let about = engine.about().await.unwrap();
    for line in [
        format!("\nDocker\n- Host: {}\n", engine.endpoint().url),
        format!("\n- Server Version: {} ({}/{})\n", about.version, about.os, about.arch),
        format!("\n- API Version: {}\n", about.api),
        "\n- Builder: 2 (BuildKit)\n".to_owned(),
        "\n- Image Store: ".to_owned(),
        "\n- Compose Version: ".to_owned(),
    ] {
        assert!(text.contains(&line), "{line}: {text}");
    }
    let program = docker(&["version", "--format", "{{.Server.Version}}"]);
    assert_eq!(program, about.version);
}
