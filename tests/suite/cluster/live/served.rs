//! A saved file is in the containers at once, in all that run its image, and nothing is built.

use super::scene::{Project, Scene, UPDATED, deployment, inside, inspect, is_inside};
use crate::cluster::session::stage::{fetched, port};
use crate::support::stdout;

const WEB: &str = "docker_build('NS/web', '.', live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n";

#[test]
fn a_saved_file_is_served_without_a_build_or_a_new_container() {
    let test = "a_saved_file_is_served_without_a_build_or_a_new_container";
    let port = port();
    let tiltfile = format!("{WEB}k8s_resource('web', port_forwards=['{port}:8000'])\n");
    let Some(project) = Project::new(test, "save", &tiltfile) else {
        return;
    };
    let mut scene = project.up(&[]);
    fetched(port, "first");
    let container = scene.container("web");
    for edit in 0..5 {
        scene.save("www/index.html", &format!("edit {edit}"));
        assert_eq!(inside(&container, "/www/index.html"), format!("edit {edit}"));
    }
    fetched(port, "edit 4");
    // What is new, what goes, and what becomes a folder.
    std::fs::create_dir(scene.session.path("www/deep")).unwrap();
    scene.save("www/deep/new.html", "new");
    assert_eq!(inside(&container, "/www/deep/new.html"), "new");
    std::fs::remove_dir_all(scene.session.path("www/deep")).unwrap();
    scene.session.line_with("Will delete");
    scene.save("www/last.html", "last");
    assert!(!is_inside(&container, "/www/deep/new.html"));
    assert_eq!((scene.container("web"), scene.builds()), (container.clone(), 1));
    assert_eq!(inspect(&container, "{{.RestartCount}}"), "0");
    as_upstream_shows_it(&scene, &container);
}

