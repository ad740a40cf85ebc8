//! Several containers of one image, of which not all can be changed, or not in the same way.

use super::scene::{Project, UPDATED, deployment, inside, is_inside};
use crate::support::engine::docker_ok;

#[test]
fn a_command_that_fails_in_one_container_only_has_the_image_built() {
    let test = "a_command_that_fails_in_one_container_only_has_the_image_built";
    let tiltfile =
        "docker_build('NS/web', '.', live_update=[sync('www', '/www'), run('[ ! -e /bad ]')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "differ", tiltfile) else {
        return;
    };
    let two =
        "{name: web, image: NS/web}\n        - {name: other, image: NS/web, command: [/bin/busybox, sleep, '1000']}";
    let mut scene = project.file("web.yaml", &deployment("web", 1, two)).up(&[]);
    scene.save("www/index.html", "edit 1");
    docker_ok(&["exec", &scene.container("other"), "/bin/busybox", "touch", "/bad"]);
    scene.session.write("www/index.html", "edit 2");
    let line = scene.session.line_with("PodsInconsistent: ");
    assert!(
        line.contains("a command failed in some containers and not in others"),
        "{line}"
    );
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    for name in ["web", "other"] {
        assert_eq!(inside(&scene.container(name), "/www/index.html"), "edit 2", "{name}");
    }
    scene.save("www/index.html", "edit 3");
    scene.session.wait("UpToDate", "web");
    assert_eq!((scene.builds(), scene.shown(".status.failed")), (2, String::new()));
}

#[test]
fn what_one_container_refuses_none_has() {
    let test = "what_one_container_refuses_none_has";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "refused", tiltfile) else {
        return;
    };
    let two = "{name: web, image: NS/web}\n        - {name: other, image: NS/web, command: [/bin/busybox, sleep, '1000'], \
               securityContext: {runAsUser: 1000}}";
    // What is there before stays for a while.
    let web = deployment("web", 1, two).replace("  replicas:", "  minReadySeconds: 30\n  replicas:");
    let mut scene = project.file("web.yaml", &web).up(&[]);
    let (web, other) = (scene.container("web"), scene.container("other"));
    std::fs::create_dir(scene.session.path("www/new")).unwrap();
    scene.session.write("www/new/file", "new");
    scene.session.write("www/index.html", "edit 1");
    let line = scene.session.line_with("UpdateFailed: ");
    assert!(line.to_lowercase().contains("permission denied"), "{line}");
    for container in [&web, &other] {
        assert_eq!(inside(container, "/www/index.html"), "first");
        assert!(!is_inside(container, "/www/new"));
    }
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    assert_eq!(inside(&scene.container("web"), "/www/index.html"), "edit 1");
}

#[test]
fn where_nothing_of_ours_can_run_tar_brings_it_and_that_is_said() {
    let test = "where_nothing_of_ours_can_run_tar_brings_it_and_that_is_said";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/dev/shm/www'), run('cat /dev/shm/www/index.html')])\n\
                    k8s_yaml('web.yaml')\n";
    for mode in ["exec", "auto"] {
        let Some(project) = Project::new(test, &format!("tar-{mode}"), tiltfile) else {
            return;
        };
        // Containers have one place in memory, and nothing can be executed there.
        let container = "{name: web, image: NS/web, securityContext: {readOnlyRootFilesystem: true}}";
        let dockerfile = "FROM tilt-test/busybox:1\nRUN [\"/bin/busybox\", \"ln\", \"-s\", \"busybox\", \"/bin/tar\"]\nCOPY www /www\n\
                          CMD [\"/bin/sh\", \"-c\", \"cp -a /www /dev/shm; exec sleep 1000\"]\n";
        let mut scene = project
            .file("web.yaml", &deployment("web", 1, container))
            .file("Dockerfile", dockerfile)
            .file("www/gone", "soon")
            .up(&[&format!("--update-mode={mode}")]);
        scene.session.line_with("go by tar");
        let container = scene.container("web");
        for edit in ["edit 1", "edit 2"] {
            scene.session.write("www/index.html", edit);
            scene.session.line_with(&format!(" {edit}"));
            scene.session.line_with(UPDATED);
            assert_eq!(inside(&container, "/dev/shm/www/index.html"), edit, "{mode}");
        }
        std::fs::remove_file(scene.session.path("www/gone")).unwrap();
        // A save may have been brought in twice: not every line that follows is of this.
        scene.session.line_with("Will delete");
        scene.until_fresh();
        assert!(!is_inside(&container, "/dev/shm/www/gone"), "{mode}");
        assert_eq!(scene.logs().matches("go by tar").count(), 1, "it is said once");
        let explained = scene.session.said(&["explain-build", "web"]);
        assert!(explained.contains("live updates go by tar"), "{explained}");
        assert_eq!((scene.container("web"), scene.builds()), (container, 1), "{mode}");
    }
}
