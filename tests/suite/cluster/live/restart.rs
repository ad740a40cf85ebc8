//! Processes that begin anew in the container that they are in.

use std::os::unix::fs::PermissionsExt;

use super::scene::{Project, inspect};

const DOCKERFILE: &str = "FROM tilt-test/busybox:1\nCOPY www /www\nCMD [\"/bin/sh\", \"/www/start.sh\"]\n";

fn begins(text: &str) -> String {
    format!("echo \"it begins $$: {text}\"\nexec /bin/busybox sleep 1000\n")
}

fn restarts(test: &str, topic: &str, tiltfile: &str, built: usize) {
    let Some(project) = Project::new(test, topic, tiltfile) else {
        return;
    };
    let project = project
        .file("Dockerfile", DOCKERFILE)
        .file("www/start.sh", &begins("first"));
    let mut scene = project.up(&[]);
    let (pod, container) = (scene.stage.pod("web"), scene.container("web"));
    for edit in ["second", "third"] {
        scene.session.write("www/start.sh", &begins(edit));
        scene.session.line_with(&format!(": {edit}"));
    }
    // It crashes: the container stays, and the next save starts it again.
    scene.session.write("www/start.sh", "echo it dies\nexit 3\n");
    scene.session.line_with("exited with code 3");
    assert_eq!(inspect(&container, "{{.State.Running}}"), "true");
    scene.session.write("www/start.sh", &begins("fourth"));
    scene.session.line_with(": fourth");
    assert_eq!(scene.container("web"), container);
    assert_eq!(scene.stage.pod("web"), pod);
    let count = ".status.containerStatuses[0].restartCount";
    assert_eq!(scene.stage.field("pod", &pod, count), "0");
    let logs = scene.logs();
    assert_eq!(logs.matches("it begins").count(), 4, "{logs}");
    assert!(logs.contains("it dies"), "{logs}");
    scene.session.wait("UpToDate", "web");
    assert_eq!(scene.builds(), built);
}

#[test]
fn a_process_starts_anew_in_its_container() {
    let test = "a_process_starts_anew_in_its_container";
    let tiltfile =
        "docker_build('NS/web', '.', live_update=[sync('www', '/www'), restart_container()])\nk8s_yaml('web.yaml')\n";
    restarts(test, "anew", tiltfile, 1);
}

#[test]
fn the_extension_starts_a_process_anew_in_its_container() {
    let test = "the_extension_starts_a_process_anew_in_its_container";
    let tiltfile = "load('ext://restart_process', 'docker_build_with_restart')\n\
                    docker_build_with_restart('NS/web', '.', entrypoint=['/bin/sh', '/www/start.sh'], live_update=[sync('www', '/www')])\n\
                    k8s_yaml('web.yaml')\n";
    restarts(test, "ext", tiltfile, 2);
}

#[test]
fn a_program_that_cannot_be_started_is_named_and_the_next_save_starts_it() {
    let test = "a_program_that_cannot_be_started_is_named_and_the_next_save_starts_it";
    let tiltfile =
        "docker_build('NS/web', '.', live_update=[sync('www', '/www'), restart_container()])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "unstarted", tiltfile) else {
        return;
    };
    let dockerfile = "FROM tilt-test/busybox:1\nCOPY --chmod=755 www /www\nCMD [\"/www/start.sh\"]\n";
    let program = |interpreter: &str, text: &str| format!("#!{interpreter}\n{}", begins(text));
    let project = project
        .file("Dockerfile", dockerfile)
        .file("www/start.sh", &program("/bin/sh", "first"));
    let path = project.home.path("www/start.sh");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut scene = project.up(&[]);
    let (pod, container) = (scene.stage.pod("web"), scene.container("web"));
    scene
        .session
        .write("www/start.sh", &program("/bin/nothing/like/this", "never"));
    let line = scene.session.line_with("cannot start `/www/start.sh`");
    assert!(line.contains("an interpreter or a loader, is not found"), "{line}");
    assert_eq!(inspect(&container, "{{.State.Running}}"), "true");
    scene.session.write("www/start.sh", &program("/bin/sh", "second"));
    scene.session.line_with(": second");
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    assert_eq!((scene.container("web"), scene.stage.pod("web")), (container, pod));
    assert_eq!(scene.builds(), 1);
}