fn as_upstream_shows_it(scene: &Scene, container: &str) {
    let name = scene.live_update();
    let object: serde_json::Value =
        serde_json::from_str(&scene.session.said(&["get", "liveupdate", &name, "-o", "json"])).unwrap();
    let image_map = format!("{}_web", scene.stage.namespace);
    let here = scene.session.path("").canonicalize().unwrap();
    assert_eq!(
        object["spec"],
        serde_json::json!({
            "basePath": here,
            "selector": {"kubernetes": {"applyName": "web", "discoveryName": "web", "imageMapName": image_map}},
            "sources": [{"fileWatch": format!("image:{image_map}"), "imageMap": image_map}],
            "syncs": [{"containerPath": "/www", "localPath": "www"}],
        })
    );
    let rows = object["status"]["containers"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{object}");
    assert_eq!(rows[0]["containerID"], container);
    assert_eq!(rows[0]["containerName"], "web");
    assert_eq!(rows[0]["podName"], scene.stage.pod("web"));
    assert_eq!(rows[0]["namespace"], scene.stage.namespace);
    assert!(rows[0]["lastFileTimeSynced"].is_string(), "{object}");
    assert!(rows[0].get("waiting").is_none() && object["status"].get("failed").is_none());
    let said = scene.session.said(&["get", "liveupdates", "-o", "yaml"]);
    let kubectl = std::process::Command::new("kubectl")
        .args(["get", "liveupdates", "-o", "yaml", "--kubeconfig"])
        .arg(scene.session.path(".own/dev/config"))
        .args(["--context", &format!("tilt-{}", scene.session.port())])
        .output()
        .unwrap();
    for text in [said, stdout(&kubectl)] {
        assert!(text.contains(&format!("containerID: {container}")), "{text}{kubectl:?}");
    }
}

#[test]
fn all_containers_of_all_pods_that_run_an_image_have_an_edit() {
    let test = "all_containers_of_all_pods_that_run_an_image_have_an_edit";
    let Some(project) = Project::new(test, "all", WEB) else {
        return;
    };
    let two = "{name: web, image: NS/web}\n        - {name: other, image: NS/web, command: [/bin/busybox, sleep, '1000']}\n        \
               - {name: foreign, image: 'tilt-test/busybox:1', command: [/bin/busybox, sleep, '1000']}";
    let mut scene = project.file("web.yaml", &deployment("web", 2, two)).up(&[]);
    scene.stage.until_all_ready();
    let pods: Vec<String> = scene.stage.fields("pods", ".status.phase");
    let pods: Vec<&str> = pods.iter().filter_map(|line| line.split(['/', ' ']).nth(1)).collect();
    assert_eq!(pods.len(), 2);
    let of = |name: &str| -> Vec<String> { pods.iter().map(|pod| scene.container_of(pod, name)).collect() };
    let (served, foreign) = ([of("web"), of("other")].concat(), of("foreign"));
    for edit in ["edit 1", "edit 2"] {
        scene.save("www/index.html", edit);
        for container in &served {
            assert_eq!(inside(container, "/www/index.html"), edit);
        }
    }
    assert!(foreign.iter().all(|container| !is_inside(container, "/www")));
    assert_eq!(scene.builds(), 1);
    assert_eq!(
        scene.shown(".status.containers[*].containerName").matches(' ').count(),
        3
    );
}

const BASE: &str = "docker_build('NS/base', 'base', live_update=[sync('base/lib', '/lib')])\n\
                    docker_build('NS/web', '.', only=['www', 'Dockerfile'], live_update=[sync('www', '/www')])\nk8s_yaml('web.yaml')\n";

/// With an image that is made from another one.
fn based(test: &str, topic: &str, tiltfile: &str) -> Option<Scene> {
    let project = Project::new(test, topic, tiltfile)?;
    let dockerfile = "FROM NS/base\nCOPY www /www\nCMD [\"/bin/busybox\", \"sleep\", \"1000\"]\n";
    let project = project
        .file("base/Dockerfile", "FROM tilt-test/busybox:1\nCOPY lib /lib\n")
        .file("base/lib/it", "first")
        .file("Dockerfile", dockerfile);
    Some(project.up(&[]))
}

#[test]
fn files_of_a_base_go_into_the_containers_of_what_is_made_from_it() {
    let test = "files_of_a_base_go_into_the_containers_of_what_is_made_from_it";
    let Some(mut scene) = based(test, "base", BASE) else {
        return;
    };
    let container = scene.container("web");
    scene.save("base/lib/it", "of the base");
    assert_eq!(inside(&container, "/lib/it"), "of the base");
    scene.save("www/index.html", "its own");
    assert_eq!(inside(&container, "/www/index.html"), "its own");
    assert_eq!((scene.container("web"), scene.builds()), (container, 2));
    let sources = scene.shown(".spec.sources[*].imageMap");
    let namespace = &scene.stage.namespace;
    assert_eq!(sources, format!("{namespace}_base {namespace}_web"));
}

#[test]
fn what_a_base_says_is_enough_for_its_files() {
    let test = "what_a_base_says_is_enough_for_its_files";
    let tiltfile = BASE.replace(", live_update=[sync('www', '/www')]", "");
    let Some(mut scene) = based(test, "below", &tiltfile) else {
        return;
    };
    let container = scene.container("web");
    scene.save("base/lib/it", "of the base");
    assert_eq!(inside(&container, "/lib/it"), "of the base");
    assert_eq!(scene.shown(".spec.syncs[*].containerPath"), "/lib");
    // Its own files are for a build, which the base's edit is in.
    scene.session.write("www/index.html", "its own");
    scene.session.line_with("Found file(s) not matching any sync");
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    let next = scene.container("web");
    assert_ne!(next, container);
    assert_eq!(inside(&next, "/www/index.html"), "its own");
    assert_eq!(inside(&next, "/lib/it"), "of the base");
    scene.save("base/lib/it", "of the base again");
    assert_eq!(inside(&next, "/lib/it"), "of the base again");
}

#[test]
fn each_update_mode_goes_its_way() {
    let test = "each_update_mode_goes_its_way";
    for mode in ["exec", "container", "auto"] {
        let Some(project) = Project::new(test, mode, WEB) else {
            return;
        };
        let mut scene = project.up(&[&format!("--update-mode={mode}")]);
        let container = scene.container("web");
        for edit in ["edit 1", "edit 2"] {
            scene.save("www/index.html", edit);
            assert_eq!(inside(&container, "/www/index.html"), edit, "{mode}");
        }
        assert_eq!(scene.builds(), 1, "{mode}");
    }
    let Some(project) = Project::new(test, "image", WEB) else {
        return;
    };
    let mut scene = project.up(&["--update-mode=image"]);
    let container = scene.container("web");
    scene.session.write("www/index.html", "built");
    scene.session.line_with("Building Dockerfile:");
    scene.stage.until("deploy", "web", (".status.observedGeneration", "2"));
    scene.session.wait("UpToDate", "web");
    scene.session.wait("Ready", "web");
    assert_ne!(scene.container("web"), container);
    assert!(!scene.logs().contains(UPDATED));
}
