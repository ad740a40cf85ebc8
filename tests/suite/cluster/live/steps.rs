//! Commands after the files, and changes that are for a build.

use super::scene::{Project, UPDATED, inside};

#[test]
fn commands_run_after_the_files_that_trigger_them() {
    let test = "commands_run_after_the_files_that_trigger_them";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www'), run('cat /www/index.html >>/log; echo; echo it was $(cat /www/index.html)'), \
                    run('echo -triggered >>/log', trigger=['www/trigger', 'www/deep']), run('echo hush', echo_off=True)])\n\
                    k8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "run", tiltfile) else {
        return;
    };
    let mut scene = project.file("www/deep/in/it", "it").up(&[]);
    let container = scene.container("web");
    scene.session.write("www/index.html", "-one");
    scene.session.line_with("[CMD 1/2] cat /www");
    scene.session.line_with("it was -one");
    scene.session.line_with("hush");
    scene.session.line_with(UPDATED);
    assert_eq!(inside(&container, "/log"), "-one");
    scene.session.write("www/trigger", "now");
    scene.session.line_with("[CMD 2/3] echo -triggered");
    scene.session.line_with(UPDATED);
    assert_eq!(inside(&container, "/log"), "-one-one-triggered");
    scene.save("www/deep/in/it", "again");
    assert_eq!(inside(&container, "/log"), "-one-one-triggered\n-one-triggered");
    let logs = scene.logs();
    assert!(!logs.contains("echo hush"), "{logs}");
    assert_eq!(scene.builds(), 1);
}

#[test]
fn what_is_for_a_build_is_built_and_the_cause_is_told() {
    let test = "what_is_for_a_build_is_built_and_the_cause_is_told";
    let tiltfile = "docker_build('NS/web', '.', live_update=[fall_back_on('www/stop'), sync('www', '/www')])\n\
                    k8s_yaml('web.yaml')\n";
    let Some(project) = Project::new(test, "stop", tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    let name = scene.live_update();
    scene.save("www/index.html", "edit 1");
    let mut built = 1;
    for (file, said) in [
        ("www/stop", "Detected change to stop file"),
        ("other", "Found file(s) not matching any sync (files: "),
    ] {
        let container = scene.container("web");
        scene.session.write(file, "changed");
        let line = scene.session.line_with(said);
        assert!(
            line.contains(&format!("LiveUpdate \"{name}\" UpdateStopped: ")) && line.contains(file),
            "{line}"
        );
        built += 1;
        scene
            .stage
            .until("deploy", "web", (".status.observedGeneration", &built.to_string()));
        scene.session.wait("UpToDate", "web");
        scene.session.wait("Ready", "web");
        assert_eq!(scene.builds(), built);
        let edit = format!("edit {built}");
        scene.save("www/index.html", &edit);
        let next = scene.container("web");
        assert_ne!(next, container);
        assert_eq!(inside(&next, "/www/index.html"), edit);
    }
    assert_eq!((scene.builds(), scene.shown(".status.failed")), (3, String::new()));
}

#[test]
fn a_manual_resource_is_changed_in_place_when_it_is_triggered() {
    let test = "a_manual_resource_is_changed_in_place_when_it_is_triggered";
    let tiltfile = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n\
                    k8s_resource('web', trigger_mode=TRIGGER_MODE_MANUAL)\n";
    let Some(project) = Project::new(test, "manual", tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    let container = scene.container("web");
    scene.session.write("www/index.html", "edit 1");
    scene.until_shown(".status.containers[*].waiting.reason", "Trigger");
    assert_eq!(inside(&container, "/www/index.html"), "first");
    scene.session.said(&["trigger", "web"]);
    scene.session.line_with(UPDATED);
    assert_eq!(inside(&container, "/www/index.html"), "edit 1");
    assert_eq!((scene.container("web"), scene.builds()), (container, 1));
    assert_eq!(scene.shown(".status.containers[*].waiting.reason"), "");
}
