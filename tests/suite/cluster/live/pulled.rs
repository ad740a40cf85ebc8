//! What containers change comes back, and goes no further than that.

use super::scene::{Project, Scene, UPDATED, deployment, inside};
use crate::support::engine::docker_ok;

fn does(container: &str, command: &str) {
    docker_ok(&["exec", container, "/bin/busybox", "sh", "-c", command]);
}

fn read(scene: &Scene, file: &str) -> String {
    std::fs::read_to_string(scene.session.path(file)).unwrap()
}

#[test]
fn what_a_command_makes_comes_back_and_does_not_make_it_run_again() {
    let test = "what_a_command_makes_comes_back_and_does_not_make_it_run_again";
    // What it makes is not there at once.
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), pull(['www/made', 'www/deep/**']), \
                    run('echo run >>/log; echo half >/www/made; /bin/busybox usleep 200000; \
                    echo made of $(cat /www/index.html) >/www/made')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "pulled", tiltfile) else {
        return;
    };
    // What it makes as soon as it starts comes as well.
    let starts = "{name: web, image: NS/web, command: [/bin/busybox, sh, -c, 'mkdir -p /www/deep; echo early >/www/deep/early; \
                  exec /bin/busybox httpd -f -p 8000 -h /www']}";
    let mut scene = project.file("web.yaml", &deployment("web", 1, starts)).up(&[]);
    let container = scene.container("web");
    let line = scene.session.line_with("Pulled 1 file from container");
    assert!(line.contains("www/deep/early'"), "{line}");
    scene.session.line_with("No commands run for what was pulled");
    scene.session.line_with(UPDATED);
    for (edit, ran) in [("one", "run"), ("two", "run\nrun")] {
        scene.session.write("www/index.html", edit);
        let line = scene.session.line_with("Pulled 1 file from container");
        assert!(line.contains("www/made'"), "{line}");
        scene.session.line_with("No commands run for what was pulled");
        scene.session.line_with(UPDATED);
        assert_eq!(read(&scene, "www/made"), format!("made of {edit}\n"));
        assert_eq!(inside(&container, "/log"), ran);
    }
    does(
        &container,
        "mkdir -p /www/deep/er; echo 2 >/www/deep/er/2.sql; chmod 600 /www/deep/er/2.sql",
    );
    let line = scene.session.line_with("Pulled 1 file from container");
    assert!(line.contains("www/deep/er/2.sql'"), "{line}");
    scene.session.line_with(UPDATED);
    assert_eq!(read(&scene, "www/deep/er/2.sql"), "2\n");
    // An edit of it is nobody's but ours, also one that is taken back.
    for (edit, is) in [("mine", "mine"), ("2\n", "2")] {
        scene.save("www/deep/er/2.sql", edit);
        assert_eq!(inside(&container, "/www/deep/er/2.sql"), is);
    }
    // What somebody there still writes comes as far as it is, and is not replaced under their hands.
    let slowly = "echo 1; until [ -e /go ]; do /bin/busybox usleep 10000; done; echo 2";
    does(
        &container,
        &format!("({slowly}) >/www/deep/slow 2>/dev/null </dev/null &"),
    );
    for (content, next) in [("1\n", "echo >/go"), ("1\n2\n", "true")] {
        let line = scene.session.line_with("Pulled 1 file from container");
        assert!(line.contains("www/deep/slow'"), "{line}");
        scene.session.line_with(UPDATED);
        assert_eq!(read(&scene, "www/deep/slow"), content);
        does(&container, next);
    }
    assert_eq!(inside(&container, "/www/deep/slow"), "1\n2");
    // What nobody asked for stays where it is.
    does(&container, "echo mine >/www/unasked; echo 3 >/www/deep/3.sql");
    scene.session.line_with("www/deep/3.sql'");
    assert!(!scene.session.path("www/unasked").exists());
    assert_eq!(inside(&container, "/log"), "run\nrun\nrun\nrun");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
}

#[test]
fn what_a_command_makes_of_a_saved_file_comes_back() {
    let test = "what_a_command_makes_of_a_saved_file_comes_back";
    // Both folders are in the same place there.
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), sync('more', '/www'), \
                    pull(['www/sorted', 'more/other.lock']), \
                    run('/bin/busybox sort -o /www/sorted /www/sorted', trigger=['www/sorted'])])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "sorted", tiltfile) else {
        return;
    };
    let mut scene = project.file("www/sorted", "a\n").file("more/any", "").up(&[]);
    let container = scene.container("web");
    for (saved, sorted) in [("b\na\n", "a\nb\n"), ("d\nc\n", "c\nd\n")] {
        scene.save("www/sorted", saved);
        scene.session.line_with("www/sorted'");
        scene.session.line_with("No commands run for what was pulled");
        scene.session.line_with(UPDATED);
        assert_eq!(read(&scene, "www/sorted"), sorted);
    }
    for file in ["sorted", "other.lock"] {
        does(&container, &format!("echo theirs >/www/{file}"));
        let line = scene.session.line_with("Pulled 1 file from container");
        assert!(line.contains(&format!("/{file}'")), "{line}");
        scene.session.line_with(UPDATED);
    }
    assert_eq!(read(&scene, "www/sorted"), "theirs\n");
    assert_eq!(read(&scene, "more/other.lock"), "theirs\n");
    let logs = scene.logs();
    assert!(!logs.contains("changed here as well"), "{logs}");
}

