//! What goes wrong in containers: it is said, it is mended, and nothing that was saved is lost.

use super::scene::{Project, Scene, UPDATED, deployment, inside, inspect, is_inside, processes};
use crate::support::engine::docker_ok;

const WEB: &str = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n";

/// The pattern is not in its own command line.
const KILL_AGENTS: &str =
    "for p in /proc/[0-9]*; do if grep -q 'agen[t]' $p/cmdline 2>/dev/null; then kill -9 ${p#/proc/}; fi; done";

fn wait_for_a_build(scene: &Scene, generation: &str) {
    scene
        .stage
        .until("deploy", "web", (".status.observedGeneration", generation));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
}

#[test]
fn a_command_that_fails_is_mended_by_the_next_save_without_a_build() {
    let test = "a_command_that_fails_is_mended_by_the_next_save_without_a_build";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), run('sh /www/check.sh')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "fails", tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    let container = scene.container("web");
    scene.session.write("www/check.sh", "echo it is wrong >&2; exit 7\n");
    scene.session.line_with("it is wrong");
    scene.session.line_with("Failed to update container");
    scene.until_shown(".status.containers[0].lastExecError", "failed with exit code 7");
    let status = ["get", "uiresource", "web", "-o", "jsonpath={.status.updateStatus}"];
    crate::cluster::session::stage::until_shown(&scene.session, ("uiresource", "web"), ".status.updateStatus", "error");
    scene.save("www/check.sh", "echo it is right\n");
    scene.session.wait("UpToDate", "web");
    assert_eq!(scene.session.said(&status), "ok");
    assert_eq!(scene.shown(".status.containers[0].lastExecError"), "");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
}

/// What is saved while a container goes away under an update is in the one that comes.
fn goes_in_the_middle(test: &str, topic: &str, kill: impl Fn(&Scene)) {
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), run('echo in the middle; while [ -e /held ]; do sleep 1; done')])\n\
                    k8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, topic, tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    let container = scene.container("web");
    // This one never comes to the end of it.
    docker_ok(&["exec", &container, "/bin/busybox", "touch", "/held"]);
    scene.session.write("www/index.html", "edit 1");
    scene.session.line_with("in the middle");
    kill(&scene);
    scene.session.line_with(UPDATED);
    let next = scene.container("web");
    assert_ne!(next, container);
    assert_eq!(inside(&next, "/www/index.html"), "edit 1");
    scene.save("www/index.html", "edit 2");
    assert_eq!(inside(&next, "/www/index.html"), "edit 2");
    scene.session.wait("Ready", "web");
    assert_eq!(
        (scene.builds(), scene.shown(".status.failed")),
        (1, String::new()),
        "{}",
        scene.logs()
    );
}

#[test]
fn a_container_that_is_killed_in_the_middle_loses_nothing() {
    let test = "a_container_that_is_killed_in_the_middle_loses_nothing";
    goes_in_the_middle(test, "middle", |scene| {
        docker_ok(&["kill", &scene.container("web")]);
    });
}

#[test]
fn a_pod_that_is_replaced_in_the_middle_loses_nothing() {
    let test = "a_pod_that_is_replaced_in_the_middle_loses_nothing";
    goes_in_the_middle(test, "swap", |scene| {
        let pod = scene.stage.pod("web");
        scene
            .stage
            .kubectl(&["delete", "pod", &pod, "--grace-period=0", "--force"]);
    });
}

#[test]
fn a_container_that_takes_nothing_for_now_is_waited_for() {
    let test = "a_container_that_takes_nothing_for_now_is_waited_for";
    for mode in ["exec", "auto"] {
        let Some(project) = Project::new(test, &format!("paused-{mode}"), WEB) else {
            return;
        };
        let words = [&*format!("--update-mode={mode}")];
        let scene = project.up(&words);
        let container = scene.container("web");
        // Nobody is in it when it stops taking commands.
        let mut scene = scene.again(&words, |_| drop(docker_ok(&["pause", &container])));
        scene.session.write("www/index.html", "edit 1");
        scene.session.line_with("Changes wait for container web");
        docker_ok(&["unpause", &container]);
        scene.session.line_with(UPDATED);
        scene.until_fresh();
        assert_eq!(inside(&container, "/www/index.html"), "edit 1");
        let built = scene.logs().matches("Live Update Failed").count();
        assert_eq!((scene.container("web"), built), (container, 0), "{}", scene.logs());
    }
}

#[test]
fn an_agent_that_is_killed_is_there_for_the_next_save() {
    let test = "an_agent_that_is_killed_is_there_for_the_next_save";
    for mode in ["exec", "auto"] {
        let Some(project) = Project::new(test, &format!("agent-{mode}"), WEB) else {
            return;
        };
        let mut scene = project.up(&[&format!("--update-mode={mode}")]);
        let container = scene.container("web");
        for edit in ["edit 1", "edit 2", "edit 3"] {
            scene.save("www/index.html", edit);
            assert_eq!(inside(&container, "/www/index.html"), edit);
            let agents = processes(&container, "agent");
            assert_eq!(agents.len(), 1, "{mode}");
            docker_ok(&["exec", &container, "/bin/sh", "-c", KILL_AGENTS]);
        }
        assert_eq!((scene.container("web"), scene.builds()), (container, 1), "{mode}");
    }
}

