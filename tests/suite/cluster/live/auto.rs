//! Syncs that are taken from a Dockerfile.

use super::scene::{Project, inside};

const DOCKERFILE: &str = "FROM tilt-test/busybox:1 AS pages\nCOPY pages /out\n\n\
    FROM tilt-test/busybox:1\nARG HOME=/app\nWORKDIR $HOME\nCOPY package.lock ./\n\
    RUN [\"/bin/busybox\", \"cp\", \"package.lock\", \"installed\"]\n\
    COPY src ./src\nCOPY --from=pages /out /www\n\
    CMD [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n";

#[test]
fn what_a_dockerfile_copies_is_synced_and_what_its_steps_need_is_built() {
    let test = "what_a_dockerfile_copies_is_synced_and_what_its_steps_need_is_built";
    let tiltfile = "docker_build('NS/web', '.', live_update=auto())\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "auto", tiltfile) else {
        return;
    };
    let mut scene = project
        .file("Dockerfile", DOCKERFILE)
        .file("package.lock", "one")
        .file("src/deep/main.js", "first")
        .file("pages/index.html", "first")
        .up(&[]);
    let container = scene.container("web");
    scene.save("src/deep/main.js", "edit 1");
    assert_eq!(inside(&container, "/app/src/deep/main.js"), "edit 1");
    scene.save("src/new.js", "edit 2");
    assert_eq!(inside(&container, "/app/src/new.js"), "edit 2");
    // Through a stage that only copies.
    scene.save("pages/index.html", "edit 3");
    assert_eq!(inside(&container, "/www/index.html"), "edit 3");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
    scene.session.write("package.lock", "two");
    let line = scene.session.line_with("UpdateStopped");
    assert!(line.contains("package.lock"), "{line}");
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    let container = scene.container("web");
    assert_eq!(inside(&container, "/app/installed"), "two");
    assert_eq!(inside(&container, "/www/index.html"), "edit 3");
    scene.save("src/new.js", "edit 4");
    assert_eq!(inside(&container, "/app/src/new.js"), "edit 4");
    assert_eq!(scene.builds(), 2);
    // It says what it follows and what it does not.
    let logs = scene.logs();
    assert!(logs.contains("auto(): ") && logs.contains("package.lock"), "{logs}");
}
