//! Containers and pods that are killed: what takes their place has every edit before it counts as ready.

use super::scene::{Project, Scene, inside};
use crate::support::engine::docker_ok;

const WEB: &str =
    "docker_build('NS/web', '.', live_update=[initial_sync(), sync('www', '/www')])\nk8s_yaml('web.yaml')\n";

fn edited(test: &str, topic: &str, tiltfile: &str) -> Option<Scene> {
    let mut scene = Project::new(test, topic, tiltfile)?.up(&[]);
    scene.save("www/index.html", "edit 1");
    scene.save("www/other.html", "edit 2");
    Some(scene)
}

/// What `web` has once it is ready again, which it must cease to be first.
#[track_caller]
fn has_everything_once_ready(scene: &Scene, kill: impl FnOnce(&Scene)) {
    let mut statuses = scene.statuses();
    statuses.line_with("ok");
    kill(scene);
    while statuses.line_with("") == "ok" {}
    statuses.line_with("ok");
    let container = scene.container("web");
    assert_eq!(inside(&container, "/www/index.html"), "edit 1");
    assert_eq!(inside(&container, "/www/other.html"), "edit 2");
}

fn replace(scene: &mut Scene) {
    let pod = scene.stage.pod("web");
    has_everything_once_ready(scene, |scene| {
        docker_ok(&["kill", &scene.container("web")]);
        scene
            .stage
            .until("pod", &pod, (".status.containerStatuses[0].restartCount", "1"));
    });
    assert_eq!(scene.stage.pod("web"), pod);
    has_everything_once_ready(scene, |scene| {
        scene
            .stage
            .kubectl(&["delete", "pod", &pod, "--grace-period=0", "--force"]);
    });
    assert_ne!(scene.stage.pod("web"), pod);
    assert_eq!(scene.builds(), 1);
    scene.save("www/index.html", "edit 3");
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "edit 3");
}

#[test]
fn what_replaces_a_container_has_every_edit_before_it_is_ready() {
    let test = "what_replaces_a_container_has_every_edit_before_it_is_ready";
    let tiltfile = WEB.replace("initial_sync(), ", "");
    if let Some(mut scene) = edited(test, "crash", &tiltfile) {
        replace(&mut scene);
    }
}

#[test]
fn all_that_is_synced_is_copied_into_each_container_that_is_asked_for() {
    let test = "all_that_is_synced_is_copied_into_each_container_that_is_asked_for";
    let Some(project) = Project::new(test, "initial", WEB) else {
        return;
    };
    // The image does not have it.
    let dockerfile =
        "FROM tilt-test/busybox:1\nRUN [\"/bin/mkdir\", \"/www\"]\nCMD [\"/bin/busybox\", \"sleep\", \"1000\"]\n";
    let mut scene = project.file("Dockerfile", dockerfile).up(&[]);
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "first");
    scene.save("www/index.html", "edit 1");
    scene.save("www/other.html", "edit 2");
    replace(&mut scene);
}

#[test]
fn an_edit_while_nothing_runs_is_in_what_comes() {
    let test = "an_edit_while_nothing_runs_is_in_what_comes";
    let Some(scene) = edited(test, "absent", &WEB.replace("initial_sync(), ", "")) else {
        return;
    };
    let mut statuses = scene.statuses();
    statuses.line_with("ok");
    scene.stage.kubectl(&["scale", "deploy", "web", "--replicas=0"]);
    scene.stage.until_gone("pods --all");
    scene.session.write("www/index.html", "edit 3");
    scene.stage.kubectl(&["scale", "deploy", "web", "--replicas=1"]);
    scene.stage.until("deploy", "web", (".status.readyReplicas", "1"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "edit 3");
}