#[test]
fn what_is_deleted_here_and_made_anew_there_comes_back() {
    let test = "what_is_deleted_here_and_made_anew_there_comes_back";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), pull('www/*.lock'), \
                    run('cd /www; for lock in a.lock b.lock; do [ -e $lock ] || echo $(cat index.html) >$lock; done')])\n\
                    k8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "anew", tiltfile) else {
        return;
    };
    let mut scene = project
        .file("www/a.lock", "first\n")
        .file("www/b.lock", "old\n")
        .up(&[]);
    let container = scene.container("web");
    // One comes back as it was, one as something else.
    for (lock, content) in [("a.lock", "first\n"), ("b.lock", "first\n"), ("a.lock", "first\n")] {
        let file = format!("www/{lock}");
        std::fs::remove_file(scene.session.path(&file)).unwrap();
        let line = scene.session.line_with("Pulled 1 file from container");
        assert!(line.contains(&format!("{file}'")), "{line}");
        scene.session.line_with("No commands run for what was pulled");
        scene.session.line_with(UPDATED);
        assert_eq!(read(&scene, &file), content);
        assert_eq!(inside(&container, &format!("/{file}")), content.trim());
    }
    let logs = scene.logs();
    assert!(!logs.contains("changed here as well"), "{logs}");
}

#[test]
fn what_another_session_brought_there_does_not_come_back() {
    let test = "what_another_session_brought_there_does_not_come_back";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), pull('www/deep/*.sql')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "other", tiltfile) else {
        return;
    };
    let mut scene = project.file("www/deep/1.sql", "1").up(&[]);
    let container = scene.container("web");
    scene.save("www/deep/5.sql", "5");
    assert_eq!(inside(&container, "/www/deep/5.sql"), "5");
    // As on another branch.
    let mut scene = scene.again(&[], |home| std::fs::remove_file(home.path("www/deep/5.sql")).unwrap());
    assert_eq!(scene.container("web"), container);
    // Then it has been looked at what is there.
    scene.save("www/index.html", "again");
    does(&container, "echo 6 >/www/deep/6.sql");
    let line = scene.session.line_with("Pulled 1 file from container");
    assert!(line.contains("www/deep/6.sql'"), "{line}");
    assert!(!scene.session.path("www/deep/5.sql").exists());
}

#[test]
fn what_changed_here_as_well_stays_and_goes_into_the_container() {
    let test = "what_changed_here_as_well_stays_and_goes_into_the_container";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), pull('www/made')])\nk8s_yaml('web.yaml')\n\
                    k8s_resource('web', trigger_mode=TRIGGER_MODE_MANUAL)\n";
    let Some(project) = Project::new(test, "both", tiltfile) else {
        return;
    };
    let mut scene = project.file("www/made", "old").up(&[]);
    let container = scene.container("web");
    scene.session.write("www/made", "mine");
    scene.until_shown(".status.containers[*].waiting.reason", "Trigger");
    does(&container, "echo theirs >/www/made");
    let line = scene.session.line_with("Not pulled from container");
    assert!(line.contains("www/made'; what is here stays"), "{line}");
    assert_eq!(read(&scene, "www/made"), "mine");
    scene.session.said(&["trigger", "web"]);
    scene.session.line_with(UPDATED);
    assert_eq!(inside(&container, "/www/made"), "mine");
}

#[test]
fn what_comes_back_goes_to_the_other_containers_and_never_out_of_the_project() {
    let test = "what_comes_back_goes_to_the_other_containers_and_never_out_of_the_project";
    let tiltfile =
        "docker_build('NS/web', '.', live_update=[sync('www', '/www'), pull('www/deep/**')])\nk8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "out", tiltfile) else {
        return;
    };
    let project = project
        .file("web.yaml", &deployment("web", 2, "{name: web, image: NS/web}"))
        .file(".dockerignore", ".own\nkubeconfig\nwww/deep/link\n")
        .file("www/deep/1.sql", "1");
    let outside = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(outside.path(), project.home.path("www/deep/link")).unwrap();
    let mut scene = project.up(&[]);
    scene.stage.until_all_ready();
    let ids = scene.stage.fields("pods", ".status.containerStatuses[0].containerID");
    let id = |line: &String| line.rsplit_once("//").expect("an id").1.to_owned();
    let containers: Vec<String> = ids.iter().map(id).collect();
    does(&containers[0], "echo 2 >/www/deep/2.sql");
    scene.session.line_with("Pulled 1 file from container");
    scene.session.line_with(UPDATED);
    assert_eq!(inside(&containers[1], "/www/deep/2.sql"), "2");
    does(&containers[0], "mkdir /www/deep/link; echo out >/www/deep/link/out");
    let line = scene.session.line_with("Cannot write what was pulled");
    assert!(line.contains("www/deep/link/out"), "{line}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    // And all else goes on, what comes after it as well.
    does(&containers[0], "echo 3 >/www/deep/z.sql");
    let line = scene.session.line_with("Pulled 1 file from container");
    assert!(line.contains("www/deep/z.sql'"), "{line}");
    scene.session.line_with(UPDATED);
    scene.save("www/index.html", "edit 1");
    assert_eq!(inside(&containers[0], "/www/index.html"), "edit 1");
}