#[test]
fn a_full_disk_is_named_and_the_image_is_built() {
    let test = "a_full_disk_is_named_and_the_image_is_built";
    let tiltfile = WEB.replace("'/www'", "'/dev/shm/www'");
    let Some(project) = Project::new(test, "full", &tiltfile) else {
        return;
    };
    // 64 MiB of memory are what containers have there.
    let dockerfile = "FROM tilt-test/busybox:1\nCOPY www /www\n\
                      CMD [\"/bin/sh\", \"-c\", \"cp -a /www /dev/shm; exec sleep 1000\"]\n";
    let mut scene = project.file("Dockerfile", dockerfile).up(&[]);
    let (first, index) = (scene.container("web"), "/dev/shm/www/index.html");
    scene.save("www/index.html", "edit 1");
    assert_eq!(inside(&first, index), "edit 1");
    let large = scene.session.path("www/large");
    std::fs::write(&large, vec![b'x'; 65 << 20]).unwrap();
    let line = scene.session.line_with("UpdateFailed: ");
    assert!(line.to_lowercase().contains("no space"), "{line}");
    assert_eq!(
        inside(&first, index),
        "edit 1",
        "nothing of a change that fails is there"
    );
    assert!(!is_inside(&first, "/dev/shm/www/large"));
    scene.session.line_with("Building Dockerfile:");
    wait_for_a_build(&scene, "2");
    std::fs::remove_file(&large).unwrap();
    scene.session.line_with("Will delete");
    scene.until_fresh();
    scene.save("www/index.html", "edit 2");
    let next = scene.container("web");
    assert_ne!(next, first);
    assert_eq!(inside(&next, index), "edit 2");
    assert!(!is_inside(&next, "/dev/shm/www/large"));
    assert_eq!(scene.shown(".status.failed"), "");
}

#[test]
fn what_may_not_be_written_is_said_and_built() {
    let test = "what_may_not_be_written_is_said_and_built";
    let Some(project) = Project::new(test, "denied", WEB) else {
        return;
    };
    let container = "{name: web, image: NS/web, securityContext: {runAsUser: 1000}}";
    let mut scene = project.file("web.yaml", &deployment("web", 1, container)).up(&[]);
    let first = scene.container("web");
    for (edit, generation) in [("edit 1", "2"), ("edit 2", "3")] {
        scene.session.write("www/index.html", edit);
        let line = scene.session.line_with("UpdateFailed: ");
        assert!(line.to_lowercase().contains("permission denied"), "{line}");
        wait_for_a_build(&scene, generation);
        let next = scene.container("web");
        assert_ne!(next, first);
        assert_eq!(inside(&next, "/www/index.html"), edit);
    }
}

#[test]
fn a_root_that_cannot_be_written_is_no_obstacle_where_the_synced_folder_can() {
    let test = "a_root_that_cannot_be_written_is_no_obstacle_where_the_synced_folder_can";
    for mode in ["exec", "auto"] {
        let Some(project) = Project::new(test, &format!("fixed-{mode}"), WEB) else {
            return;
        };
        let container = "{name: web, image: NS/web, securityContext: {readOnlyRootFilesystem: true, runAsUser: 1000}, \
                         volumeMounts: [{name: www, mountPath: /www}]}\n      volumes: [{name: www, emptyDir: {}}]";
        let project = project.file("web.yaml", &deployment("web", 1, container));
        let mut scene = project.up(&[&format!("--update-mode={mode}")]);
        let container = scene.container("web");
        for edit in ["edit 1", "edit 2"] {
            scene.save("www/index.html", edit);
            assert_eq!(inside(&container, "/www/index.html"), edit, "{mode}");
        }
        assert_eq!(scene.builds(), 1);
        assert!(!scene.logs().contains("go by tar"), "{}", scene.logs());
    }
}

#[test]
fn an_image_with_nothing_but_its_program_is_changed_in_place() {
    let test = "an_image_with_nothing_but_its_program_is_changed_in_place";
    for mode in ["exec", "auto"] {
        let Some(project) = Project::new(test, &format!("bare-{mode}"), WEB) else {
            return;
        };
        // Called by such a name it is a server, not a shell.
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|folder| folder.join("busybox"))
            .find(|file| file.is_file())
            .expect("busybox");
        std::fs::copy(found, project.home.path("busybox-server")).unwrap();
        let dockerfile = "FROM scratch\nCOPY busybox-server /\nCOPY www /www\n\
                          CMD [\"/busybox-server\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n";
        let mut scene = project
            .file("Dockerfile", dockerfile)
            .up(&[&format!("--update-mode={mode}")]);
        let container = scene.container("web");
        for edit in ["edit 1", "edit 2"] {
            scene.save("www/index.html", edit);
            let served = docker_ok(&["exec", &container, "/busybox-server", "cat", "/www/index.html"]);
            assert_eq!(served, edit, "{mode}");
        }
        assert_eq!(
            (scene.container("web"), scene.builds()),
            (container.clone(), 1),
            "{mode}"
        );
        assert_eq!(inspect(&container, "{{.State.Running}}"), "true");
    }
}
